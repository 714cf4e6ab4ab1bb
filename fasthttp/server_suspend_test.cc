// Handlers that suspend: what goes out before, what waits behind, who else is served meanwhile, and
// what happens when the client goes away.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/scripted_conn.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// "/sleep/5" sleeps 5 s and answers how that ended.
void SleepOrAnswer(RequestCtx& ctx) {
  int seconds = 0;
  if (ctx.Path().starts_with("/sleep/") && absl::SimpleAtoi(ctx.Path().substr(7), &seconds)) {
    absl::Status status = Sleep(absl::Seconds(seconds));
    return ctx.SetBody(ErrcName(ErrcOf(status)));
  }
  ctx.SetBody(ctx.Path());
}

double SecondsOf(SimServer& sim, int64_t since) {
  return static_cast<double>(sim.sim().NowNanos() - since) / 1e9;
}

TEST(ServerSuspend, FlushBeforeSuspend) {
  SimServer sim({.handler = SleepOrAnswer});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const int64_t start = sim.sim().NowNanos();
    (void)client.Send(Get("/1") + Get("/sleep/100") + Get("/3"));
    EXPECT_EQ(client.Read().body, "/1");
    EXPECT_LT(SecondsOf(sim, start), 1);
    EXPECT_EQ(client.Read().body, "Ok");
    EXPECT_GE(SecondsOf(sim, start), 100);
    EXPECT_EQ(client.Read().body, "/3");
  });
}

// What the socket did not take goes out while the handler sleeps.
TEST(ServerSuspend, TheRestOfAnAnswerIsSentWhileTheNextHandlerSleeps) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/1") return ctx.SetBody(std::string(120'000, 'x'));
    SleepOrAnswer(ctx);
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const int64_t start = sim.sim().NowNanos();
    (void)client.Send(Get("/1") + Get("/sleep/100"));
    sim.Settle();
    EXPECT_EQ(client.Read().body.size(), 120'000u);
    EXPECT_LT(SecondsOf(sim, start), 1);
    EXPECT_EQ(client.Read().body, "Ok");
  });
}

TEST(ServerSuspend, PipelineOf10000BlockingOnEach) {
  const int count = testing_internal::kAllocCounterAvailable ? 10'000 : 2'000;
  SimServer sim({.handler = [](RequestCtx& ctx) {
    Yield();
    EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
    ctx.SetBody(ctx.Path());
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    sim.Spawn([&] {
      std::string all;
      for (int i = 0; i < count; ++i) all += Get(absl::StrCat("/", i));
      EXPECT_EQ(client.Send(all), Errc::kOk);
    });
    for (int i = 0; i < count; ++i) ASSERT_EQ(client.Read().body, absl::StrCat("/", i));
  });
  // However long the pipeline, it needs one stack besides the leader's and the test's.
  EXPECT_LE(sim.sim().loop(0).stats().fibers_created, 6u);
}

TEST(ServerSuspend, HogPipelineDoesNotStarveOthers) {
  int hogged = 0;
  int hogged_at_answer = -1;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    if (ctx.Path() == "/hog") ++hogged;
    if (ctx.Path() == "/other") hogged_at_answer = hogged;
  }});
  sim.Run([&] {
    WireClient hog = sim.Dial();
    WireClient other = sim.Dial();
    std::string all;
    for (int i = 0; i < 1'000; ++i) all += Get("/hog");
    EXPECT_EQ(hog.Send(all), Errc::kOk);  // What fits is there before the server looks.
    EXPECT_EQ(other.Ask(Get("/other")).status, 200);
    EXPECT_LE(hogged_at_answer, 4 * 64);
    for (int i = 0; i < 1'000; ++i) EXPECT_EQ(hog.Read().status, 200);
  });
  EXPECT_EQ(hogged, 1'000);
}

TEST(ServerSuspend, AHogOfABodyDoesNotStarveOthers) {
  SimServer sim(
      {.handler = [](RequestCtx& ctx) { ctx.SetBody(absl::StrCat(ctx.PostBody().size())); },
       .max_request_body_size = uint64_t{1} << 30});
  constexpr size_t kBody = 64 << 20;
  // There is always more of it to read, without a wait.
  fasthttptest::ScriptedConn hog;
  hog.Data(absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", kBody, "\r\n\r\n"))
      .Repeat(std::string(1 << 20, 'x'), kBody >> 20)
      .Eof();
  fasthttptest::ScriptedListener listener;
  listener.Add(hog);
  sim.Run([&] {
    WireClient other = sim.Dial();
    sim.Spawn([&] { EXPECT_TRUE(sim.server().Serve(listener).ok()); });
    int answers = 0;
    while (!hog.closed()) {
      EXPECT_EQ(other.Ask(Get("/other")).status, 200);
      ++answers;
    }
    EXPECT_GE(answers, 10);
    listener.Close();
    sim.Settle();
  });
  EXPECT_NE(hog.written().find(absl::StrCat(kBody)), std::string::npos);
}

TEST(ServerSuspend, AHandlerMayAskItsOwnServerOnTheSameLoop) {
  SimServer* self = nullptr;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    int depth = 0;
    ASSERT_TRUE(absl::SimpleAtoi(ctx.Path().substr(1), &depth));
    if (depth == 0) return ctx.SetBody("end");
    WireClient client = self->Dial();
    ctx.SetBody(absl::StrCat(depth, " ", client.Ask(Get(absl::StrCat("/", depth - 1))).body));
  }});
  self = &sim;
  sim.Run([&] { EXPECT_EQ(sim.Dial().Ask(Get("/5")).body, "5 4 3 2 1 end"); });
}

// --- The client goes away ---------------------------------------------------------------------

class ClientGone : public ::testing::Test {
 protected:
  // The handler's sleep of ten seconds, and how it ended.
  ServerSettings Settings(HalfClose half_close = HalfClose::kCancel) {
    return {.handler =
                [this](RequestCtx& ctx) {
                  if (!ctx.Path().starts_with("/sleep")) return ctx.SetBody(ctx.Path());
                  slept.push_back(ErrcOf(Sleep(absl::Seconds(10))));
                  again.push_back(ErrcOf(Sleep(absl::Seconds(10))));
                  ctx.SetBody("slept");
                },
            .half_close = half_close};
  }
  std::vector<Errc> slept;
  std::vector<Errc> again;
};

TEST_F(ClientGone, AResetEndsTheHandlersWaits) {
  SimServer sim(Settings());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep") + Get("/2"));
    sim.Settle();
    const int64_t start = sim.sim().NowNanos();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(slept, std::vector<Errc>{Errc::kClientGone});
    EXPECT_EQ(again, std::vector<Errc>{Errc::kClientGone});
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_LT(SecondsOf(sim, start), 1);
  });
  EXPECT_EQ(sim.server().Stats().requests, 1u);
}

TEST_F(ClientGone, AnEndBehindACompleteRequestEndsTheWaitsAndTheAnswerIsSent) {
  SimServer sim(Settings());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    sim.Settle();
    client.Finish();
    EXPECT_EQ(client.Read().body, "slept");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_EQ(slept, std::vector<Errc>{Errc::kClientGone});
  });
}

TEST_F(ClientGone, AnEndThatCameWithTheRequestCountsToo) {
  SimServer sim(Settings());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    client.Finish();
    EXPECT_EQ(client.Read().body, "slept");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_EQ(slept, std::vector<Errc>{Errc::kClientGone});
  });
}

TEST_F(ClientGone, AnEndBehindPipelinedRequestsIsNoReasonToStop) {
  for (bool at_once : {true, false}) {
    slept.clear();
    SimServer sim(Settings());
    sim.Run([&] {
      WireClient client = sim.Dial();
      (void)client.Send(Get("/sleep") + Get("/sleep") + Get("/3"));
      if (!at_once) sim.Settle();
      client.Finish();
      EXPECT_EQ(client.Read().body, "slept");
      EXPECT_EQ(client.Read().body, "slept");
      EXPECT_EQ(client.Read().body, "/3");
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
      EXPECT_EQ(slept, (std::vector<Errc>{Errc::kOk, Errc::kOk}));
    });
  }
}

TEST_F(ClientGone, TheSettingServesWhoHasOnlyStoppedSending) {
  SimServer sim(Settings(HalfClose::kServe));
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    client.Finish();
    EXPECT_EQ(client.Read().body, "slept");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_EQ(slept, std::vector<Errc>{Errc::kOk});
    client = sim.Dial();
    (void)client.Send(Get("/sleep"));
    sim.Settle();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(slept, (std::vector<Errc>{Errc::kOk, Errc::kClientGone}));
  });
}

TEST_F(ClientGone, TheNextRequestOfTheSameMemoryIsNotCancelled) {
  SimServer sim(Settings());
  sim.Run([&] {
    for (int i = 0; i < 3; ++i) {
      WireClient client = sim.Dial();
      (void)client.Send(Get("/sleep"));
      sim.Settle();
      client.conn().Reset();
      sim.Settle();
    }
    EXPECT_EQ(sim.Dial().Ask(Get("/sleep")).body, "slept");
    EXPECT_EQ(slept.back(), Errc::kOk);
  });
}

}  // namespace
}  // namespace fasthttp
