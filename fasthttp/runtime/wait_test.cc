// The wait protocol: whatever arrives together, one cause wins, and none is felt later.

#include "fasthttp/runtime/wait.h"

#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp::runtime {
namespace {

using fasthttptest::SimRuntime;

class NoSink final : public EventSink {
 public:
  void OnReady(Endpoint&, uint8_t) override { ++seen; }
  void OnTimer(Endpoint&) override {}
  int seen = 0;
};

enum Arrival { kIoEvent, kTimer, kCancel, kPost, kArrivals };

Errc CauseOf(Arrival arrival) {
  switch (arrival) {
    case kTimer:
      return Errc::kTimeout;
    case kCancel:
      return Errc::kCancelled;
    case kPost:
      return Errc::kClientGone;  // Anything that the others don't give.
    default:
      return Errc::kOk;
  }
}

class WaitTest : public testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  SimRuntime sim{{.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())}};
  std::mt19937_64 random{std::get<1>(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(LoopsAndSeeds, WaitTest,
                         testing::Combine(testing::Values(1, 2, 4),
                                          testing::Values(1, 2, 3, 4, 5)));

// One waiter and what comes for it at the same instant of virtual time.
struct Meeting {
  WakeToken token;
  FunctionTask* waiter = nullptr;
  Endpoint* endpoint = nullptr;
  Errc cause = Errc::kCount;
  int64_t waited = -1;
  bool next_wait_undisturbed = false;
};

// A wait whose deadline lies behind its endpoint's timer has none of its own until that one is
// gone.
TEST(EndpointTimerTest, StandsForTheDeadlinesBehindIt) {
  enum Change { kStays, kIsCleared, kIsMoved, kWaitMovesIt, kChanges };
  for (int change = 0; change < kChanges; ++change) {
    for (int64_t timer : {2 * kSecond, 5 * kSecond, 6 * kSecond}) {
      SimRuntime sim;
      Loop& home = sim.loop(0);
      NoSink sink;
      TaskList tasks;
      Endpoint* endpoint = nullptr;
      Errc cause = Errc::kCount;
      int64_t waited = -1;
      sim.RunOn(home, [&] {
        endpoint = home.Open(nullptr, &sink);
        home.SetTimer(*endpoint, home.TickAt(home.now() + timer));
        tasks.Spawn(home, [&](Loop& loop) {
          const int64_t start = loop.now();
          Wait wait;
          loop.Prepare(wait);
          loop.LinkIo(wait, *endpoint, kReadable);
          wait.moves_timer = change == kWaitMovesIt;
          cause = loop.Block(wait, start + 5 * kSecond);
          waited = loop.now() - start;
        });
        tasks.Spawn(home, [&](Loop& loop) {
          (void)SleepFor(loop, kSecond);
          const bool left = timer <= 5 * kSecond || change == kWaitMovesIt;
          EXPECT_EQ(loop.timers(), left ? 0u : 1u);
          if (change == kIsCleared) loop.ClearTimer(*endpoint);
          if (change == kIsMoved) loop.SetTimer(*endpoint, loop.TickAt(20 * kSecond));
          EXPECT_EQ(loop.timers(), left && (change == kStays || change == kWaitMovesIt) ? 0u : 1u);
        });
      });
      ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
      EXPECT_EQ(cause, Errc::kTimeout) << change << " " << timer;
      EXPECT_EQ(waited, 5 * kSecond) << change << " " << timer;
      sim.RunOn(home, [&] { home.Release(*endpoint); });
    }
  }
}

TEST_P(WaitTest, EveryPairOfArrivals) {
  Loop& home = sim.loop(0);
  NoSink sink;
  TaskList tasks;
  for (int pair = 0; pair < kArrivals * kArrivals; ++pair) {
    const Arrival arrivals[] = {static_cast<Arrival>(pair / kArrivals),
                                static_cast<Arrival>(pair % kArrivals)};
    const bool timer = arrivals[0] == kTimer || arrivals[1] == kTimer;
    Meeting meeting;
    sim.RunOn(home, [&] {
      meeting.endpoint = home.Open(nullptr, &sink);
      meeting.waiter = &tasks.Spawn(home, [&](Loop& loop) {
        const int64_t start = loop.now();
        Wait wait;
        loop.Prepare(wait);
        loop.LinkIo(wait, *meeting.endpoint, kReadable);
        meeting.token = loop.TokenOf(wait);
        meeting.cause = loop.Block(wait, timer ? start + kSecond : start + 100 * kSecond);
        meeting.waited = loop.now() - start;
        EXPECT_EQ(meeting.endpoint->waits, nullptr);
        EXPECT_FALSE(wait.timer.armed());
        // What came second must not end this one. (A cancellation is for the task, so it would.)
        const int64_t again = loop.now();
        Wait next;
        loop.Prepare(next);
        EXPECT_EQ(loop.Block(next, again + 10 * kSecond, /*cancellable=*/false), Errc::kTimeout);
        meeting.next_wait_undisturbed = loop.now() - again == 10 * kSecond;
      });
    });
    for (Arrival arrival : arrivals) {
      if (arrival == kTimer) continue;
      // From any loop, all at the same instant.
      Loop& from = arrival == kPost ? sim.loop(random() % sim.loops()) : home;
      sim.RunOn(from, [&] {
        tasks.Spawn(from, [&, arrival](Loop& loop) {
          (void)SleepFor(loop, kSecond);
          if (arrival == kIoEvent) meeting.endpoint->token(home).Notify(kReadable);
          if (arrival == kCancel) loop.Cancel(*meeting.waiter, Errc::kCancelled);
          if (arrival == kPost) Loop::PostWake(meeting.token, Errc::kClientGone);
        });
      });
    }
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); })) << pair;
    EXPECT_TRUE(meeting.cause == CauseOf(arrivals[0]) || meeting.cause == CauseOf(arrivals[1]))
        << pair << ": " << ErrcName(meeting.cause);
    EXPECT_EQ(meeting.waited, kSecond) << pair;
    EXPECT_TRUE(meeting.next_wait_undisturbed) << pair;
    sim.RunOn(home, [&] { home.Release(*meeting.endpoint); });
  }
}

TEST_P(WaitTest, ACancelledTaskFailsBeforeItTries) {
  sim.RunOn(sim.loop(0), [&] {
    Loop& loop = sim.loop(0);
    loop.Cancel(*loop.current_task(), Errc::kClientGone);
    loop.Cancel(*loop.current_task(), Errc::kCancelled);  // The first cause stays.
    const uint64_t switches = loop.stats().switches;
    EXPECT_EQ(SleepFor(loop, kSecond), Errc::kClientGone);
    EXPECT_EQ(loop.stats().switches, switches);
  });
}

TEST_P(WaitTest, AWaitThatMayNotBeCancelledIsNot) {
  TaskList tasks;
  Loop& loop = sim.loop(0);
  sim.RunOn(loop, [&] {
    const int64_t start = loop.now();
    FunctionTask& task = tasks.Spawn(loop, [start](Loop& here) {
      Wait wait;
      here.Prepare(wait);
      EXPECT_EQ(here.Block(wait, start + 5 * kSecond, /*cancellable=*/false), Errc::kTimeout);
      EXPECT_EQ(here.now(), start + 5 * kSecond);
      EXPECT_EQ(SleepFor(here, kSecond), Errc::kCancelled);
    });
    (void)SleepFor(loop, kSecond);
    loop.Cancel(task, Errc::kCancelled);
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
}

TEST_P(WaitTest, ReleaseEndsTheWaitsOfAnEndpoint) {
  NoSink sink;
  TaskList tasks;
  Loop& loop = sim.loop(0);
  int ended = 0;
  sim.RunOn(loop, [&] {
    Endpoint* endpoint = loop.Open(nullptr, &sink);
    for (uint8_t ready : {kReadable, kWritable}) {
      tasks.Spawn(loop, [&, endpoint, ready](Loop& here) {
        Wait wait;
        here.Prepare(wait);
        here.LinkIo(wait, *endpoint, ready);
        ended += here.Block(wait, kNoDeadline) == Errc::kConnectionClosed;
      });
    }
    (void)SleepFor(loop, kSecond);
    EXPECT_EQ(ended, 0);
    loop.Release(*endpoint);
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_EQ(ended, 2);
}

TEST_P(WaitTest, OnlyTheAskedDirectionWakes) {
  NoSink sink;
  TaskList tasks;
  Loop& loop = sim.loop(0);
  bool woken = false;
  Endpoint* endpoint = nullptr;
  sim.RunOn(loop, [&] {
    endpoint = loop.Open(nullptr, &sink);
    tasks.Spawn(loop, [&](Loop& here) {
      Wait wait;
      here.Prepare(wait);
      here.LinkIo(wait, *endpoint, kWritable);
      EXPECT_EQ(here.Block(wait, kNoDeadline), Errc::kOk);
      woken = true;
    });
    endpoint->token(loop).Notify(kReadable);
  });
  sim.Settle();
  EXPECT_FALSE(woken);
  EXPECT_EQ(sink.seen, 1);
  endpoint->token(loop).Notify(kWritable);
  EXPECT_TRUE(sim.RunUntil([&] { return woken; }));
  EXPECT_EQ(sink.seen, 1);
}

TEST_P(WaitTest, StaleWakesAreCounted) {
  Loop& loop = sim.loop(0);
  WakeToken token;
  sim.RunOn(loop, [&] {
    Wait wait;
    loop.Prepare(wait);
    token = loop.TokenOf(wait);
    EXPECT_EQ(loop.Block(wait, loop.now() + kSecond), Errc::kTimeout);
  });
  const uint64_t before = loop.stats().stale_wakes;
  for (int i = 0; i < 3; ++i) Loop::PostWake(token, Errc::kOk);
  sim.Settle();
  EXPECT_EQ(loop.stats().stale_wakes, before + 3);
}

// The same with real threads: posts race with short timers. It is enough that all end.
TEST(WaitThreadsTest, PostsRaceWithTimers) {
  TaskList tasks;
  Runtime runtime({.threads = 2});
  constexpr int kWaiters = 20;
  constexpr int kRounds = 100;
  struct Slot {
    std::atomic<uint64_t> token{0};  // fiber and seq
  };
  std::vector<Slot> slots(kWaiters);
  std::atomic<int> left{kWaiters};
  std::atomic<bool> stop{false};
  std::vector<std::thread> wakers;
  Loop& home = runtime.loop(0);
  for (int t = 0; t < 2; ++t) {
    wakers.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      while (!stop.load()) {
        uint64_t token = slots[random() % kWaiters].token.load();
        if (token == 0) continue;
        Loop::PostWake({&home, static_cast<uint32_t>(token), static_cast<uint32_t>(token >> 32)},
                       Errc::kOk);
        std::this_thread::yield();
      }
    });
  }
  runtime.RunOn(home, [&] {
    for (int i = 0; i < kWaiters; ++i) {
      tasks.Spawn(home, [&, i](Loop& loop) {
        for (int round = 0; round < kRounds; ++round) {
          Wait wait;
          loop.Prepare(wait);
          WakeToken token = loop.TokenOf(wait);
          slots[static_cast<size_t>(i)].token.store(token.fiber | uint64_t{token.seq} << 32);
          Errc cause = loop.Block(wait, loop.now() + (round % 3) * kMillisecond);
          EXPECT_TRUE(cause == Errc::kOk || cause == Errc::kTimeout);
        }
        left.fetch_sub(1);
      });
    }
    while (left.load() != 0) (void)SleepFor(home, kMillisecond);
  });
  stop = true;
  for (std::thread& waker : wakers) waker.join();
}

}  // namespace
}  // namespace fasthttp::runtime
