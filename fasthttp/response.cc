#include "fasthttp/response.h"

#include "fasthttp/base/thread_cache.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/message_reader.h"

namespace fasthttp {

struct ResponsePool : base::ThreadCache<Response::Rep, 64> {};

Response::Rep* Response::Acquire() { return ResponsePool::Take(); }

void Response::Release(Rep* rep) {
  rep->header.Reset();
  rep->body.ClearUpTo(ResponseBodyPoolLimit());
  rep->has_addrs = false;
  if (rep->special != 0) rep->ResetSpecial();
  ResponsePool::Give(rep);
}

void Response::CopyTo(Response& to) const {
  if (rep_ == to.rep_) return;
  rep_->header.CopyTo(to.rep_->header);
  to.rep_->body.Set(rep_->body.view());
  to.rep_->ResetSpecial();
  to.rep_->special = rep_->special & (Rep::kSkipBody | Rep::kFlushHead);
  if (rep_->has_addrs) to.SetAddrs(rep_->local, rep_->remote);
  to.rep_->has_addrs = rep_->has_addrs;
}

void Response::SetAddrs(const Addr& local, const Addr& remote) {
  rep_->local = local;
  rep_->remote = remote;
  rep_->has_addrs = true;
}

void Response::Receive(std::string_view body, const Addr& local, const Addr& remote) {
  Rep& rep = *rep_;
  rep.body.Set(body);
  rep.has_addrs = true;
  if (!rep.local.AssignIp(local) || !rep.remote.AssignIp(remote)) SetAddrs(local, remote);
  rep.header.TakeReceived(static_cast<int64_t>(body.size()));
}

OwnedBytes Response::SwapBody(OwnedBytes bytes) {
  OwnedBytes old = rep_->body.Take();
  rep_->body.SetOwned(std::move(bytes));
  return old;
}

// --- Streams ---

void Response::Rep::ResetSpecial() {
  special = 0;
  if (source != nullptr) *source = {};
}

void Response::SetBodyStream(std::unique_ptr<BodyReader> reader, int64_t size) {
  rep_->body.Clear();
  if (rep_->source == nullptr) rep_->source = std::make_unique<BodySource>();
  rep_->Set(Rep::kStream, reader != nullptr);
  *rep_->source = {std::move(reader), nullptr, size};
}

void Response::SetBodyStreamWriter(absl::AnyInvocable<void(BodyWriter&) &&> writer) {
  rep_->body.Clear();
  if (rep_->source == nullptr) rep_->source = std::make_unique<BodySource>();
  rep_->Set(Rep::kStream, writer != nullptr);
  *rep_->source = {nullptr, std::move(writer), -1};
}

BodySource Response::TakeBodyStream() {
  if (!IsBodyStream()) return {};
  rep_->Set(Rep::kStream, false);
  return std::exchange(*rep_->source, {});
}

// --- As bytes ---

void Response::AppendBytes(std::string& dst) const {
  const std::string_view body = rep_->body.view();
  auto line = [&](std::string_view name, std::string_view value) {
    dst.append(name).append(": ").append(value).append("\r\n");
  };
  header().AppendStatusLine(dst);
  if (!body.empty() && !header().HasContentType() && !header().NoDefaultContentType()) {
    line("Content-Type", kDefaultContentType);
  }
  header().VisitAll([&](std::string_view name, std::string_view value) {
    const http1::KnownField id = http1::LookupKnownField(name);
    // Framing follows from the body alone.
    if (id == http1::KnownField::kContentLength || id == http1::KnownField::kTransferEncoding ||
        id == http1::KnownField::kTrailer) {
      return;
    }
    line(name, value);
  });
  if (!http1::StatusHasNoBody(StatusCode())) {
    const bool declared = body.empty() && SkipBody() && header().ContentLength() > 0;
    std::string length;
    AppendUint(length, declared ? static_cast<uint64_t>(header().ContentLength()) : body.size());
    line("Content-Length", length);
  }
  dst.append("\r\n");
  if (!http1::StatusHasNoBody(StatusCode()) && !SkipBody()) dst.append(body);
}

std::string Response::String() const {
  std::string text;
  AppendBytes(text);
  return text;
}

absl::StatusOr<size_t> Response::Read(std::string_view bytes, std::string_view request_method,
                                      size_t max_body_size) {
  size_t used = 0;
  Errc errc = ReadAll(bytes, request_method, max_body_size, used);
  if (errc == Errc::kOk) return used;
  Reset();
  return ToStatus(errc);
}

Errc Response::ReadAll(std::string_view bytes, std::string_view request_method,
                       size_t max_body_size, size_t& used) {
  constexpr int kMaxInterim = 100;
  http1::MethodId method = http1::MethodId::kOther;
  if (request_method == "HEAD") method = http1::MethodId::kHead;
  if (request_method == "CONNECT") method = http1::MethodId::kConnect;
  internal::MessageReader reader(bytes);  // `bytes` may be those of this response.
  Reset();
  http1::Framing framing;
  for (int interim = 0;; ++interim) {
    Errc errc = reader.ReadHead(header(), method, framing);
    if (errc != Errc::kOk) return errc;
    if (StatusCode() >= 200 || framing.upgrade) break;
    if (interim == kMaxInterim) return Errc::kTooManyInterimResponses;
  }
  SetSkipBody(method == http1::MethodId::kHead);
  Errc errc = reader.ReadBody(framing, max_body_size, header(),
                              [this](std::string_view piece) { AppendBody(piece); });
  used = reader.used();
  return errc;
}

}  // namespace fasthttp
