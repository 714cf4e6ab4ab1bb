#include "fasthttp/runtime/watchdog.h"

#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_join.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

using runtime::Loop;
using testing::HasSubstr;

#if defined(__SANITIZE_THREAD__)
constexpr bool kTsan = true;  // Holds signals back while a thread computes.
#else
constexpr bool kTsan = false;
#endif

// Collects reports; handlers hold their loop until one has come.
class WatchdogTest : public testing::Test {
 protected:
  RuntimeOptions Options(absl::Duration after = absl::Milliseconds(40)) {
    RuntimeOptions options;
    options.threads = 1;
    options.stall_warning = after;
    options.on_stall = [this](const StallReport& report) {
      std::lock_guard<std::mutex> lock(mutex_);
      reports_.push_back(report);
      count_.store(reports_.size());
      came_.notify_all();
    };
    return options;
  }

  std::vector<StallReport> Reports() {
    std::lock_guard<std::mutex> lock(mutex_);
    return reports_;
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<StallReport> reports_;
  std::atomic<size_t> count_{0};
};

std::atomic<uint64_t> work{0};

[[gnu::noinline]] void ComputeUntil(const std::atomic<size_t>& count, size_t wanted) {
  while (count.load() < wanted) work.fetch_add(1, std::memory_order_relaxed);
}

TEST_F(WatchdogTest, AHandlerThatComputesIsNamed) {
  Runtime runtime(Options());
  pid_t thread = 0;
  runtime.Run([&] {
    thread = static_cast<pid_t>(::syscall(SYS_gettid));
    ComputeUntil(count_, 1);
  });
  const std::vector<StallReport> reports = Reports();
  ASSERT_FALSE(reports.empty());
  const StallReport& report = reports[0];
  EXPECT_EQ(report.loop, 0u);
  EXPECT_EQ(report.thread, thread);
  EXPECT_EQ(report.stalled, absl::Milliseconds(40));
  EXPECT_THAT(report.text, HasSubstr("loop 0 (thread "));
  if (kTsan) return;
  EXPECT_TRUE(report.in_handler);
  EXPECT_EQ(report.system_call, -1) << report.text;
  EXPECT_THAT(absl::StrJoin(report.stack, "\n"), HasSubstr("ComputeUntil"));
  EXPECT_THAT(report.text, HasSubstr("by a handler"));
  EXPECT_THAT(report.text, HasSubstr("ComputeUntil"));
  EXPECT_THAT(report.text, HasSubstr("It computes"));
  // The handler's frames come first: none of the signal's.
  EXPECT_THAT(report.stack[0], testing::Not(HasSubstr("OnSignal")));
}

TEST_F(WatchdogTest, ALockThatNobodyWillReleaseIsGuessed) {
  Runtime runtime(Options());
  std::mutex mutex;
  std::atomic<bool> locked{false};
  std::thread holder([&] {
    std::lock_guard<std::mutex> held(mutex);
    locked = true;
    std::unique_lock<std::mutex> lock(mutex_);
    came_.wait(lock, [&] { return !reports_.empty(); });
  });
  while (!locked) std::this_thread::yield();
  runtime.Run([&] { std::lock_guard<std::mutex> lock(mutex); });
  holder.join();
  const StallReport report = Reports().at(0);
  if (std::FILE* file = std::fopen("/proc/self/syscall", "re")) {
    std::fclose(file);
    EXPECT_EQ(report.system_call, SYS_futex);
    EXPECT_THAT(report.text, HasSubstr("probably a std::mutex is held by another handler"));
  }
}

TEST_F(WatchdogTest, OneStallIsOneReportAndTheNextStallIsAnother) {
  Runtime runtime(Options(absl::Milliseconds(20)));
  for (size_t stall = 1; stall <= 3; ++stall) {
    runtime.Run([&] {
      ComputeUntil(count_, stall);
      // Some more of the same stall: ten times as long as it takes to be noticed.
      timespec start;
      ::clock_gettime(CLOCK_MONOTONIC, &start);
      for (timespec now = start; now.tv_sec * 1'000 + now.tv_nsec / 1'000'000 <
                                 start.tv_sec * 1'000 + start.tv_nsec / 1'000'000 + 200;) {
        ::clock_gettime(CLOCK_MONOTONIC, &now);
      }
    });
    EXPECT_EQ(count_.load(), stall);
  }
}

TEST_F(WatchdogTest, SleepingAndIdleLoopsAreNotReported) {
  Runtime runtime(Options(absl::Milliseconds(400)));
  runtime.Run([] {
    for (int i = 0; i < 3; ++i) (void)SleepFor(*Loop::Current(), 300 * runtime::kMillisecond);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_EQ(count_.load(), 0u) << Reports()[0].text;
}

TEST_F(WatchdogTest, StallsOfSeveralLoopsAreToldApart) {
  RuntimeOptions options = Options();
  options.threads = 2;
  Runtime runtime(options);
  std::thread other([&] { runtime.RunOn(runtime.loop(1), [&] { ComputeUntil(count_, 2); }); });
  runtime.RunOn(runtime.loop(0), [&] { ComputeUntil(count_, 2); });
  other.join();
  std::vector<size_t> loops;
  for (const StallReport& report : Reports()) loops.push_back(report.loop);
  EXPECT_THAT(loops, testing::IsSupersetOf({0u, 1u}));
}

TEST_F(WatchdogTest, ZeroAndInfinityTurnItOff) {
  for (absl::Duration off : {absl::ZeroDuration(), absl::InfiniteDuration()}) {
    Runtime runtime(Options(off));
    std::atomic<size_t> never{0};
    runtime.Run([&] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
  }
  EXPECT_EQ(count_.load(), 0u);
}

TEST(WatchdogDeathTest, WithoutAHookReportsGoToStderr) {
  if (kTsan) GTEST_SKIP() << "it holds signals back while a thread computes";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1, .stall_warning = absl::Milliseconds(40)});
        runtime.Run([] { std::this_thread::sleep_for(std::chrono::milliseconds(400)); });
        ::_exit(3);
      },
      testing::ExitedWithCode(3), "fasthttp: loop 0 .*(.|\n)*system call(.|\n)*Offload");
}

}  // namespace
}  // namespace fasthttp
