// Whatever ends a wait at the same moment, one cause wins, nothing is handed to who has left, and
// nothing is felt by the next wait.

#include "fasthttp/runtime/waiter.h"

#include <atomic>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp::runtime {
namespace {

using fasthttptest::SimRuntime;

enum Arrival { kIo, kTimer, kCancel, kWake, kShutdown, kArrivals };

Errc CauseOf(Arrival arrival) {
  constexpr Errc kCauses[] = {Errc::kConnectionReset, Errc::kTimeout, Errc::kClientGone, Errc::kOk,
                              Errc::kDraining};
  return kCauses[arrival];
}

class NoSink final : public EventSink {
 public:
  void OnReady(Endpoint&, uint8_t) override {}
  void OnTimer(Endpoint&) override {}
};

// One waiting task on a loop, and what may end its wait: from any thread, but for the timer.
class Meeting {
 public:
  // With a Waiter, that has only been claimed; else with a Wait, that is linked to an endpoint.
  Meeting(Runtime& runtime, bool with_waiter)
      : runtime_(runtime), home_(runtime.loop(0)), with_waiter_(with_waiter) {}

  // The waiting task. With a deadline: at the time `when`, else a minute later.
  void Run(bool deadline, int64_t when) {
    endpoint_ = home_.Open(nullptr, &sink_);
    ready_ = endpoint_->token(home_);
    task_ = home_.current_task();
    const int64_t until = deadline ? when : when + 60 * kSecond;
    if (with_waiter_) {
      Waiter waiter;
      waiter_ = &waiter;
      published.store(true);
      cause_ = waiter.Await(until);
      // Claims that come too late are refused, as long as there is something to claim.
      EXPECT_FALSE(waiter.Claim());
      left_.store(true);
      while (users_.load() != 0) std::this_thread::yield();
    } else {
      Wait wait;
      home_.Prepare(wait);
      home_.LinkIo(wait, *endpoint_, kReadable);
      token_ = home_.TokenOf(wait);
      published.store(true);
      cause_ = home_.Block(wait, until);
      EXPECT_EQ(endpoint_->waits, nullptr);
      EXPECT_FALSE(wait.timer.armed());
    }
    const int64_t again = home_.FreshNow();
    Wait next;
    home_.Prepare(next);
    EXPECT_EQ(home_.Block(next, again + 2 * kMillisecond, /*cancellable=*/false), Errc::kTimeout);
    home_.Release(*endpoint_);
    done.store(true);
  }

  void Arrive(Arrival arrival) {
    if (arrival == kCancel) {
      home_.Post(
          [](Loop& loop, void* self, uint64_t, uint64_t) {
            auto& meeting = *static_cast<Meeting*>(self);
            if (!meeting.done.load()) loop.Cancel(*meeting.task_, Errc::kClientGone);
          },
          this);
    }
    for (size_t i = 0; arrival == kShutdown && i < runtime_.loops(); ++i) runtime_.loop(i).Stop();
    if (with_waiter_) {
      users_.fetch_add(1);
      if (!left_.load()) {
        if (arrival == kIo && waiter_->Cancel(Errc::kConnectionReset)) cancelled_ = true;
        if (arrival == kWake && waiter_->Claim()) {
          handed_over_ = true;  // Not atomic: read by who waited, so TSan sees if it left too soon.
          waiter_->Wake();
        }
      }
      users_.fetch_sub(1);
    } else {
      if (arrival == kIo) ready_.Notify(kReadable);
      if (arrival == kWake) Loop::PostWake(token_, Errc::kOk);
    }
  }

  // After the end: whether the outcome is one that the arrivals allow.
  void Check(Arrival a, Arrival b) {
    const bool io_is_ok = !with_waiter_;
    auto explains = [&](Arrival arrival) {
      if (arrival == kIo && io_is_ok) return cause_ == Errc::kOk;
      return cause_ == CauseOf(arrival);
    };
    EXPECT_TRUE(explains(a) || explains(b)) << a << " and " << b << ": " << ErrcName(cause_);
    if (!with_waiter_) return;
    EXPECT_EQ(handed_over_, cause_ == Errc::kOk) << a << " and " << b;
    EXPECT_EQ(cancelled_, cause_ == Errc::kConnectionReset) << a << " and " << b;
  }

  std::atomic<bool> published{false};
  std::atomic<bool> done{false};

 private:
  Runtime& runtime_;
  Loop& home_;
  const bool with_waiter_;
  NoSink sink_;
  Endpoint* endpoint_ = nullptr;
  ReadyToken ready_;
  Task* task_ = nullptr;
  Waiter* waiter_ = nullptr;
  WakeToken token_;
  Errc cause_ = Errc::kCount;
  bool handed_over_ = false;
  bool cancelled_ = false;
  std::atomic<bool> left_{false};
  std::atomic<int> users_{0};  // Who may still look at waiter_.
};

class PairTest : public testing::TestWithParam<std::tuple<bool, size_t, uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(WaiterLoopsAndSeeds, PairTest,
                         testing::Combine(testing::Bool(), testing::Values(1, 2, 4),
                                          testing::Values(1, 2, 3, 4, 5)));

TEST_P(PairTest, EveryPairOfEndingsAtOneInstant) {
  auto [with_waiter, loops, seed] = GetParam();
  for (int pair = 0; pair < kArrivals * kArrivals; ++pair) {
    const Arrival arrivals[] = {static_cast<Arrival>(pair / kArrivals),
                                static_cast<Arrival>(pair % kArrivals)};
    const bool timer = arrivals[0] == kTimer || arrivals[1] == kTimer;
    TaskList tasks;
    std::optional<Meeting> met;  // Outlives the runtime, whose messages may name it.
    SimRuntime sim({.loops = loops, .seed = seed * 100 + static_cast<uint64_t>(pair)});
    Loop& home = sim.loop(0);
    Meeting& meeting = met.emplace(sim, with_waiter);
    const int64_t when = sim.NowNanos() + kSecond;
    sim.RunOn(home, [&] { tasks.Spawn(home, [&](Loop&) { meeting.Run(timer, when); }); });
    for (size_t i = 0; i < 2; ++i) {
      if (arrivals[i] == kTimer) continue;
      Loop& from = sim.loop((i + seed) % loops);
      sim.RunOn(from, [&] {
        tasks.Spawn(from, [&, i](Loop& loop) {
          (void)SleepFor(loop, kSecond);
          meeting.Arrive(arrivals[i]);
        });
      });
    }
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); })) << pair;
    meeting.Check(arrivals[0], arrivals[1]);
  }
}

// The same with threads: the two come from threads of their own, as close together as can be.
TEST(PairThreadsTest, EveryPairOfEndingsAtOnce) {
  constexpr int kRounds = 3;
  for (int i = 0; i < 2 * kArrivals * kArrivals * kRounds; ++i) {
    const bool with_waiter = i % 2 == 0;
    const int pair = i / 2 % (kArrivals * kArrivals);
    const Arrival arrivals[] = {static_cast<Arrival>(pair / kArrivals),
                                static_cast<Arrival>(pair % kArrivals)};
    const bool timer = arrivals[0] == kTimer || arrivals[1] == kTimer;
    std::optional<Meeting> met;
    Runtime runtime({.threads = 2});
    Meeting& meeting = met.emplace(runtime, with_waiter);
    const int64_t when = Waiter::Now() + 3 * kMillisecond;
    std::vector<std::thread> threads;
    for (Arrival arrival : arrivals) {
      if (arrival == kTimer) continue;
      threads.emplace_back([&, arrival] {
        while (!meeting.published.load()) std::this_thread::yield();
        while (Waiter::Now() < when) std::this_thread::yield();
        meeting.Arrive(arrival);
      });
    }
    runtime.RunOn(runtime.loop(0), [&] { meeting.Run(timer, when); });
    for (std::thread& thread : threads) thread.join();
    meeting.Check(arrivals[0], arrivals[1]);
  }
}

// A plain thread's waits: deadline, cancellation and claims from other threads.
TEST(PairThreadsTest, APlainThreadsWaitHasOneEnding) {
  for (int i = 0; i < 300; ++i) {
    Waiter waiter;
    ContextNode* context = ContextNode::WithCancel(nullptr, kNoDeadline, Errc::kTimeout);
    CurrentTask().scope.context = context;
    std::atomic<bool> left{false};
    std::atomic<int> running{2};
    bool handed_over = false;
    const int64_t when = Waiter::Now() + 300 * kMicrosecond;
    auto at = [when](int64_t delay) {
      while (Waiter::Now() < when + delay) std::this_thread::yield();
    };
    std::thread waker([&] {
      at(i % 3 * 50 * kMicrosecond);
      if (waiter.Claim()) {
        handed_over = true;
        waiter.Wake();
      }
      running.fetch_sub(1);
    });
    std::thread canceller([&] {
      at(i % 5 * 30 * kMicrosecond);
      if (i % 2 == 0) context->Cancel(Errc::kClientGone, Waiter::Now());
      running.fetch_sub(1);
    });
    Errc cause = waiter.Await(i % 4 == 0 ? when : when + kSecond);
    EXPECT_EQ(handed_over, cause == Errc::kOk);
    EXPECT_TRUE(cause == Errc::kOk || cause == Errc::kTimeout || cause == Errc::kClientGone);
    waker.join();
    canceller.join();
    CurrentTask().scope.context = nullptr;
    ContextNode::Unref(context);
  }
}

TEST(WaiterTest, AClaimIsWonOnce) {
  SimRuntime sim;
  sim.Run([&] {
    Waiter waiter;
    EXPECT_TRUE(waiter.Claim());
    EXPECT_FALSE(waiter.Claim());
    EXPECT_FALSE(waiter.Cancel(Errc::kCancelled));
    waiter.Wake();  // Before Await: it doesn't suspend then.
    EXPECT_EQ(waiter.Await(), Errc::kOk);
  });
}

TEST(WaiterTest, NodesOfThoseWhoHaveLeftAreDropped) {
  WaitList list;
  Waiter waiters[3];
  WaitNode nodes[] = {WaitNode(&waiters[0]), WaitNode(&waiters[1]), WaitNode(&waiters[2])};
  for (WaitNode& node : nodes) list.PushBack(node);
  EXPECT_TRUE(waiters[0].Claim());
  EXPECT_EQ(list.PopClaimed(), &nodes[1]);
  EXPECT_EQ(waiters[1].claimed_node, &nodes[1]);
  EXPECT_FALSE(nodes[0].linked);
  list.Remove(nodes[0]);
  EXPECT_EQ(list.front(), &nodes[2]);
  list.Remove(nodes[2]);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.PopClaimed(), nullptr);
}

TEST(WaiterDeathTest, WaitingOutsideOfUserCodeIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto in_a_message = [](Loop::Posted function) {
    SimRuntime sim;
    sim.loop(0).Post(function, nullptr);
    sim.Settle();
  };
  EXPECT_DEATH(in_a_message([](Loop&, void*, uint64_t, uint64_t) { Waiter waiter; }),
               "outside of a handler or task");
  EXPECT_DEATH(in_a_message([](Loop&, void*, uint64_t, uint64_t) { (void)Waiter::CauseOnEntry(); }),
               "outside of a handler or task");
}

}  // namespace
}  // namespace fasthttp::runtime
