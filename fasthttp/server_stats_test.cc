// Server::Stats: answers by class of status, and how long they took; Runtime::Report.
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/test_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

uint64_t Sum(const auto& counts) { return std::accumulate(counts.begin(), counts.end(), 0ull); }

// The number of answers that took more than `from` and at most `to`; both are bounds.
uint64_t Between(const LatencyStats& latency, absl::Duration from, absl::Duration to) {
  uint64_t n = 0;
  int64_t lower = -1;
  for (size_t i = 0; i < LatencyStats::kBounds.size(); ++i) {
    const int64_t bound = LatencyStats::kBounds[i];
    if (lower >= absl::ToInt64Nanoseconds(from) && bound <= absl::ToInt64Nanoseconds(to)) {
      n += latency.counts[i];
    }
    lower = bound;
  }
  return n;
}

TEST(ServerStats, AnswersAreCountedByClass) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/throw") throw std::runtime_error("thrown");
    ctx.SetStatusCode(static_cast<int>(*ctx.QueryArgs().GetUint("code")));
  }});
  sim.Run([&] {
    for (int code : {200, 204, 299, 301, 304, 404, 404, 404, 500, 999}) {
      WireClient client = sim.Dial();
      (void)client.Ask(Get(absl::StrCat("/?code=", code)));
    }
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/throw")).status, 500);
    client = sim.Dial();
    EXPECT_EQ(client.Ask("GET /\r\n\r\n").status, 400);  // Refused before there is a request.
    sim.Settle();
  });
  const ServerStats stats = sim.server().Stats();
  EXPECT_EQ(stats.responses[0], 1u);
  EXPECT_EQ(stats.responses[1], 0u);
  EXPECT_EQ(stats.responses[2], 3u);
  EXPECT_EQ(stats.responses[3], 2u);
  EXPECT_EQ(stats.responses[4], 4u);
  EXPECT_EQ(stats.responses[5], 2u);
  EXPECT_EQ(Sum(stats.latency.counts), Sum(stats.responses));
}

TEST(ServerStats, AStreamedAnswerIsCountedOnceUpToItsHead) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.SetStatusCode(ctx.Path() == "/bad" ? 404 : 200);
    BodyWriter& out = ctx.StartBodyStream();
    absl::Format(&out, "first");
    (void)out.Flush();
    (void)Sleep(absl::Seconds(3));
    absl::Format(&out, "last");
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).body, "firstlast");
    EXPECT_EQ(client.Ask(Get("/bad")).status, 404);
    sim.Settle();
  });
  const ServerStats stats = sim.server().Stats();
  EXPECT_EQ(stats.responses[2], 1u);
  EXPECT_EQ(stats.responses[4], 1u);
  EXPECT_EQ(Sum(stats.responses), 2u);
  EXPECT_EQ(stats.latency.counts.front(), 2u);
}

TEST(ServerStats, ARequestThatWaitsIsCountedWithItsTime) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    const absl::StatusOr<uint64_t> ms = ctx.QueryArgs().GetUint("ms");
    if (ms.ok()) (void)Sleep(absl::Milliseconds(*ms));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int ms : {3, 30, 30, 4000, 11'000}) {
      EXPECT_EQ(client.Ask(Get(absl::StrCat("/?ms=", ms))).status, 200);
    }
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    sim.Settle();
  });
  const LatencyStats latency = sim.server().Stats().latency;
  EXPECT_EQ(Between(latency, absl::Milliseconds(2), absl::Milliseconds(5)), 1u);
  EXPECT_EQ(Between(latency, absl::Milliseconds(20), absl::Milliseconds(50)), 2u);
  EXPECT_EQ(Between(latency, absl::Seconds(2), absl::Seconds(5)), 1u);
  EXPECT_EQ(latency.counts.back(), 1u);
  EXPECT_EQ(latency.counts.front(), 1u);  // No virtual time passes while nobody waits.
  EXPECT_EQ(Sum(latency.counts), 6u);
  EXPECT_GE(latency.total_nanos, 15'063'000'000u);
  EXPECT_LE(latency.total_nanos, 15'073'000'000u);  // Ticks of a millisecond.
}

TEST(ServerStats, ALateHandlerIsCountedOnceWithItsLimit) {
  SimServer sim({.handler = TimeoutHandler([](RequestCtx&) { (void)Sleep(absl::Seconds(9)); },
                                           absl::Seconds(1), "late")});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 408);
    sim.Sleep(absl::Seconds(20));
  });
  const ServerStats stats = sim.server().Stats();
  EXPECT_EQ(stats.responses[4], 1u);
  EXPECT_EQ(Sum(stats.responses), 1u);
  EXPECT_EQ(Sum(stats.latency.counts), 1u);
  EXPECT_EQ(Between(stats.latency, absl::Milliseconds(500), absl::Seconds(2)), 1u);
}

// Nobody reads a clock for a handler that computes: the loop's next poll finds out.
TEST(ServerStats, ARequestThatComputesIsNotTakenForAQuickOne) {
  fasthttptest::TestServer server([](RequestCtx&) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(25);
    while (std::chrono::steady_clock::now() < until) {
    }
  });
  ASSERT_TRUE(server.Get("/").ok());
  ServerStats stats;
  do {
    ASSERT_TRUE(Sleep(absl::Milliseconds(1)).ok());
    stats = server.server().Stats();
  } while (Sum(stats.latency.counts) == 0);
  uint64_t below_20ms = 0;
  for (size_t i = 0; LatencyStats::kBounds[i] <= 20'000'000; ++i) {
    below_20ms += stats.latency.counts[i];
  }
  EXPECT_EQ(below_20ms, 0u);
  EXPECT_GE(stats.latency.total_nanos, 25'000'000u);
  uint64_t busy = 0;
  for (const runtime::LoopReport& loop : server.runtime().Report()) busy += loop.busy_nanos;
  EXPECT_GE(busy, 25'000'000u);
}

TEST(ServerStats, PoolsShowWhatIsInUse) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/wait") (void)Sleep(absl::Seconds(1));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/wait"));
    sim.Settle();
    ServerStats stats = sim.server().Stats();
    EXPECT_EQ(stats.blocks_in_use, 1u);
    EXPECT_EQ(stats.turns - stats.turns_spare, 1u);
    EXPECT_EQ(client.Read().status, 200);
    sim.Settle();
    stats = sim.server().Stats();
    EXPECT_EQ(stats.blocks_in_use, 0u);
    EXPECT_EQ(stats.turns, stats.turns_spare);
  });
}

TEST(RuntimeReport, ShowsBlockedHandlersAndConnections) {
  SimServer sim({.handler = [](RequestCtx&) { (void)Sleep(absl::Seconds(1)); }}, {.loops = 2});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    sim.Settle();
    uint64_t blocked = 0;
    uint64_t endpoints = 0;
    for (const runtime::LoopReport& loop : sim.sim().Report()) {
      blocked += loop.blocked;
      endpoints += loop.endpoints;
      EXPECT_GE(loop.fibers, loop.blocked);
    }
    EXPECT_GE(blocked, 1u);
    EXPECT_GE(endpoints, 1u);
    EXPECT_EQ(client.Read().status, 200);
  });
  EXPECT_EQ(sim.sim().Report().size(), 2u);
}

}  // namespace
}  // namespace fasthttp
