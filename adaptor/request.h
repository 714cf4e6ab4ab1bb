// Request: a request as handlers of the standard style see it. ConvertRequest: makes one.
//
// What a handler is given refers to the bytes that were received: all views in it are valid until
// the handler returns. url.path, from which handlers build texts, is a std::string.
//
// When to use ConvertRequest: for a request that is to outlive its handler, since what it fills
// holds all bytes itself, and for tests that begin with a RequestCtx. A test may as well set the
// members of a Request of its own.
//
// Thread class: thread-compatible. The const calls too are for one thread at a time.
#ifndef FASTHTTP_ADAPTOR_REQUEST_H_
#define FASTHTTP_ADAPTOR_REQUEST_H_

#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adaptor/header.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body_reader.h"
#include "fasthttp/context.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

// The parts of a request's target.
struct URL {
  // Percent-decoded and normalised, so that "/a/%2e%2e/b" is "/b": as RequestCtx::Path().
  std::string path = "/";
  // As received.
  std::string_view raw_path = "/";
  // Behind "?", not decoded.
  std::string_view query;

  // The first value of `name` in the query, decoded; "" if there is none.
  std::string QueryValue(std::string_view name) const;
  // All of them, in order.
  std::vector<std::string> QueryValues(std::string_view name) const;
};

struct Request {
  Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request();

  std::string_view method = "GET";
  URL url;
  std::string_view request_uri = "/";   // The target as received.
  std::string_view proto = "HTTP/1.1";  // Or "HTTP/1.0".
  // All fields as received, also duplicates and Host, but without Transfer-Encoding.
  fasthttpadaptor::Header header;
  bool tls = false;

  // Lower case, with the port; an absolute target's wins over the field.
  std::string_view Host() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void SetHost(std::string_view host);  // For tests; not copied.
  // "chunked", or nothing.
  std::string_view TransferEncoding() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // "1.2.3.4:5678".
  std::string RemoteAddr() const;
  void SetRemoteAddr(std::string_view address);  // For tests.

  // The whole body, without its chunked coding. If the server streams requests (ServerSettings::
  // stream_request_body) it is read now: the call waits, and gives {} if that fails.
  std::string_view Body() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // The same with the error: kBodyTooLarge, kBodyTimeout, kUnexpectedEof, kClientGone, or what is
  // malformed in the body.
  absl::StatusOr<std::string_view> ReadBody() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void SetBody(std::string_view body) { body_ = body; }  // For tests; not copied.

  // The body as a stream: one for the request, made at the first call and read on by later ones. In
  // memory it can be positioned. If the server streams requests it is read as it comes, and badbit,
  // with BodyStreamStatus(), tells a body that broke off from one that has ended. Use it or Body().
  std::istream& BodyStream() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  absl::Status BodyStreamStatus() const;

  // Ends when the client goes away, the handler's time is over or the server drains, as narrowed by
  // the ContextScopes around the call (fasthttp/context.h). Nobody needs to hand it on: the
  // blocking calls of the library are under it anyway. Of a Request that was kept: the caller's.
  fasthttp::Context Context() const { return fasthttp::CurrentContext(); }

  // The context that a running handler was given; null once the request was kept, and in tests.
  const fasthttp::RequestCtx* ctx() const { return ctx_; }

  // --- For the adaptor ---
  // Becomes the request of `ctx`, referring to its bytes, until Clear; nothing was kept in it
  // before. `body`: where it comes from if it is not in memory, else null. An error if the target
  // does not parse, which a Server has ruled out.
  fasthttp::Errc Refer(const fasthttp::RequestCtx& ctx, fasthttp::BodyReader* body);
  void Clear() {
    if (stream_ != nullptr) stream_.reset();
    ctx_ = nullptr;
    reader_ = nullptr;
    header.clear();
    if (url.path.capacity() > kKeepPath) url.path = std::string();
  }
  fasthttp::BodyReader* body_reader() const { return reader_; }

 private:
  // A longer one is freed and not kept for the next request.
  static constexpr size_t kKeepPath = 4096;

  friend absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request);

  const fasthttp::RequestCtx* ctx_ = nullptr;
  fasthttp::BodyReader* reader_ = nullptr;
  std::string remote_addr_;
  std::string_view host_, transfer_encoding_, body_;
  std::string bytes_;  // Of a request that was kept: all that the views refer to.
  mutable std::unique_ptr<std::istream> stream_;
};

// Fills `request` with the one of `ctx`; what it held is lost. The copy holds its bytes itself.
// kBadUri or kBadHost if the target does not parse, which a Server has ruled out before it calls a
// handler; as Request::ReadBody if the body can't be read.
[[nodiscard]] absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request);

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_REQUEST_H_
