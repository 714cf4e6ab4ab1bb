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
