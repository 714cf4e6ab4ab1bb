#include "expvar/heap_sites.h"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace expvar {
namespace {

const void* At(uintptr_t address) { return reinterpret_cast<const void*>(address); }
// Blocks begin at pages.
const void* Block(uintptr_t i) { return At(0x10000 + i * 4096); }

HeapProfile Taken(HeapSites& sites) {
  HeapProfile profile;
  sites.AppendTo(profile);
  return profile;
}

TEST(HeapSites, CountsBySiteWhatWasMadeAndWhatLives) {
  HeapSites sites;
  EXPECT_TRUE(Taken(sites).sites.empty());
  sites.Remove(Block(1));  // Before anything is mapped.
  const std::vector<const void*> one = {At(1), At(2)};
  const std::vector<const void*> two = {At(1), At(3)};
  sites.Add(Block(1), 100, 10, one);
  sites.Add(Block(2), 50, 2, one);
  sites.Add(Block(3), 7, 1, two);
  sites.Remove(Block(1));
  sites.Remove(Block(1));
  sites.Remove(Block(9));
  const HeapProfile profile = Taken(sites);
  ASSERT_EQ(profile.sites.size(), 2u);
  EXPECT_EQ(profile.sites[0].stack, one);
  EXPECT_EQ(profile.sites[0].allocated.objects, 12);
  EXPECT_EQ(profile.sites[0].allocated.bytes, 1100);
  EXPECT_EQ(profile.sites[0].live.objects, 2);
  EXPECT_EQ(profile.sites[0].live.bytes, 100);
  EXPECT_EQ(profile.sites[1].stack, two);
  EXPECT_EQ(profile.sites[1].live.bytes, 7);
  EXPECT_EQ(profile.dropped, 0u);
}

TEST(HeapSites, ABlockThatWasFreedUnseenIsReplaced) {
  HeapSites sites;
  const std::vector<const void*> one = {At(1)};
  const std::vector<const void*> two = {At(2)};
  sites.Add(Block(1), 10, 1, one);
  sites.Add(Block(1), 20, 1, two);
  HeapProfile profile = Taken(sites);
  EXPECT_EQ(profile.sites[0].live.objects, 0);
  EXPECT_EQ(profile.sites[1].live.bytes, 20);
  sites.Remove(Block(1));
  profile = Taken(sites);
  EXPECT_EQ(profile.sites[1].live.bytes, 0);
}

TEST(HeapSites, DeepStacksKeepTheirInnermostFrames) {
  HeapSites sites;
  std::vector<const void*> deep;
  for (uintptr_t i = 0; i < 2 * HeapSites::kMaxFrames; ++i) deep.push_back(At(i + 1));
  sites.Add(Block(1), 1, 1, deep);
  sites.Add(Block(2), 1, 1, {});
  const HeapProfile profile = Taken(sites);
  ASSERT_EQ(profile.sites.size(), 2u);
  deep.resize(HeapSites::kMaxFrames);
  EXPECT_EQ(profile.sites[0].stack, deep);
  EXPECT_TRUE(profile.sites[1].stack.empty());
}

TEST(HeapSites, TooManySitesAreDroppedAndCounted) {
  HeapSites sites;
  for (uintptr_t i = 0; i < HeapSites::kMaxSites + 10; ++i) {
    const std::vector<const void*> stack = {At(i + 1)};
    sites.Add(Block(i), 1, 1, stack);
  }
  const std::vector<const void*> first = {At(1)};
  sites.Add(Block(HeapSites::kMaxSites + 20), 1, 1, first);  // One that is known.
  const HeapProfile profile = Taken(sites);
  EXPECT_EQ(profile.sites.size(), HeapSites::kMaxSites);
  EXPECT_EQ(profile.dropped, 10u);
  EXPECT_EQ(profile.sites[0].live.objects, 2);
  EXPECT_EQ(profile.sites.back().live.objects, 1);
}

TEST(HeapSites, TooManyLiveSamplesAreDroppedAndCounted) {
  HeapSites sites;
  const std::vector<const void*> stack = {At(1)};
  for (uintptr_t i = 0; i < HeapSites::kMaxLive + 10; ++i) sites.Add(Block(i), 2, 1, stack);
  HeapProfile profile = Taken(sites);
  EXPECT_EQ(profile.dropped, 10u);
  EXPECT_EQ(profile.sites[0].live.objects, HeapSites::kMaxLive);
  for (uintptr_t i = 0; i < HeapSites::kMaxLive + 10; ++i) sites.Remove(Block(i));
  sites.Add(Block(0), 2, 1, stack);  // There is room again.
  profile = Taken(sites);
  EXPECT_EQ(profile.dropped, 10u);
  EXPECT_EQ(profile.sites[0].live.objects, 1);
  EXPECT_EQ(profile.sites[0].allocated.objects, HeapSites::kMaxLive + 1);
}

// Against a map that can't be wrong, with addresses that meet in the table.
TEST(HeapSites, IsWhatAMapWouldBe) {
  HeapSites sites;
  std::map<const void*, size_t> live;
  std::mt19937 random(7);
  const std::vector<std::vector<const void*>> stacks = {{At(1)}, {At(2)}, {At(1), At(2)}};
  for (int i = 0; i < 300'000; ++i) {
    const void* block = Block(random() % 60'000);
    if (live.contains(block)) {
      sites.Remove(block);
      live.erase(block);
    } else if (random() % 8 != 0) {
      const size_t site = random() % stacks.size();
      sites.Add(block, 1, 1, stacks[site]);
      live[block] = site;
    } else {
      sites.Remove(block);
    }
  }
  std::vector<double> expected(stacks.size());
  for (const auto& [block, site] : live) ++expected[site];
  auto count = [&] {
    std::vector<double> counted(stacks.size());
    for (const HeapProfile::Site& site : Taken(sites).sites) {
      for (size_t i = 0; i < stacks.size(); ++i) {
        if (site.stack == stacks[i]) counted[i] = site.live.objects;
      }
    }
    return counted;
  };
  EXPECT_EQ(count(), expected);
  for (const auto& [block, site] : live) sites.Remove(block);
  EXPECT_EQ(count(), std::vector<double>(stacks.size(), 0));
}

TEST(HeapSites, ManyThreadsAtOnce) {
  HeapSites sites;
  std::vector<std::thread> threads;
  for (uintptr_t t = 0; t < 4; ++t) {
    threads.emplace_back([&sites, t] {
      const std::vector<const void*> own = {At(t + 1)};
      for (uintptr_t i = 0; i < 5000; ++i) {
        sites.Add(Block(t * 100'000 + i), 8, 1, own);
        if (i % 2 != 0) sites.Remove(Block(t * 100'000 + i));
      }
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_LE(Taken(sites).sites.size(), 4u);
  for (std::thread& thread : threads) thread.join();
  const HeapProfile profile = Taken(sites);
  ASSERT_EQ(profile.sites.size(), 4u);
  for (const HeapProfile::Site& site : profile.sites) {
    EXPECT_EQ(site.allocated.objects, 5000);
    EXPECT_EQ(site.live.objects, 2500);
  }
}

}  // namespace
}  // namespace expvar
