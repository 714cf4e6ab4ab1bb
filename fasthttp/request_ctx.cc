#include "fasthttp/request_ctx.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace fasthttp {
namespace {

// Of a handler that is called without a server: the body is gathered.
class BareWriter final : public BodyWriter {
 public:
  explicit BareWriter(Response& response) : response_(response) {}
  void Abort() override { aborted_ = true; }

 private:
  Errc DoWrite(std::string_view bytes) override {
    if (aborted_) return Errc::kProgramming;
    response_.AppendBody(bytes);
    return Errc::kOk;
  }
  Errc DoFlush() override { return aborted_ ? Errc::kProgramming : Errc::kOk; }

  Response& response_;
  bool aborted_ = false;
};

}  // namespace

std::string_view RequestCtx::FormValue(std::string_view name) const {
  std::string_view value = QueryArgs().Peek(name);
  return value.empty() ? PostArgs().Peek(name) : value;
}

void RequestCtx::Error(std::string_view message, int code) {
  std::string text(message);  // May be a view of the response that is dropped here.
  response_.Reset();
  response_.SetStatusCode(code);
  response_.SetContentType(kDefaultContentType);
  response_.SetBody(text);
}

void RequestCtx::Error(const absl::Status& status) {
  int code = HttpStatusOf(status);
  Error(ClientText(status), code == 0 ? kStatusInternalServerError : code);
}

void RequestCtx::NotModified() {
  response_.Reset();
  response_.SetStatusCode(kStatusNotModified);
}

void RequestCtx::Redirect(std::string_view uri, int code) {
  fasthttp::URI target;
  request_.URI().CopyTo(target);
  if (absl::Status status = target.Update(uri); !status.ok()) return Error(status);
  bool known = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
  response_.header().Set("Location", target.FullURI());
  response_.SetStatusCode(known ? code : kStatusFound);
}

void RequestCtx::TimeoutErrorWithCode(std::string_view message, int code) {
  Response response;
  response.SetStatusCode(code);
  response.SetContentType(kDefaultContentType);
  response.SetBody(message);  // May be a view of what was prepared before.
  prepared_ = std::move(response);
}

void RequestCtx::TimeoutErrorWithResponse(const Response& response) {
  Response copy;
  response.CopyTo(copy);
  prepared_ = std::move(copy);
}

RequestPin RequestCtx::Pin() {
  if (exchange_ != nullptr) exchange_->Pin();
  return RequestPin(*this);
}

void RequestPin::Release() {
  RequestCtx* ctx = std::exchange(ctx_, nullptr);
  if (ctx != nullptr && ctx->exchange() != nullptr) ctx->exchange()->Unpin();
}

BodyWriter& RequestCtx::StartBodyStream() {
  if (exchange_ != nullptr) return exchange_->StartBodyStream();
  if (bare_writer_ == nullptr) bare_writer_ = std::make_unique<BareWriter>(response_);
  return *bare_writer_;
}

absl::Status RequestCtx::EarlyHints() {
  const Errc errc = exchange_ != nullptr ? exchange_->SendEarlyHints() : Errc::kOk;
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "EarlyHints");
}

void RequestCtx::Hijack(HijackHandler handler) {
  if (exchange_ != nullptr) exchange_->Hijack(std::move(handler));
}
void RequestCtx::HijackSetNoResponse(bool no_response) {
  if (exchange_ != nullptr) exchange_->HijackSetNoResponse(no_response);
}
bool RequestCtx::Hijacked() const { return exchange_ != nullptr && exchange_->Hijacked(); }

Addr RequestCtx::RemoteAddr() const { return exchange_ ? exchange_->RemoteAddr() : Addr(); }
Addr RequestCtx::LocalAddr() const { return exchange_ ? exchange_->LocalAddr() : Addr(); }
uint64_t RequestCtx::ConnID() const { return exchange_ ? exchange_->ConnID() : 0; }
uint64_t RequestCtx::ConnRequestNum() const { return exchange_ ? exchange_->ConnRequestNum() : 0; }
absl::Time RequestCtx::ConnTime() const {
  return exchange_ ? exchange_->ConnTime() : absl::InfinitePast();
}
absl::Time RequestCtx::Time() const {
  return exchange_ ? exchange_->RequestTime() : absl::InfinitePast();
}

std::string RequestCtx::String() const {
  return absl::StrCat("#", absl::Hex(ConnID(), absl::kZeroPad16), ".", ConnRequestNum(), " - ",
                      LocalAddr().ToString(), "<->", RemoteAddr().ToString(), " - ", Method(), " ",
                      request_.URI().FullURI());
}

void RequestCtx::SetUserValue(std::string_view key, std::any value) {
  for (auto& [name, old] : user_values_) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  user_values_.emplace_back(std::string(key), std::move(value));
}

const std::any* RequestCtx::UserValue(std::string_view key) const {
  for (const auto& [name, value] : user_values_) {
    if (name == key) return &value;
  }
  return nullptr;
}

void RequestCtx::RemoveUserValue(std::string_view key) {
  std::erase_if(user_values_, [key](const auto& entry) { return entry.first == key; });
}

void RequestCtx::DropUserValues() { user_values_.clear(); }

void RequestCtx::VisitUserValues(
    absl::FunctionRef<void(std::string_view key, const std::any& value)> f) const {
  for (const auto& [name, value] : user_values_) f(name, value);
}

}  // namespace fasthttp
