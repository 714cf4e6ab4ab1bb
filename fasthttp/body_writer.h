// BodyWriter: the body of a message that is sent while it is made.
//
//   void Ticks(fasthttp::RequestCtx& ctx) {
//     ctx.SetContentType("text/event-stream");
//     fasthttp::BodyWriter& out = ctx.StartBodyStream();
//     for (int i = 0;; ++i) {
//       absl::Format(&out, "data: %d\n\n", i);
//       if (!out.Flush().ok()) return;
//       if (!fasthttp::Sleep(absl::Seconds(1)).ok()) return;
//     }
//   }
//
// For bodies that are long, endless, or worth reading before they are complete. When not to use it:
// for a body that is small and known; SetBody costs less and tells its length.
//
// How the body ends (RFC 9112, section 6): a Content-Length that was set before is honoured: not a
// byte beyond it is sent, and if fewer were written the connection is cut, so that the peer sees
// that it lacks something. Without one an HTTP/1.1 peer gets chunks, and an HTTP/1.0 peer the end
// of the connection. In the answer to HEAD, and with 204 and 304, what is written is counted and
// not sent.
//
// Bytes are gathered, 4 KiB at most, and go out as one chunk when that is full, with Flush, or at
// the end of the body. Everything here may suspend the caller: no more than 64 KiB wait for a slow
// peer, however much is written.
//
// Errors: kClientGone: the peer has gone away or takes less than ServerSettings::min_rate and
// stall_timeout ask for; kDraining: the server was told to end; the cause if the current Context is
// cancelled or its deadline has passed. They are final, but for Flush that met the end of a
// Context: it has lost nothing and may be repeated under another one.
//
// Thread class: loop-confined, like the RequestCtx: one task at a time, on the handler's loop.
#ifndef FASTHTTP_BODY_WRITER_H_
#define FASTHTTP_BODY_WRITER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

class BodyWriter {
 public:
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;
  virtual ~BodyWriter() = default;

  // Appends `bytes`, which may be empty, to the body. kProgramming: they go beyond the declared
  // Content-Length; none of them is sent, and the connection is cut at the end.
  [[nodiscard]] absl::Status Write(std::string_view bytes);

  // Sends what was written; returns when the operating system has taken it, which does not mean
  // that the peer has. Without it the first bytes go out when 4 KiB are gathered.
  [[nodiscard]] absl::Status Flush();

  // Gives the message up: the connection is cut, and the peer sees that the body is incomplete. For
  // a source that fails halfway. Everything later is an error.
  virtual void Abort() = 0;

  // Bytes that were accepted so far, sent or not.
  uint64_t Written() const { return written_; }

  // absl::Format(&out, ...) writes; an error is told by the next Write or Flush.
  friend void AbslFormatFlush(BodyWriter* out, absl::string_view text) {
    (void)out->TryWrite(text);
  }

  // Write and Flush without a Status.
  Errc TryWrite(std::string_view bytes);
  Errc TryFlush() { return DoFlush(); }

 protected:
  BodyWriter() = default;

  virtual Errc DoWrite(std::string_view bytes) = 0;
  virtual Errc DoFlush() = 0;

  uint64_t written_ = 0;
};

}  // namespace fasthttp

#endif  // FASTHTTP_BODY_WRITER_H_
