// Counts heap allocations, for tests that assert that there are none and for benchmarks.
//
//   AllocCounter counter;
//   Work();
//   EXPECT_EQ(counter.count(), 0u);
//
// malloc, calloc, realloc, aligned_alloc, memalign, posix_memalign and mmap are interposed, and
// with them operator new. Under a sanitizer, which interposes them itself, nothing is counted:
// kAvailable is false then.
//
// Link it into test and benchmark binaries only. Thread class: thread-safe, each thread has its own
// count.
#ifndef FASTHTTP_TESTING_ALLOC_COUNTER_H_
#define FASTHTTP_TESTING_ALLOC_COUNTER_H_

#include <cstdint>

namespace fasthttp::testing_internal {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kAllocCounterAvailable = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
inline constexpr bool kAllocCounterAvailable = false;
#else
inline constexpr bool kAllocCounterAvailable = true;
#endif
#else
inline constexpr bool kAllocCounterAvailable = true;
#endif

// The number of allocations that this thread has made so far.
uint64_t ThreadAllocations();

// All threads together since the program began. Bytes are those asked for.
struct Allocations {
  uint64_t count = 0;
  uint64_t bytes = 0;
};
Allocations ProcessAllocations();

class AllocCounter {
 public:
  AllocCounter() : start_(ThreadAllocations()) {}
  uint64_t count() const { return ThreadAllocations() - start_; }

 private:
  uint64_t start_;
};

}  // namespace fasthttp::testing_internal

#endif  // FASTHTTP_TESTING_ALLOC_COUNTER_H_
