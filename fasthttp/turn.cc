#include "fasthttp/turn.h"

#include <utility>

#include "fasthttp/server_conn.h"
#include "fasthttp/server_loop.h"

namespace fasthttp {
namespace {

// The wall-clock time of a loop's tick.
absl::Time TimeOf(const runtime::Loop& loop, uint32_t tick) {
  return absl::Now() - absl::Milliseconds(loop.tick() - tick);
}

}  // namespace

void Turn::BeforeSuspend() {
  if (endpoint != nullptr) ServerConn(*server, *endpoint).BeforeSuspend();
}

std::span<const http1::FieldView> Turn::ViewFields(const internal::FieldList& fields) {
  field_views.clear();
  for (size_t i = 0; i < fields.size(); ++i)
    field_views.push_back({fields.name(i), fields.value(i)});
  return field_views;
}

void Turn::EndChunkedRequest() {
  trailer_section.clear();
  if (chunks == nullptr) return;
  // Whatever follows the chunked body lies in its block now.
  server->blocks_.Give(std::exchange(block, std::exchange(chunks, nullptr)));
}

// --- Streams and other protocols --------------------------------------------------------------

BodyWriter& Turn::StartBodyStream() {
  if (stream == nullptr) stream = std::make_unique<ResponseStream>(*this);
  if (!Is(kStreams)) {
    fate |= kStreams;
    stream->Start();
  }
  return *stream;
}

Errc Turn::SendEarlyHints() {
  if (Errc lost = LostConn(); lost != Errc::kOk) return lost;
  if (Is(kStreams)) return Errc::kProgramming;
  return ServerConn(*server, *endpoint).SendEarlyHints(*this);
}

void Turn::Hijack(HijackHandler handler) {
  if (Is(kParted)) return;
  fate |= kHijacks;
  if (hijack == nullptr) hijack = std::make_unique<HijackRequest>();
  hijack->handler = std::move(handler);
}

void Turn::HijackSetNoResponse(bool no_response) {
  if (Is(kParted)) return;
  fate |= kHijacks;
  if (hijack == nullptr) hijack = std::make_unique<HijackRequest>();
  hijack->no_response = no_response;
}

// --- The connection ---------------------------------------------------------------------------

void Turn::RememberConn() {
  if (conn_) return;
  conn_ = ConnFacts{LocalAddr(), RemoteAddr(),  ConnID(),    ConnRequestNum(),
                    ConnTime(),  RequestTime(), std::nullopt};
  if (const TLSConnectionState* tls = endpoint->conn->TLSState()) conn_->tls = *tls;
}

Addr Turn::LocalAddr() const { return conn_ ? conn_->local : endpoint->conn->LocalAddr(); }
Addr Turn::RemoteAddr() const { return conn_ ? conn_->remote : endpoint->conn->RemoteAddr(); }

const TLSConnectionState* Turn::TLSState() const {
  if (conn_) return conn_->tls ? &*conn_->tls : nullptr;
  return endpoint->conn->TLSState();
}

uint64_t Turn::ConnID() const {
  if (conn_) return conn_->conn_id;
  return uint64_t{server->loop().index()} << 56 | uint64_t{endpoint->generation} << 24 |
         endpoint->slot;
}

uint64_t Turn::ConnRequestNum() const {
  return conn_ ? conn_->request_number : ServerConn::DataOf(*endpoint).requests;
}

absl::Time Turn::ConnTime() const {
  return conn_ ? conn_->conn_time : TimeOf(server->loop(), endpoint->opened);
}

absl::Time Turn::RequestTime() const {
  return conn_ ? conn_->request_time
               : absl::Now() - absl::Nanoseconds(server->loop().now() - began);
}

// --- Limits and pins --------------------------------------------------------------------------

bool Turn::BeginLimit(TimeLimit& limit_to_begin) {
  if (server->HoldsTooMany()) return false;
  const int64_t now = server->loop().FreshNow();
  const int64_t duration = absl::ToInt64Nanoseconds(limit_to_begin.duration);
  limit_to_begin.deadline =
      duration >= runtime::kNoDeadline - now ? runtime::kNoDeadline : now + duration;
  limit_to_begin.outer = limit;
  if (limit == nullptr || limit_to_begin.deadline < limit->deadline) limit = &limit_to_begin;
  limit_to_begin.deadline_before = scope.deadline;
  limit_to_begin.cause_before = scope.timeout_cause;
  if (limit_to_begin.deadline < scope.deadline) {
    scope.deadline = limit_to_begin.deadline;
    scope.timeout_cause = Errc::kHandlerTimeout;
  }
  return true;
}

bool Turn::EndLimit(TimeLimit& limit_to_end) {
  limit = limit_to_end.outer;
  scope.deadline = limit_to_end.deadline_before;
  scope.timeout_cause = limit_to_end.cause_before;
  if (fate & (kGone | kParted) || server->loop().FreshNow() < limit_to_end.deadline) return false;
  ServerLoop::Count(server->counters_.timeouts, 1);
  return true;
}

void Turn::Pin() {
  RememberConn();
  fate |= kPinned;
  holders.fetch_add(1, std::memory_order_relaxed);
}

void Turn::Unpin() {
  runtime::Loop& loop = server->loop();
  if (holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // The handler's frame has gone before: the turn is held.
  loop.Post(
      [](runtime::Loop&, void* pointer, uint64_t, uint64_t) {
        Turn& turn = *static_cast<Turn*>(pointer);
        turn.server->LetGo(turn);
      },
      this);
}

}  // namespace fasthttp
