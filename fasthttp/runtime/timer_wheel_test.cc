#include "fasthttp/runtime/timer_wheel.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace fasthttp::runtime {
namespace {

std::vector<uint32_t> Expired(TimerWheel& wheel) {
  std::vector<uint32_t> due;
  while (TimerNode* node = wheel.PopExpired()) due.push_back(node->due);
  return due;
}

TEST(TimerWheelTest, FiresAtItsTickAndNotBefore) {
  for (uint32_t due : {1u, 63u, 64u, 65u, 4095u, 4096u, 262'143u, 262'144u, 16'777'215u,
                       16'777'216u, 50'000'000u}) {
    TimerWheel wheel;
    TimerNode node;
    wheel.Add(node, due);
    wheel.Advance(due - 1);
    EXPECT_EQ(wheel.PopExpired(), nullptr) << due;
    wheel.Advance(due);
    EXPECT_EQ(wheel.PopExpired(), &node) << due;
    EXPECT_FALSE(node.armed());
    EXPECT_EQ(wheel.size(), 0u);
  }
}

TEST(TimerWheelTest, ATickThatHasPassedFiresAtTheNextAdvance) {
  TimerWheel wheel;
  wheel.Advance(1000);
  TimerNode now;
  TimerNode past;
  wheel.Add(now, 1000);
  wheel.Add(past, 3);
  EXPECT_EQ(wheel.PopExpired(), nullptr);
  wheel.Advance(1001);
  EXPECT_EQ(Expired(wheel).size(), 2u);
}

TEST(TimerWheelTest, RemoveBeforeAndAfterExpiry) {
  TimerWheel wheel;
  TimerNode a;
  TimerNode b;
  wheel.Add(a, 10);
  wheel.Add(b, 10);
  wheel.Remove(a);
  wheel.Remove(a);
  EXPECT_FALSE(a.armed());
  wheel.Advance(10);
  wheel.Remove(b);  // Expired, not yet popped.
  EXPECT_EQ(wheel.PopExpired(), nullptr);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheelTest, TicksToNextIsALowerBoundThatIsReached) {
  TimerWheel wheel;
  EXPECT_EQ(wheel.TicksToNext(500), 500u);
  TimerNode node;
  wheel.Add(node, 100'000);
  int wakes = 0;
  while (wheel.now() < 100'000) {
    uint32_t ticks = wheel.TicksToNext(1u << 24);
    ASSERT_GT(ticks, 0u);
    ASSERT_LE(wheel.now() + ticks, 100'000u);
    wheel.Advance(wheel.now() + ticks);
    ASSERT_LT(++wakes, 8);
  }
  EXPECT_EQ(wheel.TicksToNext(500), 0u);
  EXPECT_EQ(wheel.PopExpired(), &node);
}

// Random adds, removes and advances beside a sorted set, also across the wrap of the ticks.
class TimerWheelModelTest : public testing::TestWithParam<uint32_t> {};

TEST_P(TimerWheelModelTest, AgreesWithASortedSet) {
  std::mt19937 random(GetParam() + 1);
  TimerWheel wheel;
  wheel.Advance(GetParam() / 3);
  wheel.Advance(GetParam() / 3 * 2);
  wheel.Advance(GetParam());
  uint64_t now = GetParam();  // As the model counts, without a wrap.
  struct Timer {
    TimerNode node;
    uint64_t due = 0;
  };
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 400; ++i) timers.push_back(std::make_unique<Timer>());
  std::multiset<uint64_t> model;
  for (int step = 0; step < 30'000; ++step) {
    Timer& timer = *timers[random() % timers.size()];
    if (timer.node.armed()) {
      if (random() % 3 == 0) {
        wheel.Remove(timer.node);
        model.erase(model.find(timer.due));
      }
    } else {
      // As likely near as far, up to beyond the reach of the wheel.
      timer.due = now + 1 + random() % (1u << (random() % 27));
      wheel.Add(timer.node, static_cast<uint32_t>(timer.due));
      model.insert(timer.due);
    }
    if (random() % 8 != 0) continue;
    ASSERT_EQ(wheel.size(), model.size());
    uint32_t lower = wheel.TicksToNext(1u << 30);
    ASSERT_TRUE(model.empty() || now + lower <= *model.begin());
    now += random() % (1u << (random() % 20));
    wheel.Advance(static_cast<uint32_t>(now));
    uint32_t before = 0;
    while (TimerNode* node = wheel.PopExpired()) {
      ASSERT_FALSE(model.empty());
      uint64_t due = *model.begin();
      model.erase(model.begin());
      ASSERT_LE(due, now);
      ASSERT_EQ(node->due, static_cast<uint32_t>(due));
      ASSERT_TRUE(before == 0 || static_cast<int32_t>(node->due - before) >= 0);
      before = node->due;
    }
    ASSERT_TRUE(model.empty() || *model.begin() > now);
  }
}

INSTANTIATE_TEST_SUITE_P(Starts, TimerWheelModelTest,
                         testing::Values(0u, 12'345u, 0x7ffffff0u, 0xfff00000u, 0xffffffffu));

}  // namespace
}  // namespace fasthttp::runtime
