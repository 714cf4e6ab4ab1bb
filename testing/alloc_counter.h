// AllocCounter: how many allocations the whole process makes between two points.
//
//   fasthttptest::AllocCounter counter;
//   ... a thousand requests ...
//   if (fasthttptest::AllocCounter::available()) EXPECT_EQ(counter.allocations(), 0u);
//
// Linking //testing:alloc_counter replaces malloc, calloc, realloc, aligned_alloc, posix_memalign,
// memalign and mmap in the program; so operator new and every library in it are counted, on all
// threads. Each call counts as one, also those of the test framework: keep EXPECT_... out of the
// measured part. mmap counts only what is called by that name, not what malloc does inside.
//
// Under ASan and TSan, which replace the same functions, nothing is counted: available() is false,
// and a test skips the assertion.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TESTING_ALLOC_COUNTER_H_
#define FASTHTTP_TESTING_ALLOC_COUNTER_H_

#include <cstdint>

namespace fasthttptest {

class AllocCounter {
 public:
  // Starts at zero.
  AllocCounter() { Restart(); }
  void Restart();

  static bool available();

  // Calls since the start, and bytes asked for.
  uint64_t allocations() const;
  uint64_t bytes() const;

 private:
  uint64_t calls_before_ = 0;
  uint64_t bytes_before_ = 0;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_ALLOC_COUNTER_H_
