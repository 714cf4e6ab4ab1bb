#include "fasthttp/runtime/runtime.h"

#include <atomic>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

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
    here.current_task()->deadline = here.now() + kSecond;
    sim.RunOn(sim.loop(1), [&] { EXPECT_EQ(SleepFor(sim.loop(1), 5 * kSecond), Errc::kTimeout); });
    here.current_task()->deadline = runtime::kNoDeadline;
    here.Cancel(*here.current_task(), Errc::kClientGone);
    sim.RunOn(sim.loop(1),
              [&] { EXPECT_EQ(SleepFor(sim.loop(1), 5 * kSecond), Errc::kClientGone); });
  });
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

TEST(RuntimeDeathTest, DestructionByItsOwnTaskIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto* runtime = new Runtime({.threads = 1});
  EXPECT_DEATH(runtime->Run([&] { delete runtime; }), "destroyed by one of its own");
  delete runtime;
}

TEST(SimRuntimeTest, OneSeedIsOneInterleaving) {
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
