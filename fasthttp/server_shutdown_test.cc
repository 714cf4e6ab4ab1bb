// Shutdown: what is idle, what is busy, what is too late, and everybody who calls it.
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

void SleepOrAnswer(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Seconds(5));
  if (ctx.Path() == "/hang") return ctx.SetBody(ErrcName(ErrcOf(Sleep(absl::Hours(10)))));
  ctx.SetBody(ctx.Path());
}

// Number of loops, seed.
class ServerShutdown : public ::testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  ServerShutdown()
      : sim({.handler = SleepOrAnswer},
            {.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())}) {}

  double SecondsOf(absl::FunctionRef<void()> f) {
    const int64_t before = sim.sim().NowNanos();
    f();
    return static_cast<double>(sim.sim().NowNanos() - before) / 1e9;
  }

  SimServer sim;
};

TEST_P(ServerShutdown, IdleConnectionsAreClosedAtOnce) {
  sim.Run([&] {
    WireClient used = sim.Dial();
    EXPECT_EQ(used.Ask(Get("/")).status, 200);
    WireClient fresh = sim.Dial();
    WireClient blank = sim.Dial();
    EXPECT_EQ(blank.Ask(Get("/") + "\r\n").status, 200);
    sim.Settle();
    EXPECT_LT(SecondsOf([&] { EXPECT_TRUE(sim.server().Shutdown().ok()); }), 0.1);
    EXPECT_EQ(used.ReadEnd(), Errc::kOk);
    EXPECT_EQ(fresh.ReadEnd(), Errc::kOk);
    EXPECT_EQ(blank.ReadEnd(), Errc::kOk);
    EXPECT_FALSE(sim.listener().Dial().ok());
  });
}

TEST_P(ServerShutdown, BusyConnectionsFinishAndAreToldToClose) {
  sim.Run([&] {
    std::vector<WireClient> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(sim.Dial());
      (void)clients.back().Send(Get("/sleep") + Get("/never"));
    }
    sim.Settle();
    double seconds = 0;
    sim.Spawn([&] { seconds = SecondsOf([&] { EXPECT_TRUE(sim.server().Shutdown().ok()); }); });
    for (WireClient& client : clients) {
      WireResponse response = client.Read();
      EXPECT_EQ(response.body, "/sleep");
      EXPECT_EQ(response.Field("Connection"), "close");
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    sim.Sleep(absl::Seconds(2));
    EXPECT_NEAR(seconds, 5, 1.1);
  });
}

TEST_P(ServerShutdown, ARequestThatHasArrivedIsStillAnswered) {
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/a")).body, "/a");
    sim.Settle();
    (void)client.Send(Get("/b"));
    bool down = false;
    sim.Spawn([&] { down = sim.server().Shutdown().ok(); });
    EXPECT_EQ(client.Read().body, "/b");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    sim.Sleep(absl::Seconds(2));
    EXPECT_TRUE(down);
  });
}

TEST_P(ServerShutdown, AnAnswerOnItsWayIsSentWhole) {
  SimServer large({.handler = [](RequestCtx& ctx) { ctx.SetBody(std::string(60'000, 'x')); }},
                  {.loops = std::get<0>(GetParam())});
  large.Run([&] {
    WireClient client = large.Dial();
    (void)client.Send(Get("/"));
    large.Settle();
    (void)client.Send(Get("/"));  // A part of this answer does not fit.
    large.Settle();
    large.Spawn([&] {
      large.Sleep(absl::Seconds(1));
      EXPECT_EQ(client.Read().body.size(), 60'000u);
      EXPECT_EQ(client.Read().body.size(), 60'000u);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    });
    EXPECT_TRUE(large.server().Shutdown(absl::Seconds(5)).ok());
    large.Sleep(absl::Seconds(2));  // The client may still be reading.
  });
}

TEST_P(ServerShutdown, TheDeadlineCutsWhatIsLeft) {
  sim.Run([&] {
    WireClient hanging = sim.Dial();
    (void)hanging.Send(Get("/hang"));
    WireClient half = sim.Dial();
    (void)half.Send("GET / HT");
    sim.Settle();
    const double seconds = SecondsOf(
        [&] { EXPECT_EQ(ErrcOf(sim.server().Shutdown(absl::Seconds(3))), Errc::kTimeout); });
    EXPECT_NEAR(seconds, 3, 0.1);
    EXPECT_EQ(hanging.Read().errc, Errc::kConnectionReset);
    EXPECT_EQ(half.Read().errc, Errc::kConnectionReset);
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
  });
}

TEST_P(ServerShutdown, TwiceAndConcurrentlyEndsForEveryCaller) {
  std::vector<absl::Status> ended;
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    sim.Settle();
    for (size_t i = 0; i < 4; ++i) {
      sim.Spawn([&] { ended.push_back(sim.server().Shutdown(absl::Seconds(20))); },
                i % sim.sim().loops());
    }
    sim.Spawn([&] { ended.push_back(sim.server().Shutdown(absl::Seconds(1))); });
    EXPECT_EQ(client.Read().errc, Errc::kConnectionReset);  // The shortest deadline cuts.
    sim.Sleep(absl::Seconds(1));
    EXPECT_EQ(ended.size(), 5u);
    EXPECT_TRUE(sim.server().Shutdown().ok());
    EXPECT_TRUE(sim.server().Shutdown().ok());
  });
}

TEST_P(ServerShutdown, TheServerServesAgainAfterwards) {
  for (int round = 0; round < 3; ++round) {
    fasthttputil::InmemoryListener listener(&sim.sim());
    bool served = false;
    sim.Spawn([&] {
      EXPECT_TRUE(sim.server().Serve(listener).ok());
      served = true;
    });
    sim.sim().Settle();
    sim.Run([&] {
      WireClient client(*listener.Dial());
      for (int i = 0; i < 2; ++i) {
        WireResponse response = client.Ask(Get("/a"));
        EXPECT_EQ(response.body, "/a");
        EXPECT_TRUE(response.keep_alive);
      }
      EXPECT_TRUE(sim.server().Shutdown().ok());
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    });
    sim.sim().Settle();
    EXPECT_TRUE(served);
  }
}

TEST_P(ServerShutdown, ServeBesideARunningShutdownEndsAtOnce) {
  fasthttputil::InmemoryListener listener(&sim.sim());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    sim.Settle();
    bool down = false;
    sim.Spawn([&] {
      EXPECT_TRUE(sim.server().Shutdown().ok());
      down = true;
    });
    sim.Settle();
    EXPECT_TRUE(sim.server().Serve(listener).ok());
    EXPECT_FALSE(down);
    EXPECT_FALSE(listener.Dial().ok());
    EXPECT_EQ(client.Read().body, "/sleep");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    sim.Sleep(absl::Seconds(2));
    EXPECT_TRUE(down);
  });
}

TEST_P(ServerShutdown, SeveralListenersAreServedAndClosedTogether) {
  fasthttputil::InmemoryListener other(&sim.sim());
  bool served = false;
  sim.Spawn([&] {
    EXPECT_TRUE(sim.server().Serve(other).ok());
    served = true;
  });
  sim.sim().Settle();
  sim.Run([&] {
    EXPECT_EQ(sim.Dial().Ask(Get("/a")).body, "/a");
    EXPECT_EQ(WireClient(*other.Dial()).Ask(Get("/b")).body, "/b");
    EXPECT_TRUE(sim.server().Shutdown().ok());
  });
  sim.sim().Settle();
  EXPECT_TRUE(served);
  EXPECT_TRUE(sim.AllDone());
}

TEST_P(ServerShutdown, AClosedListenerEndsItsServeOnly) {
  fasthttputil::InmemoryListener other(&sim.sim());
  bool served = false;
  sim.Spawn([&] {
    EXPECT_TRUE(sim.server().Serve(other).ok());
    served = true;
  });
  sim.sim().Settle();
  sim.Run([&] {
    WireClient client(*other.Dial());
    other.Close();
    sim.Settle();
    EXPECT_TRUE(served);
    EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
    EXPECT_EQ(sim.Dial().Ask(Get("/a")).body, "/a");
  });
}

TEST_P(ServerShutdown, ServeConnServesOneAndReturnsWhenItHasEnded) {
  bool ended = false;
  sim.Run([&] {
    fasthttputil::InmemoryListener listener(&sim.sim());
    std::optional<WireClient> client;
    sim.Spawn([&] { client.emplace(*listener.Dial()); });
    Accepted accepted;
    while (listener.TryAccept(accepted) != Errc::kOk) sim.Settle();
    sim.Spawn([&] {
      EXPECT_TRUE(sim.server().ServeConn(*accepted.conn).ok());
      ended = true;
    });
    sim.Settle();
    EXPECT_EQ(client->Ask(Get("/a")).body, "/a");
    EXPECT_TRUE(client->Ask(Get("/b")).keep_alive);
    EXPECT_FALSE(ended);
    client->Finish();
    EXPECT_EQ(client->ReadEnd(), Errc::kOk);
    sim.Settle();
    EXPECT_TRUE(ended);
  });
}

// The answer of the request that shuts the server down is an answer like others.
TEST_P(ServerShutdown, AHandlerMayShutItsServerDown) {
  Server* self = nullptr;
  absl::Status down = absl::UnknownError("");
  SimServer quitting({.handler =
                          [&](RequestCtx& ctx) {
                            if (ctx.Path() == "/quit") down = self->Shutdown();
                            if (ctx.Path() == "/sleep") (void)Sleep(absl::Seconds(5));
                            ctx.SetBody(ctx.Path());
                          }},
                     {.loops = std::get<0>(GetParam())});
  self = &quitting.server();
  quitting.Run([&] {
    WireClient busy = quitting.Dial();
    quitting.Spawn([&] { EXPECT_EQ(busy.Ask(Get("/sleep")).body, "/sleep"); });
    quitting.Settle();
    const int64_t before = quitting.sim().NowNanos();
    WireClient client = quitting.Dial();
    WireResponse response = client.Ask(Get("/quit"));
    EXPECT_LT(quitting.sim().NowNanos() - before, 7'000'000'000);
    EXPECT_EQ(response.body, "/quit");
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_TRUE(down.ok()) << down;
    quitting.Settle();
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerShutdown,
                         ::testing::Combine(::testing::Values(1, 2, 4),
                                            ::testing::Range(uint64_t{1}, uint64_t{6})),
                         [](const auto& info) {
                           return absl::StrCat("Loops", std::get<0>(info.param), "Seed",
                                               std::get<1>(info.param));
                         });

}  // namespace
}  // namespace fasthttp
