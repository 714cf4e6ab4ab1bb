#include "fasthttp/response.h"

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/message_reader.h"

namespace fasthttp {

// One list of free objects a thread. An object goes to the pool of the thread that frees it, so
// nothing is shared; the bound keeps a thread that only frees from hoarding.
struct ResponsePool {
  static constexpr uint32_t kMax = 64;

  using Rep = Response::Rep;

  // Plain data, so that a Response that dies after the thread's other objects finds it readable.
  struct State {
    Rep* free = nullptr;
    uint32_t count = 0;
    bool watched = false;  // The reaper exists.
    bool closed = false;   // The thread is ending: free at once.
  };

  struct Reaper {
    ~Reaper() {
      state.closed = true;
      while (Rep* rep = state.free) {
        state.free = rep->next;
        delete rep;
      }
      state.count = 0;
    }
    void Touch() {}
  };

  static thread_local State state;
  static thread_local Reaper reaper;
};

constinit thread_local ResponsePool::State ResponsePool::state;
thread_local ResponsePool::Reaper ResponsePool::reaper;

Response::Rep* Response::Acquire() {
  ResponsePool::State& pool = ResponsePool::state;
  Rep* rep = pool.free;
  if (rep == nullptr) return new Rep;
  pool.free = rep->next;
  --pool.count;
  return rep;
}

void Response::Release(Rep* rep) {
  ResponsePool::State& pool = ResponsePool::state;
  if (pool.closed || pool.count == ResponsePool::kMax) {
    delete rep;
    return;
  }
  if (!pool.watched) {
    pool.watched = true;
    ResponsePool::reaper.Touch();
  }
  rep->header.Reset();
  rep->body.ClearUpTo(ResponseBodyPoolLimit());
  rep->ResetSpecial();
  rep->next = pool.free;
  pool.free = rep;
  ++pool.count;
}

void Response::CopyTo(Response& to) const {
  if (rep_ == to.rep_) return;
  rep_->header.CopyTo(to.rep_->header);
  to.rep_->body.Set(rep_->body.view());
  to.rep_->ResetSpecial();
  to.rep_->special = rep_->special & (Rep::kSkipBody | Rep::kFlushHead);
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
