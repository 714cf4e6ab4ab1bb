// Errors at the edge of the public API: absl::Status made from Errc, and read back.
//
// Inside the library a failure is an Errc (base/errc.h). Where it is handed to a user it becomes an
// absl::Status that still carries the Errc, so that programs decide by value and never by text:
//
//   if (fasthttp::ErrcOf(response.status()) == fasthttp::Errc::kTimeout) ...
//
// Three things are kept apart in such a status:
//   * what a client may see: ClientText(), a constant sentence without any byte of a message;
//   * the status code to answer with: HttpStatusOf() and, for a gateway, GatewayStatus();
//   * raw bytes that a peer sent, which may hold secrets: RawBytesOf(). They are not part of
//     message() or ToString(), so logging a status never logs them.
//
// An OK status costs nothing; making an error status costs an allocation and about 300
// instructions, so hot paths keep the Errc.
//
// Thread class: values, thread-compatible.
#ifndef FASTHTTP_ERROR_H_
#define FASTHTTP_ERROR_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

// The status for `errc`; OK for Errc::kOk. message() reads "fasthttp: <text>", followed by
// ": <where>" if `where` is not empty: name the operation or the parameter ("dial", "page"), never
// bytes that came from a peer.
absl::Status ToStatus(Errc errc, std::string_view where = {});

// The same, with bytes of the peer attached for RawBytesOf(). At most 400 bytes are kept: the first
// and the last 200.
absl::Status ToStatusWithRaw(Errc errc, std::string_view where, std::string_view raw);

// The Errc that `status` carries; kOk for an OK status. A status that this library did not make is
// translated by its code (kDeadlineExceeded to kTimeout, kCancelled to kCancelled, ...), kIo if
// nothing fits.
Errc ErrcOf(const absl::Status& status);

// The status code a server answers with when a handler fails with `status`. A status that this
// library did not make is mapped by its code: kInvalidArgument 400, kNotFound 404, kUnavailable
// 503, and so on, 500 for the rest. Never 0: an Errc that leaves nobody to answer gives 500.
int HttpStatusOf(const absl::Status& status);

// The status code a gateway answers with when its backend failed with `status`: 504 if it was too
// late, 503 if this side was out of capacity or is draining, 502 otherwise. An OK status gives 200.
int GatewayStatus(const absl::Status& status);

// A sentence that may be sent to a client whatever the origin of `status`: constant text of static
// storage. message() of a foreign status is never part of it.
std::string_view ClientText(const absl::Status& status);

// The peer's bytes that ToStatusWithRaw() attached; empty if there are none. Do not log them
// blindly, do not send them to anybody.
std::string RawBytesOf(const absl::Status& status);

}  // namespace fasthttp

#endif  // FASTHTTP_ERROR_H_
