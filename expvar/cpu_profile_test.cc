#include "expvar/cpu_profile.h"

#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "expvar/profile_proto.h"
#include "expvar/profile_reader.h"
#include "fasthttp/runtime/stack_trace.h"
#include "gtest/gtest.h"

// Not in a namespace, so that its name is the same everywhere.
[[gnu::noinline]] void CpuProfileTestBurn(const std::atomic<bool>& stop) {
  // Under ThreadSanitizer signals are delivered at calls that it knows.
  while (!stop.load()) {
    void* volatile block = std::malloc(16);  // Else the pair is optimised away.
    std::free(block);
  }
}

namespace expvar {
namespace {

using Outcome = CpuProfiler::Outcome;

// Threads that compute, until it goes.
class Burner {
 public:
  Burner() : thread_([this] { CpuProfileTestBurn(stop_); }) {}
  ~Burner() {
    stop_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

uint64_t SamplesWith(const CpuProfile& profile, const std::string& function) {
  uint64_t n = 0;
  for (const auto& [stack, count] : profile.stacks) {
    for (const void* address : stack) {
      if (fasthttp::runtime::NameOf(address).find(function) == std::string::npos) continue;
      n += count;
      break;
    }
  }
  return n;
}

// The samples of one more profile, of whatever runs, until there are some in the function.
CpuProfile ProfileUntilSeen(const std::string& function) {
  for (;;) {
    EXPECT_EQ(CpuProfiler::Begin(), Outcome::kOk);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CpuProfiler::AddThreads();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    CpuProfile profile = CpuProfiler::End();
    if (SamplesWith(profile, function) != 0) return profile;
  }
}

TEST(CpuProfiler, FindsWhatComputes) {
  Burner burner;
  const CpuProfile profile = ProfileUntilSeen("CpuProfileTestBurn");
  EXPECT_EQ(profile.dropped, 0u);
  EXPECT_GT(profile.duration_nanos, 0);
  EXPECT_GT(profile.start_nanos, 0);
}

TEST(CpuProfiler, FindsThreadsThatStartLater) {
  EXPECT_EQ(CpuProfiler::Begin(), Outcome::kOk);
  Burner burner;
  CpuProfiler::AddThreads();
  (void)CpuProfiler::End();
  (void)ProfileUntilSeen("CpuProfileTestBurn");
}

TEST(CpuProfiler, OneAtATime) {
  ASSERT_EQ(CpuProfiler::Begin(), Outcome::kOk);
  EXPECT_EQ(CpuProfiler::Begin(), Outcome::kBusy);
  (void)CpuProfiler::End();
  EXPECT_EQ(CpuProfiler::Begin(), Outcome::kOk);
  (void)CpuProfiler::End();
}

// Threads end, and signals come late.
TEST(CpuProfiler, ThreadsComeAndGo) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(CpuProfiler::Begin(), Outcome::kOk);
    {
      Burner one;
      Burner two;
      CpuProfiler::AddThreads();
      std::this_thread::sleep_for(std::chrono::milliseconds(i));
      if (i % 2 == 0) (void)CpuProfiler::End();
    }
    if (i % 2 != 0) (void)CpuProfiler::End();
  }
}

TEST(CpuProfilerDeathTest, LeavesAnothersSignalAlone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto begin = [] {
    ::signal(SIGPROF, [](int) {});
    std::exit(CpuProfiler::Begin() == Outcome::kSignalTaken && ::signal(SIGPROF, SIG_DFL) != SIG_DFL
                  ? 0
                  : 1);
  };
  EXPECT_EXIT(begin(), ::testing::ExitedWithCode(0), "");
}

TEST(ProfileProto, HoldsStacksNamesAndTimes) {
  const auto* here = reinterpret_cast<const char*>(&CpuProfileTestBurn);
  const auto* there = reinterpret_cast<const char*>(&std::abort);
  CpuProfile profile;
  profile.stacks[{here + 1, there + 1}] = 300;
  profile.stacks[{here + 2}] = 1;
  profile.start_nanos = 1'700'000'000'000'000'000;
  profile.duration_nanos = 5'000'000'000;
  std::string bytes;
  AppendProfileProto(bytes, profile);
  const ReadProfile read(bytes);
  ASSERT_TRUE(read.ok);
  EXPECT_EQ(read.types, (std::vector<std::string>{"samples/count", "cpu/nanoseconds"}));
  EXPECT_EQ(read.period_type, "cpu/nanoseconds");
  EXPECT_EQ(read.period, 10'000'000u);
  EXPECT_EQ(read.time_nanos, 1'700'000'000'000'000'000u);
  EXPECT_EQ(read.duration_nanos, 5'000'000'000u);
  ASSERT_EQ(read.samples.size(), 2u);
  EXPECT_EQ(read.samples[0].values, (std::vector<uint64_t>{300, 3'000'000'000}));
  ASSERT_EQ(read.samples[0].functions.size(), 2u);
  EXPECT_EQ(read.samples[0].functions[0].substr(0, 18), "CpuProfileTestBurn");
  EXPECT_EQ(read.samples[1].values, (std::vector<uint64_t>{1, 10'000'000}));
  EXPECT_EQ(read.samples[1].functions[0], read.samples[0].functions[0]);
  EXPECT_NE(read.samples[1].addresses[0], read.samples[0].addresses[0]);
}

TEST(ProfileProto, AnEmptyProfileIsOne) {
  std::string bytes;
  AppendProfileProto(bytes, {});
  const ReadProfile read(bytes);
  EXPECT_TRUE(read.ok);
  EXPECT_TRUE(read.samples.empty());
  EXPECT_EQ(read.types.size(), 2u);
}

}  // namespace
}  // namespace expvar
