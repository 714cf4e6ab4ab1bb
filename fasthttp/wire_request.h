// RequestBytes, WireRequest: a Request as it goes over the wire, described once a call and written
// once an attempt.
//
// Describe decides everything that the program left open: the target's form, Host, User-Agent,
// which field announces the body, what the body is. It copies no field: the views that it keeps
// are those of the Request, which must stay unchanged until the last Write.
//
// Framing is the library's alone: Content-Length and Transfer-Encoding of the header are not
// looked at, and hence cannot disagree with what is sent (RFC 9112, section 6).
//
// Thread class: loop-confined; pooled by ClientLoop, so that a call allocates nothing.
#ifndef FASTHTTP_WIRE_REQUEST_H_
#define FASTHTTP_WIRE_REQUEST_H_

#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/known_field.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/http1/wire_types.h"
#include "fasthttp/request.h"

namespace fasthttp {

// What is sent, and what is to be known of it meanwhile. Views.
struct RequestBytes {
  static constexpr size_t kPieces = 3;

  std::string_view head;  // Of a chunked request with its first chunk's line.
  std::string_view body = {};
  std::string_view suffix = {};  // Behind a chunked body its end, with the trailers.
  http1::MethodId method = http1::MethodId::kGet;
  bool close = false;  // The connection is not to be used again.
  // The body is to be held back until the server asks for it (RFC 9110, section 10.1.1).
  bool expect_continue = false;

  size_t size() const { return head.size() + body.size() + suffix.size(); }
  // Fills up to kPieces; returns how many. The first is the head.
  size_t Gather(iovec* pieces) const {
    pieces[0] = {const_cast<char*>(head.data()), head.size()};
    if (body.empty() && suffix.empty()) return 1;
    pieces[1] = {const_cast<char*>(body.data()), body.size()};
    if (suffix.empty()) return 2;
    pieces[2] = {const_cast<char*>(suffix.data()), suffix.size()};
    return 3;
  }
};

// The URI of a request of which nothing else would be sent, a GET, and whose target and host can be
// written as they stand; null for all others. http1::WriteBareRequestHead does it in one go.
inline const URI* BareURI(const Request& request) {
  if (!request.IsBare() || request.HasChangedURI()) return nullptr;
  const URI& uri = request.URI();
  return uri.PlainTarget().empty() || uri.Host().empty() ? nullptr : &uri;
}

class WireRequest {
 public:
  // `user_agent` is sent if the request has none, `default_host` if its URI has none. kBadUri and
  // kBadHost if the URI does not parse; kMissingHost; kBadTarget for a CONNECT whose target is no
  // authority, and for "*" with anything but OPTIONS.
  Errc Describe(const Request& request, std::string_view user_agent, std::string_view default_host);

  // After a call: forgets large buffers.
  void Clear() {
    if (used_memory_) ClearMemory();
  }

  // Room for the head and, of a chunked request, for its first chunk's line.
  size_t Bound() const { return http1::RequestHeadBound(head_) + 32; }
  // Writes that; returns it with what follows.
  RequestBytes Write(char* out) const;

  http1::MethodId method() const { return method_; }
  // RFC 9110, section 9.2.2.
  bool idempotent() const;

 private:
  static constexpr size_t kInlineFields = 16;

  Errc DescribeTarget(const Request& request, std::string_view default_host);
  Errc DescribeConnect(const Request& request);
  Errc DescribeOtherTarget(const Request& request);
  void DescribeHost(const Request& request);
  void DescribeFields(const Request& request);
  void DescribeBody(const Request& request);
  void AddField(const RequestHeader& header, http1::KnownField id, std::string_view name,
                std::string_view value);
  void MoveSlot(std::string_view name, std::string_view& slot);
  void AddCredentials(const Request& request);
  void AddTrailers(const Request& request);
  void ClearMemory();

  http1::RequestHeadView head_;
  http1::MethodId method_ = http1::MethodId::kGet;
  bool expect_continue_ = false;
  bool has_authorization_ = false;
  bool used_memory_ = false;  // One of the buffers below may have grown.
  std::string_view body_;
  absl::InlinedVector<http1::FieldView, kInlineFields> fields_;
  // Kept from call to call for their memory.
  std::string target_;
  std::string host_;
  std::string authorization_;
  std::string post_args_;
  std::string suffix_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_WIRE_REQUEST_H_
