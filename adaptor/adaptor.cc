#include "adaptor/adaptor.h"

#include "adaptor/server_writer.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/thread_cache.h"
#include "fasthttp/error.h"

namespace fasthttpadaptor {
namespace {

// What a call needs. Kept with its memory, since handlers of one thread may be many at once.
struct Call {
  Request request;
  ServerWriter writer;
  Call* next = nullptr;
};

using Calls = fasthttp::base::ThreadCache<Call, 64>;

class CallGuard {
 public:
  CallGuard() : call_(Calls::Take()) {}
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  ~CallGuard() {
    call_->request.Clear();
    call_->writer.Clear();
    Calls::Give(call_);
  }

  Call* operator->() const { return call_; }

 private:
  Call* const call_;
};

}  // namespace

fasthttp::RequestHandler NewFastHTTPHandler(HandlerFunc handler) {
  FASTHTTP_CHECK(static_cast<bool>(handler), "NewFastHTTPHandler needs a handler");
  return [handler = std::move(handler)](fasthttp::RequestCtx& ctx) {
    CallGuard call;
    if (fasthttp::Errc errc = call->request.Refer(ctx); errc != fasthttp::Errc::kOk) {
      return ctx.Error(fasthttp::ToStatus(errc));
    }
    call->writer.Bind(ctx);
    handler(call->writer, call->request);
    call->writer.Finish();
  };
}

}  // namespace fasthttpadaptor
