#include "fasthttp/context.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/task_group.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_runtime.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::Loop;
using testing::SimServer;
using testing::WireClient;

inline constexpr ContextKey<std::string> kUser;
inline constexpr ContextKey<std::string> kTenant;
inline constexpr ContextKey<int> kDepth;

#ifdef NDEBUG
constexpr int kMillion = 1'000'000;
#else
constexpr int kMillion = testing_internal::kAllocCounterAvailable ? 1'000'000 : 50'000;
#endif

Errc Slept(absl::Duration duration) { return ErrcOf(Sleep(duration)); }

// --- The tree, on a plain thread --------------------------------------------------------------

TEST(ContextTest, TheBackgroundNeverEnds) {
  Context context;
  EXPECT_TRUE(context == Background());
  EXPECT_TRUE(context == CurrentContext());
  EXPECT_TRUE(context.Err().ok());
  EXPECT_TRUE(context.Cause().ok());
  EXPECT_FALSE(context.Done().IsSet());
  EXPECT_EQ(context.Deadline(), absl::InfiniteFuture());
  EXPECT_EQ(context.Value(kUser), nullptr);
}

TEST(ContextTest, CancelEndsEverythingBelowAndNothingElse) {
  CancelContext root = WithCancel();
  CancelContext a = WithCancel(root);
  CancelContext b = WithTimeout(root, absl::Hours(1));
  Context below_a = WithValue(WithTimeout(a, absl::Hours(1)), kUser, "ann");
  Event& done = below_a.Done();
  a.Cancel();
  EXPECT_EQ(ErrcOf(a.Err()), Errc::kCancelled);
  EXPECT_EQ(ErrcOf(below_a.Err()), Errc::kCancelled);
  EXPECT_TRUE(done.IsSet());
  EXPECT_TRUE(a.Done().IsSet());
  EXPECT_TRUE(root.Err().ok());
  EXPECT_TRUE(b.Err().ok());
  EXPECT_FALSE(b.Done().IsSet());
  EXPECT_EQ(ErrcOf(WithCancel(below_a).Err()), Errc::kCancelled) << "made too late";
  root.Cancel();
  EXPECT_EQ(ErrcOf(b.Err()), Errc::kCancelled);
  EXPECT_TRUE(b.Done().IsSet());
}

TEST(ContextTest, CauseTellsWhatCancelWasGiven) {
  CancelContext root = WithCancel();
  Context below = WithCancel(root);
  root.Cancel(absl::DataLossError("disk 3"));
  root.Cancel(absl::InternalError("too late"));
  EXPECT_EQ(ErrcOf(below.Err()), Errc::kCancelled);
  EXPECT_EQ(below.Cause(), absl::DataLossError("disk 3"));
  EXPECT_EQ(WithCancel(below).Cause(), absl::DataLossError("disk 3"));
  CancelContext plain = WithCancel();
  plain.Cancel();
  EXPECT_EQ(ErrcOf(plain.Cause()), Errc::kCancelled);
}

TEST(ContextTest, WithValue) {
  Context a = WithValue(kUser, "ann");
  Context b = WithValue(a, kTenant, "x");
  Context c = WithValue(WithTimeout(b, absl::Hours(1)), kUser, "bob");
  EXPECT_EQ(*a.Value(kUser), "ann");
  EXPECT_EQ(a.Value(kTenant), nullptr);
  EXPECT_EQ(*b.Value(kUser), "ann");
  EXPECT_EQ(*c.Value(kUser), "bob");
  EXPECT_EQ(*c.Value(kTenant), "x");
  EXPECT_EQ(c.Value(kDepth), nullptr);
  ContextScope scope(c);
  EXPECT_EQ(*CurrentContext().Value(kUser), "bob");
  EXPECT_EQ(*WithoutCancel().Value(kTenant), "x");
}

TEST(ContextTest, ADeadlineIsNeverLaterThanTheParents) {
  CancelContext root = WithTimeout(absl::Hours(1));
  EXPECT_EQ(WithTimeout(root, absl::Hours(2)).Deadline() - root.Deadline() < absl::Seconds(1),
            true);
  EXPECT_LT(WithTimeout(root, absl::Minutes(1)).Deadline(), root.Deadline());
  EXPECT_EQ(WithoutCancel(root).Deadline(), absl::InfiniteFuture());
  EXPECT_EQ(WithTimeout(absl::InfiniteDuration()).Deadline(), absl::InfiniteFuture());
  EXPECT_EQ(WithDeadline(absl::InfiniteFuture()).Deadline(), absl::InfiniteFuture());
  for (absl::Duration none : {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
    EXPECT_EQ(ErrcOf(WithTimeout(none).Err()), Errc::kTimeout);
  }
  EXPECT_EQ(ErrcOf(WithDeadline(absl::InfinitePast()).Err()), Errc::kTimeout);
}

// What ended a Context does not change, although nobody looked when its time was over.
TEST(ContextTest, AnEndIsForGood) {
  CancelContext late = WithTimeout(absl::ZeroDuration());
  late.Cancel(absl::InternalError("x"));
  EXPECT_EQ(ErrcOf(late.Err()), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(late.Cause()), Errc::kTimeout);
  EXPECT_TRUE(late.Done().IsSet());
}

TEST(ContextTest, AChainOfAMillionIsNoDepthOfStack) {
  CancelContext root = WithCancel();
  Context context = root;
  for (int i = 0; i < 100'000; ++i) context = WithCancel(context);
  root.Cancel();
  EXPECT_EQ(ErrcOf(context.Err()), Errc::kCancelled);
  context = Background();
}

TEST(ContextTest, ScopesNestOnAPlainThread) {
  EXPECT_TRUE(Sleep(absl::ZeroDuration()).ok());
  {
    ContextScope limit = WithTimeout(absl::Hours(1));
    const absl::Time outer = CurrentContext().Deadline();
    {
      ContextScope inner = WithTimeout(absl::Milliseconds(2));
      EXPECT_LT(CurrentContext().Deadline(), outer);
      EXPECT_EQ(Slept(absl::Hours(1)), Errc::kTimeout);
      EXPECT_EQ(Slept(absl::ZeroDuration()), Errc::kTimeout);
      ContextScope cleanup = WithoutCancel();
      EXPECT_EQ(Slept(absl::Milliseconds(1)), Errc::kOk);
    }
    EXPECT_TRUE(CurrentContext().Err().ok());
    ContextScope none = Background();
    EXPECT_EQ(CurrentContext().Deadline(), absl::InfiniteFuture());
  }
  EXPECT_TRUE(CurrentContext() == Background());
}

TEST(ContextTest, ABlockedPlainThreadIsEnded) {
  Runtime runtime({.threads = 2});
  CancelContext context = WithCancel();
  std::atomic<int> blocked{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      ContextScope scope(context);
      blocked.fetch_add(1);
      if (i == 0) {
        EXPECT_EQ(Slept(absl::Hours(1)), Errc::kCancelled);
      }
      if (i == 1) runtime.Run([] { EXPECT_EQ(Slept(absl::Hours(1)), Errc::kCancelled); });
      if (i == 2) {
        Event never;
        EXPECT_EQ(ErrcOf(never.Wait()), Errc::kCancelled);
      }
    });
  }
  while (blocked.load() != 3) std::this_thread::yield();
  context.Cancel();
  for (std::thread& thread : threads) thread.join();
}

TEST(ContextDeathTest, ScopesEndInOrder) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto outer = std::make_unique<ContextScope>(WithCancel());
        ContextScope inner = WithCancel();
        outer.reset();
      },
      "a ContextScope must end in the function that made it");
}

// --- In tasks, N loops in virtual time --------------------------------------------------------

class ContextSimTest : public ::testing::TestWithParam<size_t> {
 protected:
  Loop& last() { return sim.loop(sim.loops() - 1); }

  SimRuntime sim{{.loops = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Loops, ContextSimTest, ::testing::Values(1, 2, 4));

TEST_P(ContextSimTest, ATimeoutEndsWaitsAtItsTime) {
  const int64_t start = sim.NowNanos();
  sim.Run([&] {
    ContextScope limit = WithTimeout(absl::Milliseconds(300));
    EXPECT_EQ(CurrentContext().Deadline(), sim.Now() + absl::Milliseconds(300));
    EXPECT_EQ(Slept(absl::Milliseconds(100)), Errc::kOk);
    sim.RunOn(last(), [&] { EXPECT_EQ(Slept(absl::Seconds(9)), Errc::kTimeout); });
    EXPECT_EQ(sim.NowNanos() - start, 300 * runtime::kMillisecond);
    EXPECT_EQ(ErrcOf(CurrentContext().Err()), Errc::kTimeout);
    EXPECT_EQ(Slept(absl::Seconds(9)), Errc::kTimeout);
    Event never;
    EXPECT_EQ(ErrcOf(never.Wait()), Errc::kTimeout);
  });
  EXPECT_EQ(sim.NowNanos() - start, 300 * runtime::kMillisecond);
}

// A sleep that is over at the very deadline is over.
TEST_P(ContextSimTest, WhatIsDoneAtTheDeadlineIsDone) {
  sim.Run([&] {
    ContextScope limit = WithTimeout(absl::Seconds(1));
    EXPECT_EQ(Slept(absl::Seconds(1)), Errc::kOk);
    EXPECT_EQ(Slept(absl::ZeroDuration()), Errc::kTimeout);
  });
}

TEST_P(ContextSimTest, ScopeLeavesNothingBehind) {
  sim.Settle();
  sim.Run([&] {
    for (int i = 0; i < kMillion; ++i) {
      CancelContext context = WithTimeout(absl::Seconds(1 + i % 100));
      ContextScope limit = context;
      if (i % 1000 == 0) {
        EXPECT_FALSE(context.Done().IsSet());
        EXPECT_NE(Loop::Current()->timers(), 0u) << "an alarm, since somebody asked";
        Yield();
      }
      context.Cancel();
    }
    EXPECT_EQ(CurrentContext().Deadline(), absl::InfiniteFuture());
  });
  sim.Settle();
  for (size_t i = 0; i < sim.loops(); ++i) EXPECT_EQ(sim.loop(i).timers(), 0u);
}

TEST_P(ContextSimTest, CancelReachesTasksOnAllLoops) {
  CancelContext context = WithCancel();
  int ended = 0;
  sim.Run([&] {
    for (size_t i = 0; i < 3 * sim.loops(); ++i) {
      sim.RunOn(sim.loop(i % sim.loops()), [&] {
        Spawn(context, [&] {
          ContextScope inner = WithTimeout(absl::Hours(2));
          ended += Slept(absl::Hours(1)) == Errc::kCancelled;
        });
      });
    }
  });
  const int64_t start = sim.NowNanos();
  sim.Settle();
  EXPECT_EQ(ended, 0);
  std::thread([&] { context.Cancel(); }).join();
  sim.Settle();
  EXPECT_EQ(ended, static_cast<int>(3 * sim.loops()));
  EXPECT_EQ(sim.NowNanos(), start);
}

TEST_P(ContextSimTest, CancelReachesTaskGroupOnOtherLoop) {
  CancelContext context = WithCancel();
  int ended = 0;
  sim.Run([&] {
    Spawn(context, [&] {
      sim.RunOn(last(), [&] {
        TaskGroup group;
        for (int i = 0; i < 3; ++i) {
          group.Go([&] {
            sim.RunOn(sim.loop(0), [&] { ended += Slept(absl::Hours(1)) == Errc::kCancelled; });
          });
        }
        EXPECT_TRUE(group.Wait().ok());
      });
    });
  });
  sim.Settle();
  context.Cancel();
  sim.Settle();
  EXPECT_EQ(ended, 3);
}

TEST_P(ContextSimTest, WithoutCancelForCleanup) {
  CancelContext context = WithCancel();
  std::vector<Errc> seen;
  sim.RunOn(last(), [&] {
    Spawn(context, [&] {
      seen.push_back(Slept(absl::Hours(1)));
      {
        ContextScope cleanup = WithoutCancel();
        seen.push_back(Slept(absl::Seconds(1)));
        sim.RunOn(sim.loop(0), [&] { seen.push_back(Slept(absl::Seconds(1))); });
        ContextScope limit = WithTimeout(absl::Seconds(1));
        seen.push_back(Slept(absl::Seconds(2)));
      }
      seen.push_back(Slept(absl::Seconds(1)));
    });
  });
  sim.Settle();
  context.Cancel();
  EXPECT_TRUE(sim.RunUntil([&] { return seen.size() == 5; }));
  EXPECT_EQ(seen, (std::vector<Errc>{Errc::kCancelled, Errc::kOk, Errc::kOk, Errc::kTimeout,
                                     Errc::kCancelled}));
}

TEST_P(ContextSimTest, ACancellationIsSeenOnEntryOnlyInItsScope) {
  sim.Run([&] {
    CancelContext context = WithCancel();
    {
      ContextScope scope(context);
      context.Cancel();
      const uint64_t switches = Loop::Current()->stats().switches;
      EXPECT_EQ(Slept(absl::Hours(1)), Errc::kCancelled);
      EXPECT_EQ(Loop::Current()->stats().switches, switches);
    }
    EXPECT_EQ(Slept(absl::Seconds(1)), Errc::kOk);
  });
}

// Done() of a Context with a deadline is set at that time, on every loop, for all who wait.
TEST_P(ContextSimTest, DoneIsSetAtTheDeadline) {
  std::optional<CancelContext> context;
  int woken = 0;
  sim.RunOn(last(), [&] {
    context = WithTimeout(absl::Seconds(5));
    EXPECT_FALSE(context->Done().IsSet());
  });
  for (size_t i = 0; i < sim.loops(); ++i) {
    sim.RunOn(sim.loop(i), [&] {
      Spawn([&] {
        EXPECT_TRUE(context->Done().Wait().ok());
        EXPECT_EQ(ErrcOf(context->Err()), Errc::kTimeout);
        ++woken;
      });
    });
  }
  sim.Advance(absl::Seconds(4.9));
  EXPECT_EQ(woken, 0);
  sim.Advance(absl::Seconds(0.1));
  EXPECT_EQ(woken, static_cast<int>(sim.loops()));
}

TEST(ContextTest, DoneOutlivesTheRuntimeThatKeepsItsTime) {
  std::optional<CancelContext> kept;
  std::optional<CancelContext> dropped;
  {
    SimRuntime sim;
    sim.Run([&] {
      kept = WithTimeout(absl::Hours(1));
      EXPECT_FALSE(kept->Done().IsSet());
      dropped = WithTimeout(absl::Hours(1));
      EXPECT_FALSE(dropped->Done().IsSet());
    });
    dropped.reset();  // Its message to the loop is not taken any more.
  }
  EXPECT_TRUE(kept->Done().IsSet());
  EXPECT_EQ(ErrcOf(kept->Err()), Errc::kDraining);
}

// --- Of requests ------------------------------------------------------------------------------

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(ContextServerTest, ClientGoneEndsEverythingBelowARequest) {
  std::vector<Errc> seen;
  SimServer sim({.handler = [&](RequestCtx&) {
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {
      group.Go([&] { seen.push_back(Slept(absl::Hours(1))); });
    }
    ContextScope limit = WithTimeout(absl::Minutes(1));
    seen.push_back(Slept(absl::Hours(1)));
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ErrcOf(CurrentContext().Err()), Errc::kClientGone);
    ContextScope cleanup = WithoutCancel();
    seen.push_back(Slept(absl::Seconds(1)));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(kGet);
    sim.Settle();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(seen, std::vector<Errc>(3, Errc::kClientGone));
    (void)Sleep(absl::Seconds(2));
  });
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[3], Errc::kOk);
}

// The next request of a connection starts with a Context of its own; the one before has ended.
TEST(ContextServerTest, ARequestsContextEndsWithIt) {
  std::vector<Context> contexts;
  SimServer sim({.handler = [&](RequestCtx&) {
    EXPECT_TRUE(CurrentContext().Err().ok());
    contexts.push_back(CurrentContext());
    EXPECT_FALSE(contexts.back().Done().IsSet());
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(kGet).status, 200);
    EXPECT_EQ(client.Ask(kGet).status, 200);
  });
  ASSERT_EQ(contexts.size(), 2u);
  EXPECT_FALSE(contexts[0] == contexts[1]);
  for (const Context& context : contexts) {
    EXPECT_EQ(ErrcOf(context.Err()), Errc::kCancelled);
    EXPECT_TRUE(context.Done().IsSet());
  }
}

TEST(ContextServerTest, ATaskMayOutliveItsRequestWithoutItsEnd) {
  std::vector<Errc> seen;
  SimServer sim({.handler = [&](RequestCtx&) {
    Spawn([&] { seen.push_back(Slept(absl::Seconds(1))); });
    Spawn(WithoutCancel(), [&] { seen.push_back(Slept(absl::Seconds(1))); });
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(kGet).status, 200);
    (void)Sleep(absl::Seconds(2));
  });
  EXPECT_EQ(seen, (std::vector<Errc>{Errc::kCancelled, Errc::kOk}));
}

TEST(ContextServerTest, ARequestThatDoesNotUseItsContextAllocatesNothing) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "allocations are not counted";
  bool use = false;
  SimServer sim({.handler = [&](RequestCtx&) {
    if (use) (void)CurrentContext();
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    auto requests = [&] {
      uint64_t least = UINT64_MAX;
      for (int i = 0; i < 20; ++i) {
        testing_internal::AllocCounter counter;
        (void)client.Ask(kGet);
        least = std::min(least, counter.count());
      }
      return least;
    };
    const uint64_t without = requests();
    use = true;
    // The client allocates; a used Context does once more.
    EXPECT_EQ(requests(), without + 1);
  });
}

// --- Real threads -----------------------------------------------------------------------------

TEST(ContextThreadsTest, CancelRacesWithWaitsAndTheirEnds) {
  Runtime runtime({.threads = 2});
  for (int round = 0; round < 100; ++round) {
    CancelContext context = WithCancel();
    std::atomic<int> ended{0};
    std::thread canceller([&, context] {
      if (round % 2) std::this_thread::yield();
      context.Cancel();
    });
    for (size_t i = 0; i < 4; ++i) {
      runtime.RunOn(runtime.loop(i % 2), [&, i] {
        Spawn(context, [&, i] {
          {
            ContextScope inner = WithTimeout(absl::Milliseconds(i % 3));
            Errc cause = Slept(absl::Milliseconds(1));
            EXPECT_TRUE(cause == Errc::kCancelled || cause == Errc::kTimeout || cause == Errc::kOk);
          }
          (void)context.Done().Wait();
          EXPECT_EQ(ErrcOf(context.Err()), Errc::kCancelled);
          ended.fetch_add(1);
        });
      });
    }
    canceller.join();
    while (ended.load() != 4) std::this_thread::yield();
  }
}

TEST(ContextThreadsTest, HandlesMayDieAnywhere) {
  Runtime runtime({.threads = 2});
  for (int round = 0; round < 200; ++round) {
    Context context;
    runtime.RunOn(runtime.loop(0), [&] {
      CancelContext made = WithTimeout(absl::Milliseconds(round % 3));
      if (round % 2) (void)made.Done().IsSet();
      context = WithCancel(made);
      Spawn(made, [context] { (void)Sleep(absl::Milliseconds(1)); });
    });
    runtime.RunOn(runtime.loop(1), [&] { context = WithCancel(context); });
    std::thread([moved = std::move(context)]() mutable { moved = Background(); }).join();
  }
}

}  // namespace
}  // namespace fasthttp
