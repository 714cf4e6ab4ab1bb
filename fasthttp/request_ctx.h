// RequestCtx: what a handler gets: the request, the response it is to fill, and their connection.
//
//   void Hello(fasthttp::RequestCtx& ctx) {
//     if (!ctx.IsGet()) return ctx.Error("only GET", fasthttp::kStatusMethodNotAllowed);
//     ctx.SetContentType("text/plain");
//     absl::Format(&ctx, "Hello, %s!\n", ctx.QueryArgs().Peek("name"));
//   }
//
// The handler may set status, fields and body in any order and overwrite them: the response goes
// out when it returns, or from StartBodyStream on. It may block (fasthttp::Sleep, Offload, a client
// call); nothing else stalls.
//
// Lifetimes: everything a RequestCtx hands out, and the object itself, is valid until the handler
// returns. Views of the response end earlier, with the next call that changes it. Pin() is the one
// way to keep it longer.
//
// When not to use it: to keep a request for later, copy what you need (Request::CopyTo).
//
// Thread class: loop-confined. Don't hand a RequestCtx to another thread but with a pin; what may
// be done with it there stands at RequestPin. How to find a handler that does otherwise:
// docs/guide/races.md.
#ifndef FASTHTTP_REQUEST_CTX_H_
#define FASTHTTP_REQUEST_CTX_H_

#include <any>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fasthttp/body_reader.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/error.h"
#include "fasthttp/exchange.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/status.h"

namespace fasthttp {

class RequestCtx;
class RequestPin;

// Called for each request, from all loops of a server at once: hence const, so that a mutable
// lambda does not compile. What it shares must be synchronised.
using RequestHandler = absl::AnyInvocable<void(RequestCtx&) const>;

class RequestCtx {
 public:
  RequestCtx() = default;
  RequestCtx(const RequestCtx&) = delete;
  RequestCtx& operator=(const RequestCtx&) = delete;

  Request& request() ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_; }
  const Request& request() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_; }
  Response& response() ABSL_ATTRIBUTE_LIFETIME_BOUND { return response_; }
  const Response& response() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return response_; }

  // --- The request ----------------------------------------------------------------------------
  std::string_view Method() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return request_.header().Method();
  }
  bool IsGet() const { return request_.header().IsGet(); }
  bool IsHead() const { return request_.header().IsHead(); }
  bool IsPost() const { return request_.header().IsPost(); }
  bool IsPut() const { return request_.header().IsPut(); }
  bool IsDelete() const { return request_.header().IsDelete(); }
  bool IsConnect() const { return request_.header().IsConnect(); }
  bool IsOptions() const { return request_.header().IsOptions(); }
  bool IsTrace() const { return request_.header().IsTrace(); }
  bool IsPatch() const { return request_.header().IsPatch(); }

  // Percent-decoded and normalised ("/a/../b" is "/b"), so an encoded slash can't be told from a
  // real one: URI().PathOriginal() has the bytes as received.
  std::string_view Path() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.Path(); }
  // Lower case, with the port; an absolute target's authority wins over the Host field.
  std::string_view Host() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.Host(); }
  // The request-target as received.
  std::string_view RequestURI() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return request_.header().RequestURI();
  }
  const fasthttp::URI& URI() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.URI(); }
  const Args& QueryArgs() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.QueryArgs(); }
  // Of an application/x-www-form-urlencoded body; else empty.
  const Args& PostArgs() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.PostArgs(); }
  std::string_view PostBody() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.Body(); }
  // The body piece by piece, 0 bytes being its end: as it comes with
  // ServerSettings::stream_request_body, else from memory. Read suspends; its errors may be given
  // to Error(status). See docs/guide/streaming.md for what becomes of bytes that are not read.
  BodyReader& RequestBodyStream() ABSL_ATTRIBUTE_LIFETIME_BOUND { return request_.BodyStream(); }
  std::string_view UserAgent() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return request_.header().UserAgent();
  }
  std::string_view Referer() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return request_.header().Referer();
  }
  // The value of `name` in the query string, else in the form body; {} if it is in neither.
  std::string_view FormValue(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // --- The response ---------------------------------------------------------------------------
  void SetStatusCode(int code) { response_.SetStatusCode(code); }
  void SetContentType(std::string_view type) { response_.SetContentType(type); }
  void SetBody(std::string_view bytes) { response_.SetBody(bytes); }
  void SetBodyString(std::string_view bytes) { response_.SetBody(bytes); }
  void ResetBody() { response_.ResetBody(); }
  // Append to the body.
  void Write(std::string_view bytes) { response_.AppendBody(bytes); }
  void WriteString(std::string_view bytes) { response_.AppendBody(bytes); }
  // The connection ends with this response.
  void SetConnectionClose() { response_.SetConnectionClose(); }

  // 200 with this type and body.
  void Success(std::string_view content_type, std::string_view body) {
    response_.SetContentType(content_type);
    response_.SetBody(body);
  }
  // Drops whatever was set and answers `code` with `message` as plain text.
  void Error(std::string_view message, int code);
  // The same with the code of the status's Errc and its client-safe text; other text in `status`
  // stays here.
  void Error(const absl::Status& status);
  void NotFound() { Error(StatusMessage(kStatusNotFound), kStatusNotFound); }
  // 304 without a body.
  void NotModified();
  // Location: `uri`, resolved against the request's URI. Codes other than 301, 302, 303, 307 and
  // 308 become 302.
  void Redirect(std::string_view uri, int code);

  // absl::Format(&ctx, ...) appends to the body.
  friend void AbslFormatFlush(RequestCtx* ctx, absl::string_view text) { ctx->Write(text); }

  // --- A response that is sent while it is made (docs/guide/streaming.md) -----------------------
  // The head goes out, with the first bytes of the body or when the handler first waits; from here
  // on the body is what is written to the BodyWriter, and it ends when the handler returns. What
  // was in the body before is its beginning. The status and the fields can't be changed any more:
  // what is set after this call, also in the body, is not sent, and logged as a programming error.
  // Trailers are an exception: a field that header().SetTrailer announced before may be set until
  // the handler returns, and follows the body if that is sent in chunks.
  //
  // An exception, or a TimeoutHandler that runs out, cuts the connection: the peer sees that the
  // body is incomplete. Called again it gives the same writer.
  BodyWriter& StartBodyStream() ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // For a body that is made when the handler has returned; see response.h.
  void SetBodyStream(std::unique_ptr<BodyReader> reader, int64_t size = -1) {
    response_.SetBodyStream(std::move(reader), size);
  }
  void SetBodyStreamWriter(absl::AnyInvocable<void(BodyWriter&) &&> writer) {
    response_.SetBodyStreamWriter(std::move(writer));
  }
  bool IsBodyStream() const { return response_.IsBodyStream(); }
  // Sends "103 Early Hints" (RFC 8297) with the Link fields that the response has by now, so that
  // the client can fetch what they name while the handler goes on. Nothing happens without Link
  // fields or for an HTTP/1.0 client. kClientGone; kProgramming: the head has been sent.
  absl::Status EarlyHints();

  // --- Another protocol on the connection (fasthttp/hijack.h) -----------------------------------
  // When the handler has returned and its response is sent, `handler` gets the connection, on a
  // fiber of its own. For upgrades (answer 101) and tunnels (answer 200 to CONNECT). It is dropped
  // uncalled if the response says "Connection: close" or can't be sent, if the request did and is
  // no CONNECT, if the server drains, and if a TimeoutHandler has answered. The last call counts.
  void Hijack(HijackHandler handler);
  // The response is not sent: `handler` begins with a silent connection.
  void HijackSetNoResponse(bool no_response);
  // True once Hijack was called.
  bool Hijacked() const;

  // --- The connection -------------------------------------------------------------------------
  Addr RemoteAddr() const;
  Addr LocalAddr() const;
  // The peer's address without the port, as text.
  std::string RemoteIP() const { return RemoteAddr().IpString(); }
  bool IsTLS() const { return request_.IsTLS(); }
  // Version, cipher, the client's certificates; null without TLS.
  const fasthttp::TLSConnectionState* TLSConnectionState() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return exchange_ == nullptr ? nullptr : exchange_->TLSState();
  }
  // Unique among the connections of the process that are open, and not soon reused.
  uint64_t ConnID() const;
  // 1 for the first request of the connection.
  uint64_t ConnRequestNum() const;
  // When the connection was accepted, and when the head of this request was complete.
  absl::Time ConnTime() const;
  absl::Time Time() const;
  // One line for logs: connection and request number, addresses, method, URI.
  std::string String() const;

  // --- Answering for a handler that is not done -----------------------------------------------
  // Each prepares an answer that goes out when the handler returns, whatever is in response() by
  // then: so it may be called while others, who hold a pin, still use the context. The last call
  // counts. What was prepared is dropped if the handler throws.
  //
  // To end a handler that takes too long while it runs, see fasthttp/timeout_handler.h.
  void TimeoutError(std::string_view message) {
    TimeoutErrorWithCode(message, kStatusRequestTimeout);
  }
  void TimeoutErrorWithCode(std::string_view message, int code);
  void TimeoutErrorWithResponse(const Response& response);
  // What was prepared; null if nothing was.
  const Response* LastTimeoutErrorResponse() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return prepared_ ? &*prepared_ : nullptr;
  }

  // Keeps this context, with its request, response and values, until the pin is gone. Call it in
  // the handler, before the context is handed on.
  [[nodiscard]] RequestPin Pin();

  // --- Values that middleware hands on --------------------------------------------------------
  // A short list: lookups compare one by one. Destroyed when the handler has returned and the last
  // pin is gone.
  void SetUserValue(std::string_view key, std::any value);
  // Null if there is none.
  const std::any* UserValue(std::string_view key) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void RemoveUserValue(std::string_view key);
  void VisitUserValues(
      absl::FunctionRef<void(std::string_view key, const std::any& value)> f) const;

  // --- For servers and tests ------------------------------------------------------------------
  // Begins the next request; `exchange` (null in tests of a bare handler) outlives it.
  void Bind(Exchange* exchange, const http1::Head* head, bool tls) {
    exchange_ = exchange;
    request_.DropBody();
    request_.Bind(head, tls);
  }
  Exchange* exchange() const { return exchange_; }
  // Ends the request: drops user values and the request's body, and resets the response.
  void Finish() {
    if (!user_values_.empty()) DropUserValues();
    request_.DropBody();
    response_.Reset();
  }
  // What TimeoutError prepared; it is nothing from then on.
  std::optional<Response> TakeTimeoutErrorResponse() {
    return std::exchange(prepared_, std::nullopt);
  }

 private:
  void DropUserValues();

  Request request_;
  Response response_;
  Exchange* exchange_ = nullptr;
  std::vector<std::pair<std::string, std::any>> user_values_;
  std::optional<Response> prepared_;
  std::unique_ptr<BodyWriter> bare_writer_;  // Without an exchange.
};

// RequestPin: keeps a RequestCtx beyond its handler's return.
//
//   void Log(fasthttp::RequestCtx& ctx) {
//     writer.Enqueue([pin = ctx.Pin()] { Append(pin->Path(), pin->UserAgent()); });
//     ctx.SetStatusCode(fasthttp::kStatusNoContent);
//   }
//
// When the handler returns the answer is sent and the connection goes on; the context lives until
// the handler and the last pin are gone, and is freed once, on its own loop. Until then it counts
// against ServerSettings::concurrency, Shutdown waits for it, and the Server must not be destroyed
// by whoever holds the pin.
//
// What a holder may do on another thread, without more synchronisation:
//  * after the handler has returned: everything that the context offers, one thread at a time. What
//    it sets in the response goes nowhere.
//  * while the handler runs: what it and the handler agree on. Accessors that parse at their first
//    call (Path, QueryArgs, Cookies, ...) change the request: call them in the handler before.
//  * while the handler returns: nothing with the response, unless the handler has called
//    TimeoutError, which leaves response() to the holder.
//
// When not to use it: if a copy of what is needed is small. A pin keeps the request's memory, about
// 6 KiB.
//
// Thread class: a value; moved and destroyed on any thread.
class RequestPin {
 public:
  RequestPin() = default;
  RequestPin(RequestPin&& from) noexcept : ctx_(std::exchange(from.ctx_, nullptr)) {}
  RequestPin& operator=(RequestPin&& from) noexcept {
    std::swap(ctx_, from.ctx_);
    return *this;
  }
  ~RequestPin() { Release(); }

  // Ends it early; the context is not to be used any more.
  void Release();

  explicit operator bool() const { return ctx_ != nullptr; }
  RequestCtx& operator*() const { return *ctx_; }
  RequestCtx* operator->() const { return ctx_; }

 private:
  friend class RequestCtx;
  explicit RequestPin(RequestCtx& ctx) : ctx_(&ctx) {}

  RequestCtx* ctx_ = nullptr;
};

}  // namespace fasthttp

#endif  // FASTHTTP_REQUEST_CTX_H_
