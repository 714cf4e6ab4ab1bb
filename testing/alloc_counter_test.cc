#include "testing/alloc_counter.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace fasthttptest {
namespace {

// Keeps the compiler from leaving out what is allocated and freed.
template <typename T>
T* Escape(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

class AllocCounterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!AllocCounter::available()) GTEST_SKIP() << "a sanitizer owns malloc";
  }
};

TEST_F(AllocCounterTest, NothingIsNothing) {
  AllocCounter counter;
  volatile int sum = 0;
  for (int i = 0; i < 1000; ++i) sum = sum + i;
  const uint64_t counted = counter.allocations();
  EXPECT_EQ(counted, 0u);
}

TEST_F(AllocCounterTest, ASeededAllocationIsCounted) {
  AllocCounter counter;
  std::free(Escape(std::malloc(100)));
  uint64_t counted = counter.allocations();
  EXPECT_EQ(counted, 1u);
  EXPECT_EQ(counter.bytes() >= 100, true);
  counter.Restart();
  delete Escape(new int(7));
  counted = counter.allocations();
  EXPECT_EQ(counted, 1u);
}

TEST_F(AllocCounterTest, EveryKindIsCounted) {
  AllocCounter counter;
  void* memory = Escape(std::calloc(10, 10));
  memory = Escape(std::realloc(memory, 5000));
  void* aligned = Escape(std::aligned_alloc(64, 640));
  void* posix = nullptr;
  const int failed = ::posix_memalign(&posix, 4096, 100);
  void* old = Escape(::memalign(32, 32));
  void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const uint64_t counted = counter.allocations();
  EXPECT_EQ(counted, 6u);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(posix) % 4096, 0u);
  ASSERT_NE(map, MAP_FAILED);
  ::munmap(map, 4096);
  for (void* each : {memory, aligned, Escape(posix), old}) std::free(each);
}

TEST_F(AllocCounterTest, OtherThreadsAndLibrariesAreCounted) {
  AllocCounter counter;
  std::thread other([] {
    for (int i = 0; i < 10; ++i) std::free(Escape(std::malloc(10)));
    std::string text(Escape("a text that is too long to be kept inside of the string itself"));
    Escape(&text);
  });
  other.join();
  EXPECT_GE(counter.allocations(), 11u);
}

}  // namespace
}  // namespace fasthttptest
