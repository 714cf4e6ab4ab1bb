// The program itself, asked in memory: its main gets another name.
#define main AdaptorMain
#include "examples/adaptor/main.cc"
#undef main

#include "adaptor/recorder.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

// A part of a larger server, beside handlers of the other style.
void Handle(fasthttp::RequestCtx& ctx) {
  static const fasthttp::RequestHandler legacy = fasthttpadaptor::NewFastHTTPHandler(Legacy);
  if (ctx.Path() == "/new") return ctx.Success("text/plain", "new\n");
  legacy(ctx);
}

TEST(Adaptor, BothStylesSideBySide) {
  fasthttptest::TestServer server(Handle);
  absl::StatusOr<fasthttp::Response> r = server.Get("/old");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusCreated);
  EXPECT_EQ(r->header().Peek("X-Served-By"), "legacy");
  EXPECT_EQ(r->Body(), "you asked for /old");
  r = server.Get("/new");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "new\n");
}

// As a stream.
void Ticks(fasthttpadaptor::ResponseWriter& w, const fasthttpadaptor::Request&) {
  w.Header().Set("Content-Type", "text/event-stream");
  for (int i = 0;; ++i) {
    absl::Format(&w, "data: %d\n\n", i);
    if (!w.Flush().ok()) return;  // the client has gone, or the server drains
    if (!fasthttp::Sleep(absl::Seconds(1)).ok()) return;
  }
}

// As another protocol.
void Upgrade(fasthttpadaptor::ResponseWriter& w, const fasthttpadaptor::Request&) {
  absl::Format(&w,
               "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  absl::Status s = w.Hijack([](fasthttp::HijackedConn& conn) {
    char block[4096];
    for (;;) {
      fasthttp::IoResult n = conn.Read(block);
      if (!n.ok() || n.bytes() == 0) return;
      if (conn.Write({block, n.bytes()}) != fasthttp::Errc::kOk) return;
    }
  });
  if (!s.ok()) w.WriteHeader(fasthttp::kStatusInternalServerError);
}

std::string Until(fasthttp::BlockingConn& conn, std::string_view text) {
  std::string got;
  char block[256];
  while (got.find(text) == got.npos) {
    fasthttp::IoResult n = conn.Read(block);
    if (!n.ok() || n.bytes() == 0) break;
    got.append(block, n.bytes());
  }
  return got;
}

TEST(Adaptor, TicksComeAtOnceAndEndWithTheClient) {
  fasthttptest::TestServer server(fasthttpadaptor::NewFastHTTPHandler(Ticks));
  absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
  EXPECT_NE(Until(*conn, "data: 1\n\n").find("data: 1\n\n"), std::string::npos);
  conn->Close();
}  // The server finds that the handler has ended.

TEST(Adaptor, TheConnectionGoesOverToTheOtherProtocol) {
  fasthttptest::TestServer server(fasthttpadaptor::NewFastHTTPHandler(Upgrade));
  absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\nframes"), fasthttp::Errc::kOk);
  const std::string got = Until(*conn, "frames");
  EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 101");
  EXPECT_EQ(got.substr(got.find("\r\n\r\n") + 4), "frames");
  conn->Close();
}

// Without a server.
TEST(Adaptor, AHandlerAlone) {
  fasthttpadaptor::Request request;
  request.url.path = "/alone";
  fasthttpadaptor::Recorder recorder;
  Legacy(recorder, request);
  EXPECT_EQ(recorder.Result().StatusCode(), 201);
  EXPECT_EQ(recorder.Result().Body(), "you asked for /alone");
}

// And a handler of the other style the same way.
TEST(Adaptor, ANativeHandlerInTheStandardStyle) {
  const fasthttpadaptor::HandlerFunc native = fasthttpadaptor::NewStdHandler(
      [](fasthttp::RequestCtx& ctx) { ctx.Success("text/plain", "new\n"); });
  fasthttpadaptor::Recorder recorder;
  native(recorder, fasthttpadaptor::Request());
  EXPECT_EQ(recorder.Result().Body(), "new\n");
}
