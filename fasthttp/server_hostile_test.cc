// A server against peers that break the connection, or hold it, where that hurts most.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/runtime.h"
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

TEST(ServerHostile, AResetInPlaceOfASmallAnswerEndsTheConnection) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.Success("text/plain", "small"); }});
  ScriptedConn conn;
  conn.Data(kGet).FailWrites(Errc::kConnectionReset);
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(conn.closes(), 1);
  EXPECT_TRUE(conn.reset());
  EXPECT_EQ(conn.written(), "");
  EXPECT_EQ(sim.server().Stats().bytes_sent, 0u);
  EXPECT_EQ(sim.server().Stats().connections_open, 0u);
}

// However much of it the connection takes at first.
TEST(ServerHostile, ASmallAnswerThatIsTakenInPartsArrivesWhole) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nServer: fasthttp\r\nContent-Type: text/plain\r\n"
      "Content-Length: 5\r\n\r\nsmall";
  for (size_t first = 0; first <= answer.size(); ++first) {
    for (bool keep_alive : {true, false}) {
      SCOPED_TRACE(absl::StrCat(first, keep_alive ? "" : ", the last"));
      ServerSettings settings;
      settings.handler = [](RequestCtx& ctx) { ctx.Success("text/plain", "small"); };
      settings.no_default_date = true;
      SimServer sim(std::move(settings));
      ScriptedConn conn;
      conn.Data(kGet).Take(first).Take(0).Take(1);
      if (keep_alive) conn.Again().Data(kGet);
      conn.Eof();
      sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
      EXPECT_EQ(conn.written(), keep_alive ? answer + answer : answer);
      EXPECT_EQ(sim.server().Stats().bytes_sent, conn.written().size());
      EXPECT_EQ(conn.closes(), 1);
      EXPECT_FALSE(conn.reset());
    }
  }
}

// Also behind a chunked body, whose bytes are received elsewhere than heads.
TEST(ServerHostile, AnswersToWhatCameTogetherGoOutTogether) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.Success("text/plain", "small"); }});
  for (bool chunked : {false, true}) {
    ScriptedConn conn;
    std::string together = absl::StrCat(kGet, kGet);
    if (chunked) {
      conn.Data("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe");
      together.insert(0, "llo\r\n0\r\n\r\n");
    }
    conn.Data(together).Eof();
    sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
    EXPECT_EQ(conn.writes(), 1u);
  }
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

// What the client sends behind a 2xx to CONNECT is no HTTP (RFC 9110 section 9.3.6).
TEST(ServerHostile, BytesBehindATunnelAreNotReadAsRequests) {
  std::atomic<int> calls{0};
  SimServer sim({.handler = [&](RequestCtx&) { ++calls; }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response =
        client.Ask("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.keep_alive);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(calls, 1);
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

// A socket is writable again when a third of its buffer is free: here after two seconds.
TEST(ServerHostile, ASlowReaderOfASocketIsNotTakenForAStalledOne) {
  Runtime runtime({.threads = 1});
  constexpr size_t kSize = 16 << 20;
  Server server({.handler = [](RequestCtx& ctx) { ctx.SetBody(std::string(kSize, 'x')); },
                 .runtime = &runtime,
                 .stall_timeout = absl::Seconds(1),
                 .min_rate_window = absl::Milliseconds(500)});
  absl::StatusOr<Addr> at = server.Start("127.0.0.1:0");
  ASSERT_TRUE(at.ok()) << at.status();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int small = 64 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(at->port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  ASSERT_EQ(::send(fd, kGet.data(), kGet.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kGet.size()));
  std::string buffer(20'000, '\0');
  size_t got = 0;
  for (ssize_t n; got < kSize && (n = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    got += static_cast<size_t>(n);
    if (got < 1'200'000) absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_GE(got, kSize);
  ::close(fd);
}

}  // namespace
}  // namespace fasthttp
