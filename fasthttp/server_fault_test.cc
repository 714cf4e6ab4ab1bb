// The N-th operation on a connection fails, for every N and in every way: the server neither
// crashes, hangs, leaks nor answers wrongly, and the next connection is served.
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/faulty_conn.h"
#include "testing/scripted_conn.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::ScriptedConn;
using testing::SimServer;
using testing::WireClient;

constexpr size_t kLarge = 100'000;

// One request alone, two pipelined ones, a chunked one in pieces, one whose handler suspends, one
// with a large answer and one for 100-continue.
void Script(ScriptedConn& conn) {
  conn.Data("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
      .Again()
      .Data("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
      .Data("POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
      .Again()
      .Data("llo\r\n0\r\n\r\nGET /sleep HTTP/1.1\r\nHost: h\r\n\r\n")
      .Data("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
      .Data("POST /5 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
      .Again()
      .Data("abc")
      .Eof();
  // Writes that take a part, or nothing.
  conn.Take(20).Take(100).Take(0).Take(1'000'000).Take(1'000'000).Take(20'000).Take(0).Take(7).Take(
      0);
}

void Handle(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Milliseconds(5));
  if (ctx.Path() == "/large") return ctx.SetBody(std::string(kLarge, 'x'));
  if (ctx.Path() == "/plain") ctx.SetContentType("text/plain");
  ctx.SetBody(absl::StrCat(ctx.Path(), ctx.PostBody()));
}

// What is written is what a server without faults writes, or a beginning of it, or an error answer
// behind such a beginning.
std::string WithoutDates(std::string text) {
  for (size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;) text.erase(at, 37);
  return text;
}

struct Way {
  const char* name;
  Errc errc;
};
std::ostream& operator<<(std::ostream& os, const Way& way) { return os << way.name; }

class ServerFault : public ::testing::TestWithParam<Way> {};

TEST_P(ServerFault, AtEveryOperationLeavesTheServerWhole) {
  std::string right;
  for (uint64_t n = 0;; ++n) {
    SCOPED_TRACE(absl::StrCat("operation ", n));
    SimServer sim({.handler = Handle});
    runtime::Loop& loop = sim.sim().loop(0);
    const size_t endpoints = loop.endpoints().in_use();
    const uint32_t blocked = loop.blocked();
    ScriptedConn script;
    Script(script);
    FaultyConn conn(script, {.nth = n, .errc = GetParam().errc});
    fasthttptest::ScriptedListener listener;
    listener.Add(conn);
    sim.Spawn([&] { EXPECT_TRUE(sim.server().Serve(listener).ok()); });
    ASSERT_TRUE(sim.sim().RunUntil([&] { return conn.closed(); }, absl::Minutes(5)));
    EXPECT_EQ(script.closes(), 1);
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    const std::string written = WithoutDates(script.written());
    if (n == 0) {
      right = written;
      for (std::string_view part : {"/1", "/2", "/3hello", "/sleep", "100 Continue", "/5abc"}) {
        EXPECT_NE(right.find(part), std::string::npos) << part;
      }
      EXPECT_GT(right.size(), kLarge);
    } else if (GetParam().errc == Errc::kAgain) {
      EXPECT_EQ(written, right);
    } else {
      size_t same = 0;
      while (same < written.size() && same < right.size() && written[same] == right[same]) ++same;
      EXPECT_TRUE(same == written.size()) << written.substr(same, 200);
    }
    listener.Close();
    sim.Run([&] {
      WireClient client = sim.Dial();
      EXPECT_EQ(client.Ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n").body, "/a");
      client.conn().Close();
      sim.Settle();
    });
    EXPECT_EQ(loop.endpoints().in_use(), endpoints);
    EXPECT_EQ(loop.blocked(), blocked);
    if (n > conn.operations()) break;
    ASSERT_LT(n, 200u);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, ServerFault,
                         ::testing::Values(Way{"Reset", Errc::kConnectionReset},
                                           Way{"Io", Errc::kIo},
                                           Way{"Closed", Errc::kConnectionClosed},
                                           Way{"Again", Errc::kAgain}),
                         [](const auto& info) { return info.param.name; });

// The end of the stream after each byte of the conversation.
TEST(ServerEnd, AfterEveryByteLeavesTheServerWhole) {
  const std::string all =
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      "GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /5 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  SimServer sim({.handler = Handle});
  const size_t endpoints = sim.sim().loop(0).endpoints().in_use();
  for (bool reset : {false, true}) {
    for (size_t n = 0; n <= all.size(); ++n) {
      SCOPED_TRACE(n);
      sim.Run([&] {
        WireClient client = sim.Dial();
        EXPECT_EQ(client.Send(all.substr(0, n)), Errc::kOk);
        if (reset) {
          sim.Settle();
          client.conn().Reset();
          sim.Sleep(absl::Milliseconds(10));
          return;
        }
        client.Finish();
        size_t complete = 0;
        for (size_t at = 0; (at = all.find("\r\n\r\nGET", at)) != std::string::npos && at + 4 <= n;
             ++at) {
          ++complete;
        }
        for (size_t i = 0; i < complete; ++i) EXPECT_EQ(client.Read().status, 200);
        testing::WireResponse response = client.Read();
        while (response.status == 200) response = client.Read();
        EXPECT_TRUE(response.status == 400 || response.errc == Errc::kConnectionClosed)
            << response.status << " " << ErrcName(response.errc);
      });
    }
    sim.sim().Settle();
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(sim.sim().loop(0).endpoints().in_use(), endpoints);
  }
}

}  // namespace
}  // namespace fasthttp
