// What synchronisation costs: no allocation, and no switch where nobody has to wait.
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/sync.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::Loop;
using runtime::TaskList;
using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

class SyncCounting : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    if (!kAllocCounterAvailable) GTEST_SKIP() << "allocations are not counted in this build";
    if (base::chaos_enabled) GTEST_SKIP() << "chaos suspends where nobody waits";
  }
  // Runs each as a task, on the loops in turn, a thousand rounds after a hundred to warm up, and
  // expects that nothing is allocated meanwhile. All are on this thread.
  void Measure(const std::vector<std::function<void()>>& bodies) {
    constexpr int kWarm = 100;
    constexpr int kRounds = 1'000;
    std::optional<AllocCounter> counter;
    std::optional<uint64_t> count;
    for (size_t i = 0; i < bodies.size(); ++i) {
      Loop& loop = sim.loop(i % sim.loops());
      sim.RunOn(loop, [&] {
        tasks.Spawn(loop, [&, i](Loop&) {
          for (int round = 0; round < kWarm + kRounds; ++round) {
            if (i == 0 && round == kWarm) counter.emplace();
            bodies[i]();
            if (i == 0 && round == kWarm + kRounds - 1) count = counter->count();
          }
        });
      });
    }
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
    EXPECT_EQ(count, 0u);
  }
  uint64_t Switches() {
    uint64_t sum = 0;
    for (size_t i = 0; i < sim.loops(); ++i) sum += sim.loop(i).stats().switches;
    return sum;
  }

  TaskList tasks;
  SimRuntime sim{{.loops = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Loops, SyncCounting, testing::Values(1, 2));

TEST_P(SyncCounting, UncontendedCallsNeitherAllocateNorSwitch) {
  Mutex mutex;
  SharedMutex shared;
  Semaphore semaphore(2);
  WaitGroup group;
  Channel<uint64_t> channel(4);
  Event set;
  set.Set();
  std::optional<uint64_t> value;
  const uint64_t before = Switches();
  Measure({[&] {
    MutexLock lock(mutex);
    ASSERT_TRUE(semaphore.Acquire().ok());
    semaphore.Release();
    shared.LockShared();
    shared.UnlockShared();
    group.Add(1);
    group.Done();
    ASSERT_TRUE(group.Wait().ok());
    ASSERT_TRUE(set.Wait().ok());
    ASSERT_TRUE(channel.Send(1).ok());
    ASSERT_EQ(*channel.Recv(), 1u);
    ASSERT_EQ(*Select(OnSend(channel, 2), OnEvent(set)) / 2, 0u);
    (void)channel.TryRecv();
  }});
  EXPECT_EQ(Switches(), before);
}

TEST_P(SyncCounting, AContendedMutexAllocatesNothing) {
  Mutex mutex;
  auto body = [&] {
    MutexLock lock(mutex);
    Loop::Current()->Yield();
  };
  const uint64_t before = Switches();
  Measure({body, body, body});
  EXPECT_GT(Switches(), before + 1'000);
}

TEST_P(SyncCounting, AChannelAllocatesNothing) {
  Channel<uint64_t> there;
  Channel<uint64_t> back(1);
  const uint64_t before = Switches();
  Measure({[&] {
             ASSERT_TRUE(there.Send(1).ok());
             ASSERT_TRUE(back.Recv().ok());
           },
           [&] {
             ASSERT_TRUE(there.Recv().ok());
             ASSERT_TRUE(back.Send(2).ok());
           }});
  EXPECT_GT(Switches(), before + 1'000);
}

TEST_P(SyncCounting, ASelectAllocatesNothing) {
  Channel<uint64_t> there;
  Channel<uint64_t> back;
  Event never;
  std::optional<uint64_t> a;
  std::optional<uint64_t> b;
  Measure({[&] {
             ASSERT_EQ(*Select(OnEvent(never), OnSend(there, 1), After(absl::Hours(1))), 1u);
             ASSERT_EQ(*Select(OnRecv(back, a), OnEvent(never)), 0u);
           },
           [&] {
             ASSERT_EQ(*Select(OnEvent(never), OnRecv(there, b)), 1u);
             ASSERT_TRUE(back.Send(2).ok());
           }});
}

TEST_P(SyncCounting, SemaphoresAndCondVarsAllocateNothing) {
  Semaphore semaphore(1);
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  auto body = [&](int mine) {
    return [&, mine] {
      ASSERT_TRUE(semaphore.Acquire().ok());
      Loop::Current()->Yield();
      semaphore.Release();
      MutexLock lock(mutex);
      ASSERT_TRUE(changed.Wait(mutex, [&] { return turn % 2 == mine; }).ok());
      ++turn;
      changed.SignalAll();
    };
  };
  Measure({body(0), body(1)});
}

}  // namespace
}  // namespace fasthttp
