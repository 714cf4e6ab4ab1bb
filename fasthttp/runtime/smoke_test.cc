#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
namespace fasthttp::runtime {
TEST(Smoke, Sim) {
  fasthttptest::SimRuntime sim({.loops = 2});
  int64_t before = sim.NowNanos();
  sim.Run([&] { EXPECT_EQ(SleepFor(*Loop::Current(), 5 * kSecond), Errc::kOk); });
  EXPECT_EQ(sim.NowNanos() - before, 5 * kSecond);
}
TEST(Smoke, Real) {
  Runtime rt({.threads = 2});
  int n = 0;
  rt.Run([&] {
    EXPECT_EQ(SleepFor(*Loop::Current(), 5 * kMillisecond), Errc::kOk);
    n = 1;
    rt.RunOn(rt.loop(0), [&] { ++n; });
    rt.RunOn(rt.loop(1), [&] { ++n; });
  });
  EXPECT_EQ(n, 3);
}
}  // namespace fasthttp::runtime
