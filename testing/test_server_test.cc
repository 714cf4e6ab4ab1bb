#include "testing/test_server.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttptest {
namespace {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::ErrcOf;
using fasthttp::RequestCtx;
using fasthttp::Response;

void Echo(RequestCtx& ctx) {
  absl::Format(&ctx, "%s %s %s %s", ctx.Method(), ctx.Path(), ctx.Host(), ctx.PostBody());
  ctx.SetContentType(ctx.request().header().ContentType());
}

TEST(TestServer, GetAndPost) {
  TestServer server(Echo);
  absl::StatusOr<Response> r = server.Get("/a?b");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
  EXPECT_EQ(r->Body(), "GET /a fasthttp.test ");
  r = server.Post("/p", "x/y", "bytes\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "POST /p fasthttp.test bytes\r\n");
  EXPECT_EQ(r->ContentType(), "x/y");
  EXPECT_EQ(server.server().Stats().requests, 2u);
}

TEST(TestServer, RawRequests) {
  TestServer server(Echo);
  absl::StatusOr<Response> r = server.Do("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 400);
  r = server.Do("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "");
  EXPECT_EQ(r->header().Peek("Content-Length"), "9");
  r = server.Do(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "POST / h ok");
}

// The server answers before it has read all; the answer counts, not the write that failed.
TEST(TestServer, ABodyThatIsRefused) {
  TestServer server(fasthttp::ServerSettings{.handler = Echo, .max_request_body_size = 10});
  absl::StatusOr<Response> r = server.Post("/", "a/b", std::string(1 << 20, 'x'));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 413);
}

TEST(TestServer, LargeBodiesBothWays) {
  TestServer server([](RequestCtx& ctx) { ctx.SetBody(ctx.PostBody()); });
  std::string body(3'000'000, 'x');
  absl::StatusOr<Response> r = server.Post("/", "a/b", body);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_TRUE(r->Body() == body);
}

TEST(TestServer, AnAnswerThatDoesNotCome) {
  TestServer server([](RequestCtx&) { (void)fasthttp::Sleep(absl::Seconds(60)); });
  server.SetRequestTimeout(absl::Milliseconds(20));
  EXPECT_EQ(ErrcOf(server.Get("/").status()), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(server.Do("GET / HTTP/1.1\r\nHost").status()), Errc::kTimeout);
}

TEST(TestServer, FromManyThreadsAndFromHandlers) {
  std::unique_ptr<TestServer> server;
  server = std::make_unique<TestServer>([&](RequestCtx& ctx) {
    if (ctx.Path() == "/inner") return ctx.SetBody("inner");
    absl::StatusOr<Response> r = server->Get("/inner");
    if (!r.ok()) return ctx.Error(r.status());
    absl::Format(&ctx, "outer %s", r->Body());
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        absl::StatusOr<Response> r = server->Get("/");
        EXPECT_TRUE(r.ok() && r->Body() == "outer inner") << r.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TestServer, DialedConnections) {
  TestServer server(Echo);
  absl::StatusOr<BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
  char buffer[15];
  ASSERT_EQ(conn->ReadFull(buffer), Errc::kOk);
  EXPECT_EQ(std::string_view(buffer, sizeof buffer), "HTTP/1.1 200 OK");
  EXPECT_EQ(server.server().GetOpenConnectionsCount(), 1u);
}

TEST(TestServer, RunsOnASimulatedRuntime) {
  SimRuntime sim({.loops = 2, .seed = 3});
  TestServer server(fasthttp::ServerSettings{.handler =
                                                 [](RequestCtx& ctx) {
                                                   (void)fasthttp::Sleep(absl::Seconds(5));
                                                   ctx.SetBody("slow");
                                                 },
                                             .runtime = &sim});
  const absl::Time before = sim.Now();
  absl::StatusOr<Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "slow");
  EXPECT_GE(sim.Now() - before, absl::Seconds(5));
  server.SetRequestTimeout(absl::Seconds(1));
  EXPECT_EQ(ErrcOf(server.Get("/").status()), Errc::kTimeout);
  server.SetRequestTimeout(absl::InfiniteDuration());
  EXPECT_TRUE(server.Get("/").ok());
}

// --- What is left over ------------------------------------------------------------------------

TEST(TestServerLeftovers, AnOpenConnectionFailsTheTest) {
  BlockingConn kept;
  EXPECT_NONFATAL_FAILURE(
      {
        TestServer server(Echo);
        absl::StatusOr<BlockingConn> conn = server.Dial();
        ASSERT_TRUE(conn.ok());
        kept = *std::move(conn);
      },
      "open connections: 1");
  // Its runtime is still there.
  char buffer[8];
  EXPECT_EQ(kept.Read(buffer).bytes(), 0u);
}

TEST(TestServerLeftovers, AHandlerThatWaitsTooLongFailsTheTest) {
  Errc ended = Errc::kOk;
  fasthttp::Runtime runtime({.threads = 1});
  EXPECT_NONFATAL_FAILURE(
      {
        absl::StatusOr<BlockingConn> conn;  // Still open when the server goes: nobody cancels.
        TestServer server(fasthttp::ServerSettings{
            .handler = [&](RequestCtx&) { ended = ErrcOf(fasthttp::Sleep(absl::Hours(1))); },
            .runtime = &runtime,
            .drain_timeout = absl::Milliseconds(30)});
        conn = server.Dial();
        ASSERT_TRUE(conn.ok());
        ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
        while (server.server().Stats().requests == 0) (void)fasthttp::Sleep(absl::Milliseconds(1));
      },
      "had not returned");
  EXPECT_EQ(ended, Errc::kDraining);
}

void LeaveRunning(fasthttp::RequestHandler handler) {
  TestServer server(fasthttp::ServerSettings{.handler = std::move(handler),
                                             .drain_timeout = absl::Milliseconds(10)});
  absl::StatusOr<BlockingConn> conn = server.Dial();
  (void)conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.server().Stats().requests == 0) (void)fasthttp::Sleep(absl::Milliseconds(1));
}

class TestServerLeftoversDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(TestServerLeftoversDeathTest, AHandlerThatWaitsOnEndsTheProcess) {
  EXPECT_DEATH(LeaveRunning([](RequestCtx&) {
                 fasthttp::Offload([] { absl::SleepFor(absl::Seconds(60)); });
               }),
               "a handler goes on although its waits were ended; the process ends");
}

TEST_F(TestServerLeftoversDeathTest, AHandlerThatHoldsItsLoopEndsTheProcess) {
  EXPECT_DEATH(LeaveRunning([](RequestCtx&) {
                 for (;;) (void)fasthttp::Sleep(absl::Seconds(1));
               }),
               "a handler neither returns nor waits; the process ends");
}

}  // namespace
}  // namespace fasthttptest
