// NewStdHandler: a native handler behind the standard-style interface.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "adaptor/adaptor.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/thread_cache.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/error.h"
#include "fasthttp/exchange.h"
#include "fasthttp/header.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Addr;
using fasthttp::Errc;
using fasthttp::ErrcOf;
using fasthttp::RequestCtx;

// The exchange of the inner context: what it says of the connection is what the outer one says, if
// there is a server at all. A streamed body is written through the ResponseWriter.
class InnerCall final : public fasthttp::Exchange, private fasthttp::BodyWriter {
 public:
  // The request of `r`; both outlive the handler's call.
  void Begin(ResponseWriter& w, const Request& r);
  // The handler has returned: writes what is still to be written.
  void Answer();
  // Its frame is done.
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
  const fasthttp::TLSConnectionState* TLSState() const override {
    return outer_ ? outer_->TLSState() : nullptr;
  }

  bool BeginLimit(fasthttp::TimeLimit& limit) override {
    return outer_ == nullptr || outer_->BeginLimit(limit);
  }
  bool EndLimit(fasthttp::TimeLimit& limit) override {
    return outer_ != nullptr && outer_->EndLimit(limit);
  }

  fasthttp::BodyWriter& StartBodyStream() override;
  Errc SendEarlyHints() override { return Errc::kUnsupported; }
  void Hijack(fasthttp::HijackHandler handler) override {
    if (outer_ != nullptr) outer_->Hijack(std::move(handler));
  }
  void HijackSetNoResponse(bool no_response) override {
    if (outer_ != nullptr) outer_->HijackSetNoResponse(no_response);
  }
  bool Hijacked() const override { return outer_ != nullptr && outer_->Hijacked(); }

  void Pin() override;
  void Unpin() override { End(); }

  RequestCtx ctx;
  InnerCall* next = nullptr;  // In the cache.

 private:
  using Cache = fasthttp::base::ThreadCache<InnerCall, 16>;
  friend class InnerCallGuard;

  // BodyWriter.
  Errc DoWrite(std::string_view bytes) override;
  Errc DoFlush() override;
  void Abort() override;

  void BuildRequest(const Request& r);
  void WriteHead(const fasthttp::Response& response);
  void WriteBodyStream(fasthttp::BodySource source);
  void Free();

  ResponseWriter* writer_ = nullptr;
  fasthttp::Exchange* outer_ = nullptr;
  bool outer_pinned_ = false;
  bool streaming_ = false;
  bool aborted_ = false;
  std::string remote_addr_;
  std::atomic<uint32_t> holders_{1};  // The handler's frame and the pins.
};

void InnerCall::Begin(ResponseWriter& w, const Request& r) {
  holders_.store(1, std::memory_order_relaxed);
  writer_ = &w;
  const RequestCtx* outer = r.ctx();
  outer_ = outer != nullptr ? outer->exchange() : nullptr;
  // A received head is looked at by both; it stays as long as the outer context.
  const auto* head = outer != nullptr ? outer->request().header().head() : nullptr;
  ctx.Bind(this, head, r.tls);
  if (head == nullptr) BuildRequest(r);
  if (r.body_reader() != nullptr) {
    ctx.request().BindBodyStream(*r.body_reader());
  } else {
    ctx.request().SetBodyRaw(r.Body());
  }
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

void InnerCall::Answer() {
  if (streaming_) return;
  std::optional<fasthttp::Response> prepared = ctx.TakeTimeoutErrorResponse();
  fasthttp::Response& response = prepared ? *prepared : ctx.response();
  if (response.IsBodyStream()) return WriteBodyStream(response.TakeBodyStream());
  WriteHead(response);
  if (!response.Body().empty()) (void)writer_->Write(response.Body());
}

void InnerCall::WriteHead(const fasthttp::Response& response) {
  const fasthttp::ResponseHeader& header = response.header();
  Header& fields = writer_->Header();
  // A body whose type is left out is text, and without a type if the handler says so.
  if (header.HasContentType() || !response.Body().empty() || streaming_) {
    fields.Set("Content-Type", header.ContentType());
  }
  header.VisitAll([&](std::string_view name, std::string_view value) {
    if (name != "Content-Type") fields.Add(name, value);
  });
  writer_->WriteHeader(response.StatusCode());
}

void InnerCall::WriteBodyStream(fasthttp::BodySource source) {
  if (source.size >= 0) ctx.response().header().SetContentLength(source.size);
  fasthttp::BodyWriter& out = StartBodyStream();
  if (source.writer != nullptr) return std::move(source.writer)(out);
  char block[16 * 1024];
  uint64_t left = source.size >= 0 ? static_cast<uint64_t>(source.size) : UINT64_MAX;
  while (left != 0) {
    absl::StatusOr<size_t> n = source.reader->Read({block, std::min<uint64_t>(left, sizeof block)});
    if (!n.ok()) return Abort();
    if (*n == 0) break;
    if (!out.Write({block, *n}).ok() || !out.Flush().ok()) return;
    left -= *n;
  }
}

fasthttp::BodyWriter& InnerCall::StartBodyStream() {
  if (streaming_) return *this;
  streaming_ = true;
  WriteHead(ctx.response());
  if (!ctx.response().Body().empty()) (void)DoWrite(ctx.response().Body());
  return *this;
}

Errc InnerCall::DoWrite(std::string_view bytes) {
  return aborted_ ? Errc::kProgramming : ErrcOf(writer_->Write(bytes));
}

Errc InnerCall::DoFlush() { return aborted_ ? Errc::kProgramming : ErrcOf(writer_->Flush()); }

// The standard style has no word for it; the server does.
void InnerCall::Abort() {
  aborted_ = true;
  if (outer_ != nullptr) outer_->StartBodyStream().Abort();
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
  outer_pinned_ = streaming_ = aborted_ = false;
  written_ = 0;
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
    call->Begin(w, r);
    handler(call->ctx);
    call->Answer();
  };
}

}  // namespace fasthttpadaptor
