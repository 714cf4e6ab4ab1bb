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

}  // namespace
}  // namespace fasthttp
