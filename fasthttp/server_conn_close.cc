// How connections end: at once, when all is sent, or lingering.
#include <cstdint>
#include <utility>

#include "fasthttp/base/check.h"
#include "fasthttp/server_conn.h"

namespace fasthttp {
namespace {

// A client that half-closed, or keeps sending behind its last request, gets this much attention.
constexpr uint32_t kLingerMs = 1000;
constexpr uint32_t kLingerBytes = 64 * 1024;
// So long may the closing alert of TLS wait for a slow client to make room.
constexpr uint32_t kFarewellMs = 10'000;

}  // namespace

// The connection is closed; its endpoint goes back.
inline void ServerLoop::Forget(runtime::Endpoint& endpoint) {
  const uint16_t state = endpoint.owner_state;
  Uncount(state);
  loop_.Release(endpoint);
  if (state & ServerConn::kWaitedFor) [[unlikely]]
    EndWaitFor(endpoint.slot);
  if (draining_) [[unlikely]]
    CheckDrained();
}

// A connection in this state is none of this server's any more.
void ServerLoop::Uncount(uint16_t state) {
  if (state & ServerConn::kCounted) shared_.open.fetch_sub(1, std::memory_order_relaxed);
  if (state & ServerConn::kRefused) --lingering_;
  Count(counters_.open, ~uint64_t{0});  // Minus one.
}

// It holds no turn and no queue any more.
inline void ServerConn::Disconnect(bool reset) {
  FASTHTTP_DCHECK(state() != kHandling && data().turn == nullptr && data().out == nullptr,
                  "a connection was closed in the middle of a request");
  if (Is(kPerIp)) [[unlikely]]
    LeavePeer();
  endpoint_.conn->Close(reset);
  server_.Forget(endpoint_);
}

[[gnu::noinline]] void ServerConn::LeavePeer() {
  server_.shared_.per_ip.Remove(endpoint_.conn->RemoteAddr());
}

// Everything is sent. A close with unread bytes in the kernel would send a reset, which can
// overtake the answer and destroy it (RFC 9112 section 9.6).
void ServerConn::EndConnection() {
  bool linger = Is(kLingerLong) ||
                (data().turn != nullptr && data().turn->block->unread_size() != 0) ||
                ((endpoint_.latched & kReadable) && endpoint_.conn->HasUnread());
  ReleaseTurn();
  if (!linger && Is(kTls)) [[unlikely]] {
    // Without its closing alert an answer that ends with the connection looks cut off.
    endpoint_.conn->ShutdownWrite();
    linger = endpoint_.conn->HasOutput();
  }
  if (linger) [[unlikely]]
    return Linger();
  Disconnect(/*reset=*/false);
}

void ServerConn::Linger() {
  SetState(kLingering);
  endpoint_.conn->ShutdownWrite();
  data().requests = 0;  // Counts dropped bytes from here on.
  data().deadline = loop_.tick() + (endpoint_.conn->HasOutput() ? kFarewellMs : kLingerMs);
  loop_.SetTimer(endpoint_, data().deadline);
  DrainLingering();
}

void ServerConn::DrainLingering() {
  if (endpoint_.conn->HasOutput()) endpoint_.conn->ShutdownWrite();
  base::Block* block = server_.blocks_.Take();
  Errc end = Errc::kAgain;
  for (;;) {
    IoResult result = endpoint_.conn->TryRecv({block->data(), block->capacity});
    if (result.again()) break;
    if (!result.ok() || result.bytes() == 0) {
      end = Errc::kOk;
      break;
    }
    data().requests += static_cast<uint32_t>(result.bytes());
    if (data().requests > kLingerBytes) {
      end = Errc::kOk;
      break;
    }
  }
  server_.blocks_.Give(block);
  if (end != Errc::kAgain || !ArmIfNeeded()) Close(/*reset=*/false);
}

void ServerConn::CloseIfIdle() {
  // What has arrived is still answered.
  if (IsBetweenRequests() && data().out == nullptr && !endpoint_.conn->HasUnread()) {
    Close(/*reset=*/false);
  }
}

void ServerConn::Cut(Errc cause) {
  if (state() != kHandling) return Close(/*reset=*/true);
  Turn& turn = *data().turn;
  turn.fate |= Turn::kGone;
  loop_.Cancel(turn, cause);
  WakeStreams(turn);
}

void ServerConn::Close(bool reset) {
  FASTHTTP_DCHECK(state() != kHandling, "a connection was closed under its handler");
  ReleaseTurn();
  // A queue with unsent bytes is not worth keeping.
  delete std::exchange(data().out, nullptr);
  Disconnect(reset);
}

}  // namespace fasthttp
