#include "fasthttp/runtime/stack_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace fasthttp::runtime {
namespace {

constexpr size_t kSize = 64 * 1024;

size_t ResidentPages(const Stack& stack) {
  std::vector<unsigned char> pages(stack.size / 4096);
  if (::mincore(stack.bottom, stack.size, pages.data()) != 0) return 0;
  size_t n = 0;
  for (unsigned char page : pages) n += page & 1;
  return n;
}

TEST(StackPoolTest, StacksAreDistinctWritableAndAligned) {
  StackPool pool(kSize, 1);
  std::set<char*> bottoms;
  std::vector<Stack> stacks;
  for (size_t i = 0; i < 3 * StackPool::kStacksPerSlab; ++i) {
    Stack stack = pool.Allocate();
    ASSERT_NE(stack.bottom, nullptr);
    EXPECT_EQ(stack.size, kSize);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(stack.bottom) % 4096, 0u);
    EXPECT_TRUE(bottoms.insert(stack.bottom).second);
    stack.bottom[0] = 'x';
    stack.bottom[stack.size - 1] = 'x';
    stacks.push_back(stack);
  }
  EXPECT_EQ(pool.slab_count(), 3u);
  for (const Stack& stack : stacks) pool.Free(stack);
}

TEST(StackPoolTest, TheHottestStackIsTakenFirst) {
  StackPool pool(kSize, 1);
  Stack a = pool.Allocate();
  Stack b = pool.Allocate();
  pool.Free(a);
  pool.Free(b);
  EXPECT_EQ(pool.Allocate().bottom, b.bottom);
  EXPECT_EQ(pool.Allocate().bottom, a.bottom);
}

TEST(StackPoolTest, TrimGivesPagesBack) {
  StackPool pool(kSize, 1);
  Stack stack = pool.Allocate();
  EXPECT_EQ(ResidentPages(stack), 0u);
  std::memset(stack.bottom, 1, stack.size);
  EXPECT_EQ(ResidentPages(stack), stack.size / 4096);
  pool.Free(stack);
  EXPECT_EQ(ResidentPages(stack), stack.size / 4096) << "kept until Trim";
  pool.Trim();
  EXPECT_EQ(ResidentPages(stack), 0u);
  EXPECT_EQ(pool.Allocate().bottom, stack.bottom);
}

TEST(StackPoolTest, TrimUnmapsEmptySlabsButNotThePremadeOnes) {
  StackPool pool(kSize, StackPool::kStacksPerSlab);
  EXPECT_EQ(pool.slab_count(), 1u);
  std::vector<Stack> stacks;
  for (size_t i = 0; i < 4 * StackPool::kStacksPerSlab; ++i) stacks.push_back(pool.Allocate());
  EXPECT_EQ(pool.slab_count(), 4u);
  Stack kept = stacks[2 * StackPool::kStacksPerSlab];
  for (const Stack& stack : stacks) {
    if (stack.bottom != kept.bottom) pool.Free(stack);
  }
  pool.Trim();
  EXPECT_EQ(pool.slab_count(), 2u);
  kept.bottom[0] = 'x';
  // The holes are filled again, and nothing is handed out twice.
  std::set<char*> bottoms = {kept.bottom};
  for (size_t i = 0; i + 1 < 4 * StackPool::kStacksPerSlab; ++i) {
    Stack stack = pool.Allocate();
    stack.bottom[0] = 'x';
    EXPECT_TRUE(bottoms.insert(stack.bottom).second);
  }
  EXPECT_EQ(pool.slab_count(), 4u);
}

TEST(StackPoolTest, NoMemoryIsAnAnswer) {
  // More than the address space has; the sum must not overflow either.
  StackPool pool(size_t{1} << 46, 0);
  EXPECT_EQ(pool.Allocate().bottom, nullptr);
  EXPECT_EQ(pool.slab_count(), 0u);
}

using StackPoolDeathTest = testing::Test;

TEST(StackPoolDeathTest, TouchingTheGuardCrashes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  StackPool pool(kSize, 1);
  Stack stack = pool.Allocate();
  *static_cast<volatile char*>(stack.bottom) = 1;
  EXPECT_DEATH(*static_cast<volatile char*>(stack.bottom - 1) = 1, "");
  EXPECT_DEATH(*static_cast<volatile char*>(stack.bottom - StackPool::kGuardSize) = 1, "");
  // Also after the pages went back.
  pool.Free(stack);
  pool.Trim();
  EXPECT_DEATH(*static_cast<volatile char*>(stack.bottom - 1) = 1, "");
}

}  // namespace
// Changes the process: run in a child.
TEST(StackPoolDeathTest, OldKernelsGetGuardsUpToABudgetOfMappings) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StackPool::DisableGuardInstallForTest();
        StackPool pool(16 * 1024, 0);
        size_t stacks = 0;
        while (pool.Allocate().bottom != nullptr) ++stacks;
        // The pool has stopped; everybody else still gets memory.
        void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool sane = stacks > 1000 && map != MAP_FAILED;
        std::fprintf(stderr, "%zu stacks\n", stacks);
        std::_Exit(sane ? 0 : 1);
      },
      testing::ExitedWithCode(0), "stacks");
}

}  // namespace fasthttp::runtime
