#include "fasthttp/runtime/runtime.h"

#include <atomic>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using runtime::kMillisecond;
using runtime::kSecond;
using runtime::Loop;
using runtime::SleepFor;
using runtime::TaskList;

TEST(RuntimeTest, RunsFunctionsOfPlainThreads) {
  Runtime runtime({.threads = 2});
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::set<Loop*> homes;
      for (int i = 0; i < 50; ++i) {
        runtime.Run([&] {
          EXPECT_TRUE(Loop::Current()->in_user_code());
          EXPECT_EQ(Runtime::Current(), &runtime);
          homes.insert(Loop::Current());
          if (i % 10 == 0) (void)SleepFor(*Loop::Current(), kMillisecond);
          ran.fetch_add(1);
        });
      }
      EXPECT_EQ(homes.size(), 1u) << "a thread keeps its loop";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran.load(), 200);
  EXPECT_EQ(Loop::Current(), nullptr);
  EXPECT_EQ(Runtime::Current(), nullptr);
}

TEST(RuntimeTest, OnAFiberOfTheSameRuntimeItIsAPlainCall) {
  Runtime runtime({.threads = 2});
  runtime.RunOn(runtime.loop(1), [&] {
    Loop& loop = *Loop::Current();
    const uint64_t switches = loop.stats().switches;
    bool ran = false;
    runtime.Run([&] { ran = Loop::Current() == &loop; });
    EXPECT_TRUE(ran);
    EXPECT_EQ(loop.stats().switches, switches);
  });
}

TEST(RuntimeTest, AFiberOfAnotherLoopParks) {
  Runtime runtime({.threads = 2});
  int hops = 0;
  runtime.RunOn(runtime.loop(0), [&] {
    for (int i = 0; i < 100; ++i) {
      runtime.RunOn(runtime.loop(1), [&] {
        EXPECT_EQ(Loop::Current(), &runtime.loop(1));
        // And back again, while loop 0's fiber waits.
        runtime.RunOn(runtime.loop(0), [&] { ++hops; });
      });
      EXPECT_EQ(Loop::Current(), &runtime.loop(0));
    }
  });
  EXPECT_EQ(hops, 100);
}

TEST(RuntimeTest, ACallOnAnotherLoopKeepsTheCallersDeadline) {
  fasthttptest::SimRuntime sim({.loops = 2});
  sim.RunOn(sim.loop(0), [&] {
    Loop& here = sim.loop(0);
    here.current_task()->scope.deadline = here.now() + kSecond;
    sim.RunOn(sim.loop(1), [&] { EXPECT_EQ(SleepFor(sim.loop(1), 5 * kSecond), Errc::kTimeout); });
  });
  sim.RunOn(sim.loop(0), [&] {
    sim.loop(0).Cancel(*sim.loop(0).current_task(), Errc::kClientGone);
    sim.RunOn(sim.loop(1),
              [&] { EXPECT_EQ(SleepFor(sim.loop(1), 5 * kSecond), Errc::kClientGone); });
  });
}

TEST(RuntimeTest, ACancellationReachesACallOnAnotherLoop) {
  fasthttptest::SimRuntime sim({.loops = 2});
  TaskList tasks;
  Errc seen = Errc::kOk;
  runtime::FunctionTask& task = tasks.Spawn(sim.loop(0), [&](Loop&) {
    sim.RunOn(sim.loop(1),
              [&] { sim.RunOn(sim.loop(0), [&] { seen = SleepFor(sim.loop(0), 5 * kSecond); }); });
  });
  sim.Advance(absl::Seconds(1));
  sim.RunOn(sim.loop(0), [&] { sim.loop(0).Cancel(task, Errc::kClientGone); });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }, absl::Seconds(1)));
  EXPECT_EQ(seen, Errc::kClientGone);
}

// Tasks may be spawned from anywhere, without a step of the loop that they are for.
TEST(RuntimeTest, ATaskSpawnedFromAnotherLoopRuns) {
  fasthttptest::SimRuntime sim({.loops = 2});
  TaskList tasks;
  sim.Settle();
  sim.RunOn(sim.loop(0), [&] { tasks.Spawn(sim.loop(1), [](Loop&) {}); });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }, absl::Seconds(1)));
}

TEST(RuntimeTest, RuntimesCallEachOther) {
  Runtime a({.threads = 1});
  Runtime b({.threads = 1});
  int ran = 0;
  a.Run([&] {
    b.Run([&] {
      EXPECT_EQ(Runtime::Current(), &b);
      a.Run([&] {
        EXPECT_EQ(Runtime::Current(), &a);
        ++ran;
      });
    });
    EXPECT_EQ(Runtime::Current(), &a);
  });
  EXPECT_EQ(ran, 1);
}

TEST(RuntimeTest, ExceptionsComeOut) {
  Runtime runtime({.threads = 2});
  EXPECT_THROW(runtime.Run([] { throw std::runtime_error("x"); }), std::runtime_error);
  runtime.RunOn(runtime.loop(0), [&] {
    EXPECT_THROW(runtime.RunOn(runtime.loop(1), [] { throw 5; }), int);
    EXPECT_THROW(runtime.RunOn(runtime.loop(0), [] { throw 5; }), int);
  });
  bool ran = false;
  runtime.Run([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(RuntimeTest, DestructionEndsBlockedTasks) {
  TaskList tasks;
  std::atomic<int> drained{0};
  {
    Runtime runtime({.threads = 2});
    for (size_t i = 0; i < 50; ++i) {
      Loop& loop = runtime.loop(i % 2);
      runtime.RunOn(loop, [&] {
        tasks.Spawn(loop, [&](Loop& here) {
          drained.fetch_add(SleepFor(here, 3600 * kSecond) == Errc::kDraining);
        });
      });
    }
  }
  EXPECT_EQ(drained.load(), 50);
  EXPECT_TRUE(tasks.AllDone());
}

// Each task waits for a chain of calls through the other loop, which no single loop sees the end
// of.
void BlockAcrossLoops(Runtime& runtime, int depth, std::atomic<int>& drained) {
  Loop& other = runtime.loop((Loop::Current()->index() + 1) % runtime.loops());
  if (depth == 0) {
    drained.fetch_add(SleepFor(*Loop::Current(), 3600 * kSecond) == Errc::kDraining);
    return;
  }
  runtime.RunOn(other, [&] { BlockAcrossLoops(runtime, depth - 1, drained); });
  // Goes on to call when everything else has been cancelled.
  runtime.RunOn(other, [&] {
    drained.fetch_add(SleepFor(*Loop::Current(), 3600 * kSecond) == Errc::kDraining);
  });
}

TEST(RuntimeTest, DestructionEndsTasksThatCallEachOther) {
  for (int round = 0; round < 20; ++round) {
    TaskList tasks;
    std::atomic<int> drained{0};
    {
      Runtime runtime({.threads = 3});
      for (size_t i = 0; i < 9; ++i) {
        runtime.RunOn(runtime.loop(i % 3), [&, i] {
          tasks.Spawn(runtime.loop(i % 3), [&](Loop&) { BlockAcrossLoops(runtime, 3, drained); });
        });
      }
    }
    EXPECT_EQ(drained.load(), 9 * 4);
    EXPECT_TRUE(tasks.AllDone());
  }
}

TEST(SimRuntimeTest, DestructionEndsTasksThatCallEachOther) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TaskList tasks;
    std::atomic<int> drained{0};
    {
      fasthttptest::SimRuntime sim({.loops = 4, .seed = seed});
      for (size_t i = 0; i < 8; ++i) {
        tasks.Spawn(sim.loop(i % 4), [&](Loop&) { BlockAcrossLoops(sim, 3, drained); });
      }
      sim.Settle();
    }
    EXPECT_EQ(drained.load(), 8 * 4) << seed;
    EXPECT_TRUE(tasks.AllDone());
  }
}

int SomeAllowedCpu(int which) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  which %= CPU_COUNT(&cpus);
  for (int cpu = 0;; ++cpu) {
    if (CPU_ISSET(cpu, &cpus) && which-- == 0) return cpu;
  }
}

TEST(RuntimeTest, LoopsArePinnedToTheirCpus) {
  const std::vector<int> cpus = {SomeAllowedCpu(1), SomeAllowedCpu(0)};
  EXPECT_EQ(Runtime({.cpus = cpus}).loops(), 2u);
  Runtime runtime({.threads = 3, .cpus = cpus});
  for (size_t i = 0; i < 3; ++i) {
    cpu_set_t now;
    runtime.RunOn(runtime.loop(i), [&] { ::sched_getaffinity(0, sizeof now, &now); });
    EXPECT_EQ(CPU_COUNT(&now), 1);
    EXPECT_TRUE(CPU_ISSET(cpus[i % 2], &now));
  }
}

TEST(RuntimeTest, BadOptionsAreTold) {
  EXPECT_EQ(Runtime::Check({}), Errc::kOk);
  EXPECT_EQ(Runtime::Check({.cpus = {SomeAllowedCpu(0)}}), Errc::kOk);
  EXPECT_EQ(Runtime::Check({.cpus = {1'000'000}}), Errc::kUnsupported);
  EXPECT_EQ(Runtime::Check({.cpus = {CPU_SETSIZE - 1}}), Errc::kUnsupported);
  EXPECT_EQ(Runtime::Check({.cpus = {-1}}), Errc::kProgramming);
  EXPECT_EQ(Runtime::Check({.threads = -1}), Errc::kProgramming);
  EXPECT_EQ(Runtime::Check({.stack_size = 1000}), Errc::kProgramming);
  EXPECT_EQ(Runtime::Check({.large_stack_size = 1000}), Errc::kProgramming);
}

TEST(RuntimeDeathTest, ACpuThatIsNotThereIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Runtime({.cpus = {1'000'000}}), "RuntimeOptions: a CPU that this process may not");
}

TEST(RuntimeTest, OneThatWasNeverUsedStartsNoThread) {
  for (int i = 0; i < 20; ++i) Runtime runtime({.threads = 4});
}

TEST(RuntimeTest, ThreadCountFollowsGomaxprocs) {
  const char* before = std::getenv("GOMAXPROCS");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("GOMAXPROCS", "3", 1);
  EXPECT_EQ(Runtime().loops(), 3u);
  EXPECT_EQ(Runtime({.threads = 2}).loops(), 2u) << "the option wins";
  cpu_set_t cpus;
  ASSERT_EQ(::sched_getaffinity(0, sizeof cpus, &cpus), 0);
  for (const char* bad : {"0", "-1", "many", "99999", ""}) {
    ::setenv("GOMAXPROCS", bad, 1);
    EXPECT_EQ(Runtime().loops(), static_cast<size_t>(CPU_COUNT(&cpus))) << bad;
  }
  before == nullptr ? ::unsetenv("GOMAXPROCS") : ::setenv("GOMAXPROCS", saved.c_str(), 1);
}

TEST(RuntimeTest, LoopsBlockTheApplicationsSignals) {
  Runtime runtime({.threads = 1});
  sigset_t on_loop;
  sigset_t here;
  runtime.Run([&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &on_loop); });
  ::pthread_sigmask(SIG_SETMASK, nullptr, &here);
  EXPECT_EQ(::sigismember(&on_loop, SIGTERM), 1);
  EXPECT_EQ(::sigismember(&here, SIGTERM), 0);
  // What a thread brings upon itself reaches its handler, and profilers reach every thread.
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
    EXPECT_EQ(::sigismember(&on_loop, own), 0) << own;
  }
}

TEST(RuntimeTest, ABlockedHandlerHoldsNoThread) {
  TaskList tasks;
  Runtime runtime({.threads = 1});
  std::atomic<int> woken{0};
#if defined(__SANITIZE_THREAD__)
  constexpr int kTasks = 1'000;
#else
  constexpr int kTasks = 10'000;
#endif
  runtime.Run([&] {
    Loop& loop = *Loop::Current();
    const int64_t until = loop.FreshNow() + 50 * kMillisecond;
    for (int i = 0; i < kTasks; ++i) {
      tasks.Spawn(loop, [&, until](Loop& here) {
        (void)SleepFor(here, until - here.now());
        woken.fetch_add(1);
      });
    }
    while (woken.load() < kTasks) (void)SleepFor(loop, kMillisecond);
  });
  EXPECT_EQ(woken.load(), kTasks);
}

TEST(RuntimeDeathTest, ExitFromATaskIsSupported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(Runtime::Default().Run([] { std::exit(9); }), testing::ExitedWithCode(9), "");
}

// Under ASan this also says that nothing has leaked.
TEST(RuntimeDeathTest, TheProcessMayEndWhileFibersAndThreadsAreBlocked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        TaskList& tasks = *new TaskList;  // Never destroyed: exit() would do so under them.
        std::atomic<int> blocked{0};
        Runtime& runtime = Runtime::Default();
        for (size_t i = 0; i < 40; ++i) {
          Loop& loop = runtime.loop(i % runtime.loops());
          runtime.RunOn(loop, [&] {
            tasks.Spawn(loop, [&](Loop& here) {
              blocked.fetch_add(1);
              (void)SleepFor(here, 3'600 * kSecond);
            });
          });
        }
        std::thread waiting([&] {
          blocked.fetch_add(1);
          runtime.Run([] { (void)SleepFor(*Loop::Current(), 3'600 * kSecond); });
        });
        waiting.detach();
        while (blocked.load() < 41) std::this_thread::yield();
        std::exit(11);
      },
      testing::ExitedWithCode(11), "");
}

TEST(RuntimeTest, AThreadMayEndWhileWhatItStartedIsBlocked) {
  TaskList tasks;
  std::atomic<int> ended{0};
  Runtime runtime({.threads = 2});
  for (size_t i = 0; i < 10; ++i) {
    std::thread starter([&, i] {
      Loop& loop = runtime.loop(i % 2);
      runtime.RunOn(loop, [&] {
        tasks.Spawn(loop, [&](Loop& here) {
          (void)SleepFor(here, 20 * kMillisecond);
          ended.fetch_add(1);
        });
      });
    });
    starter.join();
  }
  runtime.Run([&] {
    while (ended.load() != 10) (void)SleepFor(*Loop::Current(), kMillisecond);
  });
  EXPECT_EQ(ended.load(), 10);
}

TEST(RuntimeDeathTest, DestructionByItsOwnTaskIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto* runtime = new Runtime({.threads = 1});
  EXPECT_DEATH(runtime->Run([&] { delete runtime; }), "destroyed by one of its own");
  delete runtime;
}

TEST(SimRuntimeTest, OneSeedIsOneInterleaving) {
  if (base::chaos_enabled) GTEST_SKIP() << "chaos has a sequence of its own";
  auto run = [](uint64_t seed) {
    fasthttptest::SimRuntime sim({.loops = 4, .seed = seed});
    TaskList tasks;
    std::string trace;
    for (size_t i = 0; i < 12; ++i) {
      sim.RunOn(sim.loop(i % 4), [&] {
        tasks.Spawn(*Loop::Current(), [&, i](Loop& here) {
          for (int round = 0; round < 4; ++round) {
            (void)SleepFor(here, kSecond);
            trace += static_cast<char>('a' + i);
          }
        });
      });
    }
    EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(SimRuntimeTest, RunUntilTellsOfADeadlock) {
  fasthttptest::SimRuntime sim({.loops = 2});
  EXPECT_FALSE(sim.RunUntil([] { return false; }));
  EXPECT_FALSE(sim.Step());
}

TEST(SimRuntimeDeathTest, ADeadlockedRunEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  fasthttptest::SimRuntime sim;
  EXPECT_DEATH(sim.Run([&] {
    runtime::Wait wait;
    Loop::Current()->Prepare(wait);
    (void)Loop::Current()->Block(wait, runtime::kNoDeadline);
  }),
               "deadlock");
}

}  // namespace
}  // namespace fasthttp
