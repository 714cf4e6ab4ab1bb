// A handler and the test of it: no port, no second process.
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(Greet, AnswersByName) {
  fasthttptest::TestServer server(
      [](fasthttp::RequestCtx& ctx) { absl::Format(&ctx, "Hi %s", ctx.FormValue("name")); });
  absl::StatusOr<fasthttp::Response> r =
      server.client().Get("/?name=Ann");  // no port, microseconds
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusOK);
  EXPECT_EQ(r->Body(), "Hi Ann");
}  // ~TestServer shuts down; a fiber, connection or buffer left over fails the test

// A form, a malformed request, and a limit at work.
TEST(Greet, OtherRequests) {
  fasthttptest::TestServer server(fasthttp::ServerSettings{
      .handler = [](fasthttp::RequestCtx& ctx) { ctx.SetBody(ctx.FormValue("name")); },
      .max_request_body_size = 100});
  absl::StatusOr<fasthttp::Response> r =
      server.client().Post("/", "application/x-www-form-urlencoded", "name=Bob");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "Bob");
  r = server.Do("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusBadRequest);
  r = server.client().Post("/", "text/plain", std::string(101, 'x'));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusRequestEntityTooLarge);
}

// Two requests on one connection.
TEST(Greet, AConversation) {
  fasthttptest::TestServer server([](fasthttp::RequestCtx& ctx) { ctx.SetBody("hello"); });
  absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
    std::string answer;
    while (!answer.ends_with("hello")) {
      char buffer[1024];
      fasthttp::IoResult n = conn->Read(buffer);
      ASSERT_TRUE(n.ok() && n.bytes() != 0);
      answer.append(buffer, n.bytes());
    }
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  }
}
