#include "fasthttp/runtime/offload.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp::runtime {
namespace {

// Holds a helper thread until the test opens it.
class Gate {
 public:
  void Pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void Open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void AwaitInside(int n) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

class OffloadTest : public testing::Test {
 protected:
  static RuntimeOptions Options() {
    RuntimeOptions options;
    options.threads = 1;
    options.offload_threads = 1;
    options.offload_queue = 2;
    return options;
  }
  // Lets the loop go on until `predicate` holds.
  template <typename Predicate>
  void Await(Predicate predicate) {
    runtime.Run([&] {
      while (!predicate()) (void)SleepFor(loop, kMillisecond);
    });
  }
  void Spawn(std::function<void(Loop&)> function) {
    runtime.Run([&] { last = &tasks.Spawn(loop, std::move(function)); });
  }

  Gate gate;
  TaskList tasks;
  FunctionTask* last = nullptr;
  Runtime runtime{Options()};
  Loop& loop = runtime.loop(0);
};

TEST_F(OffloadTest, RunsElsewhereAndReturns) {
  std::thread::id there;
  std::thread::id here;
  int result = 0;
  runtime.Run([&] {
    here = std::this_thread::get_id();
    EXPECT_EQ(runtime.offload().TryRun(loop,
                                       [&] {
                                         there = std::this_thread::get_id();
                                         result = 42;
                                       }),
              Errc::kOk);
    EXPECT_EQ(std::this_thread::get_id(), here);
  });
  EXPECT_EQ(result, 42);
  EXPECT_NE(there, here);
}

TEST_F(OffloadTest, TheLoopGoesOnMeanwhile) {
  bool returned = false;
  Spawn([&](Loop& here) {
    EXPECT_EQ(runtime.offload().TryRun(here, [&] { gate.Pass(); }), Errc::kOk);
    returned = true;
  });
  int served = 0;
  for (int i = 0; i < 100; ++i) runtime.Run([&] { ++served; });
  EXPECT_EQ(served, 100);
  runtime.Run([&] { EXPECT_FALSE(returned); });
  gate.Open();
  Await([&] { return returned; });
}

TEST_F(OffloadTest, AnExceptionComesOut) {
  runtime.Run([&] {
    try {
      (void)runtime.offload().TryRun(loop, [] { throw std::runtime_error("disk"); });
      ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "disk");
    }
    // The pool lives on.
    int again = 0;
    EXPECT_EQ(runtime.offload().TryRun(loop, [&] { again = 1; }), Errc::kOk);
    EXPECT_EQ(again, 1);
  });
}

TEST_F(OffloadTest, AFullQueueIsOverloaded) {
  int ran = 0;
  Spawn([&](Loop& here) { (void)runtime.offload().TryRun(here, [&] { gate.Pass(); }); });
  gate.AwaitInside(1);
  for (int i = 0; i < 2; ++i) {
    Spawn(
        [&](Loop& here) { EXPECT_EQ(runtime.offload().TryRun(here, [&] { ++ran; }), Errc::kOk); });
  }
  runtime.Run(
      [&] { EXPECT_EQ(runtime.offload().TryRun(loop, [&] { ran += 100; }), Errc::kOverloaded); });
  gate.Open();
  Await([&] { return tasks.AllDone(); });
  EXPECT_EQ(ran, 2);
}

TEST_F(OffloadTest, CancelledWhileQueuedItNeverRuns) {
  std::atomic<bool> ran{false};
  Errc errc = Errc::kOk;
  Spawn([&](Loop& here) { (void)runtime.offload().TryRun(here, [&] { gate.Pass(); }); });
  gate.AwaitInside(1);
  Spawn([&](Loop& here) { errc = runtime.offload().TryRun(here, [&] { ran = true; }); });
  FunctionTask& queued = *last;
  runtime.Run([&] { loop.Cancel(queued, Errc::kCancelled); });
  Await([&] { return queued.done; });
  EXPECT_EQ(errc, Errc::kCancelled);
  gate.Open();
  Await([&] { return tasks.AllDone(); });
  EXPECT_FALSE(ran);
}

TEST_F(OffloadTest, ADeadlineUnlinksToo) {
  Errc errc = Errc::kOk;
  Spawn([&](Loop& here) { (void)runtime.offload().TryRun(here, [&] { gate.Pass(); }); });
  gate.AwaitInside(1);
  runtime.Run([&] {
    TaskScope& scope = loop.current_task()->scope;
    scope.deadline = loop.FreshNow() + 2 * kMillisecond;
    errc = runtime.offload().TryRun(loop, [] { ADD_FAILURE() << "ran"; });
    scope = {};
  });
  EXPECT_EQ(errc, Errc::kTimeout);
  gate.Open();
  Await([&] { return tasks.AllDone(); });
}

TEST_F(OffloadTest, CancelledWhileRunningItIsAwaitedToItsEnd) {
  std::atomic<bool> ended{false};
  bool ended_before_return = false;
  Errc errc = Errc::kIo;
  Spawn([&](Loop& here) {
    std::string on_the_stack = "x";
    errc = runtime.offload().TryRun(here, [&] {
      gate.Pass();
      on_the_stack += "y";
      ended = true;
    });
    ended_before_return = ended;
  });
  FunctionTask& running = *last;
  gate.AwaitInside(1);
  runtime.Run([&] { loop.Cancel(running, Errc::kCancelled); });
  for (int i = 0; i < 20; ++i) runtime.Run([&] { EXPECT_FALSE(running.done); });
  gate.Open();
  Await([&] { return running.done; });
  EXPECT_TRUE(ended_before_return);
  EXPECT_EQ(errc, Errc::kOk);
}

TEST_F(OffloadTest, RunAlwaysRuns) {
  int ran = 0;
  Spawn([&](Loop& here) { runtime.offload().Run(here, [&] { gate.Pass(); }); });
  gate.AwaitInside(1);
  // Beyond the queue limit of 2, and cancelled.
  for (int i = 0; i < 5; ++i) {
    Spawn([&](Loop& here) {
      here.Cancel(*here.current_task(), Errc::kCancelled);
      runtime.offload().Run(here, [&] { ++ran; });
    });
  }
  gate.Open();
  Await([&] { return tasks.AllDone(); });
  EXPECT_EQ(ran, 5);
  runtime.Run([&] { EXPECT_THROW(runtime.offload().Run(loop, [] { throw 7; }), int); });
}

TEST_F(OffloadTest, ACancelledTaskDoesNotStartOne) {
  runtime.Run([&] {
    loop.Cancel(*loop.current_task(), Errc::kClientGone);
    EXPECT_EQ(runtime.offload().TryRun(loop, [] { ADD_FAILURE() << "ran"; }), Errc::kClientGone);
  });
}

TEST_F(OffloadTest, RunTakesPlaceEvenInACancelledTask) {
  bool ran = false;
  runtime.Run([&] {
    loop.Cancel(*loop.current_task(), Errc::kClientGone);
    runtime.offload().Run(loop, [&] { ran = true; });
    EXPECT_TRUE(ran);
  });
}

TEST_F(OffloadTest, ManyCallsFromManyTasks) {
  RuntimeOptions options;
  options.threads = 2;
  options.offload_threads = 3;
  TaskList calls;
  Runtime many(options);
  std::atomic<int> sum{0};
  std::atomic<int> left{200};
  for (size_t i = 0; i < 200; ++i) {
    Loop& home = many.loop(i % 2);
    many.RunOn(home, [&] {
      calls.Spawn(home, [&](Loop& here) {
        EXPECT_EQ(many.offload().TryRun(here, [&] { sum.fetch_add(1); }), Errc::kOk);
        left.fetch_sub(1);
      });
    });
  }
  many.Run([&] {
    while (left.load() != 0) (void)SleepFor(*Loop::Current(), kMillisecond);
  });
  EXPECT_EQ(sum.load(), 200);
}

TEST(OffloadSimTest, RunsInlineUnderSimulation) {
  fasthttptest::SimRuntime sim;
  const std::thread::id self = std::this_thread::get_id();
  bool ran = false;
  sim.Run([&] {
    Loop& loop = *Loop::Current();
    EXPECT_EQ(sim.offload().TryRun(loop, [&] { ran = std::this_thread::get_id() == self; }),
              Errc::kOk);
    EXPECT_THROW((void)sim.offload().TryRun(loop, [] { throw 7; }), int);
  });
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace fasthttp::runtime
