#include <atomic>
#include <string>
#include <thread>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using runtime::kSecond;
using runtime::Loop;
using runtime::SleepFor;
using runtime::TaskList;
using testing::HasSubstr;
using testing::Not;

[[gnu::noinline]] Errc WaitForALongTime(Loop& loop) {
  const Errc errc = SleepFor(loop, 100 * kSecond);
  return errc;  // No tail call: the frame is looked for.
}

TEST(FiberDumpTest, EveryWaitingFiberIsListedWithItsStackAndItsTimes) {
  fasthttptest::SimRuntime sim({.loops = 2});
  TaskList tasks;
  for (size_t i = 0; i < 2; ++i) {
    sim.RunOn(sim.loop(i), [&] {
      for (int n = 0; n < 3; ++n) {
        tasks.Spawn(*Loop::Current(), [](Loop& loop) { (void)WaitForALongTime(loop); });
      }
    });
  }
  sim.Advance(absl::Seconds(40));
  std::string dump;
  sim.DumpFibers(dump);
  EXPECT_THAT(dump, HasSubstr("loop 0: "));
  EXPECT_THAT(dump, HasSubstr("loop 1: "));
  EXPECT_THAT(dump, HasSubstr("1 running"));
  EXPECT_THAT(dump, HasSubstr("3 blocked"));
  EXPECT_THAT(dump, HasSubstr(": blocked for 40.000 s, at most 60.000 s more\n"));
  size_t found = 0;
  for (size_t at = 0; (at = dump.find("WaitForALongTime", at)) != std::string::npos; ++at) ++found;
  EXPECT_EQ(found, 6u) << dump;

  std::string brief;
  sim.DumpFibers(brief, /*stacks=*/false);
  EXPECT_THAT(brief, HasSubstr("3 blocked"));
  EXPECT_THAT(brief, Not(HasSubstr("WaitForALongTime")));

  // Nothing has changed for those who were looked at.
  EXPECT_FALSE(tasks.AllDone());
  sim.Advance(absl::Seconds(59));
  EXPECT_FALSE(tasks.AllDone());
  sim.Advance(absl::Seconds(1));
  EXPECT_TRUE(tasks.AllDone());
}

[[gnu::noinline]] std::string DumpFromWithin(Runtime& runtime) {
  std::string dump;
  runtime.DumpFibers(dump);
  return dump;
}

TEST(FiberDumpTest, FromAHandlerItShowsTheHandlerItself) {
  fasthttptest::SimRuntime sim;
  std::string dump;
  sim.Run([&] { dump = DumpFromWithin(sim); });
  EXPECT_THAT(dump, HasSubstr(": running\n"));
  EXPECT_THAT(dump, HasSubstr("DumpFromWithin"));
}

TEST(FiberDumpTest, WorksOnThreadsFromOutsideAndInside) {
  TaskList tasks[2];
  Runtime runtime({.threads = 2});
  for (size_t i = 0; i < 2; ++i) {
    runtime.RunOn(runtime.loop(i), [&, i] {
      for (int n = 0; n < 20; ++n) {
        tasks[i].Spawn(*Loop::Current(), [](Loop& loop) { (void)WaitForALongTime(loop); });
      }
      (void)SleepFor(*Loop::Current(), runtime::kMillisecond);
    });
  }
  std::string outside;
  runtime.DumpFibers(outside);
  std::string inside;
  runtime.Run([&] { runtime.DumpFibers(inside); });
  for (const std::string& dump : {outside, inside}) {
    size_t found = 0;
    for (size_t at = 0; (at = dump.find("WaitForALongTime", at)) != std::string::npos; ++at) {
      ++found;
    }
    EXPECT_EQ(found, 40u) << dump;
  }
}

TEST(FiberDumpTest, AStalledLoopIsSaidToBe) {
  RuntimeOptions options;
  options.threads = 2;
  options.stall_warning = absl::ZeroDuration();
  Runtime runtime(options);
  std::atomic<bool> stalled{false};
  std::atomic<bool> go_on{false};
  std::thread hog([&] {
    runtime.RunOn(runtime.loop(1), [&] {
      stalled = true;
      while (!go_on) std::this_thread::yield();
    });
  });
  while (!stalled) std::this_thread::yield();
  std::string dump;
  runtime.DumpFibers(dump);
  EXPECT_THAT(dump, HasSubstr("loop 0: thread "));
  EXPECT_THAT(dump, HasSubstr("loop 1: stalled, no answer\n"));
  go_on = true;
  hog.join();
  // The late answer has met nobody.
  std::string again;
  runtime.DumpFibers(again, /*stacks=*/false);
  EXPECT_THAT(again, HasSubstr("loop 1: thread "));
}

}  // namespace
}  // namespace fasthttp
