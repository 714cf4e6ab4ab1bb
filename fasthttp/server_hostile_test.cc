// A server against peers that break the connection, or hold it, where that hurts most.
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/server.h"
#include "gtest/gtest.h"
#include "testing/scripted_conn.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::ScriptedConn;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

void Large(RequestCtx& ctx) { ctx.SetBody(std::string(100'000, 'x')); }

// --- A peer that is gone when an answer is sent -----------------------------------------------

TEST(ServerHostile, AResetWithinAPipelineOfLargeResponsesEndsTheConnection) {
  SimServer sim({.handler = Large});
  ScriptedConn conn;
  conn.Data(absl::StrCat(kGet, kGet, kGet)).FailWrites(Errc::kConnectionReset);
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(conn.closes(), 1);
  EXPECT_TRUE(conn.reset());
  EXPECT_EQ(sim.server().Stats().connections_open, 0u);
}

TEST(ServerHostile, AResetBeforeTheContinueEndsTheConnection) {
  SimServer sim({.handler = Large});
  ScriptedConn conn;
  conn.Data("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
      .FailWrites(Errc::kConnectionReset);
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(conn.closes(), 1);
  EXPECT_EQ(sim.server().Stats().connections_open, 0u);
}

// --- What a handler must not do to its client -------------------------------------------------

TEST(ServerHostile, AnEchoByReferenceIsSentWhole) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.response().SetBodyRaw(ctx.PostBody()); }});
  sim.Run([&] {
    for (size_t size : {10, 2'000, 20'000, 1'000'000}) {
      const std::string body(size, 'b');
      WireClient client = sim.Dial();
      sim.Spawn([&] {
        (void)client.Send(
            absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", size, "\r\n\r\n", body));
      });
      sim.Settle();
      EXPECT_TRUE(client.Read().body == body) << size;
    }
  });
}

// The client would take the next response for the one to this request.
TEST(ServerHostile, AnInterimStatusOfAHandlerEndsTheConnection) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetStatusCode(103); }});
  ScriptedConn conn;
  conn.Data(absl::StrCat(kGet, kGet)).Eof();
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(conn.written().find("103"), conn.written().rfind("103"));
}

// --- Peers that hold on -----------------------------------------------------------------------

TEST(ServerHostile, EmptyLinesForEverEndTheConnection) {
  SimServer sim({.handler = Large, .max_request_head_size = 65'535});
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += "\r\n";
  for (std::string_view first : {std::string_view(), kGet}) {
    ScriptedConn conn;
    conn.KeepNothing();
    conn.Data(first).Data(lines).Data(lines).Eof();
    sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
    EXPECT_EQ(conn.closes(), 1);
  }
}

// An empty line behind a body is an old habit; the next head begins when it begins.
TEST(ServerHostile, TheTimeOfAHeadDoesNotBeginWithAnEmptyLine) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetBody("hello"); }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(absl::StrCat(kGet, "\r\n")).status, 200);
    (void)sim.Sleep(absl::Seconds(60));
    (void)client.Send(kGet.substr(0, 10));
    (void)sim.Sleep(absl::Seconds(5));
    WireResponse response = client.Ask(kGet.substr(10));
    EXPECT_EQ(response.status, 200);
  });
}

}  // namespace
}  // namespace fasthttp
