#include "fasthttp/timeout_handler.h"

#include <string>
#include <utility>

#include "fasthttp/exchange.h"

namespace fasthttp {
namespace {

class LimitedHandler {
 public:
  LimitedHandler(RequestHandler handler, absl::Duration timeout, std::string_view message, int code)
      : handler_(std::move(handler)), timeout_(timeout), message_(message), code_(code) {}

  void operator()(RequestCtx& ctx) const {
    if (ctx.exchange() == nullptr) return handler_(ctx);
    TimeLimit limit{timeout_, message_, code_};
    if (!ctx.exchange()->BeginLimit(limit)) return ctx.Error(message_, kStatusTooManyRequests);
    try {
      handler_(ctx);
    } catch (...) {
      (void)ctx.exchange()->EndLimit(limit);
      throw;
    }
    if (ctx.exchange()->EndLimit(limit)) ctx.TimeoutErrorWithCode(message_, code_);
  }

 private:
  const RequestHandler handler_;
  const absl::Duration timeout_;
  const std::string message_;
  const int code_;
};

}  // namespace

RequestHandler TimeoutWithCodeHandler(RequestHandler handler, absl::Duration timeout,
                                      std::string_view message, int code) {
  if (timeout <= absl::ZeroDuration() || timeout == absl::InfiniteDuration()) return handler;
  return RequestHandler(std::in_place_type<LimitedHandler>, std::move(handler), timeout, message,
                        code);
}

}  // namespace fasthttp
