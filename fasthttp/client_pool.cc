#include "fasthttp/client_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fasthttp {
namespace {

using runtime::Endpoint;
using runtime::kNoDeadline;
using runtime::Loop;

// An endpoint's owner bytes hold the address of its ClientConn.
ClientConn& ConnOf(Endpoint& endpoint) {
  ClientConn* conn;
  std::memcpy(&conn, endpoint.owner, sizeof(conn));
  return *conn;
}

}  // namespace

// A call that waits; it lies on the caller's stack. What stands here is guarded by mutex_.
struct ClientPool::Waiter {
  Share* share = nullptr;
  bool fresh = false;
  runtime::WakeToken token;
  bool granted = false;
  ClientConn* conn = nullptr;  // Granted: this connection, or a permit.
  Waiter* next = nullptr;
};

// --- One loop's share -------------------------------------------------------------------------

ClientPool::Share::Share(std::shared_ptr<ClientPool> pool, Loop& loop)
    : pool_(std::move(pool)), client_(ClientLoop::Of(loop)), loop_(loop) {}

ClientPool::Share::~Share() { pool_->CloseIdle(*this); }

// An idle connection that the peer ends, or sends bytes on, is of no more use.
void ClientPool::Share::OnReady(Endpoint& endpoint, uint8_t) {
  ClientConn& conn = ConnOf(endpoint);
  if (!conn.idle || conn.IsClean()) return;
  RemoveIdle(conn);
  pool_->Close(*this, &conn);
}

// The timer is lazy: it was armed when the connection was idle before, and looks again.
void ClientPool::Share::OnTimer(Endpoint& endpoint) {
  ClientConn& conn = ConnOf(endpoint);
  if (!conn.idle) return;
  if (loop().now() < conn.idle_end) {
    if (conn.idle_end != kNoDeadline) loop().SetTimer(endpoint, loop().TickAt(conn.idle_end));
    return;
  }
  RemoveIdle(conn);
  pool_->Close(*this, &conn);
}

// --- The pool ---------------------------------------------------------------------------------

ClientPool::ClientPool(size_t loops, const ClientPoolLimits& limits)
    : limits_(limits), max_conns_(limits.max_conns), shares_(loops) {}

// The share keeps the pool alive, until Disband has reached its loop.
ClientPool::Share& ClientPool::MakeShare(Loop& loop) {
  auto* made = new Share(shared_from_this(), loop);
  shares_[loop.index()].store(made, std::memory_order_release);
  return *made;
}

void ClientPool::Disband() {
  for (std::atomic<Share*>& slot : shares_) {
    Share* share = slot.exchange(nullptr);
    if (share == nullptr) continue;
    share->loop().Post(
        [](Loop&, void* pointer, uint64_t, uint64_t) { delete static_cast<Share*>(pointer); },
        share);
  }
}

uint64_t ClientPool::Sum(std::atomic<uint64_t> Share::Counters::* counter) const {
  uint64_t sum = 0;
  for (const std::atomic<Share*>& slot : shares_) {
    const Share* share = slot.load(std::memory_order_acquire);
    if (share != nullptr) sum += (share->counters.*counter).load(std::memory_order_relaxed);
  }
  return sum;
}

uint64_t ClientPool::pending() const {
  uint64_t sum = 0;
  for (const std::atomic<Share*>& slot : shares_) {
    const Share* share = slot.load(std::memory_order_acquire);
    if (share != nullptr) sum += share->pending();
  }
  return sum;
}

// --- Acquiring --------------------------------------------------------------------------------

bool ClientPool::TryPermit() {
  uint32_t used = used_.load();
  while (used < max_conns_.load(std::memory_order_relaxed)) {
    if (used_.compare_exchange_weak(used, used + 1)) return true;
  }
  return false;
}

Errc ClientPool::Acquire(Share& share, bool fresh, int64_t until, ClientConn*& conn) {
  conn = nullptr;
  // Who comes later does not overtake those who wait.
  if (waiters_.load(std::memory_order_relaxed) == 0 && TryPermit()) return Errc::kOk;
  return Wait(share, fresh, until, conn);
}

Errc ClientPool::Wait(Share& share, bool fresh, int64_t until, ClientConn*& conn) {
  Loop& loop = share.loop();
  runtime::Wait wait;
  Waiter waiter;
  waiter.share = &share;
  waiter.fresh = fresh;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    // Seen by whoever returns a permit from here on; one that was returned before is taken.
    const uint32_t ahead = waiters_.fetch_add(1);
    const bool got = ahead == 0 && TryPermit();
    const bool may_wait = until > loop.now() && ahead < limits_.max_waiters;
    if (got || !may_wait) {
      waiters_.fetch_sub(1);
      if (got) return Errc::kOk;
      return until > loop.now() ? Errc::kOverloaded : Errc::kTimeout;
    }
    loop.Prepare(wait);
    waiter.token = loop.TokenOf(wait);
    *tail_ = &waiter;
    tail_ = &waiter.next;
  }
  AskOthers(share);
  const Errc cause = loop.Block(wait, until);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!waiter.granted) {
      Unlink(waiter);
      return cause;
    }
  }
  if (cause != Errc::kOk) {
    // What came too late goes on to the next.
    waiter.conn != nullptr ? Release(share, waiter.conn) : ReturnPermit();
    return cause;
  }
  if (waiter.conn != nullptr && !waiter.conn->IsClean()) {
    CloseKeepingPermit(share, std::exchange(waiter.conn, nullptr));
  }
  conn = waiter.conn;
  if (conn != nullptr) {
    conn->used_since = loop.now();
    Count(share.counters.reused);
  }
  return Errc::kOk;
}

void ClientPool::Unlink(Waiter& waiter) {
  Waiter** at = &head_;
  while (*at != &waiter) at = &(*at)->next;
  *at = waiter.next;
  if (tail_ == &waiter.next) tail_ = at;
  waiters_.fetch_sub(1);
}

// Under the lock: the waiter's frame may go once it can take the lock.
void ClientPool::Grant(Waiter& waiter, ClientConn* conn) {
  Unlink(waiter);
  waiter.granted = true;
  waiter.conn = conn;
  Loop::PostWake(waiter.token, Errc::kOk);
}

bool ClientPool::GrantPermit() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (head_ == nullptr) return false;
  Grant(*head_, nullptr);
  return true;
}

// The plea is a message and not a flag that a release would have to look at: a release before it
// has left an idle connection for it to find, and one after it sees the waiter.
void ClientPool::AskOthers(const Share& share) {
  for (const std::atomic<Share*>& slot : shares_) {
    Share* other = slot.load(std::memory_order_acquire);
    if (other == nullptr || other == &share || other->asked_.exchange(true)) continue;
    other->loop().Post(
        [](Loop&, void* pointer, uint64_t, uint64_t) {
          Share& asked = *static_cast<Share*>(pointer);
          asked.pool_->GiveUpIdle(asked);
        },
        other);
  }
}

void ClientPool::GiveUpIdle(Share& share) {
  share.asked_.store(false);
  for (ClientConn* conn; (conn = share.Oldest()) != nullptr && GrantPermit();) {
    share.RemoveIdle(*conn);
    CloseKeepingPermit(share, conn);
  }
}

// --- Giving back ------------------------------------------------------------------------------

ClientConn* ClientPool::Adopt(Share& share, BlockingConn conn, std::string_view address) {
  auto* made = new ClientConn(std::move(conn), address);
  Endpoint& endpoint = made->endpoint();
  static_assert(sizeof(made) <= Endpoint::kOwnerBytes);
  std::memcpy(endpoint.owner, &made, sizeof(made));
  endpoint.sink = &share;
  made->age_end = After(share.loop().now(), limits_.max_age);
  return made;
}

// An idle connection is to tell of its end, and to end itself some time.
bool ClientPool::Watch(Share& share, ClientConn* conn) {
  Loop& loop = share.loop();
  Endpoint& endpoint = conn->endpoint();
  if (!endpoint.armed) {
    if (endpoint.conn->Arm(endpoint.token(loop)) != Errc::kOk) return false;
    endpoint.armed = true;
  }
  if (!endpoint.timer.armed() && conn->idle_end != kNoDeadline) {
    loop.SetTimer(endpoint, loop.TickAt(conn->idle_end));
  }
  return true;
}

// To the first waiter: the connection if they are of one loop, else its permit.
bool ClientPool::HandOver(Share& share, ClientConn* conn) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (head_ == nullptr) return false;
    if (head_->share == &share && !head_->fresh) {
      Grant(*head_, conn);
      return true;
    }
    Grant(*head_, nullptr);
  }
  CloseKeepingPermit(share, conn);
  return true;
}

void ClientPool::Close(Share& share, ClientConn* conn) {
  CloseKeepingPermit(share, conn);
  ReturnPermit();
}

void ClientPool::CloseKeepingPermit(Share&, ClientConn* conn) { delete conn; }

void ClientPool::ReturnPermit() {
  if (waiters_.load() != 0 && conns() <= max_conns() && GrantPermit()) return;
  used_.fetch_sub(1);
  GrantFreePermits();
}

// Who has joined the queue since used_ was read missed what is free now.
void ClientPool::GrantFreePermits() {
  if (waiters_.load() == 0) return;
  std::lock_guard<std::mutex> lock(mutex_);
  while (head_ != nullptr && TryPermit()) Grant(*head_, nullptr);
}

void ClientPool::SetMaxConns(uint32_t max) {
  max_conns_.store(max);
  GrantFreePermits();
}

void ClientPool::CloseIdle(Share& share) {
  while (ClientConn* conn = share.Oldest()) {
    share.RemoveIdle(*conn);
    Close(share, conn);
  }
}

}  // namespace fasthttp
