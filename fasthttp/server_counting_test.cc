// What serving costs, counted: allocations, switches of stacks and fibers for requests that don't
// block, and for those that do. Over a transport without system calls, made for this.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/scripted_conn.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using testing_internal::kAllocCounterAvailable;
using testing_internal::ProcessAllocations;

#ifdef NDEBUG
constexpr uint64_t kRequests = 1'000'000;
#else
constexpr uint64_t kRequests = kAllocCounterAvailable ? 100'000 : 20'000;
#endif
constexpr size_t kConns = 1'000;
// ThreadSanitizer knows 8,128 fibers, and slows down long before.
constexpr size_t kAsleep = kAllocCounterAvailable ? 10'000 : 2'000;

constexpr std::string_view kGet =
    "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\nUser-Agent: a Browser\r\n"
    "Cookie: foo=bar; baz=baraz\r\n\r\n";
constexpr std::string_view kPost =
    "POST /foobar?baz HTTP/1.1\r\nHost: google.com\r\nContent-Type: foo/bar\r\n"
    "Content-Length: 13\r\n\r\nHello, world!";

// Sends a request whenever it is looked at anew, as a client does that waits for each answer; with
// `pipelined` several at once. Ends when it has sent them all.
class BusyConn final : public Conn {
 public:
  void Open(std::string_view request, uint64_t requests, uint64_t pipelined = 1) {
    request_ = request;
    left_ = requests;
    pipelined_ = pipelined;
  }
  bool closed() const { return closed_.load(); }

  // Between the two it has nothing to say.
  void Hold() { held_ = true; }
  void GoOn() {
    held_ = false;
    token_.Notify(kReadable);
  }

  IoResult TryRecv(std::span<char> into) override {
    if (held_) return IoResult::Error(Errc::kAgain);
    if (left_ == 0) return IoResult::Bytes(0);
    size_t n = 0;
    for (uint64_t i = 0; i < pipelined_ && left_ != 0 && n + request_.size() <= into.size(); ++i) {
      std::memcpy(into.data() + n, request_.data(), request_.size());
      n += request_.size();
      --left_;
    }
    if (token_.loop != nullptr) token_.Notify(kReadable);
    return IoResult::Bytes(n);
  }
  IoResult TrySend(std::span<const iovec> from) override {
    size_t n = 0;
    for (const iovec& piece : from) n += piece.iov_len;
    return IoResult::Bytes(n);
  }
  Errc Arm(const ReadyToken& token) override {
    token_ = token;
    token.Notify(kReadable);
    return Errc::kOk;
  }
  void ShutdownWrite() override {}
  bool HasUnread() override { return left_ != 0; }
  void Close(bool) override { closed_.store(true); }
  Addr LocalAddr() const override { return {}; }
  Addr RemoteAddr() const override { return {}; }

 private:
  std::string_view request_;
  uint64_t left_ = 0;
  uint64_t pipelined_ = 1;
  bool held_ = false;
  ReadyToken token_;
  std::atomic<bool> closed_{false};
};

class ServeTask final : public runtime::Task {
 public:
  ServeTask(Server& server, Listener& listener) : server_(server), listener_(listener) {}
  void Run(runtime::Loop&) override { EXPECT_TRUE(server_.Serve(listener_).ok()); }

 private:
  Server& server_;
  Listener& listener_;
};

struct Counts {
  uint64_t allocations = 0;
  uint64_t switches = 0;
  uint64_t blocks = 0;
  uint64_t fibers = 0;
};

Counts Now(const runtime::Loop& loop) {
  const runtime::LoopStats& stats = loop.stats();
  return {ProcessAllocations().count, stats.switches, stats.blocks, stats.fibers_created};
}

// Serves kRequests on kConns connections of one loop. `special` is called in one request in the
// middle. Tells what happened from the third request of each connection to the end: with the
// second one both halves of the loop's queue of notices have grown to that many connections.
Counts Count(
    std::string_view request, uint64_t pipelined, RequestHandler special = nullptr,
    absl::FunctionRef<RequestHandler(RequestHandler)> around = [](RequestHandler plain) {
      return plain;
    }) {
  fasthttptest::SimRuntime sim;
  uint64_t requests = 0;
  Counts first;
  Counts last;
  Server server({.handler = around([&](RequestCtx& ctx) {
                   ctx.Success("text/plain", "Hello, World!");
                   ++requests;
                   if (requests == kRequests / 2 && special) special(ctx);
                   if (requests == 2 * kConns * pipelined) first = Now(sim.loop(0));
                 }),
                 .runtime = &sim});
  auto conns = std::make_unique<BusyConn[]>(kConns);
  fasthttptest::ScriptedListener listener;
  for (size_t i = 0; i < kConns; ++i) {
    conns[i].Open(request, kRequests / kConns, pipelined);
    conns[i].Hold();
    listener.Add(conns[i]);
  }
  ServeTask serve(server, listener);
  sim.loop(0).Spawn(serve);
  EXPECT_TRUE(sim.RunUntil([&] { return server.GetOpenConnectionsCount() == kConns; }));
  sim.Settle();
  for (size_t i = 0; i < kConns; ++i) conns[i].GoOn();
  EXPECT_TRUE(
      sim.RunUntil([&] { return requests == kRequests && server.GetOpenConnectionsCount() == 0; }));
  last = Now(sim.loop(0));
  EXPECT_EQ(requests, kRequests);
  for (size_t i = 0; i < kConns; ++i) EXPECT_TRUE(conns[i].closed()) << i;
  listener.Close();
  sim.Settle();
  EXPECT_EQ(server.GetOpenConnectionsCount(), 0u);
  EXPECT_LE(first.fibers, 2u);
  return {last.allocations - first.allocations, last.switches - first.switches,
          last.blocks - first.blocks, last.fibers - first.fibers};
}

void ExpectAllocations(const Counts& counts, uint64_t want) {
  if (kAllocCounterAvailable && !base::chaos_enabled) {  // Chaos keeps halves of requests around.
    EXPECT_EQ(counts.allocations, want);
  }
}

TEST(ServerCounting, RequestsThatDoNotBlockCostNoAllocationAndNoSwitch) {
  for (uint64_t pipelined : {1, 10}) {
    for (std::string_view request : {kGet, kPost}) {
      Counts counts = Count(request, pipelined);
      ExpectAllocations(counts, 0);
      EXPECT_EQ(counts.switches, 0u);
      EXPECT_EQ(counts.blocks, 0u);
      EXPECT_EQ(counts.fibers, 0u);
    }
  }
}

// A limit that is not met, an answer in place of the response, and a pin that has gone again.
TEST(ServerCounting, LimitsTimeoutErrorsAndPinsCostNoAllocation) {
  Counts counts = Count(kGet, 10, nullptr, [](RequestHandler plain) {
    return TimeoutHandler(
        [plain = std::move(plain)](RequestCtx& ctx) {
          plain(ctx);
          ctx.TimeoutError("timeout");
          (void)ctx.Pin();
        },
        absl::Hours(1), "timeout");
  });
  ExpectAllocations(counts, 0);
  EXPECT_EQ(counts.switches, 0u);
  EXPECT_EQ(counts.blocks, 0u);
}

// They are sent from the response's own buffer, which stays.
TEST(ServerCounting, BodiesThatGoOutAtOnceCostNoAllocation) {
  const std::string body(20 * 1024, 'x');
  Counts counts = Count(kGet, 10, nullptr, [&body](RequestHandler plain) {
    return [&body, plain = std::move(plain)](RequestCtx& ctx) {
      plain(ctx);
      ctx.SetBody(body);
    };
  });
  ExpectAllocations(counts, 0);
}

TEST(ServerCounting, OneAllocationIsSeen) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer counts allocations itself";
  Counts counts = Count(kGet, 1, [](RequestCtx&) {
    static std::unique_ptr<int> seeded;
    seeded = std::make_unique<int>(1);
  });
  ExpectAllocations(counts, 1);
}

TEST(ServerCounting, OneBlockedHandlerIsTwoSwitchesAndOneFiberMore) {
  Counts counts =
      Count(kGet, 1, [](RequestCtx&) { EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok()); });
  EXPECT_EQ(counts.blocks, 1u);
  EXPECT_EQ(counts.switches, 2u);
  EXPECT_EQ(counts.fibers, 1u);
}

// --- Blocked handlers beside busy ones --------------------------------------------------------

struct Crowd {
  Crowd(size_t conns, uint64_t requests_each) : all(new BusyConn[conns]), size(conns) {
    for (size_t i = 0; i < conns; ++i) {
      all[i].Open(kGet, requests_each);
      listener.Add(all[i]);
    }
  }
  bool gone() const {
    for (size_t i = 0; i < size; ++i) {
      if (!all[i].closed()) return false;
    }
    return true;
  }
  std::unique_ptr<BusyConn[]> all;
  size_t size;
  fasthttptest::ScriptedListener listener;
};

TEST(ServerCounting, TenThousandRequestsAreAnsweredWhileOneHandlerSleepsASecond) {
  fasthttptest::SimRuntime sim;
  uint64_t calls = 0;
  uint64_t answered_meanwhile = 0;
  Server server({.handler =
                     [&](RequestCtx&) {
                       if (++calls != 1) return;
                       const int64_t before = sim.NowNanos();
                       EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                       EXPECT_EQ(sim.NowNanos() - before, 1'000'000'000);
                       answered_meanwhile = calls - 1;
                     },
                 .runtime = &sim});
  Crowd crowd(11, 1'000);
  ServeTask serve(server, crowd.listener);
  sim.loop(0).Spawn(serve);
  EXPECT_TRUE(sim.RunUntil([&] { return crowd.gone(); }));
  EXPECT_EQ(answered_meanwhile, 10'000u);
  EXPECT_EQ(calls, 11'000u);
  crowd.listener.Close();
  sim.Settle();
}

TEST(ServerCounting, TenThousandRequestsAreAnsweredWhileOneHandlerSleepsOnAThread) {
  Runtime runtime({.threads = 1});
  std::atomic<uint64_t> calls{0};
  Server server({.handler =
                     [&](RequestCtx&) {
                       if (++calls != 1) return;
                       // If it held the loop, nothing would ever be answered.
                       while (calls.load() <= 10'000) (void)Sleep(absl::Milliseconds(2));
                     },
                 .runtime = &runtime});
  Crowd crowd(11, 1'000);
  std::thread serving([&] { EXPECT_TRUE(server.Serve(crowd.listener).ok()); });
  while (!crowd.gone()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(calls.load(), 11'000u);
  crowd.listener.Close();
  serving.join();
}

TEST(ServerCounting, TenThousandHandlersSleepAtOnce) {
  fasthttptest::SimRuntime sim;
  size_t asleep = 0;
  size_t most = 0;
  Server server({.handler =
                     [&](RequestCtx&) {
                       ++asleep;
                       most = std::max(most, asleep);
                       EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                       --asleep;
                     },
                 .runtime = &sim});
  Crowd crowd(kAsleep, 1);
  ServeTask serve(server, crowd.listener);
  sim.loop(0).Spawn(serve);
  EXPECT_TRUE(sim.RunUntil([&] { return crowd.gone(); }));
  EXPECT_EQ(most, kAsleep);
  EXPECT_LE(sim.loop(0).stats().fibers_created, kAsleep + 2);
  EXPECT_LE(sim.loop(0).stats().switches, 2 * kAsleep + 2);
  crowd.listener.Close();
  sim.Settle();
}

TEST(ServerCounting, TenThousandHandlersSleepAtOnceOnAThread) {
  Runtime runtime({.threads = 1});
  std::atomic<size_t> asleep{0};
  std::atomic<size_t> answered{0};
  Server server({.handler =
                     [&](RequestCtx&) {
                       ++asleep;
                       while (asleep.load() < kAsleep) (void)Sleep(absl::Milliseconds(50));
                       ++answered;
                     },
                 .runtime = &runtime});
  Crowd crowd(kAsleep, 1);
  std::thread serving([&] { EXPECT_TRUE(server.Serve(crowd.listener).ok()); });
  while (!crowd.gone()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(answered.load(), kAsleep);
  crowd.listener.Close();
  serving.join();
}

}  // namespace
}  // namespace fasthttp
