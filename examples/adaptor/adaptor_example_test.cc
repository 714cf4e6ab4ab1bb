// The program itself, asked in memory: its main gets another name.
#define main AdaptorMain
#include "examples/adaptor/main.cc"
#undef main

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

// Without a server: a writer of the test's own.
struct Recorder : fasthttpadaptor::ResponseWriter {
  fasthttpadaptor::Header& Header() override { return header; }
  void WriteHeader(int value) override { code = value; }
  absl::Status Write(std::string_view bytes) override {
    body += bytes;
    return absl::OkStatus();
  }
  fasthttpadaptor::Header header;
  int code = 200;
  std::string body;
};

TEST(Adaptor, AHandlerAlone) {
  fasthttpadaptor::Request request;
  request.url.path = "/alone";
  Recorder recorder;
  Legacy(recorder, request);
  EXPECT_EQ(recorder.code, 201);
  EXPECT_EQ(recorder.body, "you asked for /alone");
}
