#include "fasthttp/task_group.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fasthttp/error.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::Loop;

Errc Slept(absl::Duration duration) { return ErrcOf(Sleep(duration)); }

class TaskGroupTest : public testing::TestWithParam<size_t> {
 protected:
  SimRuntime sim{{.loops = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Loops, TaskGroupTest, testing::Values(1, 2, 4));

TEST_P(TaskGroupTest, MembersRunSideBySideOnTheMakersLoop) {
  const int64_t start = sim.NowNanos();
  sim.Run([&] {
    Loop* const home = Loop::Current();
    std::vector<int> order;
    TaskGroup group;
    for (int i = 3; i > 0; --i) {
      group.Go([&, i] {
        EXPECT_EQ(Loop::Current(), home);
        EXPECT_EQ(Slept(absl::Seconds(i)), Errc::kOk);
        order.push_back(i);
      });
    }
    EXPECT_TRUE(order.empty());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
    EXPECT_TRUE(group.Wait().ok());
    group.Go([&] { order.push_back(4); });
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(order.size(), 4u);
  });
  EXPECT_EQ(sim.NowNanos() - start, 3 * runtime::kSecond);
}

TEST_P(TaskGroupTest, OneOfARuntimeDealsItsMembersToAllLoops) {
  std::set<Loop*> homes;
  TaskGroup group(sim);
  for (size_t i = 0; i < 8; ++i) {
    group.Go([&] {
      homes.insert(Loop::Current());  // One thread steps them all.
      return Sleep(absl::Seconds(1));
    });
  }
  EXPECT_TRUE(group.Wait().ok());
  EXPECT_EQ(homes.size(), sim.loops());
}

TEST_P(TaskGroupTest, TheFirstErrorCancelsTheRest) {
  const int64_t start = sim.NowNanos();
  sim.Run([&] {
    std::vector<Errc> seen;
    bool late_ran = false;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Go([&] {
        seen.push_back(Slept(absl::Hours(1)));
        return absl::InternalError("a consequence");
      });
    }
    group.Go([&]() -> absl::Status {
      (void)Sleep(absl::Seconds(2));
      return absl::DataLossError("the first");
    });
    EXPECT_EQ(group.Wait(), absl::DataLossError("the first"));
    EXPECT_EQ(seen, std::vector<Errc>(3, Errc::kCancelled));
    EXPECT_EQ(group.context().Cause(), absl::DataLossError("the first"));
    group.Go([&] { late_ran = true; });
    EXPECT_EQ(group.Wait(), absl::DataLossError("the first"));
    EXPECT_FALSE(late_ran);
    EXPECT_EQ(Slept(absl::ZeroDuration()), Errc::kOk) << "the maker goes on";
  });
  EXPECT_EQ(sim.NowNanos() - start, 2 * runtime::kSecond);
}

// What was queued behind the member that failed.
TEST_P(TaskGroupTest, AMemberThatHasNotStartedNeverDoes) {
  sim.Run([&] {
    int ran = 0;
    auto captured = std::make_shared<int>(0);
    TaskGroup group;
    group.Go([] { return absl::DataLossError("x"); });
    for (int i = 0; i < 5; ++i) group.Go([&, captured] { ++ran; });
    EXPECT_EQ(group.Wait(), absl::DataLossError("x"));
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(captured.use_count(), 1);
  });
}

TEST_P(TaskGroupTest, TheDestructorJoins) {
  sim.Run([&] {
    int ran = 0;
    {
      std::string used = "while members run";
      TaskGroup group;
      for (int i = 0; i < 3; ++i) {
        group.Go([&] {
          (void)Sleep(absl::Seconds(1));
          ran += used == "while members run";
        });
      }
    }
    EXPECT_EQ(ran, 3);
  });
}

TEST_P(TaskGroupTest, AnExceptionOfAMemberComesOutOfWait) {
  sim.Run([&] {
    Errc other = Errc::kOk;
    TaskGroup group;
    group.Go([&] { other = Slept(absl::Hours(1)); });
    group.Go([] { throw std::runtime_error("member"); });
    EXPECT_THROW((void)group.Wait(), std::runtime_error);
    EXPECT_EQ(other, Errc::kCancelled);
  });
}

TEST_P(TaskGroupTest, MembersInheritTheMakersContext) {
  const int64_t start = sim.NowNanos();
  sim.Run([&] {
    ContextScope limit = WithTimeout(absl::Milliseconds(300));
    TaskGroup group;
    for (int i = 0; i < 3; ++i) group.Go([] { return Sleep(absl::Hours(1)); });
    EXPECT_EQ(ErrcOf(group.Wait()), Errc::kTimeout);
    bool ran = false;
    TaskGroup late;
    late.Go([&] { ran = true; });
    EXPECT_EQ(ErrcOf(late.Wait()), Errc::kTimeout);
    EXPECT_FALSE(ran);
  });
  EXPECT_EQ(sim.NowNanos() - start, 300 * runtime::kMillisecond);
}

TEST_P(TaskGroupTest, CancelEndsTheMembers) {
  sim.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Go([&group, i]() -> absl::Status {
        if (i == 2) group.Cancel();
        return Sleep(absl::Hours(1));
      });
    }
    EXPECT_EQ(ErrcOf(group.Wait()), Errc::kCancelled);
  });
}

TEST_P(TaskGroupTest, ALimitHoldsGoBack) {
  sim.Run([&] {
    int running = 0;
    int most = 0;
    int ran = 0;
    TaskGroup group;
    group.SetLimit(3);
    for (int i = 0; i < 20; ++i) {
      group.Go([&, i] {
        most = std::max(most, ++running);
        (void)Sleep(absl::Milliseconds(1 + i % 4));
        --running;
        ++ran;
      });
      EXPECT_LE(running, 3);
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ran, 20);
    EXPECT_EQ(most, 3);
  });
}

TEST_P(TaskGroupTest, AnEndedGroupLetsGoOfWhoWaitsForTheLimit) {
  const int64_t start = sim.NowNanos();
  sim.Run([&] {
    bool ran = false;
    TaskGroup group;
    group.SetLimit(2);
    group.Go([] {
      (void)Sleep(absl::Seconds(1));
      return absl::DataLossError("x");
    });
    group.Go([] {
      ContextScope stubborn = WithoutCancel();
      (void)Sleep(absl::Seconds(9));
    });
    group.SetLimit(1);
    group.Go([&] { ran = true; });
    EXPECT_EQ(sim.NowNanos() - start, runtime::kSecond);
    EXPECT_EQ(group.Wait(), absl::DataLossError("x"));
    EXPECT_FALSE(ran);
  });
  EXPECT_EQ(sim.NowNanos() - start, 9 * runtime::kSecond);
}

TEST_P(TaskGroupTest, MembersMayStartMembersAndGroups) {
  sim.Run([&] {
    int leaves = 0;
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Go([&] {
        group.Go([&] { ++leaves; });
        TaskGroup inner;
        for (int j = 0; j < 3; ++j) {
          inner.Go([&] {
            (void)Sleep(absl::Milliseconds(1));
            ++leaves;
          });
        }
        return inner.Wait();
      });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(leaves, 12);
  });
}

TEST(TaskGroupThreadsTest, WorksFromAPlainThread) {
  std::atomic<int> ran{0};
  Runtime runtime({.threads = 2});
  for (int round = 0; round < 50; ++round) {
    TaskGroup group(runtime);
    group.SetLimit(4);
    for (int i = 0; i < 10; ++i) {
      group.Go([&] {
        Yield();
        ran.fetch_add(1);
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  }
  EXPECT_EQ(ran.load(), 500);
  TaskGroup on_default;
  on_default.Go([] { return absl::DataLossError("x"); });
  EXPECT_EQ(on_default.Wait(), absl::DataLossError("x"));
}

TEST(TaskGroupThreadsTest, APlainThreadsScopeEndsItsGroup) {
  Runtime runtime({.threads = 2});
  CancelContext context = WithCancel();
  ContextScope scope(context);
  TaskGroup group(runtime);
  std::atomic<int> started{0};
  for (int i = 0; i < 4; ++i) {
    group.Go([&] {
      started.fetch_add(1);
      return Sleep(absl::Hours(1));
    });
  }
  std::thread canceller([&] {
    while (started.load() != 4) std::this_thread::yield();
    context.Cancel();
  });
  EXPECT_EQ(ErrcOf(group.Wait()), Errc::kCancelled);
  canceller.join();
}

// Members of one loop end while those of the other fail, join and cancel.
TEST(TaskGroupThreadsTest, ErrorsRaceWithEnds) {
  Runtime runtime({.threads = 2});
  runtime.RunOn(runtime.loop(0), [&] {
    for (int round = 0; round < 200; ++round) {
      std::atomic<int> ended{0};
      TaskGroup group(runtime);
      for (int i = 0; i < 6; ++i) {
        group.Go([&, i]() -> absl::Status {
          if (i % 2) Yield();
          ended.fetch_add(1);
          return i == round % 12 ? absl::DataLossError("x") : absl::OkStatus();
        });
      }
      absl::Status status = group.Wait();
      EXPECT_EQ(status.ok(), round % 12 >= 6) << status;
      if (status.ok()) {
        EXPECT_EQ(ended.load(), 6);
      }
    }
  });
}

TEST(TaskGroupCountingTest, AMemberCostsNoAllocation) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "allocations are not counted";
  SimRuntime sim;
  sim.Run([&] {
    std::string a, b, c, d;
    auto round = [&](int members) {
      testing_internal::AllocCounter counter;
      TaskGroup group;
      for (int i = 0; i < members; ++i) {
        group.Go([&a, &b, &c, &d, i] {
          a = "x";
          b = c = d = a;
          if (i % 2) Yield();
          return absl::OkStatus();
        });
      }
      EXPECT_TRUE(group.Wait().ok());
      return counter.count();
    };
    (void)round(64);
    EXPECT_EQ(round(64), 1u) << "the group's Context";
    EXPECT_EQ(round(1), 1u);
  });
}

}  // namespace
}  // namespace fasthttp
