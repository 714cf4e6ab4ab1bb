#include "testing/alloc_counter.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdlib>
#include <thread>

#include "gtest/gtest.h"

namespace fasthttp::testing_internal {
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
    if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  }
};

TEST_F(AllocCounterTest, NothingIsNothing) {
  AllocCounter counter;
  volatile int sum = 0;
  for (int i = 0; i < 1000; ++i) sum = sum + i;
  EXPECT_EQ(counter.count(), 0u);
}

TEST_F(AllocCounterTest, ASeededAllocationIsCounted) {
  AllocCounter counter;
  const Allocations before = ProcessAllocations();
  std::free(Escape(std::malloc(100)));
  uint64_t counted = counter.count();
  EXPECT_EQ(counted, 1u);
  EXPECT_GE(ProcessAllocations().count - before.count, 1u);
  EXPECT_GE(ProcessAllocations().bytes - before.bytes, 100u);
  AllocCounter again;
  delete Escape(new int(7));
  counted = again.count();
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
  const uint64_t counted = counter.count();
  EXPECT_EQ(counted, 6u);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(posix) % 4096, 0u);
  ASSERT_NE(map, MAP_FAILED);
  ::munmap(map, 4096);
  for (void* each : {memory, aligned, Escape(posix), old}) std::free(each);
}

TEST_F(AllocCounterTest, OtherThreadsCountForTheProcess) {
  const uint64_t before = ProcessAllocations().count;
  std::thread other([] {
    AllocCounter counter;
    for (int i = 0; i < 10; ++i) std::free(Escape(std::malloc(10)));
    EXPECT_EQ(counter.count(), 10u);
  });
  other.join();
  EXPECT_GE(ProcessAllocations().count - before, 10u);
}

}  // namespace
}  // namespace fasthttp::testing_internal
