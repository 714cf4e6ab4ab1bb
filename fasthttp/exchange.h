// Exchange: one request and its response, as the protocol that carries them shows itself to a
// RequestCtx.
//
// The seam between what every version of HTTP has in common and how one of them is framed: a
// RequestCtx knows its exchange and never a connection's buffers. HTTP/1 has one exchange at a time
// per connection.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_EXCHANGE_H_
#define FASTHTTP_EXCHANGE_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

class HijackedConn;
using HijackHandler = absl::AnyInvocable<void(HijackedConn&) &&>;

// A limit on the time of a handler, and what is answered in its place beyond it. Lies on the stack
// of the handler that is limited.
struct TimeLimit {
  absl::Duration duration;
  std::string_view message;
  int code;

  int64_t deadline = INT64_MAX;  // Loop nanoseconds.
  TimeLimit* outer = nullptr;
  int64_t deadline_before = INT64_MAX;  // Of the handler's blocking calls.
  Errc cause_before = Errc::kTimeout;
};

class Exchange {
 public:
  virtual Addr LocalAddr() const = 0;
  virtual Addr RemoteAddr() const = 0;
  virtual uint64_t ConnID() const = 0;
  virtual uint64_t ConnRequestNum() const = 0;
  virtual absl::Time ConnTime() const = 0;
  virtual absl::Time RequestTime() const = 0;
  virtual bool IsTLS() const = 0;
  // Null without TLS.
  virtual const fasthttp::TLSConnectionState* TLSState() const = 0;

  // Called by TimeoutHandler around the handler. False: the server holds as many late handlers as
  // it may, and the limit did not begin.
  virtual bool BeginLimit(TimeLimit& limit) = 0;
  // True if the handler has returned too late, and nobody has answered in its place.
  virtual bool EndLimit(TimeLimit& limit) = 0;

  // Begins the response's body as a stream and queues the head as it stands in the RequestCtx.
  // Called again it gives the same writer, which lives as long as the RequestCtx.
  virtual BodyWriter& StartBodyStream() = 0;
  // An interim response with the Link fields of the RequestCtx's response.
  virtual Errc SendEarlyHints() = 0;

  // See RequestCtx::Hijack.
  virtual void Hijack(HijackHandler handler) = 0;
  virtual void HijackSetNoResponse(bool no_response) = 0;
  virtual bool Hijacked() const = 0;

  // The RequestCtx lives until every Pin is undone. Unpin is thread-safe.
  virtual void Pin() = 0;
  virtual void Unpin() = 0;

 protected:
  ~Exchange() = default;
};

}  // namespace fasthttp

#endif  // FASTHTTP_EXCHANGE_H_
