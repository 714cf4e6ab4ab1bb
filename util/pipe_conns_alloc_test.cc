// Two local ends talk without a lock, and in the steady state without an allocation.

#include <string>

#include "fasthttp/base/chaos.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "util/pipe_conns.h"

namespace fasthttputil {
namespace {

using fasthttp::Errc;
using fasthttp::runtime::Loop;

TEST(PipeConnsAllocTest, LocalPairsAllocateNothingInTheSteadyState) {
  if (!fasthttp::testing_internal::kAllocCounterAvailable)
    GTEST_SKIP() << "a sanitizer owns malloc";
  if (fasthttp::base::chaos_enabled) GTEST_SKIP() << "chaos decides how many blocks are pending";
  fasthttp::Runtime runtime({.threads = 1});
  uint64_t allocations = 1;
  uint64_t wrong = 0;
  runtime.Run([&] {
    Loop& loop = *Loop::Current();
    PipeConns pipe;
    fasthttp::runtime::FunctionTask echo([&](Loop&) {
      char buffer[512];
      for (;;) {
        fasthttp::IoResult got = pipe.conn2().Read(buffer);
        if (!got.ok() || got.bytes() == 0) return;
        wrong += pipe.conn2().Write({buffer, got.bytes()}) != Errc::kOk;
      }
    });
    loop.Spawn(echo);
    char buffer[300];
    auto talk = [&](int rounds) {
      for (int i = 0; i < rounds; ++i) {
        wrong += pipe.conn1().Write({buffer, sizeof buffer}) != Errc::kOk;
        wrong += pipe.conn1().ReadFull(buffer) != Errc::kOk;
      }
    };
    // Both directions full once: from then on the pair has all the blocks it will ever have.
    std::string much(60'000, 'x');
    wrong += pipe.conn1().Write(much) != Errc::kOk;
    while (echo.wait == nullptr) loop.Yield();
    wrong += pipe.conn1().ReadFull(much) != Errc::kOk;
    talk(100);
    const uint64_t before = fasthttp::testing_internal::ProcessAllocations().count;
    talk(10'000);
    allocations = fasthttp::testing_internal::ProcessAllocations().count - before;
    pipe.conn1().Close();
    while (!echo.done) loop.Yield();
  });
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(allocations, 0u);
}

}  // namespace
}  // namespace fasthttputil
