// The pool of a HostClient: limits, waiting, fairness and idle connections, on one, two and four
// loops, in virtual time and in many interleavings.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"

namespace fasthttp {
namespace {

using testing::SimServer;

// Answers after as many milliseconds as the path says: "/5".
void Slow(RequestCtx& ctx) {
  const std::string path(ctx.Path().substr(1));
  (void)Sleep(absl::Milliseconds(path.empty() ? 0 : std::stoi(path)));
  ctx.SetBodyString(path);
}

struct Param {
  size_t loops;
  uint64_t seed;
};

class ClientPoolTest : public ::testing::TestWithParam<Param> {
 protected:
  ClientPoolTest()
      : sim_({.handler = Slow}, {.loops = GetParam().loops, .seed = GetParam().seed}) {}

  HostClientOptions Options() {
    HostClientOptions options;
    options.addr = "backend.test";
    options.runtime = &sim_.sim();
    options.dial = [this](std::string_view, absl::Time deadline) {
      return sim_.listener().Dial(deadline);
    };
    return options;
  }
  size_t loops() const { return GetParam().loops; }
  // Runs until every spawned function has ended.
  void Finish() {
    ASSERT_TRUE(sim_.sim().RunUntil([this] { return open_ == 0; }));
  }
  void Spawn(size_t loop, std::function<void()> f) {
    ++open_;
    sim_.Spawn(
        [this, f = std::move(f)] {
          f();
          --open_;
        },
        loop % loops());
  }

  SimServer sim_;
  int open_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Loops, ClientPoolTest,
                         ::testing::Values(Param{1, 1}, Param{2, 1}, Param{2, 2}, Param{2, 3},
                                           Param{2, 4}, Param{4, 1}, Param{4, 2}, Param{4, 3}),
                         [](const auto& p) {
                           return std::to_string(p.param.loops) + "LoopsSeed" +
                                  std::to_string(p.param.seed);
                         });

// The test that the design of the pool stands on: one permit, used from all loops in turn.
TEST_P(ClientPoolTest, OnePermitAlternatesBetweenLoops) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  options.max_idle_conn_duration = absl::InfiniteDuration();
  HostClient client(std::move(options));
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    Spawn(static_cast<size_t>(i), [&] {
      absl::StatusOr<Response> r = client.GetTimeout("/0", absl::Seconds(5));
      EXPECT_TRUE(r.ok()) << r.status();
      done += r.ok();
    });
    Finish();
    EXPECT_EQ(client.ConnsCount(), 1u);
  }
  EXPECT_EQ(done, 20);
  // Each change of the loop is a new connection, and nothing else is.
  EXPECT_EQ(client.Stats().dials, loops() == 1 ? 1u : 20u);
}

TEST_P(ClientPoolTest, MaxConnsHoldsWhateverTheLoad) {
  HostClientOptions options = Options();
  options.max_conns = 3;
  HostClient client(std::move(options));
  int done = 0;
  for (size_t i = 0; i < 60; ++i) {
    Spawn(i, [&, i] {
      absl::StatusOr<Response> r = client.Get(i % 3 == 0 ? "/7" : "/2");
      EXPECT_TRUE(r.ok()) << r.status();
      ++done;
    });
  }
  ASSERT_TRUE(sim_.sim().RunUntil([&] {
    EXPECT_LE(client.ConnsCount(), 3u);
    return open_ == 0;
  }));
  EXPECT_EQ(done, 60);
  EXPECT_EQ(client.Stats().waiting, 0u);
  EXPECT_EQ(client.Stats().pending, 0u);
  EXPECT_EQ(client.Stats().idle_conns, client.Stats().conns);
}

TEST_P(ClientPoolTest, WaitersAreServedInTheirOrder) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  HostClient client(std::move(options));
  std::vector<int> order;
  Spawn(0, [&] { EXPECT_TRUE(client.Get("/100").ok()); });
  sim_.sim().Advance(absl::Milliseconds(10));
  for (int i = 0; i < 8; ++i) {
    Spawn(static_cast<size_t>(i), [&, i] {
      EXPECT_TRUE(client.Get("/1").ok());
      order.push_back(i);
    });
    sim_.sim().Advance(absl::Milliseconds(1));
    EXPECT_EQ(client.Stats().waiting, static_cast<uint64_t>(i + 1));
  }
  Finish();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 8u);
}

TEST_P(ClientPoolTest, AWaiterEndsAtItsDeadlineAndTheOthersGoOn) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  HostClient client(std::move(options));
  Spawn(0, [&] { EXPECT_TRUE(client.Get("/100").ok()); });
  sim_.sim().Advance(absl::Milliseconds(10));
  Errc first = Errc::kOk;
  bool second = false;
  Spawn(1, [&] { first = ErrcOf(client.GetTimeout("/1", absl::Milliseconds(20)).status()); });
  sim_.sim().Advance(absl::Milliseconds(1));
  Spawn(0, [&] { second = client.Get("/1").ok(); });
  sim_.sim().Advance(absl::Milliseconds(40));
  EXPECT_EQ(first, Errc::kTimeout);
  EXPECT_EQ(client.Stats().waiting, 1u);
  Finish();
  EXPECT_TRUE(second);
}

// Whatever moment the permit is on its way at when its waiter leaves, it is not lost.
TEST_P(ClientPoolTest, APermitThatTravelsToAWaiterThatLeavesIsPassedOn) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  HostClient client(std::move(options));
  int served = 0;
  for (int round = 0; round < 40; ++round) {
    Spawn(0, [&] { served += client.Get("/10").ok(); });
    sim_.sim().Advance(absl::Milliseconds(1));
    // Its time is up in the very millisecond in which the connection comes free.
    Spawn(1, [&, round] {
      const absl::Duration limit = absl::Milliseconds(8 + round % 4);
      served += client.GetTimeout("/0", limit).ok();
    });
    Spawn(2, [&] { served += client.Get("/0").ok(); });
    Finish();
    EXPECT_EQ(client.Stats().waiting, 0u);
    EXPECT_LE(client.ConnsCount(), 1u);
  }
  EXPECT_GE(served, 80);  // All but those whose time was up.
}

TEST_P(ClientPoolTest, AWaitLimitOfItsOwnIsNoFreeConns) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  options.max_conn_wait_timeout = absl::Milliseconds(20);
  HostClient client(std::move(options));
  Spawn(0, [&] { EXPECT_TRUE(client.Get("/100").ok()); });
  sim_.sim().Advance(absl::Milliseconds(10));
  absl::Status status;
  Spawn(1, [&] { status = client.GetTimeout("/1", absl::Seconds(1)).status(); });
  sim_.sim().Advance(absl::Milliseconds(30));
  EXPECT_EQ(ErrcOf(status), Errc::kNoFreeConns);
  EXPECT_EQ(status.message(),
            "fasthttp: no free connections to the host: backend.test, waiting for a connection; 1 "
            "connections, 0 idle, 0 calls waiting");
  Finish();
}

TEST_P(ClientPoolTest, WithoutWaitingItIsNoFreeConnsAtOnce) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  options.max_conn_wait_timeout = absl::ZeroDuration();
  HostClient client(std::move(options));
  Spawn(0, [&] { EXPECT_TRUE(client.Get("/100").ok()); });
  sim_.sim().Advance(absl::Milliseconds(10));
  Errc errc = Errc::kOk;
  Spawn(1, [&] { errc = ErrcOf(client.Get("/1").status()); });
  sim_.sim().Settle();
  EXPECT_EQ(errc, Errc::kNoFreeConns);
  Finish();
}

TEST_P(ClientPoolTest, TheQueueHasALimit) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  options.max_conn_waiters = 3;
  HostClient client(std::move(options));
  Spawn(0, [&] { EXPECT_TRUE(client.Get("/100").ok()); });
  sim_.sim().Advance(absl::Milliseconds(10));
  int served = 0;
  int refused = 0;
  for (size_t i = 0; i < 5; ++i) {
    Spawn(i, [&] {
      const Errc errc = ErrcOf(client.Get("/1").status());
      served += errc == Errc::kOk;
      refused += errc == Errc::kOverloaded;
    });
  }
  sim_.sim().Settle();
  EXPECT_EQ(refused, 2);
  Finish();
  EXPECT_EQ(served, 3);
}

TEST_P(ClientPoolTest, IdleConnectionsEndInTime) {
  HostClientOptions options = Options();
  options.max_idle_conn_duration = absl::Seconds(10);
  HostClient client(std::move(options));
  for (size_t i = 0; i < 8; ++i) {
    Spawn(i, [&] { EXPECT_TRUE(client.Get("/5").ok()); });
  }
  Finish();
  EXPECT_EQ(client.IdleConnsCount(), 8u);
  sim_.sim().Advance(absl::Seconds(6));
  // Four are used again and live on.
  for (size_t i = 0; i < 4; ++i) {
    Spawn(i, [&] { EXPECT_TRUE(client.Get("/5").ok()); });
  }
  Finish();
  EXPECT_EQ(client.IdleConnsCount(), 8u);
  sim_.sim().Advance(absl::Milliseconds(4500));
  EXPECT_EQ(client.IdleConnsCount(), 4u);
  sim_.sim().Advance(absl::Seconds(6));
  EXPECT_EQ(client.ConnsCount(), 0u);
  EXPECT_EQ(sim_.server().GetOpenConnectionsCount(), 0u);
}

TEST_P(ClientPoolTest, OldConnectionsAreNotUsedAgain) {
  HostClientOptions options = Options();
  options.max_conn_duration = absl::Seconds(3);
  HostClient client(std::move(options));
  for (int i = 0; i < 10; ++i) {
    Spawn(0, [&] { EXPECT_TRUE(client.Get("/0").ok()); });
    Finish();
    sim_.sim().Advance(absl::Seconds(1));
  }
  EXPECT_EQ(client.Stats().dials, 4u);
}

TEST_P(ClientPoolTest, AConnectionThatTheServerEndsIsNoticedWhileIdle) {
  HostClient client(Options());
  for (size_t i = 0; i < 4; ++i) {
    Spawn(i, [&] { EXPECT_TRUE(client.Get("/5").ok()); });
  }
  Finish();
  EXPECT_EQ(client.IdleConnsCount(), 4u);
  sim_.Run([&] { EXPECT_TRUE(sim_.server().Shutdown().ok()); });
  sim_.sim().Settle();
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST_P(ClientPoolTest, TheNewestOrTheOldestIsTaken) {
  for (ConnPoolStrategy strategy : {ConnPoolStrategy::kLifo, ConnPoolStrategy::kFifo}) {
    HostClientOptions options = Options();
    options.conn_pool_strategy = strategy;
    options.max_idle_conn_duration = absl::Seconds(10);
    HostClient client(std::move(options));
    for (int i = 0; i < 2; ++i) Spawn(0, [&] { EXPECT_TRUE(client.Get("/5").ok()); });
    Finish();
    for (int i = 0; i < 8; ++i) {
      sim_.sim().Advance(absl::Seconds(4));
      Spawn(0, [&] { EXPECT_TRUE(client.Get("/0").ok()); });
      Finish();
    }
    EXPECT_EQ(client.IdleConnsCount(), strategy == ConnPoolStrategy::kLifo ? 1u : 2u);
  }
}

TEST_P(ClientPoolTest, AHigherLimitServesThoseWhoWait) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  HostClient client(std::move(options));
  int done = 0;
  for (size_t i = 0; i < 4; ++i) {
    Spawn(i, [&] {
      EXPECT_TRUE(client.Get("/100").ok());
      ++done;
    });
  }
  sim_.sim().Advance(absl::Milliseconds(50));
  client.SetMaxConns(4);
  sim_.sim().Advance(absl::Milliseconds(110));
  EXPECT_EQ(done, 4);
}

TEST_P(ClientPoolTest, AFailedDialGivesItsPermitBack) {
  HostClientOptions options = Options();
  options.max_conns = 1;
  int dials = 0;
  options.dial = [&](std::string_view, absl::Time deadline) -> absl::StatusOr<BlockingConn> {
    if (++dials <= 5) return ToStatus(Errc::kConnectionReset, "refused");
    return sim_.listener().Dial(deadline);
  };
  HostClient client(std::move(options));
  int failed = 0;
  int served = 0;
  for (size_t i = 0; i < 8; ++i) {
    Spawn(i, [&] {
      const Errc errc = ErrcOf(client.Get("/1").status());
      served += errc == Errc::kOk;
      failed += errc == Errc::kConnectionReset;
    });
  }
  Finish();
  EXPECT_EQ(failed, 5);
  EXPECT_EQ(served, 3);
  EXPECT_EQ(client.Stats().dial_errors, 5u);
}

// A mixture of everything: nothing is lost, and the bound holds at every step.
TEST_P(ClientPoolTest, NothingIsLostInAMixtureOfEverything) {
  HostClientOptions options = Options();
  options.max_conns = 4;
  options.max_idle_conn_duration = absl::Milliseconds(15);
  HostClient client(std::move(options));
  int served = 0;
  int late = 0;
  for (size_t i = 0; i < 200; ++i) {
    Spawn(i, [&, i] {
      (void)Sleep(absl::Milliseconds(i * 7 % 50));
      const absl::Duration limit = absl::Milliseconds(i % 3 == 0 ? 12 : 10'000);
      const Errc errc = ErrcOf(client.GetTimeout(i % 5 == 0 ? "/20" : "/3", limit).status());
      served += errc == Errc::kOk;
      late += errc == Errc::kTimeout;
      EXPECT_TRUE(errc == Errc::kOk || (errc == Errc::kTimeout && i % 3 == 0)) << ErrcName(errc);
    });
  }
  ASSERT_TRUE(sim_.sim().RunUntil([&] {
    EXPECT_LE(client.ConnsCount(), 4u);
    return open_ == 0;
  }));
  EXPECT_EQ(served + late, 200);
  EXPECT_GT(served, 100);
  EXPECT_EQ(client.Stats().waiting, 0u);
  sim_.sim().Advance(absl::Seconds(1));
  EXPECT_EQ(client.ConnsCount(), 0u);
}

}  // namespace
}  // namespace fasthttp
