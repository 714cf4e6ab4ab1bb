// ServerLoop: the part of a Server that lives on one loop.
//
// It accepts, counts and limits connections, owns the pools that their turns draw from, calls
// ServerConn when something happens at one, and carries out its share of a shutdown. Everything
// here is used by its loop only; the Server posts to it.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_SERVER_LOOP_H_
#define FASTHTTP_SERVER_LOOP_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "fasthttp/base/block_pool.h"
#include "fasthttp/base/slabs.h"
#include "fasthttp/hijack.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/out_queue.h"
#include "fasthttp/per_ip_limit.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/server.h"
#include "fasthttp/turn.h"

namespace fasthttp {

// What the loops of a server share. Nothing in it is touched per request.
struct ServerShared {
  explicit ServerShared(ServerSettings s)
      : settings(std::move(s)), per_ip(settings.max_conns_per_ip) {}

  const ServerSettings settings;
  PerIpLimit per_ip;
  // Connections and held turns: what counts against `concurrency`.
  std::atomic<uint64_t> open{0};
  // Shutdowns that have begun, and those that are under way. A Serve that began before the latest
  // one must not add a listener to a loop which that has visited.
  std::atomic<uint64_t> shutdowns{0};
  std::atomic<uint32_t> shutting_down{0};
};

// One call of Serve or Start.
struct Serving {
  explicit Serving(size_t loops) : closed(loops) {}

  uint64_t shutdowns = 0;  // As they were when it began.
  bool refused = false;    // It began beside a Shutdown.
  runtime::Latch closed;   // Counts the loops that accept for it no longer.
};

// A handler that is not done, or a pin, for the error that names it.
struct Straggler {
  std::string path;  // Escaped, and cut.
  int64_t age;       // Nanoseconds since its head was complete.
  bool pinned;       // The handler has returned.
};

// Settings in the units of the loop.
struct ServerLimits {
  static constexpr uint32_t kNever = 1u << 30;  // Ticks.

  explicit ServerLimits(const ServerSettings& settings);

  http1::HeadLimits head;
  http1::ChunkedLimits chunked;
  http1::Leniency leniency;
  uint32_t requests_per_conn;  // The last of which ends the connection.
  bool get_only;
  bool stream_bodies;
  uint32_t head_ms;  // 0: off.
  uint32_t idle_ms;  // kNever: off.
  TransferLimits body;
  TransferLimits response;
};

class ServerLoop final : public runtime::EventSink, public HijackOwner, public PeerLimit {
 public:
  ServerLoop(ServerShared& shared, runtime::Loop& loop);
  ~ServerLoop();

  // --- Called by the Server, on this loop ---

  // Accepts from `listener` until it is closed, and lets go of it then. `serving`'s latch counts
  // down once this loop has stopped accepting from it. An error: the listener can't be watched;
  // then it is closed, and the latch has counted.
  Errc AddListener(std::shared_ptr<Listener> listener, std::shared_ptr<Serving> serving);
  // Serves one connection; `ended`, if given, counts down when it has ended.
  // Refusals are told at once; the connection is closed all the same.
  Errc AddConn(Conn* conn, runtime::Latch* ended);
  // Closes idle connections and flags the others; `drained` counts down when none is left.
  void Drain(std::shared_ptr<runtime::Latch> drained);
  // Ends what is left.
  void Cut();
  // `drained` is no longer waited for.
  void EndDrain(const runtime::Latch& drained);
  // If `task` is a handler of this loop: until Return its connection is neither waited for nor cut,
  // since it is the handler that waits. False if it is not.
  bool StandAside(const runtime::Task& task);
  // True if `task` calls a hijack handler of this loop.
  bool IsHijacked(const runtime::Task& task) const;
  void Return(const runtime::Task& task) { std::erase(aside_, &task); }
  // Stops accepting, for that call or (null) altogether.
  void CloseListeners(const Serving* serving = nullptr);
  // Handlers and pins that a Shutdown waits for.
  void ListStragglers(std::vector<Straggler>& stragglers);
  // Before the destructor, which any thread may call.
  void Unregister();
  void AddStats(ServerStats& stats) const;  // Thread-safe.

  // --- Of connections that a listener holds back ---
  bool CountPeer(const Addr& peer) override;
  void UncountPeer(const Addr& peer) override { shared_.per_ip.Remove(peer); }

  // --- Step 1: events of connections ---
  void OnReady(runtime::Endpoint& endpoint, uint8_t ready) override;
  void OnTimer(runtime::Endpoint& endpoint) override;

  runtime::Loop& loop() { return loop_; }
  const ServerSettings& settings() const { return shared_.settings; }
  const ServerLimits& limits() const { return limits_; }

 private:
  friend class ResponseStream;
  friend class ServerConn;
  friend class Turn;
  class Acceptor;

  static constexpr uint32_t kMaxLingering =
      1024;  // Connections that were refused and not yet closed.

  // A new connection: ready to be served once it is admitted, else to be refused.
  inline runtime::Endpoint& Adopt(const Accepted& accepted);
  inline Errc Admit(runtime::Endpoint& endpoint);
  Errc AdmitPerIp(runtime::Endpoint& endpoint);
  void Refuse(runtime::Endpoint& endpoint, Errc errc);
  void OnOtherReady(runtime::Endpoint& endpoint, uint8_t ready);
  inline void Forget(runtime::Endpoint& endpoint);  // In server_conn_close.cc, for that alone.
  void Uncount(uint16_t state);
  void EndWaitFor(uint32_t slot);
  void SetDraining(bool draining) {
    draining_ = draining;
    last_request_ = draining ? 0 : limits_.requests_per_conn;
  }
  void CheckDrained();
  void Register();

  // The connection's server no longer.
  void HandOver(runtime::Endpoint& endpoint, std::string received, HijackHandler handler,
                bool still_counts = false);
  void HandOverAccepted(runtime::Endpoint& endpoint, HijackHandler handler, Errc refused);
  void HijackEnded(HijackedConn& conn, const std::exception_ptr& exception) override;
  void ForEachHijacked(absl::FunctionRef<void(HijackedConn&)> f);

  // Counts an error of the program in the handler of `turn`, and tells it on stderr, once a second.
  void LogMisuse(const Turn& turn, std::string_view what);

  // Turns that have parted from their connections: until the handler and the last pin are gone.
  void Hold(Turn& turn);
  void EndHandler(Turn& turn);
  void LetGo(Turn& turn);
  // A handler that may become late has no slot of `concurrency` to be held in.
  bool HoldsTooMany() const {
    return shared_.open.load(std::memory_order_relaxed) > shared_.settings.concurrency;
  }

  Turn* TakeTurn();
  Turn* NewTurn();
  void DeleteTurn(Turn* turn);
  void EndTurn(Turn& turn);
  // Who kept a reference to the context without a pin is found by ASan here.
  void GiveTurn(Turn* turn);

  // An answer goes out, so many nanoseconds behind its request. Nearly all are 200 to requests that
  // did not wait: these take no longer than the work up to the next poll, where they are counted.
  void CountAnswer(int64_t took, int status) {
    if (status == 200 && took == 0) [[likely]] {
      ++answered_at_once_;
    } else {
      CountOtherAnswer(took, status);
    }
  }
  void CountOtherAnswer(int64_t took, int status);
  void CountLatency(int64_t took, uint64_t n);
  void OnWorkEnd(int64_t took);

  OutQueue* TakeOut();
  OutQueue* NewOut();
  void GiveOut(OutQueue* out);
  bool Trim();  // True: something unused is left.
  // Status line, Server and Date, made new when the second has changed.
  http1::StatusBlockCache& Blocks(int64_t now) {
    if (now >= blocks_until_) [[unlikely]]
      RefreshBlocks();
    return status_blocks_;
  }
  void RefreshBlocks();
  // The lines of a response that names its own server.
  std::string ServerAndDate(std::string_view server);

  ServerShared& shared_;
  runtime::Loop& loop_;
  const ServerLimits limits_;
  base::BlockPool blocks_;
  base::Slabs turn_slabs_{sizeof(Turn)};
  Turn* free_turns_ = nullptr;  // Each with an empty block of the smallest class.
  size_t free_turn_count_ = 0;
  size_t turn_count_ = 0;  // With those in use.
  OutQueue* free_outs_ = nullptr;
  size_t free_out_count_ = 0;
  http1::StatusBlockCache status_blocks_;
  int64_t blocks_until_ = INT64_MIN;
  char date_[29];  // As in the blocks.

  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  absl::flat_hash_map<uint32_t, runtime::Latch*> waited_for_;  // By slot: ServeConn's connections.
  Turn* held_ = nullptr;
  uint32_t held_count_ = 0;
  HijackedConn* hijacked_ = nullptr;
  uint32_t hijacked_count_ = 0;
  int64_t next_log_ = INT64_MIN;
  uint32_t lingering_ = 0;  // Of these, refused ones.
  bool draining_ = false;
  uint32_t last_request_ = limits_.requests_per_conn;  // Ends its connection; 0 while draining.
  std::vector<const runtime::Task*> aside_;            // Handlers that wait for a Shutdown.
  std::vector<std::shared_ptr<runtime::Latch>> drained_;
  bool registered_ = false;  // With the loop, for Trim.

  // Single writer, read by other threads for Stats(). `open` counts this server's endpoints.
  struct Counters {
    std::atomic<uint64_t> requests{0}, errors{0}, timeouts{0}, held{0}, accepted{0}, rejected{0},
        open{0}, hijacked{0}, received{0}, sent{0};
    std::array<std::atomic<uint64_t>, 6> responses{};
    std::array<std::atomic<uint64_t>, LatencyStats::kBuckets> latency{};
    std::atomic<uint64_t> latency_nanos{0};
    std::atomic<uint64_t> blocks{0}, turns{0}, spare_turns{0};
  };
  static void Count(std::atomic<uint64_t>& counter, uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Counters counters_;
  uint64_t answered_at_once_ = 0;  // Since the last poll; not yet in the counters.
  uint64_t others_at_once_ = 0;    // Of other statuses; not yet in counters_.latency.
};

// --- Implementation ---------------------------------------------------------------------------

inline Turn* ServerLoop::TakeTurn() {
  Turn* turn = free_turns_;
  if (turn == nullptr) return NewTurn();
  free_turns_ = turn->next;
  --free_turn_count_;
  internal::Unpoison(&turn->ctx, sizeof turn->ctx);
  return turn;
}

inline void ServerLoop::GiveTurn(Turn* turn) {
  if (turn->phase != Turn::Phase::kHead || turn->fate != 0 || turn->block->size_class != 0)
      [[unlikely]] {
    EndTurn(*turn);
  }
  turn->block->begin = turn->block->end = 0;
  turn->endpoint = nullptr;
  internal::Poison(&turn->ctx, sizeof turn->ctx);
  turn->next = free_turns_;
  free_turns_ = turn;
  ++free_turn_count_;
}

inline OutQueue* ServerLoop::TakeOut() {
  OutQueue* out = free_outs_;
  if (out == nullptr) return NewOut();
  free_outs_ = out->next;
  --free_out_count_;
  return out;
}

inline void ServerLoop::GiveOut(OutQueue* out) {
  out->next = free_outs_;
  free_outs_ = out;
  ++free_out_count_;
}

}  // namespace fasthttp

#endif  // FASTHTTP_SERVER_LOOP_H_
