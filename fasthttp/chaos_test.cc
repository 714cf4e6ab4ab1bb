// Chaos mode does what the suite relies on: wherever a public call could wait, it now and then
// does, although it need not; and what is ready resumes in any order.
#include "fasthttp/base/chaos.h"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/sync.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::Loop;
using runtime::TaskList;

// Before any loop runs, also in runs that are not of chaos.
class ChaosTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!base::chaos_enabled) base::EnableChaos(1);
  }
};

TEST_F(ChaosTest, EveryCallThatCouldWaitDoes) {
  SimRuntime sim;
  Mutex mutex;
  SharedMutex shared;
  CondVar changed;
  Semaphore semaphore(1);
  WaitGroup group;
  Event set;
  set.Set();
  Channel<int> channel(1);
  std::optional<int> value;
  fasthttputil::PipeConns pipe(&sim);
  const std::pair<const char*, std::function<void()>> calls[] = {
      {"Sleep", [&] { (void)Sleep(absl::ZeroDuration()); }},
      {"Yield", [&] { Yield(); }},
      {"Offload", [&] { Offload([] {}); }},
      {"TryOffload", [&] { (void)TryOffload([] {}); }},
      {"Mutex::Lock", [&] { MutexLock lock(mutex); }},
      {"Mutex::LockCancellable",
       [&] {
         if (mutex.LockCancellable().ok()) mutex.Unlock();
       }},
      {"SharedMutex::Lock",
       [&] {
         shared.Lock();
         shared.Unlock();
       }},
      {"SharedMutex::LockShared",
       [&] {
         shared.LockShared();
         shared.UnlockShared();
       }},
      {"CondVar::Wait",
       [&] {
         MutexLock lock(mutex);
         (void)changed.Wait(mutex, [] { return true; });
       }},
      {"Semaphore::Acquire",
       [&] {
         if (semaphore.Acquire().ok()) semaphore.Release();
       }},
      {"WaitGroup::Wait", [&] { (void)group.Wait(); }},
      {"Event::Wait", [&] { (void)set.Wait(); }},
      {"Channel::Send and Recv",
       [&] {
         if (channel.Send(1).ok()) (void)channel.TryRecv();
       }},
      {"Channel::Recv",
       [&] {
         if (channel.TrySend(1)) (void)channel.Recv();
       }},
      {"Select", [&] { (void)Select(OnRecv(channel, value), Default()); }},
      {"Write and Read",
       [&] {
         char byte[1];
         EXPECT_EQ(pipe.conn1().Write("x"), Errc::kOk);
         EXPECT_EQ(pipe.conn2().Read(byte).bytes(), 1u);
       }},
  };
  sim.Run([&] {
    Loop& loop = *Loop::Current();
    for (const auto& [name, call] : calls) {
      const uint64_t before = loop.stats().switches;
      int tries = 0;
      while (loop.stats().switches == before && tries < 300) {
        call();
        ++tries;
      }
      EXPECT_LT(tries, 300) << name << " never suspends";
    }
  });
}

TEST_F(ChaosTest, WhatIsReadyResumesInAnyOrder) {
  std::set<std::string> orders;
  for (int i = 0; i < 50; ++i) {
    TaskList tasks;
    SimRuntime sim;
    Loop& loop = sim.loop(0);
    std::string order;
    Event go;
    for (char name : {'a', 'b', 'c', 'd'}) {
      sim.RunOn(loop, [&] {
        tasks.Spawn(loop, [&, name](Loop&) {
          (void)go.Wait();
          order += name;
        });
      });
    }
    sim.Settle();
    EXPECT_EQ(order, "");
    go.Set();
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
    EXPECT_EQ(order.size(), 4u);
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 5u);
}

// Cursors and budgets live in the loop: whatever blocks in a batch, and wherever its stack resumes,
// each piece of work is done once.
TEST_F(ChaosTest, NoCursorIsStaleAfterACall) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TaskList tasks;
    SimRuntime sim({.loops = 2, .seed = seed});
    constexpr int kPosts = 60;
    struct Work {
      Mutex mutex;
      Channel<int> channel{3};
      TaskList* tasks;
      std::vector<int> posted;
      int ran = 0;
      int received = 0;
    } work;
    work.tasks = &tasks;
    // Messages, each of which starts a task that may suspend anywhere, while further messages of
    // the same batch wait.
    for (uint64_t i = 0; i < kPosts; ++i) {
      sim.loop(i % 2).Post(
          [](Loop& loop, void* pointer, uint64_t n, uint64_t) {
            Work& w = *static_cast<Work*>(pointer);
            w.posted.push_back(static_cast<int>(n));
            w.tasks->Spawn(loop, [&w, n](Loop& here) {
              (void)Sleep(absl::Milliseconds(static_cast<int>(n % 3)));
              {
                MutexLock lock(w.mutex);
                ++w.ran;
                here.Yield();
              }
              if (n % 2 == 0) {
                EXPECT_TRUE(w.channel.Send(static_cast<int>(n)).ok());
              } else {
                EXPECT_TRUE(w.channel.Recv().ok());
                ++w.received;
              }
            });
          },
          &work, i);
    }
    ASSERT_TRUE(sim.RunUntil([&] { return work.posted.size() == kPosts && tasks.AllDone(); }));
    EXPECT_EQ(work.ran, kPosts);
    EXPECT_EQ(work.received, kPosts / 2);
    for (size_t loop = 0; loop < 2; ++loop) {  // Each loop's in order.
      int last = -1;
      for (int n : work.posted) {
        if (n % 2 != static_cast<int>(loop)) continue;
        EXPECT_GT(n, last);
        last = n;
      }
    }
  }
}

}  // namespace
}  // namespace fasthttp
