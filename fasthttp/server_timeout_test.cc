// Handlers that take too long: who answers in their place, what happens to the connection
// meanwhile, and what becomes of them. In virtual time.
#include "fasthttp/timeout_handler.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"
#include "util/inmemory_listener.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

std::string Post(std::string_view target, std::string_view body) {
  return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(),
                      "\r\n\r\n", body);
}

// A wait that no cancellation ends, as that for an Offload under way.
class Gate {
 public:
  Gate() : latch_(1) {}
  void Open() { latch_.CountDown(); }
  void Pass() {
    (void)latch_.Wait(*runtime::Loop::Current(), runtime::kNoDeadline, /*cancellable=*/false);
  }

 private:
  runtime::Latch latch_;
};

// Number of loops, seed.
class ServerTimeout : public ::testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  fasthttptest::SimOptions Options() const {
    return {.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())};
  }

  // "/sleep" sleeps for ten seconds and again, "/stuck" waits for the gate.
  RequestHandler SlowHandler() {
    return [this](RequestCtx& ctx) {
      if (ctx.Path() == "/sleep") {
        slept.push_back(ErrcOf(Sleep(absl::Seconds(10))));
        slept.push_back(ErrcOf(Sleep(absl::Seconds(10))));
      }
      if (ctx.Path() == "/stuck") {
        gate.Pass();
        ++unstuck;
      }
      ctx.SetBody(absl::StrCat(ctx.Path(), ctx.PostBody()));
    };
  }
  ServerSettings Settings(absl::Duration limit = absl::Seconds(2)) {
    return {.handler = TimeoutHandler(SlowHandler(), limit, "timeout")};
  }

  static double Seconds(SimServer& sim, absl::FunctionRef<void()> f) {
    const int64_t before = sim.sim().NowNanos();
    f();
    return static_cast<double>(sim.sim().NowNanos() - before) / 1e9;
  }

  std::vector<Errc> slept;
  int unstuck = 0;
  Gate gate;
};

TEST_P(ServerTimeout, TheClientHasItsAnswerInTimeAndTheHandlerIsToldWhy) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response;
    const double seconds = Seconds(sim, [&] { response = client.Ask(Get("/sleep")); });
    EXPECT_GE(seconds, 2.0);
    EXPECT_LE(seconds, 2.05);
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, "timeout");
    EXPECT_TRUE(response.keep_alive);
    sim.Settle();
    EXPECT_EQ(slept, (std::vector<Errc>{Errc::kHandlerTimeout, Errc::kHandlerTimeout}));
    EXPECT_EQ(client.Ask(Get("/next")).body, "/next");
  });
  EXPECT_EQ(sim.server().Stats().timeouts, 1u);
  EXPECT_EQ(sim.server().Stats().requests_held, 0u);
}

TEST_P(ServerTimeout, AHandlerInTimeAnswersItself) {
  SimServer sim(Settings(absl::Seconds(11)), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/next")).body, "/next");
    client = sim.Dial();
    // The second sleep is cut short.
    const double seconds = Seconds(sim, [&] { EXPECT_EQ(client.Ask(Get("/sleep")).status, 408); });
    EXPECT_NEAR(seconds, 11, 0.05);
    sim.Settle();
    EXPECT_EQ(slept, (std::vector<Errc>{Errc::kOk, Errc::kHandlerTimeout}));
    // The timer of a request that is done does nothing to later ones.
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(client.Ask(Get("/x")).body, "/x");
      sim.Sleep(absl::Seconds(10));
    }
  });
  EXPECT_EQ(sim.server().Stats().timeouts, 1u);
}

TEST_P(ServerTimeout, AStuckHandlerIsAnsweredForAndItsConnectionServesOthers) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/stuck") + Get("/2") + Post("/3", "body"));
    const double seconds = Seconds(sim, [&] { EXPECT_EQ(client.Read().status, 408); });
    EXPECT_LE(seconds, 2.05);
    EXPECT_EQ(client.Read().body, "/2");
    EXPECT_EQ(client.Read().body, "/3body");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Ask(Get("/4")).body, "/4");
    EXPECT_EQ(unstuck, 0);
    EXPECT_EQ(sim.server().Stats().requests_held, 1u);
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 1u);
    // The connection may end before it.
    client.Finish();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    sim.Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    gate.Open();
    sim.Settle();
    EXPECT_EQ(unstuck, 1);
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);
  });
}

// Several blocks' worth of requests lie behind the one that is stuck, in all the ways they can.
TEST_P(ServerTimeout, NothingThatCameBehindIsLost) {
  SimServer sim(Settings(), Options());
  const std::string long_line = absl::StrCat("X-Long: ", std::string(5'000, 'x'), "\r\n");
  for (const std::string& first :
       {Get("/stuck"), Get("/stuck", long_line), Post("/stuck", std::string(3'000, 'b')),
        Post("/stuck", std::string(30'000, 'b')),
        std::string("POST /stuck HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n")}) {
    // All in one piece, which needs more than the smallest block; a piece for each; cut in between.
    for (size_t cut : {size_t{0}, first.size(), first.size() - 4}) {
      sim.Run([&] {
        WireClient client = sim.Dial();
        std::string behind;
        for (int i = 0; i < 8; ++i) behind += Get(absl::StrCat("/", i), i % 2 ? long_line : "");
        sim.Spawn([&] {
          if (cut != 0) {
            (void)client.Send(first.substr(0, cut));
            sim.Settle();
          }
          (void)client.Send(first.substr(cut) + behind);
        });
        EXPECT_EQ(client.Read().status, 408);
        for (int i = 0; i < 8; ++i) ASSERT_EQ(client.Read().body, absl::StrCat("/", i));
        sim.Settle();
      });
    }
  }
  EXPECT_EQ(sim.server().Stats().requests_held, 15u);
  gate.Open();
}

TEST_P(ServerTimeout, TheLateHandlerReadsItsOwnRequestAndWritesIntoTheVoid) {
  std::string seen;
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       if (ctx.Path() == "/next") return ctx.SetBody(ctx.PostBody());
                       const std::string before = ctx.String();
                       const absl::Time time = ctx.Time();
                       const absl::Time conn_time = ctx.ConnTime();
                       gate.Pass();
                       EXPECT_EQ(ctx.String(), before);
                       EXPECT_EQ(ctx.ConnRequestNum(), 1u);
                       EXPECT_LT(absl::AbsDuration(ctx.Time() - time), absl::Seconds(1));
                       EXPECT_LT(absl::AbsDuration(ctx.ConnTime() - conn_time), absl::Seconds(1));
                       seen =
                           absl::StrCat(ctx.Path(), " ", ctx.QueryArgs().Peek("q"), " ",
                                        ctx.request().header().Peek("X-Name"), " ", ctx.PostBody());
                       ctx.SetBody("never sent");
                       ctx.SetConnectionClose();
                       ctx.TimeoutError("never sent");
                     },
                     absl::Seconds(1), "timeout")},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(
        "POST /own?q=1 HTTP/1.1\r\nHost: h\r\nX-Name: n\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_EQ(client.Read().body, "timeout");
    // Others use the memory that the connection has.
    for (int i = 0; i < 5; ++i) {
      const std::string body(1'000, static_cast<char>('a' + i));
      EXPECT_EQ(client.Ask(Post("/next", body)).body, body);
    }
    gate.Open();
    sim.Settle();
    EXPECT_EQ(seen, "/own 1 n body");
    const WireResponse next = client.Ask(Post("/next", "x"));
    EXPECT_EQ(next.body, "x");
    EXPECT_TRUE(next.keep_alive);
  });
}

TEST_P(ServerTimeout, AnExceptionOfALateHandlerIsToldToTheHookOnly) {
  std::vector<std::string> told;
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       if (ctx.Path() == "/next") return ctx.SetBody("next");
                       gate.Pass();
                       throw std::runtime_error("late");
                     },
                     absl::Seconds(1), "timeout"),
                 .error_handler =
                     [&](RequestCtx& ctx, const absl::Status& error) {
                       told.push_back(absl::StrCat(ctx.Path(), " ", ErrcName(ErrcOf(error))));
                       ctx.SetBody("never sent");
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/throw")).status, 408);
    gate.Open();
    sim.Settle();
    EXPECT_EQ(told, std::vector<std::string>{"/throw HandlerException"});
    const WireResponse next = client.Ask(Get("/next"));
    EXPECT_EQ(next.body, "next");
    EXPECT_TRUE(next.keep_alive);
  });
  EXPECT_EQ(sim.server().Stats().requests_held, 0u);
}

TEST_P(ServerTimeout, TwoHandlersWithDifferentLimitsOnOneServer) {
  const RequestHandler fast = TimeoutWithCodeHandler(SlowHandler(), absl::Seconds(1), "fast", 503);
  const RequestHandler slow = TimeoutHandler(SlowHandler(), absl::Seconds(5), "slow");
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       if (ctx.QueryArgs().Has("fast")) return fast(ctx);
                       if (ctx.QueryArgs().Has("slow")) return slow(ctx);
                       ctx.SetBody(ErrcName(ErrcOf(Sleep(absl::Seconds(60)))));
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response;
    EXPECT_NEAR(Seconds(sim, [&] { response = client.Ask(Get("/sleep?fast")); }), 1, 0.05);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "fast");
    EXPECT_NEAR(Seconds(sim, [&] { response = client.Ask(Get("/sleep?slow")); }), 5, 0.05);
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, "slow");
    EXPECT_NEAR(Seconds(sim, [&] { response = client.Ask(Get("/unlimited")); }), 60, 0.05);
    EXPECT_EQ(response.body, "Ok");
  });
}

TEST_P(ServerTimeout, OfNestedLimitsTheEarliestCounts) {
  auto nested = [&](int outer, int inner) {
    return TimeoutHandler(TimeoutHandler(SlowHandler(), absl::Seconds(inner), "inner"),
                          absl::Seconds(outer), "outer");
  };
  for (auto [outer, inner] : {std::pair(1, 3), {3, 1}}) {
    SimServer sim({.handler = nested(outer, inner)}, Options());
    sim.Run([&] {
      WireClient client = sim.Dial();
      WireResponse response;
      EXPECT_NEAR(Seconds(sim, [&] { response = client.Ask(Get("/sleep")); }), 1, 0.05);
      EXPECT_EQ(response.body, outer < inner ? "outer" : "inner");
      EXPECT_EQ(client.Ask(Get("/next")).body, "/next");
    });
    EXPECT_EQ(sim.server().Stats().timeouts, 1u);
  }
}

// The inner limit is over when its handler has returned; the outer one goes on.
TEST_P(ServerTimeout, AnInnerLimitEndsWithItsHandler) {
  const RequestHandler inner = TimeoutHandler(SlowHandler(), absl::Seconds(1), "inner");
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       inner(ctx);
                       slept.push_back(ErrcOf(Sleep(absl::Seconds(2))));
                     },
                     absl::Seconds(5), "outer")},
                Options());
  sim.Run([&] {
    EXPECT_EQ(sim.Dial().Ask(Get("/next")).body, "/next");
    EXPECT_EQ(slept, std::vector<Errc>{Errc::kOk});
  });
}

TEST_P(ServerTimeout, NoLimitAtAllIsTheHandlerItself) {
  int calls = 0;
  for (absl::Duration none : {absl::ZeroDuration(), -absl::Seconds(1), absl::InfiniteDuration()}) {
    const RequestHandler same =
        TimeoutHandler([&](RequestCtx& ctx) { calls += ctx.exchange() == nullptr; }, none, "t");
    RequestCtx ctx;
    same(ctx);
  }
  EXPECT_EQ(calls, 3);
  SimServer sim({.handler = TimeoutHandler(SlowHandler(), absl::ZeroDuration(), "timeout")},
                Options());
  sim.Run([&] { EXPECT_EQ(sim.Dial().Ask(Get("/sleep")).status, 200); });
}

// 1: the late handler's own connection. 2: it, late. 3: the next late one; that is too many.
TEST_P(ServerTimeout, LateHandlersCountAgainstConcurrency) {
  ServerSettings settings = Settings();
  settings.concurrency = 2;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/stuck")).status, 408);
    EXPECT_EQ(client.Ask(Get("/2")).status, 200);
    EXPECT_EQ(sim.Dial().Ask(Get("/refused")).status, 503);
    EXPECT_EQ(client.Ask(Get("/stuck")).status, 408);
    for (int i = 0; i < 3; ++i) {
      const WireResponse response = client.Ask(Get("/3"));
      EXPECT_EQ(response.status, 429);
      EXPECT_EQ(response.body, "timeout");
      EXPECT_TRUE(response.keep_alive);
    }
    gate.Open();
    sim.Settle();
    EXPECT_EQ(client.Ask(Get("/4")).status, 200);
    EXPECT_EQ(sim.Dial().Ask(Get("/5")).status, 200);
  });
}

TEST_P(ServerTimeout, TheAnswerFitsTheRequestItStandsFor) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send("HEAD /sleep HTTP/1.1\r\nHost: h\r\n\r\n");
    WireResponse response = client.Read(http1::MethodId::kHead);
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.Field("Content-Length"), "7");
    EXPECT_EQ(client.Ask(Get("/next")).body, "/next");

    response = client.Ask(Get("/sleep", "Connection: close\r\n"));
    EXPECT_EQ(response.body, "timeout");
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);

    client = sim.Dial();
    response = client.Ask("GET /stuck HTTP/1.0\r\n\r\n");
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    gate.Open();
  });
}

TEST_P(ServerTimeout, AClientThatHasLeftIsNotAnswered) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    sim.Settle();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(slept, (std::vector<Errc>{Errc::kClientGone, Errc::kClientGone}));

    client = sim.Dial();
    (void)client.Send(Get("/stuck"));
    sim.Settle();
    client.conn().Reset();
    sim.Sleep(absl::Seconds(5));
    EXPECT_EQ(sim.server().Stats().timeouts, 0u);
    gate.Open();
    sim.Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
  });
}

TEST_P(ServerTimeout, OneThatHalfClosedIs) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/stuck"));
    client.Finish();
    EXPECT_EQ(client.Read().status, 408);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    gate.Open();
  });
}

// --- The end of the server ----------------------------------------------------------------------

TEST_P(ServerTimeout, AShutdownWaitsForLateHandlers) {
  SimServer sim(Settings(), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/stuck")).status, 408);
    sim.Spawn([&] {
      sim.Sleep(absl::Seconds(3));
      gate.Open();
    });
    absl::Status down;
    EXPECT_NEAR(Seconds(sim, [&] { down = sim.server().Shutdown(absl::Seconds(10)); }), 3, 0.05);
    EXPECT_TRUE(down.ok()) << down;
    EXPECT_EQ(unstuck, 1);
  });
}

TEST_P(ServerTimeout, AShutdownNamesWhoIgnoresIt) {
  SimServer sim({.handler = SlowHandler()}, Options());
  sim.Run([&] {
    WireClient stuck = sim.Dial();
    (void)stuck.Send(Get("/stuck?password=p"));
    WireClient sleeping = sim.Dial();
    (void)sleeping.Send(Get("/sleep"));
    sim.Sleep(absl::Seconds(5));
    absl::Status down;
    EXPECT_NEAR(Seconds(sim, [&] { down = sim.server().Shutdown(absl::Seconds(2)); }), 3, 0.05);
    EXPECT_TRUE(absl::IsDeadlineExceeded(down));
    EXPECT_EQ(ErrcOf(down), Errc::kTimeout);
    EXPECT_NE(down.message().find("1 handlers ignore their end, 0 pins: /stuck for 8"),
              absl::string_view::npos)
        << down;
    EXPECT_EQ(down.message().find("password"), absl::string_view::npos) << down;
    EXPECT_EQ(slept, (std::vector<Errc>{Errc::kDraining, Errc::kDraining}));
    // Again, and then it ends.
    EXPECT_TRUE(absl::IsDeadlineExceeded(sim.server().Shutdown(absl::ZeroDuration())));
    gate.Open();
    EXPECT_TRUE(sim.server().Shutdown().ok());
  });
}

TEST_P(ServerTimeout, ALateHandlerMayShutItsServerDown) {
  Server* self = nullptr;
  absl::Status down = absl::UnknownError("");
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx&) {
                       gate.Pass();
                       down = self->Shutdown(absl::Seconds(5));
                     },
                     absl::Seconds(1), "timeout")},
                Options());
  self = &sim.server();
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 408);
    gate.Open();
    sim.Sleep(absl::Seconds(1));
    // Its waits fail, but it is not waited for itself.
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_NE(down.code(), absl::StatusCode::kUnknown);
}

TEST_P(ServerTimeout, TheDestructorWaitsForLateHandlersAndSaysSo) {
  SimServer sim({.handler = SlowHandler()}, Options());
  fasthttputil::InmemoryListener listener(&sim.sim());
  ServerSettings settings = Settings();
  settings.runtime = &sim.sim();
  auto other = std::make_unique<Server>(std::move(settings));
  sim.Spawn([&] { EXPECT_TRUE(other->Serve(listener).ok()); });
  sim.sim().Settle();
  sim.Run([&] {
    WireClient client(*listener.Dial());
    EXPECT_EQ(client.Ask(Get("/stuck")).status, 408);
  });
  sim.Spawn([&] {
    sim.Sleep(absl::Seconds(100));
    gate.Open();
  });
  ::testing::internal::CaptureStderr();
  other.reset();
  EXPECT_EQ(unstuck, 1);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("fasthttp: ~Server waits: 1 handlers ignore their end, 0 pins: /stuck for"),
            std::string::npos)
      << text;
}

// --- TimeoutError -------------------------------------------------------------------------------

TEST_P(ServerTimeout, TimeoutErrorAnswersInPlaceOfTheResponse) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.SetBody("response");
                       ctx.SetConnectionClose();
                       EXPECT_EQ(ctx.LastTimeoutErrorResponse(), nullptr);
                       if (ctx.Path() == "/none") return;
                       ctx.TimeoutError("first");
                       EXPECT_EQ(ctx.LastTimeoutErrorResponse()->StatusCode(), 408);
                       if (ctx.Path() == "/code") ctx.TimeoutErrorWithCode("second", 504);
                       if (ctx.Path() == "/response") {
                         Response response;
                         response.SetStatusCode(200);
                         response.header().Set("X-Own", "1");
                         response.SetBody(std::string(100'000, 'x'));
                         ctx.TimeoutErrorWithResponse(response);
                         response.SetBody("changed");
                       }
                       if (ctx.Path() == "/throw") throw std::runtime_error("after");
                       ctx.SetBody("later");
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/"));
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, "first");
    EXPECT_EQ(response.Field("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(response.keep_alive);
    response = client.Ask(Get("/code"));
    EXPECT_EQ(response.status, 504);
    EXPECT_EQ(response.body, "second");
    (void)client.Send(Get("/response") + Get("/"));
    response = client.Read();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.Field("X-Own"), "1");
    EXPECT_EQ(response.body.size(), 100'000u);
    EXPECT_EQ(client.Read().body, "first");
    EXPECT_EQ(client.Ask(Get("/none")).body, "response");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    client = sim.Dial();
    response = client.Ask(Get("/throw"));
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

// --- Pins ---------------------------------------------------------------------------------------

// Or who writes logs behind its requests would hold all of their answers.
TEST_P(ServerTimeout, APinKeepsNoLargeBodyThatIsSent) {
  const std::string body(20 * 1024, 'x');
  bool released = false;
  RequestPin pin;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       pin = ctx.Pin();
                       ctx.response().SetBodyOwned(OwnedBytes(body, [&] { released = true; }));
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).body, body);
    sim.Settle();
    EXPECT_TRUE(released);
    EXPECT_EQ(pin->Path(), "/");
    pin.Release();
  });
}

TEST_P(ServerTimeout, APinKeepsTheContextAndTheConnectionGoesOn) {
  std::vector<RequestPin> pins;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       ctx.SetBody(absl::StrCat("answer to ", ctx.Path()));
                       ctx.SetUserValue("path", std::string(ctx.Path()));
                       if (!ctx.Path().starts_with("/pin")) return;
                       pins.push_back(ctx.Pin());
                       pins.push_back(ctx.Pin());
                       if (ctx.Path() == "/pin/timeout") ctx.TimeoutError("timeout");
                       if (ctx.Path() == "/pin/throw") throw std::runtime_error("pinned");
                       if (ctx.Path() == "/pin/early") pins.clear();
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/pin/1?q=a") + Get("/2") + Get("/pin/timeout") + Get("/4"));
    EXPECT_EQ(client.Read().body, "answer to /pin/1");
    EXPECT_EQ(client.Read().body, "answer to /2");
    EXPECT_EQ(client.Read().body, "timeout");
    EXPECT_EQ(client.Read().body, "answer to /4");
    EXPECT_EQ(sim.server().Stats().requests_held, 2u);
    EXPECT_EQ(pins[0]->QueryArgs().Peek("q"), "a");
    EXPECT_EQ(pins[0]->ConnRequestNum(), 1u);
    EXPECT_EQ(std::any_cast<std::string>(*pins[1]->UserValue("path")), "/pin/1");
    // TimeoutError leaves the response to the holder.
    EXPECT_EQ(pins[2]->response().Body(), "answer to /pin/timeout");
    pins[2]->SetBody("changed");

    pins[0].Release();
    EXPECT_FALSE(pins[0]);
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().requests_held, 2u);
    pins.erase(pins.begin(), pins.begin() + 2);
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().requests_held, 1u);
    pins.clear();
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);

    EXPECT_EQ(client.Ask(Get("/pin/early")).body, "answer to /pin/early");
    EXPECT_EQ(client.Ask(Get("/2")).body, "answer to /2");
    EXPECT_EQ(client.Ask(Get("/pin/throw")).status, 500);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_EQ(pins[0]->Path(), "/pin/throw");
    // The client goes before the handler returns.
    pins.clear();
  });
}

TEST_P(ServerTimeout, APinOutlivesItsClientAndItsLateHandler) {
  std::vector<RequestPin> pins;
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       pins.push_back(ctx.Pin());
                       if (ctx.Path() == "/gone") (void)Sleep(absl::Seconds(60));
                       if (ctx.Path() == "/late") gate.Pass();
                     },
                     absl::Seconds(2), "timeout")},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/gone"));
    sim.Settle();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(pins[0]->Path(), "/gone");
    EXPECT_EQ(sim.server().Stats().requests_held, 1u);

    client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/late")).status, 408);
    gate.Open();
    sim.Settle();
    EXPECT_EQ(pins[1]->Path(), "/late");
    EXPECT_EQ(sim.server().Stats().requests_held, 2u);

    absl::Status down = sim.server().Shutdown(absl::Seconds(1));
    EXPECT_EQ(ErrcOf(down), Errc::kTimeout);
    EXPECT_NE(down.message().find("0 handlers ignore their end, 2 pins: "), absl::string_view::npos)
        << down;
    EXPECT_NE(down.message().find("/gone (pin) for "), absl::string_view::npos) << down;
    pins.clear();
    EXPECT_TRUE(sim.server().Shutdown().ok());
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);
  });
}

// --- The Context of a limited handler -----------------------------------------------------------

// The backend never answers; what it sees is that its client goes away.
TEST_P(ServerTimeout, AClientCallThatHangsIsEndedAndTheBackendSeesTheClose) {
  Errc at_backend = Errc::kOk;
  SimServer backend({.handler = [&](RequestCtx&) { at_backend = ErrcOf(Sleep(absl::Hours(1))); }},
                    Options());
  fasthttputil::InmemoryListener listener(&backend.sim());
  Errc call = Errc::kOk;
  HostClient client_of_backend(
      {.addr = "backend:80", .runtime = &backend.sim(), .dial = [&](std::string_view, absl::Time) {
         return backend.listener().Dial();
       }});
  ServerSettings settings;
  settings.runtime = &backend.sim();
  settings.handler =
      TimeoutHandler([&](RequestCtx&) { call = ErrcOf(client_of_backend.Get("/hangs").status()); },
                     absl::Seconds(2), "timeout");
  Server front(std::move(settings));
  backend.Spawn([&] { EXPECT_TRUE(front.Serve(listener).ok()); });
  backend.sim().Settle();
  backend.Run([&] {
    WireClient client(*listener.Dial());
    EXPECT_NEAR(Seconds(backend, [&] { EXPECT_EQ(client.Ask(Get("/")).status, 408); }), 2, 0.05);
    backend.Settle();
    EXPECT_EQ(call, Errc::kHandlerTimeout);
    EXPECT_EQ(at_backend, Errc::kClientGone);
    EXPECT_TRUE(front.Shutdown().ok());
  });
}

// As the program that waits for Done or for ten seconds, whatever comes first.
TEST_P(ServerTimeout, DoneComesBeforeTheTenSecondsAreOver) {
  absl::Status waited = absl::UnknownError("");
  absl::Status err, cleaned = absl::UnknownError("");
  absl::Duration left;
  bool after_ten_seconds = false;
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       const Context context = CurrentContext();
                       left = context.Deadline() - absl::FromUnixNanos(0);
                       EXPECT_TRUE(context.Err().ok());
                       waited = context.Done().WaitFor(absl::Seconds(10));
                       after_ten_seconds = ErrcOf(waited) == Errc::kTimeout;
                       err = context.Err();
                       {
                         ContextScope cleanup = WithoutCancel();
                         cleaned = Sleep(absl::Seconds(1));
                       }
                       ctx.SetBody("never sent");
                     },
                     absl::Seconds(2), "timeout")},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_NEAR(Seconds(sim, [&] { EXPECT_EQ(client.Ask(Get("/")).status, 408); }), 2, 0.05);
    sim.Settle();
    EXPECT_EQ(ErrcOf(err), Errc::kHandlerTimeout);
    EXPECT_FALSE(after_ten_seconds);
    EXPECT_EQ(sim.server().Stats().requests_held, 1u);  // It cleans up.
    sim.Sleep(absl::Seconds(1));
    EXPECT_TRUE(cleaned.ok()) << cleaned;
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);
  });
  EXPECT_LT(left, absl::InfiniteDuration());
}

// A limit of its own leaves the handler the choice of the answer; an earlier one wins.
TEST_P(ServerTimeout, WithTimeoutWithinALimit) {
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       const absl::Duration mine = absl::Seconds(ctx.Path() == "/short" ? 1 : 60);
                       ContextScope limit = WithTimeout(mine);
                       const Errc cause = ErrcOf(Sleep(absl::Hours(1)));
                       slept.push_back(cause);
                       ctx.SetBody(ErrcName(cause));
                     },
                     absl::Seconds(2), "timeout")},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/short")).body, "Timeout");
    EXPECT_EQ(client.Ask(Get("/long")).body, "timeout");
    sim.Settle();
  });
  EXPECT_EQ(slept, (std::vector<Errc>{Errc::kTimeout, Errc::kHandlerTimeout}));
}

// Without a server there is nothing to keep, and nobody who answers.
TEST(TimeoutErrorAlone, WorksOnAContextOfOnesOwn) {
  RequestCtx ctx;
  RequestPin pin = ctx.Pin();
  EXPECT_EQ(&*pin, &ctx);
  RequestPin moved = std::move(pin);
  EXPECT_FALSE(pin);  // NOLINT: a pin that was moved from is empty.
  moved.Release();
  ctx.TimeoutErrorWithCode("late", 503);
  EXPECT_EQ(ctx.LastTimeoutErrorResponse()->StatusCode(), 503);
  EXPECT_EQ(ctx.LastTimeoutErrorResponse()->Body(), "late");
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerTimeout,
                         ::testing::Combine(::testing::Values(1, 2, 4),
                                            ::testing::Range(uint64_t{1}, uint64_t{4})),
                         [](const auto& info) {
                           return absl::StrCat("Loops", std::get<0>(info.param), "Seed",
                                               std::get<1>(info.param));
                         });

}  // namespace
}  // namespace fasthttp
