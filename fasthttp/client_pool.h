// ClientPool: the connections to one host, over all loops.
//
// A connection belongs to the loop that dialled it and never leaves it. What travels is the permit
// to have a connection: there are max_conns of them. A loop takes its newest idle connection (or
// the oldest, by option); without one it takes a permit and dials; without either it waits in one
// queue for all loops, first come first served.
//
// A connection that is released while somebody waits goes to the first waiter if that is on the
// same loop; else it is closed, and the waiter gets its permit. So that permits do not rest in
// other loops' idle connections, a waiter asks these loops to give them up. A waiter that leaves
// while something is on its way to it passes it on.
//
// The path of a request that finds an idle connection has no lock, and reads one atomic counter:
// the number of waiters.
//
// Thread class: loop-confined, but for the counters. Create with std::make_shared.
#ifndef FASTHTTP_CLIENT_POOL_H_
#define FASTHTTP_CLIENT_POOL_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/client_conn.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp {

struct ClientPoolLimits {
  uint32_t max_conns = 512;
  uint32_t max_waiters = 4096;
  int64_t max_idle = runtime::kNoDeadline;  // Nanoseconds.
  int64_t max_age = runtime::kNoDeadline;   // Nanoseconds; looked at when a connection is idle.
  bool oldest_first = false;
};

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  // By the counter's only writer. Release: who sees that a call has ended sees that it began.
  static void Count(std::atomic<uint64_t>& counter, uint64_t n = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }

  // The part of one loop.
  class Share final : public runtime::EventSink {
   public:
    Share(std::shared_ptr<ClientPool> pool, runtime::Loop& loop);
    ~Share();

    runtime::Loop& loop() { return loop_; }
    ClientLoop& client() { return *client_; }

    // What the loop did for this host; single writer, read by anybody.
    struct Counters {
      std::atomic<uint64_t> calls{0}, ended{0}, dials{0}, dial_errors{0}, reused{0}, retries{0},
          idle{0};
    };
    Counters counters;
    // Calls under way. Both are read again if one has ended in between.
    uint64_t pending() const {
      for (;;) {
        const uint64_t ended = counters.ended.load(std::memory_order_acquire);
        const uint64_t calls = counters.calls.load(std::memory_order_acquire);
        if (counters.ended.load(std::memory_order_relaxed) == ended) return calls - ended;
      }
    }

   private:
    friend class ClientPool;

    void OnReady(runtime::Endpoint& endpoint, uint8_t ready) override;
    void OnTimer(runtime::Endpoint& endpoint) override;
    void PushIdle(ClientConn& conn) {
      conn.idle = true;
      conn.newer = &idle_;
      conn.older = idle_.older;
      conn.older->newer = idle_.older = &conn;
      Count(counters.idle);
    }
    void RemoveIdle(ClientConn& conn) {
      conn.idle = false;
      conn.newer->older = conn.older;
      conn.older->newer = conn.newer;
      Count(counters.idle, static_cast<uint64_t>(-1));
    }
    // Null behind the last one.
    ClientConn* ConnAt(IdleLink* link) {
      return link != &idle_ ? static_cast<ClientConn*>(link) : nullptr;
    }
    ClientConn* Oldest() { return ConnAt(idle_.newer); }

    const std::shared_ptr<ClientPool> pool_;
    const std::shared_ptr<ClientLoop> client_;
    runtime::Loop& loop_;
    IdleLink idle_ = {&idle_, &idle_};  // Between the newest and the oldest.
    std::atomic<bool> asked_{false};    // A waiter's plea for idle connections is on its way.
  };

  ClientPool(size_t loops, const ClientPoolLimits& limits);

  // This loop's part, made at first use.
  Share& ShareOf(runtime::Loop& loop) {
    Share* share = shares_[loop.index()].load(std::memory_order_relaxed);
    return share != nullptr ? *share : MakeShare(loop);
  }

  // An idle connection of this loop that is clean; null if there is none.
  ClientConn* TakeIdle(Share& share);
  // If there is none: a permit to dial, and no `conn`, or what somebody gives back meanwhile. Waits
  // until `until` if need be: kTimeout then, or at once if that has passed and nothing is free.
  // kOverloaded if too many wait. `fresh`: a permit only.
  Errc Acquire(Share& share, bool fresh, int64_t until, ClientConn*& conn);

  // Makes a connection of what was dialled with a permit.
  ClientConn* Adopt(Share& share, BlockingConn conn, std::string_view address);

  // After a clean exchange.
  void Release(Share& share, ClientConn* conn);
  // Ends the connection and gives its permit back, or leaves that with the caller.
  void Close(Share& share, ClientConn* conn);
  void CloseKeepingPermit(Share& share, ClientConn* conn);
  void ReturnPermit();

  // Ends the idle connections of this loop.
  void CloseIdle(Share& share);

  // Lets every loop end its idle connections and forget its share. No call is under way.
  void Disband();

  // --- Thread-safe ---
  uint32_t conns() const { return used_.load(std::memory_order_relaxed); }
  uint32_t waiting() const { return waiters_.load(std::memory_order_relaxed); }
  uint32_t max_conns() const { return max_conns_.load(std::memory_order_relaxed); }
  // A lower limit takes effect as connections end.
  void SetMaxConns(uint32_t max);
  uint64_t Sum(std::atomic<uint64_t> Share::Counters::* counter) const;
  uint64_t pending() const;  // Calls under way.

 private:
  struct Waiter;

  Share& MakeShare(runtime::Loop& loop);
  bool TryPermit();
  static bool Watch(Share& share, ClientConn* conn);
  Errc Wait(Share& share, bool fresh, int64_t until, ClientConn*& conn);
  void AskOthers(const Share& share);
  void GiveUpIdle(Share& share);
  bool GrantPermit();
  void GrantFreePermits();
  bool HandOver(Share& share, ClientConn* conn);
  void Grant(Waiter& waiter, ClientConn* conn);
  void Unlink(Waiter& waiter);
  static int64_t After(int64_t from, int64_t limit) {
    return limit < runtime::kNoDeadline - from ? from + limit : runtime::kNoDeadline;
  }

  const ClientPoolLimits limits_;
  std::atomic<uint32_t> max_conns_;
  std::atomic<uint32_t> used_{0};  // Permits: connections, those being dialled, those under way.
  std::atomic<uint32_t> waiters_{0};
  std::vector<std::atomic<Share*>> shares_;  // By index of the loop.

  std::mutex mutex_;  // Guards the queue.
  Waiter* head_ = nullptr;
  Waiter** tail_ = &head_;
};

// --- What every call goes through -------------------------------------------------------------

inline ClientConn* ClientPool::TakeIdle(Share& share) {
  for (;;) {
    ClientConn* conn = share.ConnAt(limits_.oldest_first ? share.idle_.newer : share.idle_.older);
    if (conn == nullptr) return nullptr;
    share.RemoveIdle(*conn);
    conn->used_since = share.loop().now();
    if (conn->used_since < conn->idle_end && conn->IsClean()) [[likely]] {
      Count(share.counters.reused);
      return conn;
    }
    Close(share, conn);
  }
}

inline void ClientPool::Release(Share& share, ClientConn* conn) {
  const int64_t now = share.loop().now();
  const int64_t end = std::min(After(now, limits_.max_idle), conn->age_end);
  conn->idle_since = now;
  conn->idle_end = end;
  // An end that was announced with the response is not announced again.
  if (conn->MayHaveBytes() && !conn->IsClean()) [[unlikely]]
    return Close(share, conn);
  if (waiters_.load(std::memory_order_relaxed) != 0 && HandOver(share, conn)) [[unlikely]]
    return;
  const runtime::Endpoint& endpoint = conn->endpoint();
  const bool watched = endpoint.armed && endpoint.timer.armed();
  if (end <= now || (!watched && !Watch(share, conn))) [[unlikely]]
    return Close(share, conn);
  share.PushIdle(*conn);
}

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_POOL_H_
