// NewStdHandler: a native handler behind the standard-style interface.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adaptor/adaptor.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/thread_cache.h"
#include "fasthttp/exchange.h"
#include "fasthttp/header.h"
#include "fasthttp/status.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Addr;
using fasthttp::Errc;
using fasthttp::RequestCtx;

// The exchange of the inner context: what it says of the connection is what the outer one says, if
// there is a server at all.
class InnerCall final : public fasthttp::Exchange {
 public:
  // The request of `r`, which outlives the handler's call.
  void Begin(const Request& r);
  // Writes the answer.
  void Answer(ResponseWriter& w);
  // The handler has returned.
  void End() {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) Free();
  }

  Addr LocalAddr() const override { return outer_ ? outer_->LocalAddr() : Addr(); }
  Addr RemoteAddr() const override {
    return outer_ ? outer_->RemoteAddr() : Addr::Named("", remote_addr_);
  }
  uint64_t ConnID() const override { return outer_ ? outer_->ConnID() : 0; }
  uint64_t ConnRequestNum() const override { return outer_ ? outer_->ConnRequestNum() : 0; }
  absl::Time ConnTime() const override {
    return outer_ ? outer_->ConnTime() : absl::InfinitePast();
  }
  absl::Time RequestTime() const override {
    return outer_ ? outer_->RequestTime() : absl::InfinitePast();
  }
  bool IsTLS() const override { return ctx.request().IsTLS(); }

  bool BeginLimit(fasthttp::TimeLimit& limit) override {
    return outer_ == nullptr || outer_->BeginLimit(limit);
  }
  bool EndLimit(fasthttp::TimeLimit& limit) override {
    return outer_ != nullptr && outer_->EndLimit(limit);
  }

  void Pin() override;
  void Unpin() override { End(); }

  RequestCtx ctx;
  InnerCall* next = nullptr;  // In the cache.

 private:
  using Cache = fasthttp::base::ThreadCache<InnerCall, 16>;
  friend class InnerCallGuard;

  void BuildRequest(const Request& r);
  void Free();

  fasthttp::Exchange* outer_ = nullptr;
  bool outer_pinned_ = false;
  std::string remote_addr_;
  std::atomic<uint32_t> holders_{1};  // The handler's frame and the pins.
};

void InnerCall::Begin(const Request& r) {
  holders_.store(1, std::memory_order_relaxed);
  const RequestCtx* outer = r.ctx();
  outer_ = outer != nullptr ? outer->exchange() : nullptr;
  // A received head is looked at by both; it stays as long as the outer context.
  const auto* head = outer != nullptr ? outer->request().header().head() : nullptr;
  ctx.Bind(this, head, r.tls);
  if (head == nullptr) BuildRequest(r);
  ctx.request().SetBodyRaw(r.body);
  if (outer == nullptr) return;
  outer->VisitUserValues(
      [this](std::string_view key, const std::any& value) { ctx.SetUserValue(key, value); });
}

void InnerCall::BuildRequest(const Request& r) {
  fasthttp::RequestHeader& header = ctx.request().header();
  header.SetMethod(r.method);
  header.SetRequestURI(r.request_uri);
  for (const auto& [name, value] : r.header) header.Add(name, value);
  if (!header.Has("Host")) header.SetHost(r.Host());
  remote_addr_ = r.RemoteAddr();
}

void InnerCall::Answer(ResponseWriter& w) {
  std::optional<fasthttp::Response> prepared = ctx.TakeTimeoutErrorResponse();
  const fasthttp::Response& response = prepared ? *prepared : ctx.response();
  const fasthttp::ResponseHeader& header = response.header();
  Header& fields = w.Header();
  // A body whose type is left out is text, and without a type if the handler says so.
  if (header.HasContentType() || !response.Body().empty()) {
    fields.Set("Content-Type", header.ContentType());
  }
  header.VisitAll([&](std::string_view name, std::string_view value) {
    if (name != "Content-Type") fields.Add(name, value);
  });
  w.WriteHeader(response.StatusCode());
  if (!response.Body().empty()) (void)w.Write(response.Body());
}

// Views that the context has handed out stay as they are: they end with the outer context, which is
// kept too. Only the body may be a test's own.
void InnerCall::Pin() {
  if (outer_ == nullptr) {
    ctx.request().AppendBody({});
  } else if (!outer_pinned_) {
    outer_pinned_ = true;
    outer_->Pin();
  }
  holders_.fetch_add(1, std::memory_order_relaxed);
}

void InnerCall::Free() {
  ctx.Finish();
  (void)ctx.TakeTimeoutErrorResponse();
  ctx.Bind(nullptr, nullptr, false);
  if (outer_pinned_) outer_->Unpin();
  outer_pinned_ = false;
  remote_addr_.clear();
  Cache::Give(this);
}

class InnerCallGuard {
 public:
  InnerCallGuard() : call_(InnerCall::Cache::Take()) {}
  InnerCallGuard(const InnerCallGuard&) = delete;
  InnerCallGuard& operator=(const InnerCallGuard&) = delete;
  ~InnerCallGuard() { call_->End(); }

  InnerCall* operator->() const { return call_; }

 private:
  InnerCall* const call_;
};

}  // namespace

HandlerFunc NewStdHandler(fasthttp::RequestHandler handler) {
  FASTHTTP_CHECK(static_cast<bool>(handler), "NewStdHandler needs a handler");
  return [handler = std::move(handler)](ResponseWriter& w, const Request& r) {
    InnerCallGuard call;
    call->Begin(r);
    handler(call->ctx);
    call->Answer(w);
  };
}

}  // namespace fasthttpadaptor
