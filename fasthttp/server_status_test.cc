// What a server answers by itself: every status that it knows, with its fields, on the wire.
#include <array>
#include <stdexcept>
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
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}
std::string Post(std::string_view body) {
  return absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      body);
}

void Hello(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Seconds(1));
  ctx.SetBody("hello");
}

// The last thing that a server says on a connection: its own status, Date, Server and "close".
void ExpectLast(const WireResponse& response, int status) {
  ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.Field("Connection"), "close");
  EXPECT_EQ(response.CountOf("Connection"), 1u);
  EXPECT_EQ(response.Field("Server"), "fasthttp");
  EXPECT_EQ(response.Field("Date").size(), 29u);
  EXPECT_EQ(response.Field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_FALSE(response.body.empty());
}

// One request, one refusal, the end.
void ExpectRefusal(ServerSettings settings, std::string_view request, int status,
                   std::string_view text) {
  settings.handler = [](RequestCtx&) { ADD_FAILURE() << "the handler was called"; };
  SimServer sim(std::move(settings));
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(request);
    ExpectLast(response, status);
    EXPECT_EQ(response.body, text);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(sim.server().Stats().errors, 1u);
}

TEST(ServerStatus, GrammarIsAnswered400) {
  ExpectRefusal({}, "GET /\r\n\r\n", 400, ErrcText(Errc::kBadVersion));
}

TEST(ServerStatus, AnEndWithinARequestIsAnswered400) {
  SimServer sim({.handler = Hello});
  sim.Run([&] {
    for (std::string_view part :
         {"GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc"}) {
      WireClient client = sim.Dial();
      (void)client.Send(part);
      client.Finish();
      ExpectLast(client.Read(), 400);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
  });
}

TEST(ServerStatus, OtherMethodsThanGetAreAnswered405WithAllow) {
  SimServer sim({.handler = Hello, .get_only = true});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(kGet).status, 200);
    (void)client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.Read(http1::MethodId::kHead).status, 200);
    // Before the body is read: it never comes.
    WireResponse response =
        client.Ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    ExpectLast(response, 405);
    EXPECT_EQ(response.Field("Allow"), "GET, HEAD");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST(ServerStatus, ADeclaredBodyOverTheLimitIsAnswered413BeforeItComes) {
  ExpectRefusal({.max_request_body_size = 10},
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413,
                ErrcText(Errc::kBodyTooLarge));
}

TEST(ServerStatus, AChunkedBodyOverTheLimitIsAnswered413AtItsSize) {
  ExpectRefusal({.max_request_body_size = 10},
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n6\r\n",
                413, ErrcText(Errc::kBodyTooLarge));
}

TEST(ServerStatus, BodiesOfExactlyTheLimitPass) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetBody(ctx.PostBody()); },
                 .max_request_body_size = 10});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Post("0123456789")).body, "0123456789");
    EXPECT_EQ(client
                  .Ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")
                  .body,
              "helloworld");
  });
}

TEST(ServerStatus, ALongTargetIsAnswered414) {
  ExpectRefusal({.max_request_target_size = 5}, Get("/12345"), 414, ErrcText(Errc::kTargetTooLong));
}

TEST(ServerStatus, AnotherExpectationIsAnswered417) {
  ExpectRefusal({}, Get("/", "Expect: a-miracle\r\n"), 417, ErrcText(Errc::kBadExpectation));
}

TEST(ServerStatus, ALargeHeadIsAnswered431) {
  ExpectRefusal({.max_request_head_size = 300}, Get("/", "A: " + std::string(300, 'a') + "\r\n"),
                431, ErrcText(Errc::kHeadTooLarge));
}

TEST(ServerStatus, ManyFieldsAreAnswered431) {
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "A: b\r\n";
  ExpectRefusal({}, Get("/", lines), 431, ErrcText(Errc::kTooManyFields));
  ExpectRefusal({.max_request_fields = 2}, Get("/", "A: b\r\nC: d\r\n"), 431,
                ErrcText(Errc::kTooManyFields));
}

TEST(ServerStatus, TheLargestHeadThatCanBeSetPasses) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.SetBody(absl::StrCat(ctx.request().header().Peek("A").size()));
                     },
                 .max_request_head_size = 1'000'000});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const size_t rest = Get("/", "A: \r\n").size();
    WireResponse response = client.Ask(Get("/", "A: " + std::string(65'535 - rest, 'a') + "\r\n"));
    EXPECT_EQ(response.body, absl::StrCat(65'535 - rest));
    ExpectLast(client.Ask(Get("/", "A: " + std::string(65'536 - rest, 'a') + "\r\n")), 431);
  });
}

TEST(ServerStatus, AnotherTransferCodingIsAnswered501) {
  ExpectRefusal({}, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
                ErrcText(Errc::kUnsupportedTransferEncoding));
}

TEST(ServerStatus, AnotherMajorVersionIsAnswered505) {
  ExpectRefusal({}, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, ErrcText(Errc::kVersionNotSupported));
}

// --- Exceptions -------------------------------------------------------------------------------

void Throw(RequestCtx& ctx) {
  ctx.SetBody("secret half of a response");
  ctx.response().header().Set("X-Secret", "1");
  if (ctx.Path() == "/std") throw std::runtime_error("password is 1234");
  if (ctx.Path() == "/int") throw 7;
  if (ctx.Path() == "/late") {
    (void)Sleep(absl::Seconds(1));
    throw std::runtime_error("late");
  }
  ctx.SetBody("fine");
}

TEST(ServerStatus, AnExceptionIsAnswered500AndTheServerLivesOn) {
  std::vector<std::string> told;
  SimServer sim({.handler = Throw, .error_handler = [&](RequestCtx& ctx, const absl::Status& e) {
                   told.push_back(absl::StrCat(ctx.Path(), " ", e.message()));
                   EXPECT_EQ(ErrcOf(e), Errc::kHandlerException);
                 }});
  sim.Run([&] {
    for (std::string_view path : {"/std", "/int", "/late"}) {
      WireClient client = sim.Dial();
      // Behind a good one, and before one that is never answered.
      (void)client.Send(absl::StrCat(kGet, Get(path), kGet));
      EXPECT_EQ(client.Read().body, "fine");
      WireResponse response = client.Read();
      ExpectLast(response, 500);
      EXPECT_EQ(response.body, ErrcText(Errc::kHandlerException));
      EXPECT_EQ(response.CountOf("X-Secret"), 0u);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    EXPECT_EQ(sim.Dial().Ask(kGet).body, "fine");
  });
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(sim.server().Stats().errors, 3u);
}

TEST(ServerStatus, TheErrorHandlerMayChangeTheAnswerOfAnExceptionAndBlock) {
  SimServer sim({.handler = Throw, .error_handler = [&](RequestCtx& ctx, const absl::Status&) {
                   (void)Sleep(absl::Seconds(1));
                   ctx.SetStatusCode(599);
                   ctx.SetBody("changed");
                 }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/std"));
    ExpectLast(response, 599);
    EXPECT_EQ(response.body, "changed");
  });
}

// The connection breaks while the error handler waits: what it has set is nobody's answer.
TEST(ServerStatus, AnAnswerThatNobodyGetsIsNotTheNextOnes) {
  int told = 0;
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetBody("fine"); },
                 .error_handler =
                     [&](RequestCtx& ctx, const absl::Status&) {
                       ctx.response().header().Set("X-Told", "1");
                       ctx.SetUserValue("told", 1);
                       ++told;
                       (void)Sleep(absl::Seconds(5));
                     }});
  sim.Run([&] {
    WireClient broken = sim.Dial();
    (void)broken.Send("bad\r\n\r\n");
    sim.Settle();
    EXPECT_EQ(told, 1);
    broken.conn().Reset();
    sim.Settle();  // No longer: what is pooled is trimmed after a while.
    WireClient client = sim.Dial();
    const WireResponse response = client.Ask(Get("/"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "fine");
    EXPECT_EQ(response.Field("X-Told"), "");
  });
}

TEST(ServerStatus, TheErrorHandlerIsToldOfARequestThatCannotBeRead) {
  std::vector<Errc> told;
  SimServer sim({.handler = Hello, .error_handler = [&](RequestCtx& ctx, const absl::Status& e) {
                   told.push_back(ErrcOf(e));
                   EXPECT_EQ(ctx.Method(), "GET");
                   (void)ctx.Path();
                   (void)ctx.String();
                   ctx.response().header().Set("X-Told", "1");
                 }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask("bad\r\n\r\n");
    ExpectLast(response, 400);
    EXPECT_EQ(response.Field("X-Told"), "1");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    client = sim.Dial();
    ExpectLast(client.Ask(Get("/", "Expect: x\r\n")), 417);
  });
  EXPECT_EQ(told, (std::vector<Errc>{Errc::kBadRequestLine, Errc::kBadExpectation}));
}

TEST(ServerStatus, AnErrorHandlerThatThrowsDoesNoHarm) {
  SimServer sim({.handler = Throw, .error_handler = [&](RequestCtx&, const absl::Status&) {
                   throw std::runtime_error("again");
                 }});
  sim.Run([&] {
    ExpectLast(sim.Dial().Ask(Get("/std")), 500);
    ExpectLast(sim.Dial().Ask("bad\r\n\r\n"), 500);
    EXPECT_EQ(sim.Dial().Ask(kGet).body, "fine");
  });
}

// A cancellation of one request must not reach the next one that uses the same memory.
TEST(ServerStatus, ACancelledErrorHandlerLeavesNothingBehind) {
  absl::Status slept;
  SimServer sim({.handler = Hello, .error_handler = [&](RequestCtx&, const absl::Status&) {
                   slept = Sleep(absl::Seconds(10));
                 }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/", "Expect: x\r\n"));
    sim.Settle();
    client.Finish();
    ExpectLast(client.Read(), 417);
    EXPECT_EQ(ErrcOf(slept), Errc::kClientGone);
    client.conn().Close();
    sim.Settle();
    const int64_t before = sim.sim().NowNanos();
    EXPECT_EQ(sim.Dial().Ask(Get("/sleep")).body, "hello");
    EXPECT_GE(sim.sim().NowNanos() - before, 1'000'000'000);
  });
}

// --- Limits in number -------------------------------------------------------------------------

TEST(ServerStatus, ConnectionsOverTheLimitAreAnswered503WithRetryAfter) {
  SimServer sim({.handler = Hello, .concurrency = 2});
  sim.Run([&] {
    WireClient first = sim.Dial();
    WireClient second = sim.Dial();
    EXPECT_EQ(first.Ask(kGet).status, 200);
    for (int i = 0; i < 3; ++i) {
      WireClient third = sim.Dial();
      WireResponse response = third.Read();  // Without having asked.
      ExpectLast(response, 503);
      EXPECT_EQ(response.Field("Retry-After"), "1");
      EXPECT_EQ(third.ReadEnd(), Errc::kOk);
    }
    EXPECT_EQ(sim.server().GetRejectedConnectionsCount(), 3u);
    EXPECT_EQ(second.Ask(kGet).status, 200);
    first.conn().Close();
    sim.Settle();
    EXPECT_EQ(sim.Dial().Ask(kGet).status, 200);
  });
}

Addr Ip(uint8_t last) {
  const uint8_t bytes[4] = {10, 0, 0, last};
  return Addr::IPv4(bytes, 1000);
}

TEST(ServerStatus, ConnectionsOfOneAddressOverTheLimitAreAnswered429) {
  SimServer sim({.handler = Hello, .max_conns_per_ip = 2}, {.loops = 2});
  auto dial = [&](uint8_t last) { return WireClient(*sim.listener().DialWithLocalAddr(Ip(last))); };
  sim.Run([&] {
    WireClient first = dial(1);
    WireClient second = dial(1);
    WireClient other = dial(2);
    WireClient third = dial(1);
    ExpectLast(third.Read(), 429);
    EXPECT_EQ(third.ReadEnd(), Errc::kOk);
    EXPECT_EQ(first.Ask(kGet).status, 200);
    EXPECT_EQ(second.Ask(kGet).status, 200);
    EXPECT_EQ(other.Ask(kGet).status, 200);
    first.conn().Close();
    sim.Settle();
    WireClient fourth = dial(1);
    EXPECT_EQ(fourth.Ask(kGet).status, 200);
    ExpectLast(dial(1).Read(), 429);
  });
}

TEST(ServerStatus, ARefusedConnectionThatNeverEndsIsClosedAfterASecond) {
  SimServer sim({.handler = Hello, .concurrency = 1});
  sim.Run([&] {
    WireClient first = sim.Dial();
    WireClient second = sim.Dial();
    EXPECT_EQ(second.Read().status, 503);
    sim.Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 2u);
    sim.Sleep(absl::Milliseconds(1100));
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 1u);
    EXPECT_EQ(first.Ask(kGet).status, 200);
  });
}

TEST(ServerStatus, RequestsBeyondTheBlockedHandlersAreAnswered503AtOnce) {
  SimServer sim({.handler = Hello}, {.max_blocked = 4});
  sim.Run([&] {  // This fiber, while it waits, and the one in Serve are two of the four.
    WireClient first = sim.Dial();
    WireClient second = sim.Dial();
    WireClient third = sim.Dial();
    (void)first.Send(Get("/sleep"));
    (void)second.Send(Get("/sleep"));
    sim.Settle();
    const int64_t before = sim.sim().NowNanos();
    WireResponse response = third.Ask(kGet);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.Field("Retry-After"), "1");
    EXPECT_TRUE(response.keep_alive);
    EXPECT_LT(sim.sim().NowNanos() - before, 10'000'000);
    EXPECT_EQ(first.Read().status, 200);
    EXPECT_EQ(second.Read().status, 200);
    EXPECT_EQ(third.Ask(kGet).status, 200);
  });
}

}  // namespace
}  // namespace fasthttp
