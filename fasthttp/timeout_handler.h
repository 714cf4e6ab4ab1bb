// TimeoutHandler: a limit on the time of a handler, whatever it does.
//
//   fasthttp::Server server({.handler = fasthttp::TimeoutHandler(Slow, absl::Seconds(2),
//   "timeout")});
//
// If the handler has not returned after the given time, the client gets the prepared answer within
// a few milliseconds, and the connection goes on with the next request. The handler's Context ends
// with Errc::kHandlerTimeout: its wait, and every later one, returns that, and so do its client
// calls. It runs on until it returns; it still reads its own request, what it writes goes nowhere,
// and what it throws is told to the error hook. A handler that notices nothing because it never
// waits gets the prepared answer in place of its own when it returns.
//
// Late handlers count against ServerSettings::concurrency until they return. If that is exceeded,
// the next requests are answered 429 with the message, and their handlers are not called.
//
// What it can't do: interrupt a handler that computes on the loop. Nothing else is served there
// meanwhile, and no answer goes out: call Yield() now and then, or compute in Offload. A handler
// that is stuck in Offload is answered for in time, but holds its helper thread.
//
// Limits nest: the earliest counts. It costs two readings of the clock per request, and a timer
// only if the handler waits.
//
// When not to use it: for a single call within a handler use WithTimeout (fasthttp/context.h),
// which leaves the handler the choice of the answer. Against slow clients it does nothing: the
// limits in time of ServerSettings do (docs/guide/timeouts.md).
//
// Thread class: what it returns is called from all loops at once, as any RequestHandler.
#ifndef FASTHTTP_TIMEOUT_HANDLER_H_
#define FASTHTTP_TIMEOUT_HANDLER_H_

#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/status.h"

namespace fasthttp {

// Answers `code` with `message` as plain text after `timeout`. InfiniteDuration, zero or less:
// returns `handler` as it is. Without a server (a RequestCtx of one's own) `handler` is just
// called.
RequestHandler TimeoutWithCodeHandler(RequestHandler handler, absl::Duration timeout,
                                      std::string_view message, int code);

// The same with 408 Request Timeout.
inline RequestHandler TimeoutHandler(RequestHandler handler, absl::Duration timeout,
                                     std::string_view message) {
  return TimeoutWithCodeHandler(std::move(handler), timeout, message, kStatusRequestTimeout);
}

}  // namespace fasthttp

#endif  // FASTHTTP_TIMEOUT_HANDLER_H_
