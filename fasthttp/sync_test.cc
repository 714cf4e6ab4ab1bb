#include "fasthttp/sync.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/runtime/waiter.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::FunctionTask;
using runtime::Loop;
using runtime::TaskList;

class SyncTest : public testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  // Starts `function` as a task of the next loop in turn.
  FunctionTask& Go(std::function<void()> function) {
    Loop& loop = sim.loop(next_++ % sim.loops());
    FunctionTask* task = nullptr;
    sim.RunOn(loop, [&] {
      task = &tasks.Spawn(loop, [function = std::move(function)](Loop&) { function(); });
    });
    return *task;
  }
  void Finish() {
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  }

  TaskList tasks;
  SimRuntime sim{{.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())}};
  size_t next_ = 0;
};
INSTANTIATE_TEST_SUITE_P(LoopsAndSeeds, SyncTest,
                         testing::Combine(testing::Values(1, 2, 4), testing::Values(1, 2, 3)));

TEST_P(SyncTest, AnEventLetsAllGoOnceItIsSet) {
  Event event;
  int passed = 0;
  for (int i = 0; i < 5; ++i) {
    Go([&] {
      EXPECT_TRUE(event.Wait().ok());
      ++passed;
    });
  }
  sim.Settle();
  EXPECT_EQ(passed, 0);
  EXPECT_FALSE(event.IsSet());
  event.Set();
  event.Set();
  Finish();
  EXPECT_EQ(passed, 5);
  EXPECT_TRUE(event.IsSet());
}

TEST_P(SyncTest, AnEventWaitHasATimeout) {
  Event event;
  const absl::Time start = sim.Now();
  Go([&] { EXPECT_EQ(ErrcOf(event.WaitFor(absl::Seconds(3))), Errc::kTimeout); });
  Finish();
  EXPECT_EQ(sim.Now() - start, absl::Seconds(3));
}

TEST(SyncThreadsTest, AnEventPassesBetweenThreadsAndLoops) {
  Runtime first({.threads = 2});
  Runtime second({.threads = 1});
  for (int i = 0; i < 200; ++i) {
    Event there;
    Event back;
    std::thread thread([&] {
      if (!there.Wait().ok()) std::abort();
      back.Set();
    });
    first.RunOn(first.loop(static_cast<size_t>(i) % 2), [&] {
      there.Set();
      EXPECT_TRUE(back.Wait().ok());
    });
    EXPECT_TRUE(back.Wait().ok());
    thread.join();
    // Made, set and destroyed at once by who was let go.
    auto once = std::make_unique<Event>();
    std::thread setter([e = once.get()] { e->Set(); });
    second.Run([&] {
      EXPECT_TRUE(once->Wait().ok());
      once.reset();
    });
    setter.join();
  }
}

TEST(SyncThreadsTest, APlainThreadHasDeadlinesAndCancellation) {
  Event never;
  EXPECT_EQ(ErrcOf(never.WaitFor(absl::Milliseconds(1))), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(never.WaitFor(absl::ZeroDuration())), Errc::kTimeout);
  {
    ContextScope limit = WithTimeout(absl::Milliseconds(1));
    EXPECT_EQ(ErrcOf(never.Wait()), Errc::kTimeout);
  }
  CancelContext context = WithCancel();
  ContextScope scope(context);
  std::thread canceller([&context] { context.Cancel(); });
  EXPECT_EQ(ErrcOf(never.Wait()), Errc::kCancelled);
  canceller.join();
  EXPECT_EQ(ErrcOf(never.WaitFor(absl::Hours(1))), Errc::kCancelled);
}

}  // namespace
}  // namespace fasthttp
