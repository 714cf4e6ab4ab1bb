#include "fasthttp/base/slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace fasthttp::base {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSlotBySlot = true;
#else
constexpr bool kSlotBySlot = false;
#endif

constexpr size_t kSlot = 5000;  // 51 to a slab.

bool IsMapped(void* address) {
  unsigned char resident;
  void* page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(address) & ~uintptr_t{4095});
  return ::mincore(page, 1, &resident) == 0;
}

TEST(Slabs, SlotsAreAlignedAndApart) {
  Slabs slabs(kSlot);
  std::vector<char*> slots;
  for (int i = 0; i < 200; ++i) {
    slots.push_back(static_cast<char*>(slabs.Allocate()));
    ASSERT_NE(slots.back(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(slots.back()) % Slabs::kAlignment, 0u);
    std::memset(slots.back(), i, kSlot);
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(std::all_of(slots[i], slots[i] + kSlot, [i](char c) { return c == char(i); })) << i;
  }
  for (char* slot : slots) slabs.Free(slot);
}

TEST(Slabs, TheKernelGetsASlabBackWithItsLastSlot) {
  if (kSlotBySlot) GTEST_SKIP() << "under ASan malloc keeps what is freed";
  Slabs slabs(kSlot);
  std::vector<void*> slots;
  for (int i = 0; i < 51 * 3; ++i) slots.push_back(slabs.Allocate());
  EXPECT_EQ(slabs.slabs(), 3u);
  for (int i = 51; i < 51 * 2; ++i) {
    EXPECT_TRUE(IsMapped(slots[51]));
    slabs.Free(slots[i]);
  }
  EXPECT_EQ(slabs.slabs(), 2u);
  EXPECT_FALSE(IsMapped(slots[51]));
  EXPECT_TRUE(IsMapped(slots[50]));
  EXPECT_TRUE(IsMapped(slots[51 * 2]));
  for (int i = 0; i < 51; ++i) slabs.Free(slots[i]);
  for (int i = 51 * 2; i < 51 * 3; ++i) slabs.Free(slots[i]);
  EXPECT_EQ(slabs.slabs(), 0u);
}

TEST(Slabs, HolesAreFilledBeforeAnythingIsMapped) {
  if (kSlotBySlot) GTEST_SKIP() << "under ASan there are no slabs";
  Slabs slabs(kSlot);
  std::vector<void*> slots;
  for (int i = 0; i < 51 * 4; ++i) slots.push_back(slabs.Allocate());
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(slots.begin(), slots.end(), random);
    for (int i = 0; i < 100; ++i) slabs.Free(slots[i]);
    for (int i = 0; i < 100; ++i) {
      slots[i] = slabs.Allocate();
      std::memset(slots[i], round, kSlot);
    }
    EXPECT_EQ(slabs.slabs(), 4u);
  }
  std::sort(slots.begin(), slots.end());
  EXPECT_EQ(std::adjacent_find(slots.begin(), slots.end()), slots.end());
  for (void* slot : slots) slabs.Free(slot);
  EXPECT_EQ(slabs.slabs(), 0u);
}

#ifndef NDEBUG
TEST(SlabsDeathTest, ASlotThatIsNotFreedIsNoticed) {
  EXPECT_DEATH(
      {
        Slabs slabs(kSlot);
        slabs.Allocate();
      },
      "outlives its slabs");
}
#endif

}  // namespace
}  // namespace fasthttp::base
