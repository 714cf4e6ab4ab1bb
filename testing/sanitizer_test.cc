// Each sanitizer finds the bug that is planted for it, and TSan is silent about absl::Mutex: the
// two halves of trusting a clean run.

#include <climits>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

#if defined(__has_feature)
#define FASTHTTP_HAS_FEATURE(x) __has_feature(x)
#else
#define FASTHTTP_HAS_FEATURE(x) 0
#endif

namespace {

class Turnstile {
 public:
  void Pass(int turns) {
    for (int i = 0; i < turns; ++i) {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&open_));
      ++passed_;
      changed_.SignalAll();
    }
  }

  void Open() {
    absl::MutexLock lock(&mutex_);
    open_ = true;
  }

  void WaitFor(int passed) {
    absl::MutexLock lock(&mutex_);
    while (passed_ < passed) changed_.Wait(&mutex_);
  }

 private:
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  int passed_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(SanitizerTest, MutexIsClean) {
  Turnstile turnstile;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { turnstile.Pass(1000); });
  turnstile.Open();
  turnstile.WaitFor(4000);
  for (std::thread& thread : threads) thread.join();
}

#if defined(__SANITIZE_THREAD__) || FASTHTTP_HAS_FEATURE(thread_sanitizer)
void Race() {
  volatile int counter = 0;
  auto count = [&] {
    for (int i = 0; i < 100000; ++i) counter = counter + 1;
  };
  std::thread other(count);
  count();
  other.join();
}

TEST(SanitizerDeathTest, RaceIsFound) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Race();
        std::exit(0);
      },
      "data race");
}
#endif

#if defined(__SANITIZE_ADDRESS__) || FASTHTTP_HAS_FEATURE(address_sanitizer)
TEST(SanitizerDeathTest, HeapOverflowIsFound) {
  auto block = std::make_unique<volatile char[]>(8);
  volatile size_t index = 8;
  EXPECT_DEATH(block[index] = 1, "heap-buffer-overflow");
}

TEST(SanitizerDeathTest, LeakIsFound) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        for (int i = 0; i < 100; ++i) *static_cast<volatile int*>(new int) = i;
        std::exit(0);
      },
      "detected memory leaks");
}
#endif

#if defined(FASTHTTP_UBSAN) || FASTHTTP_HAS_FEATURE(undefined_behavior_sanitizer)
TEST(SanitizerDeathTest, SignedOverflowIsFound) {
  volatile int number = INT_MAX;
  EXPECT_DEATH(number = number + 1, "signed integer overflow");
}
#endif

}  // namespace
