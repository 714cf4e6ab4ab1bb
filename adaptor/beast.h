// NewBeastHandler: serves handlers that were written for Boost.Beast's messages.
//
//   namespace http = boost::beast::http;
//   http::response<http::string_body> Handle(http::request<http::string_body>&& request);
//   server: {.handler = fasthttpadaptor::NewBeastHandler(Handle)}
//
// Two forms are taken. One returns its response, of any body type that Beast can write. The other
// is that of Beast's own examples, and calls `send` once with any response:
//
//   server: {.handler = fasthttpadaptor::NewBeastHandler([](auto&& request, auto&& send) {
//             handle_request(doc_root, std::move(request), send);
//           })}
//
// The request is one of string_body; name another body type that Beast can read as the template
// argument: NewBeastHandler<http::vector_body<uint8_t>>(Handle). It is complete: fields as
// received, the body without its chunked coding. Reading, limits, timeouts, keep-alive and framing
// are the server's: what of Content-Length and Transfer-Encoding a response says counts in the
// answer to HEAD only, and its reason phrase is not sent. A response that ends the connection
// (keep_alive() is false) does.
//
// When not to use it: for new handlers. Beast allocates for every field.
//
// Errors: a body that the body type refuses is 413 if it is too large for it, else 400; a response
// whose body can't be read is 500, or cuts the connection if a part of it was sent; a handler that
// calls `send` not once is 500. Exceptions go to the server, as those of every handler.
//
// Needs Boost 1.74 or newer, headers only. Thread class: the handler is called from all loops at
// once.
#ifndef FASTHTTP_ADAPTOR_BEAST_H_
#define FASTHTTP_ADAPTOR_BEAST_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "boost/asio/buffer.hpp"
#include "boost/beast/core/error.hpp"
#include "boost/beast/core/string.hpp"
#include "boost/beast/http/error.hpp"
#include "boost/beast/http/fields.hpp"
#include "boost/beast/http/message.hpp"
#include "boost/beast/http/string_body.hpp"
#include "boost/optional.hpp"
#include "fasthttp/base/errc.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/status.h"

namespace fasthttpadaptor {

namespace beast_internal {

namespace beast = boost::beast;
namespace http = boost::beast::http;

inline beast::string_view ToBeast(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromBeast(beast::string_view text) { return {text.data(), text.size()}; }

template <typename Body>
absl::Status ReadRequest(const fasthttp::RequestCtx& ctx, http::request<Body>& request) {
  const fasthttp::RequestHeader& header = ctx.request().header();
  request.method_string(ToBeast(header.Method()));
  request.target(ToBeast(header.RequestURI()));
  request.version(header.IsHTTP11() ? 11 : 10);
  header.VisitAll([&](std::string_view name, std::string_view value) {
    request.insert(ToBeast(name), ToBeast(value));
  });
  const std::string_view bytes = ctx.PostBody();
  typename Body::reader reader(request.base(), request.body());
  beast::error_code error;
  reader.init(boost::optional<std::uint64_t>(bytes.size()), error);
  for (size_t at = 0; !error && at < bytes.size();) {
    at += reader.put(boost::asio::const_buffer(bytes.data() + at, bytes.size() - at), error);
  }
  if (!error) reader.finish(error);
  if (!error) return absl::OkStatus();
  if (error == http::error::buffer_overflow || error == http::error::body_limit) {
    return fasthttp::ToStatus(fasthttp::Errc::kBodyTooLarge);
  }
  return absl::InvalidArgumentError(error.message());
}

// A body that comes in more than one piece is sent while it is read.
template <typename Body, typename Fields>
void WriteBody(http::response<Body, Fields>& from, fasthttp::RequestCtx& ctx) {
  fasthttp::Response& to = ctx.response();
  if constexpr (std::is_same_v<typename Body::value_type, std::string>) {
    to.SetBodyOwned(std::move(from.body()));
  } else {
    typename Body::writer writer(from.base(), from.body());
    beast::error_code error;
    writer.init(error);
    fasthttp::BodyWriter* out = nullptr;
    for (bool more = !error; more;) {
      auto piece = writer.get(error);
      if (error || !piece) break;
      more = piece->second;
      if (more && out == nullptr) out = &ctx.StartBodyStream();
      for (auto i = boost::asio::buffer_sequence_begin(piece->first);
           i != boost::asio::buffer_sequence_end(piece->first); ++i) {
        const boost::asio::const_buffer buffer(*i);
        const std::string_view bytes(static_cast<const char*>(buffer.data()), buffer.size());
        if (out == nullptr) {
          to.AppendBody(bytes);
        } else if (out->TryWrite(bytes) != fasthttp::Errc::kOk) {
          return;
        }
      }
    }
    if (!error) return;
    if (out != nullptr) return out->Abort();
    ctx.Error("the response has no body to read", fasthttp::kStatusInternalServerError);
  }
}

template <typename Body, typename Fields>
void WriteResponse(http::response<Body, Fields>& from, fasthttp::RequestCtx& ctx) {
  fasthttp::Response& to = ctx.response();
  to.SetStatusCode(static_cast<int>(from.result_int()));
  to.header().SetNoDefaultContentType(true);
  for (const auto& field : from) {
    const std::string_view value = FromBeast(field.value());
    const bool keeps =
        field.name() == http::field::connection && fasthttp::EqualsIgnoreCase(value, "keep-alive");
    if (!keeps) to.header().Add(FromBeast(field.name_string()), value);
  }
  if (!from.keep_alive()) to.SetConnectionClose();
  WriteBody(from, ctx);
}

}  // namespace beast_internal

// What the second form of a handler is given.
class BeastSender {
 public:
  explicit BeastSender(fasthttp::RequestCtx& ctx) : ctx_(ctx) {}
  BeastSender(const BeastSender&) = delete;
  BeastSender& operator=(const BeastSender&) = delete;

  template <typename Body, typename Fields>
  void operator()(boost::beast::http::response<Body, Fields>&& response) const {
    if (++sent_ == 1) beast_internal::WriteResponse(response, ctx_);
  }

  // How often it was called.
  int sent() const { return sent_; }

 private:
  fasthttp::RequestCtx& ctx_;
  mutable int sent_ = 0;
};

template <typename Body = boost::beast::http::string_body, typename Handler>
fasthttp::RequestHandler NewBeastHandler(Handler handler) {
  return [handler = std::move(handler)](fasthttp::RequestCtx& ctx) {
    boost::beast::http::request<Body> request;
    absl::Status read = beast_internal::ReadRequest(ctx, request);
    if (!read.ok()) return ctx.Error(read);
    if constexpr (std::is_invocable_v<const Handler&, boost::beast::http::request<Body>&&,
                                      BeastSender&>) {
      BeastSender send(ctx);
      handler(std::move(request), send);
      if (send.sent() != 1)
        ctx.Error("the handler did not send one response", fasthttp::kStatusInternalServerError);
    } else {
      auto response = handler(std::move(request));
      beast_internal::WriteResponse(response, ctx);
    }
  };
}

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_BEAST_H_
