// WireRequest: a Request as it goes over the wire, described once a call and written once an
// attempt.
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
  // Writes that; returns the end.
  char* Write(char* out) const {
    if (bare_) return http1::WriteBareRequestHead(out, head_);
    out = http1::WriteRequestHead(out, head_);
    if (head_.body != http1::BodyHeader::kChunked || body_.empty()) return out;
    return out + http1::WriteChunkHeader(out, body_.size());
  }

  // What follows the head: the body, and behind a chunked one its end with the trailers.
  std::string_view body() const { return body_; }
  std::string_view suffix() const { return suffix_; }

  http1::MethodId method() const { return method_; }
  // RFC 9110, section 9.2.2.
  bool idempotent() const;
  // The connection is not to be used again.
  bool close() const { return head_.close; }
  // The body is to be held back until the server asks for it (RFC 9110, section 10.1.1).
  bool expect_continue() const { return expect_continue_; }

 private:
  static constexpr size_t kInlineFields = 16;

  Errc DescribeAll(const Request& request, std::string_view user_agent,
                   std::string_view default_host);
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
  bool bare_ = false;  // A GET with nothing but target, host and user agent.
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
