#include "fasthttp/runtime/endpoint.h"

#include <map>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace fasthttp::runtime {
namespace {

static_assert(sizeof(Endpoint) == 128 && alignof(Endpoint) == 64);

class NoSink final : public EventSink {
 public:
  void OnReady(Endpoint&, uint8_t) override {}
  void OnTimer(Endpoint&) override {}
};

NoSink sink;

Endpoint* Take(EndpointTable& table) {
  Endpoint* endpoint = table.Take();
  endpoint->sink = &sink;
  return endpoint;
}

TEST(EndpointTableTest, TheLowestFreeSlotIsTaken) {
  EndpointTable table;
  std::vector<Endpoint*> taken;
  for (uint32_t i = 0; i < 3 * EndpointTable::kPerSlab; ++i) {
    taken.push_back(Take(table));
    EXPECT_EQ(taken.back()->slot, i);
  }
  for (uint32_t slot : {1500u, 7u, 600u, 513u}) table.Release(*taken[slot]);
  for (uint32_t slot : {7u, 513u, 600u, 1500u}) EXPECT_EQ(Take(table)->slot, slot);
  EXPECT_EQ(Take(table)->slot, 3 * EndpointTable::kPerSlab);
}

TEST(EndpointTableTest, FindWantsTheRightGeneration) {
  EndpointTable table;
  Endpoint* endpoint = Take(table);
  const uint32_t slot = endpoint->slot;
  const uint32_t generation = endpoint->generation;
  EXPECT_EQ(table.Find(slot, generation), endpoint);
  EXPECT_EQ(table.Find(slot, generation + 1), nullptr);
  EXPECT_EQ(table.Find(slot + 1, generation), nullptr);
  EXPECT_EQ(table.Find(123'456, generation), nullptr);
  table.Release(*endpoint);
  EXPECT_EQ(table.Find(slot, generation), nullptr);
  EXPECT_EQ(table.Find(slot, generation + 1), nullptr) << "free";
  endpoint = Take(table);
  EXPECT_EQ(endpoint->slot, slot);
  EXPECT_EQ(table.Find(slot, generation), nullptr);
}

TEST(EndpointTableTest, GenerationsAreNeverUsedTwice) {
  EndpointTable table;
  std::mt19937 random(4);
  std::map<uint32_t, std::set<uint32_t>> used;
  std::vector<Endpoint*> taken;
  for (int step = 0; step < 60'000; ++step) {
    if (taken.empty() || (random() % 2 == 0 && taken.size() < 1200)) {
      Endpoint* endpoint = Take(table);
      ASSERT_TRUE(used[endpoint->slot].insert(endpoint->generation).second) << endpoint->slot;
      taken.push_back(endpoint);
    } else {
      std::swap(taken[random() % taken.size()], taken.back());
      table.Release(*taken.back());
      taken.pop_back();
    }
    if (step % 5'000 == 0) {
      for (Endpoint* endpoint : taken) table.Release(*endpoint);
      taken.clear();
      table.Trim();
    }
    ASSERT_EQ(table.in_use(), taken.size());
  }
}

TEST(EndpointTableTest, TrimmedSlabsHoldNothing) {
  EndpointTable table;
  std::vector<Endpoint*> taken;
  for (uint32_t i = 0; i < 2 * EndpointTable::kPerSlab; ++i) taken.push_back(Take(table));
  const uint32_t slot = taken.back()->slot;
  const uint32_t generation = taken.back()->generation;
  for (uint32_t i = EndpointTable::kPerSlab; i < taken.size(); ++i) table.Release(*taken[i]);
  table.Trim();
  EXPECT_EQ(table.At(slot), nullptr);
  EXPECT_EQ(table.Find(slot, generation), nullptr);
  EXPECT_NE(table.At(0), nullptr);
  EXPECT_EQ(table.slots(), 2 * EndpointTable::kPerSlab);
  EXPECT_EQ(Take(table)->slot, EndpointTable::kPerSlab);
}

}  // namespace
}  // namespace fasthttp::runtime
