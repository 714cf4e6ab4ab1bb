// The default limits in time, in virtual time: each fires when it should, and honest slow work
// goes on.
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
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

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kPostHead =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n";

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

void Answer(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") {
    EXPECT_TRUE(Sleep(absl::Minutes(10)).ok());
  }
  if (ctx.Path() == "/large") return ctx.SetBody(std::string(1 << 20, 'x'));
  if (ctx.Path() == "/medium") return ctx.SetBody(std::string(60'000, 'x'));
  ctx.SetBody(absl::StrCat(ctx.PostBody().size()));
}

// Number of loops, seed.
class ServerLimits : public ::testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  fasthttptest::SimOptions Options() const {
    return {.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())};
  }

  // Runs `f(sim, client)`; afterwards no connection may be left.
  template <typename Function>
  void With(ServerSettings settings, Function&& f) {
    settings.handler = Answer;
    SimServer sim(std::move(settings), Options());
    sim.Run([&] {
      WireClient client = sim.Dial();
      f(sim, client);
      client.conn().Close();
      sim.Sleep(absl::Seconds(2));
      EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    });
  }

  static void ExpectTimeout(WireClient& client, Errc errc) {
    WireResponse response = client.Read();
    ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, ErrcText(errc));
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  }

  // Virtual seconds until `f` returns.
  template <typename Function>
  static double Seconds(SimServer& sim, Function&& f) {
    const int64_t before = sim.sim().NowNanos();
    f();
    return static_cast<double>(sim.sim().NowNanos() - before) / 1e9;
  }
};

void ExpectAbout(double seconds, double want) {
  EXPECT_GE(seconds, want - 0.01);
  EXPECT_LE(seconds, want + 0.1);
}

TEST_P(ServerLimits, NothingSentIsAnswered408AfterTenSeconds) {
  With({}, [](SimServer& sim, WireClient& client) {
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kHeadTimeout); }), 10);
  });
}

TEST_P(ServerLimits, ATrickledHeadIsAnswered408AfterTenSecondsInAll) {
  With({}, [](SimServer& sim, WireClient& client) {
    sim.Spawn([&] {
      for (char c : std::string("GET /a-long-enough-path HTTP/1.1\r\n")) {
        if (client.Send({&c, 1}) != Errc::kOk) return;
        sim.Sleep(absl::Seconds(1));
      }
    });
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kHeadTimeout); }), 10);
    sim.Sleep(absl::Seconds(30));
  });
}

TEST_P(ServerLimits, ATrickledLaterHeadIsAnswered408TenSecondsAfterItsFirstByte) {
  With({}, [](SimServer& sim, WireClient& client) {
    EXPECT_EQ(client.Ask(kGet).status, 200);
    sim.Sleep(absl::Seconds(60));
    (void)client.Send("G");
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kHeadTimeout); }), 10);
  });
}

TEST_P(ServerLimits, AHeadJustInTimeIsServed) {
  With({}, [](SimServer& sim, WireClient& client) {
    for (int i = 0; i < 3; ++i) {
      (void)client.Send(kGet.substr(0, 10));
      sim.Sleep(absl::Milliseconds(9900));
      EXPECT_EQ(client.Ask(kGet.substr(10)).status, 200);
    }
  });
}

TEST_P(ServerLimits, AHeadBehindALongHandlerHasItsOwnTenSeconds) {
  With({}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(absl::StrCat(Get("/sleep"), kGet.substr(0, 10)));
    EXPECT_EQ(client.Read().status, 200);
    sim.Sleep(absl::Seconds(5));
    EXPECT_EQ(client.Ask(kGet.substr(10)).status, 200);
  });
}

TEST_P(ServerLimits, ABodyThatStallsIsAnswered408AfterThirtySeconds) {
  With({.min_rate = 0}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(kPostHead);
    (void)client.Send("abc");
    sim.Sleep(absl::Seconds(29));
    (void)client.Send("d");
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kBodyTimeout); }), 30);
  });
}

TEST_P(ServerLimits, ABodyBelowTheRateIsAnswered408AfterTenSeconds) {
  With({}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(kPostHead);
    sim.Spawn([&] {
      while (client.Send(std::string(200, 'x')) == Errc::kOk) sim.Sleep(absl::Seconds(1));
    });
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kBodyTimeout); }), 10);
    client.conn().Close();
    sim.Sleep(absl::Seconds(2));
  });
}

TEST_P(ServerLimits, AChunkedBodyThatStallsIsAnswered408) {
  With({}, [](SimServer& sim, WireClient& client) {
    (void)client.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kBodyTimeout); }), 10);
  });
}

TEST_P(ServerLimits, AnHonestSlowBodyIsReadForFiveMinutes) {
  With({}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(kPostHead);
    for (int i = 0; i < 300; ++i) {
      ASSERT_EQ(client.Send(std::string(300, 'x')), Errc::kOk);
      sim.Sleep(absl::Seconds(1));
    }
    EXPECT_EQ(client.Read().body, "90000");
    EXPECT_EQ(client.Ask(kGet).body, "0");
  });
}

TEST_P(ServerLimits, AHandlerMaySleepForTenMinutes) {
  With({}, [](SimServer& sim, WireClient& client) {
    ExpectAbout(Seconds(sim, [&] { EXPECT_EQ(client.Ask(Get("/sleep")).body, "0"); }), 600);
    EXPECT_EQ(client.Ask(kGet).body, "0");
  });
}

TEST_P(ServerLimits, AResponseThatIsNotReadIsCutAfterTheWindow) {
  With({}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(Get("/large"));
    sim.Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 1u);
    sim.Sleep(absl::Seconds(11));
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(client.Read().errc, Errc::kConnectionReset);
  });
}

TEST_P(ServerLimits, AResponseThatStallsIsCutAfterThirtySeconds) {
  With({.min_rate = 0}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(Get("/large"));
    sim.Sleep(absl::Seconds(29));
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 1u);
    sim.Sleep(absl::Seconds(2));
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(client.Read().errc, Errc::kConnectionReset);
  });
}

// A pipe tells its writer of room in steps of 16 KiB.
TEST_P(ServerLimits, AnHonestSlowReaderGetsItAll) {
  if (base::chaos_enabled) GTEST_SKIP() << "four short writes fill a pipe";
  for (std::string_view path : {"/large", "/medium"}) {
    With({}, [&](SimServer& sim, WireClient& client) {
      // Two answers, of which the second one has to wait whether it is large or not.
      size_t want = 2 * (path == "/large" ? 1 << 20 : 60'000);
      (void)client.Send(Get(path));
      sim.Settle();
      (void)client.Send(Get(path));
      std::string room(4'000, '\0');
      size_t got = 0;
      double seconds = Seconds(sim, [&] {
        while (got < want) {
          IoResult n = client.conn().Read(room);
          ASSERT_TRUE(n.ok() && n.bytes() != 0) << ErrcName(n.errc()) << " after " << got;
          if (got == 0) want += 2 * (room.find("\r\n\r\n") + 4);
          got += n.bytes();
          sim.Sleep(absl::Seconds(2));
        }
      });
      EXPECT_GT(seconds, 30);
      sim.Sleep(absl::Seconds(30));  // The answer left the server up to 34 s before its end.
      EXPECT_EQ(client.Ask(kGet).body, "0");
    });
  }
}

TEST_P(ServerLimits, AnIdleConnectionIsClosedWithoutAWordAfterSeventyFiveSeconds) {
  With({}, [](SimServer& sim, WireClient& client) {
    EXPECT_EQ(client.Ask(kGet).status, 200);
    sim.Sleep(absl::Seconds(74));
    EXPECT_EQ(client.Ask(kGet).status, 200);
    ExpectAbout(Seconds(sim, [&] { EXPECT_EQ(client.ReadEnd(), Errc::kOk); }), 75);
    EXPECT_EQ(sim.server().Stats().errors, 0u);
  });
}

TEST_P(ServerLimits, AbsoluteLimitsFireWhenSet) {
  if (base::chaos_enabled) GTEST_SKIP() << "four short writes fill a pipe";
  With({.read_body_timeout = absl::Seconds(20)}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(kPostHead);
    sim.Spawn([&] {
      while (client.Send(std::string(300, 'x')) == Errc::kOk) sim.Sleep(absl::Seconds(1));
    });
    ExpectAbout(Seconds(sim, [&] { ExpectTimeout(client, Errc::kBodyTimeout); }), 20);
    client.conn().Close();
    sim.Sleep(absl::Seconds(2));
  });
  With({.write_timeout = absl::Seconds(20)}, [](SimServer& sim, WireClient& client) {
    (void)client.Send(Get("/large"));
    std::string room(4'000, '\0');
    double seconds = Seconds(sim, [&] {
      while (client.conn().Read(room).ok()) sim.Sleep(absl::Seconds(1));
    });
    EXPECT_GE(seconds, 19.9);
    EXPECT_LE(seconds, 21.1);
  });
}

TEST_P(ServerLimits, LimitsThatAreOffNeverFire) {
  With({.read_head_timeout = absl::InfiniteDuration(),
        .idle_timeout = absl::ZeroDuration(),
        .stall_timeout = absl::InfiniteDuration(),
        .min_rate = 0},
       [](SimServer& sim, WireClient& client) {
         sim.Sleep(absl::Hours(30));
         (void)client.Send(kGet.substr(0, 7));
         sim.Sleep(absl::Hours(30));
         EXPECT_EQ(client.Ask(kGet.substr(7)).status, 200);
         sim.Sleep(absl::Hours(30));
         (void)client.Send(kPostHead.substr(0, kPostHead.size()));
         sim.Sleep(absl::Hours(30));
         EXPECT_EQ(client.Ask(std::string(90'000, 'x')).body, "90000");
         (void)client.Send(Get("/large"));
         sim.Sleep(absl::Hours(30));
         EXPECT_EQ(client.Read().body.size(), size_t{1} << 20);
       });
}

TEST_P(ServerLimits, AShutdownCutsWhatIsLeftAfterThirtySeconds) {
  Errc slept = Errc::kOk;
  SimServer sim({.handler = [&](RequestCtx&) { slept = ErrcOf(Sleep(absl::Hours(1))); }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(kGet);
    sim.Settle();
    ExpectAbout(Seconds(sim, [&] { EXPECT_EQ(ErrcOf(sim.server().Shutdown()), Errc::kTimeout); }),
                30);
    EXPECT_EQ(slept, Errc::kDraining);
    EXPECT_EQ(client.Read().errc, Errc::kConnectionReset);
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerLimits,
                         ::testing::Combine(::testing::Values(1, 2, 4),
                                            ::testing::Range(uint64_t{1}, uint64_t{6})),
                         [](const auto& info) {
                           return absl::StrCat("Loops", std::get<0>(info.param), "Seed",
                                               std::get<1>(info.param));
                         });

}  // namespace
}  // namespace fasthttp
