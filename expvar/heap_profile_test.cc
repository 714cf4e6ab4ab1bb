#include "expvar/heap_profile.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "expvar/pprof.h"
#include "expvar/profile_proto.h"
#include "expvar/profile_reader.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/stack_trace.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

// Not in a namespace, so that their names are the same everywhere. What the operators do, also
// where a sanitizer owns them.
[[gnu::noinline]] void* HeapTestAllocate(size_t size, size_t alignment) {
  void* block = expvar::internal::Allocate(size, alignment);
  asm volatile("" : "+r"(block));  // No tail call.
  return block;
}
// Registered before the profiler's own handlers, so it runs while those hold the lock.
static std::atomic<void*> freed_in_fork{nullptr};
[[gnu::constructor(101)]] static void RegisterEarly() {
  ::pthread_atfork(
      [] {
        expvar::internal::Deallocate(HeapTestAllocate(64 << 20, 16));
        expvar::internal::Deallocate(freed_in_fork.exchange(nullptr));
      },
      nullptr, nullptr);
}
[[gnu::noinline]] std::unique_ptr<std::string> HeapTestHandlersString() {
  return std::make_unique<std::string>(1 << 20, 'x');
}

namespace expvar {
namespace {

// With another period, in a thread that begins with it.
void WithPeriod(size_t bytes, const std::function<void()>& run) {
  HeapProfiler::SetPeriod(bytes);
  std::thread(run).join();
  HeapProfiler::SetPeriod(HeapProfiler::kDefaultPeriod);
}

struct Counts {
  HeapProfile::Count allocated, live;
};

// Of the sites in whose stacks the function is.
Counts CountsOf(const std::string& function) {
  Counts counts;
  for (const HeapProfile::Site& site : TakeHeapProfile().sites) {
    for (const void* address : site.stack) {
      if (fasthttp::runtime::NameOf(address).find(function) == std::string::npos) continue;
      counts.allocated.objects += site.allocated.objects;
      counts.allocated.bytes += site.allocated.bytes;
      counts.live.objects += site.live.objects;
      counts.live.bytes += site.live.bytes;
      break;
    }
  }
  return counts;
}

TEST(HeapProfiler, OfPeriodOneSeesEveryAllocationAndItsEnd) {
  const Counts before = CountsOf("HeapTestAllocate");
  std::vector<void*> blocks(10);
  WithPeriod(1, [&] {
    for (void*& block : blocks) block = HeapTestAllocate(100, 16);
  });
  Counts after = CountsOf("HeapTestAllocate");
  EXPECT_EQ(after.allocated.objects - before.allocated.objects, 10);
  EXPECT_EQ(after.allocated.bytes - before.allocated.bytes, 1000);
  EXPECT_EQ(after.live.objects - before.live.objects, 10);
  for (size_t i = 0; i < 6; ++i) internal::Deallocate(blocks[i]);
  after = CountsOf("HeapTestAllocate");
  EXPECT_EQ(after.allocated.objects - before.allocated.objects, 10);
  EXPECT_EQ(after.live.objects - before.live.objects, 4);
  EXPECT_EQ(after.live.bytes - before.live.bytes, 400);
  for (size_t i = 6; i < 10; ++i) internal::Deallocate(blocks[i]);
  EXPECT_EQ(CountsOf("HeapTestAllocate").live.objects, before.live.objects);
}

TEST(HeapProfiler, OfPeriodNoneSeesNothing) {
  const Counts before = CountsOf("HeapTestAllocate");
  WithPeriod(0, [] {
    for (int i = 0; i < 100; ++i) internal::Deallocate(HeapTestAllocate(1 << 20, 16));
  });
  EXPECT_EQ(CountsOf("HeapTestAllocate").allocated.objects, before.allocated.objects);
}

// A thousand samples of each size, whose estimate is right to 3 %; 30 % are ten times that.
TEST(HeapProfiler, EstimatesEverySizeAlike) {
  for (const size_t size : {16u, 100u, 5'000u, 100'000u}) {
    const Counts before = CountsOf("HeapTestAllocate");
    constexpr double kTotal = 16 << 20;
    const auto times = static_cast<int>(kTotal / static_cast<double>(size));
    WithPeriod(16 << 10, [&] {
      for (int i = 0; i < times; ++i) internal::Deallocate(HeapTestAllocate(size, 16));
    });
    const Counts after = CountsOf("HeapTestAllocate");
    const double bytes = after.allocated.bytes - before.allocated.bytes;
    const double objects = after.allocated.objects - before.allocated.objects;
    EXPECT_NEAR(bytes / kTotal, 1, 0.3) << size;
    EXPECT_NEAR(objects / times, 1, 0.3) << size;
    EXPECT_NEAR(after.live.objects, before.live.objects, 1e-3) << size;
  }
}

TEST(HeapProfiler, KeepsAlignments) {
  WithPeriod(1, [] {
    for (const size_t alignment : {1u, 16u, 64u, 4096u, 65536u}) {
      void* block = HeapTestAllocate(alignment, alignment);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
      internal::Deallocate(block);
    }
    internal::Deallocate(nullptr);
    void* nothing = HeapTestAllocate(0, 16);
    EXPECT_NE(nothing, nullptr);
    internal::Deallocate(nothing);
  });
}

TEST(HeapProfiler, BlocksAreFreedByOtherThreads) {
  const Counts before = CountsOf("HeapTestAllocate");
  HeapProfiler::SetPeriod(1);
  std::atomic<void*> slots[16] = {};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&slots, t] {
      for (size_t i = 0; i < 500; ++i) {
        void* old = slots[(t + i) % 16].exchange(HeapTestAllocate(8 + i, 16));
        if (old != nullptr) internal::Deallocate(old);
      }
    });
  }
  for (int i = 0; i < 5; ++i) (void)TakeHeapProfile();
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : slots) internal::Deallocate(slot.load());
  HeapProfiler::SetPeriod(HeapProfiler::kDefaultPeriod);
  const Counts after = CountsOf("HeapTestAllocate");
  EXPECT_EQ(after.allocated.objects - before.allocated.objects, 2000);
  EXPECT_EQ(after.live.objects, before.live.objects);
}

class HeapOperators : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HeapProfiler::kAvailable) GTEST_SKIP() << "a sanitizer owns operator new";
  }
};

struct alignas(128) Wide {
  char bytes[128];
};

[[gnu::noinline]] void MakeOneOfEach(std::vector<double>& live) {
  const std::string name = "MakeOneOfEach";
  auto note = [&](auto make) {
    auto object = make();
    asm volatile("" : : "g"(&object) : "memory");
    live.push_back(CountsOf(name).live.objects);
  };
  const double before = CountsOf(name).live.objects;
  note([] { return std::unique_ptr<int>(new int(1)); });
  note([] { return std::unique_ptr<int[]>(new int[10]); });
  note([] { return std::unique_ptr<Wide>(new Wide); });
  note([] { return std::unique_ptr<Wide[]>(new Wide[3]); });
  note([] { return std::unique_ptr<int>(new (std::nothrow) int(1)); });
  note([] { return std::unique_ptr<Wide[]>(new (std::nothrow) Wide[3]); });
  note([] { return std::vector<Wide>(5); });
  note([] { return std::make_shared<std::string>(100, 'x'); });
  for (double& count : live) count -= before;
}

TEST_F(HeapOperators, AllAreSeenComingAndGoing) {
  std::vector<double> live;
  live.reserve(16);
  double before = 0;
  WithPeriod(1, [&] {
    before = CountsOf("MakeOneOfEach").live.objects;
    MakeOneOfEach(live);
  });
  ASSERT_EQ(live.size(), 8u);
  for (size_t i = 0; i < live.size(); ++i) EXPECT_GE(live[i], 1) << i;
  EXPECT_EQ(CountsOf("MakeOneOfEach").live.objects, before);
}

TEST_F(HeapOperators, NoMemoryIsBadAlloc) {
  volatile size_t much = size_t{1} << 60;
  EXPECT_THROW((void)::operator new(much), std::bad_alloc);
  EXPECT_THROW((void)::operator new(SIZE_MAX - much), std::bad_alloc);
  EXPECT_THROW((void)::operator new[](much, std::align_val_t(64)), std::bad_alloc);
  EXPECT_EQ(::operator new(much, std::nothrow), nullptr);
  static int asked = 0;
  asked = 0;
  std::set_new_handler([] {
    if (++asked == 2) std::set_new_handler(nullptr);
  });
  EXPECT_THROW((void)::operator new(much), std::bad_alloc);
  EXPECT_EQ(asked, 2);
  // The thread samples on.
  const Counts before = CountsOf("HeapTestHandlersString");
  for (int i = 0; i < 50; ++i) (void)HeapTestHandlersString();
  EXPECT_GT(CountsOf("HeapTestHandlersString").allocated.objects, before.allocated.objects);
}

// The child of a program whose other threads were sampling may sample too.
TEST_F(HeapOperators, SurviveAFork) {
  HeapProfiler::SetPeriod(1);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop.load()) internal::Deallocate(HeapTestAllocate(10, 16));
  });
  for (int i = 0; i < 100; ++i) {
    freed_in_fork.store(HeapTestAllocate(10, 16));
    const pid_t child = ::fork();
    EXPECT_GE(child, 0);
    if (child < 0) break;
    if (child == 0) {
      ::alarm(60);  // A lock that nobody opens must not hang the test.
      // Ends the interval that this thread had drawn; those behind it are all samples.
      internal::Deallocate(HeapTestAllocate(64 << 20, 16));
      for (int j = 0; j < 10; ++j) internal::Deallocate(HeapTestAllocate(10, 16));
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  stop.store(true);
  other.join();
  HeapProfiler::SetPeriod(HeapProfiler::kDefaultPeriod);
}

// --- As the tools see it ----------------------------------------------------------------------

TEST(HeapProto, HoldsStacksNamesAndFourValues) {
  const auto* here = reinterpret_cast<const char*>(&HeapTestAllocate);
  HeapProfile profile;
  profile.sites.push_back({{here + 1}, {1000.4, 64'000.6}, {2, 128}});
  profile.sites.push_back({{here + 2}, {5, 50}, {-1e-9, -1e-7}});
  profile.period = 4096;
  profile.time_nanos = 1'700'000'000'000'000'000;
  profile.dropped = 3;
  std::string bytes;
  AppendProfileProto(bytes, profile, HeapView::kAllocated);
  const ReadProfile read(bytes);
  ASSERT_TRUE(read.ok);
  EXPECT_EQ(read.types, (std::vector<std::string>{"alloc_objects/count", "alloc_space/bytes",
                                                  "inuse_objects/count", "inuse_space/bytes"}));
  EXPECT_EQ(read.default_type, "alloc_space");
  EXPECT_EQ(read.period_type, "space/bytes");
  EXPECT_EQ(read.period, 4096u);
  EXPECT_EQ(read.time_nanos, 1'700'000'000'000'000'000u);
  EXPECT_EQ(read.comments, (std::vector<std::string>{"3 samples were dropped: no room"}));
  ASSERT_EQ(read.samples.size(), 2u);
  EXPECT_EQ(read.samples[0].values, (std::vector<uint64_t>{1000, 64'001, 2, 128}));
  EXPECT_EQ(read.samples[1].values, (std::vector<uint64_t>{5, 50, 0, 0}));
  EXPECT_EQ(read.samples[0].functions[0].substr(0, 16), "HeapTestAllocate");
}

TEST(HeapProto, TheHandlerNamesWhatAllocatesOnItsFiber) {
  std::vector<std::unique_ptr<std::string>> kept;
  fasthttptest::TestServer server([&](fasthttp::RequestCtx& ctx) {
    if (ctx.Path() != "/keep") return PprofHandler(ctx);
    for (int i = 0; i < 20; ++i) kept.push_back(HeapTestHandlersString());
  });
  ASSERT_TRUE(server.Get("/keep").ok());
  for (auto [path, type] : {std::pair("heap", "inuse_space"), {"allocs", "alloc_space"}}) {
    absl::StatusOr<fasthttp::Response> r = server.Get(std::string("/debug/pprof/") + path);
    ASSERT_TRUE(r.ok()) << r.status();
    if (!HeapProfiler::kAvailable) {
      EXPECT_EQ(r->StatusCode(), 404);
      EXPECT_EQ(r->Body(), "not sampled: a sanitizer owns operator new");
      continue;
    }
    EXPECT_EQ(r->StatusCode(), 200);
    const ReadProfile profile(r->Body());
    ASSERT_TRUE(profile.ok);
    EXPECT_EQ(profile.default_type, type);
    uint64_t live = 0;
    for (const ReadProfile::Sample& sample : profile.samples) {
      for (size_t i = 0; i + 1 < sample.functions.size(); ++i) {
        // Its callers are there, and of the profiler itself nothing.
        EXPECT_EQ(sample.functions[i].find("AllocateSlowly"), std::string::npos);
        const bool ours = sample.functions[i].find("HeapTestHandlersString") != std::string::npos;
        if (ours) live += sample.values[3];
      }
    }
    // Of 20 MiB; each MiB is met with a chance of 0.86.
    EXPECT_GT(live, uint64_t{5} << 20);
  }
}

}  // namespace
}  // namespace expvar
