#include "testing/held_locks.h"

#include <mutex>
#include <shared_mutex>
#include <thread>

#include "absl/time/time.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttptest {
namespace {

using fasthttp::Sleep;
using fasthttp::Yield;

class HeldLocksDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!kHeldLocksAvailable) GTEST_SKIP() << "a sanitizer stands in front of the locks itself";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  SimRuntime sim_;
  std::mutex mutex_;
  std::shared_mutex shared_;
};

// Its name is to be in the report.
[[gnu::noinline]] void SleepUnderALock(std::mutex& mutex) {
  std::lock_guard<std::mutex> lock(mutex);
  (void)Sleep(absl::Seconds(1));
}

TEST_F(HeldLocksDeathTest, AMutexAcrossASleepIsFatalAndBothPlacesAreNamed) {
  EXPECT_DEATH(sim_.Run([&] { SleepUnderALock(mutex_); }),
               "a mutex is held across a call that may wait(.|\n)*locked at"
               "(.|\n)*SleepUnderALock(.|\n)*the call is(.|\n)*Sleep");
}

TEST_F(HeldLocksDeathTest, SoIsASharedLock) {
  EXPECT_DEATH(sim_.Run([&] {
    std::shared_lock<std::shared_mutex> lock(shared_);
    Yield();
  }),
               "held across");
}

TEST_F(HeldLocksDeathTest, SoIsATriedLock) {
  EXPECT_DEATH(sim_.Run([&] {
    if (mutex_.try_lock()) Yield();
  }),
               "held across");
}

TEST_F(HeldLocksDeathTest, SoIsTheOuterOfTwo) {
  EXPECT_DEATH(sim_.Run([&] {
    std::lock_guard<std::mutex> lock(mutex_);
    {
      std::unique_lock<std::shared_mutex> inner(shared_);
    }
    Yield();
  }),
               "held across");
}

TEST_F(HeldLocksDeathTest, OnAThreadToo) {
  EXPECT_DEATH(
      {
        fasthttp::Runtime runtime({.threads = 1});
        runtime.Run([&] { SleepUnderALock(mutex_); });
      },
      "held across");
}

TEST(HeldLocks, ReleasedLocksAreFine) {
  SimRuntime sim;
  std::mutex mutex;
  std::shared_mutex shared;
  int slept = 0;
  sim.Run([&] {
    for (int i = 0; i < 200; ++i) {
      {
        std::lock_guard<std::mutex> lock(mutex);
        std::shared_lock<std::shared_mutex> other(shared);
      }
      std::unique_lock<std::mutex> lock(mutex);
      lock.unlock();
      slept += Sleep(absl::Milliseconds(1)).ok();
    }
  });
  EXPECT_EQ(slept, 200);
}

TEST(HeldLocks, LocksOfPlainThreadsDoNotCount) {
  SimRuntime sim;
  std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  bool slept = false;
  // The loop is stepped by this very thread.
  sim.Run([&] { slept = Sleep(absl::Milliseconds(1)).ok(); });
  EXPECT_TRUE(slept);

  std::mutex other;
  std::thread thread([&] {
    std::lock_guard<std::mutex> held(other);
    EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
  });
  thread.join();
}

TEST(HeldLocks, ALockThatAnotherFiberTakesWhileThisOneWaitsDoesNotCount) {
  SimRuntime sim;
  fasthttp::runtime::TaskList tasks;
  std::mutex mutex;
  int taken = 0;
  sim.Run([&] {
    for (int i = 0; i < 10; ++i) {
      tasks.Spawn(*fasthttp::runtime::Loop::Current(), [&](fasthttp::runtime::Loop&) {
        for (int round = 0; round < 10; ++round) {
          {
            std::lock_guard<std::mutex> lock(mutex);
            ++taken;
          }
          Yield();
        }
      });
    }
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_EQ(taken, 100);
}

}  // namespace
}  // namespace fasthttptest
