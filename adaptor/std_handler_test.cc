// NewStdHandler: native handlers behind the standard-style interface.
#include <any>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "adaptor/adaptor.h"
#include "adaptor/recorder.h"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;
using ::testing::ElementsAre;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// A native handler, there and back again.
Response Ask(fasthttp::RequestHandler handler, std::string_view raw = kGet) {
  TestServer server(NewFastHTTPHandler(NewStdHandler(std::move(handler))));
  absl::StatusOr<Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : Response();
}

TEST(NewStdHandler, WithARecorder) {
  HandlerFunc handler = NewStdHandler([](RequestCtx& ctx) {
    EXPECT_EQ(ctx.Method(), "POST");
    EXPECT_EQ(ctx.Path(), "/a b");
    EXPECT_EQ(ctx.QueryArgs().Peek("x"), "1");
    EXPECT_EQ(ctx.Host(), "example.com");
    EXPECT_EQ(ctx.RemoteAddr().ToString(), "1.2.3.4:5");
    EXPECT_EQ(ctx.request().header().Peek("X-A"), "1");
    EXPECT_EQ(ctx.PostArgs().Peek("k"), "v");
    EXPECT_TRUE(ctx.IsTLS());
    EXPECT_EQ(ctx.ConnID(), 0u);
    ctx.SetStatusCode(201);
    ctx.response().header().Add("X-B", "1");
    ctx.response().header().Add("X-B", "2");
    ctx.Success("a/b", "text");
  });
  Request request;
  request.method = "POST";
  request.request_uri = "/a%20b?x=1";
  request.SetHost("example.com");
  request.SetRemoteAddr("1.2.3.4:5");
  request.header.Add("X-A", "1");
  request.header.Add("Content-Type", "application/x-www-form-urlencoded");
  request.SetBody("k=v");
  request.tls = true;
  Recorder recorder;
  handler(recorder, request);
  EXPECT_EQ(recorder.Result().StatusCode(), 201);
  EXPECT_EQ(recorder.Result().ContentType(), "a/b");
  EXPECT_THAT(recorder.Result().header().PeekAll("X-B"), ElementsAre("1", "2"));
  EXPECT_EQ(recorder.Result().Body(), "text");
}

TEST(NewStdHandler, UnderAServerTheConnectionIsThatOfTheRequest) {
  TestServer server([](RequestCtx& outer) {
    NewFastHTTPHandler(NewStdHandler([&outer](RequestCtx& ctx) {
      EXPECT_NE(&ctx, &outer);
      EXPECT_EQ(ctx.ConnID(), outer.ConnID());
      EXPECT_EQ(ctx.ConnRequestNum(), outer.ConnRequestNum());
      EXPECT_EQ(ctx.RemoteAddr(), outer.RemoteAddr());
      EXPECT_EQ(ctx.LocalAddr(), outer.LocalAddr());
      EXPECT_GT(ctx.Time(), absl::UnixEpoch());
      EXPECT_GT(ctx.ConnTime(), absl::UnixEpoch());
      EXPECT_FALSE(ctx.request().header().IsHTTP11());
      // The same bytes, not a copy.
      EXPECT_EQ(ctx.Path().data(), outer.Path().data());
      EXPECT_EQ(ctx.PostBody(), "body");
      ctx.SetBodyString("seen");
    }))(outer);
  });
  absl::StatusOr<Response> r = server.Do("POST /p HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "seen");
}

TEST(NewStdHandler, WhatIsLeftOutIsAsInANativeAnswer) {
  EXPECT_EQ(Ask([](RequestCtx& ctx) { ctx.SetBodyString("<html>"); }).ContentType(),
            "text/plain; charset=utf-8");
  EXPECT_FALSE(Ask([](RequestCtx& ctx) {
                 ctx.SetBodyString("<html>");
                 ctx.response().header().SetNoDefaultContentType(true);
               })
                   .header()
                   .Has("Content-Type"));
  Response empty = Ask([](RequestCtx&) {});
  EXPECT_EQ(empty.StatusCode(), 200);
  EXPECT_FALSE(empty.header().Has("Content-Type"));
  Response gone = Ask([](RequestCtx& ctx) { ctx.NotModified(); });
  EXPECT_EQ(gone.StatusCode(), 304);
}

TEST(NewStdHandler, FieldsOfTheMiddlewareStay) {
  HandlerFunc inner = NewStdHandler([](RequestCtx& ctx) { ctx.Success("a/b", "x"); });
  Recorder recorder;
  recorder.Header().Set("X-Middleware", "1");
  recorder.Header().Set("Content-Type", "c/d");
  inner(recorder, Request());
  EXPECT_EQ(recorder.Result().header().Peek("X-Middleware"), "1");
  EXPECT_EQ(recorder.Result().ContentType(), "a/b");
}

TEST(NewStdHandler, UserValuesComeIn) {
  TestServer server([](RequestCtx& outer) {
    outer.SetUserValue("user", std::string("Ann"));
    NewFastHTTPHandler(NewStdHandler([](RequestCtx& ctx) {
      const std::any* user = ctx.UserValue("user");
      ASSERT_NE(user, nullptr);
      ctx.SetBodyString(std::any_cast<std::string>(*user));
      ctx.SetUserValue("more", 1);
    }))(outer);
    EXPECT_EQ(outer.UserValue("more"), nullptr);
  });
  absl::StatusOr<Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "Ann");
}

TEST(NewStdHandler, NothingOfOneCallIsLeftInTheNext) {
  int calls = 0;
  HandlerFunc handler = NewStdHandler([&](RequestCtx& ctx) {
    if (++calls == 1) {
      ctx.TimeoutErrorWithCode("prepared", 503);
      ctx.SetUserValue("k", 1);
      throw std::runtime_error("first");
    }
    EXPECT_EQ(ctx.UserValue("k"), nullptr);
    EXPECT_EQ(ctx.PostBody(), "");
    EXPECT_EQ(ctx.response().StatusCode(), 200);
  });
  Request request;
  request.SetBody("text");
  Recorder first;
  EXPECT_THROW(handler(first, request), std::runtime_error);
  Recorder second;
  handler(second, Request());
  EXPECT_EQ(second.Result().StatusCode(), 200);
}

TEST(NewStdHandler, ATimeoutErrorIsTheAnswer) {
  Response r = Ask([](RequestCtx& ctx) {
    ctx.Success("a/b", "mine");
    ctx.TimeoutErrorWithCode("prepared", 503);
  });
  EXPECT_EQ(r.StatusCode(), 503);
  EXPECT_EQ(r.Body(), "prepared");
}

TEST(NewStdHandler, TimeoutHandlerWorksWithin) {
  fasthttptest::SimRuntime sim;
  fasthttp::Errc waited = fasthttp::Errc::kOk;
  {
    TestServer server(fasthttp::ServerSettings{
        .handler = NewFastHTTPHandler(NewStdHandler(fasthttp::TimeoutHandler(
            [&](RequestCtx& ctx) {
              waited = fasthttp::ErrcOf(fasthttp::Sleep(absl::Seconds(10)));
              ctx.SetBodyString("too late");
            },
            absl::Seconds(2), "timeout"))),
        .runtime = &sim});
    sim.Run([&] {
      absl::StatusOr<Response> r = server.Get("/");
      ASSERT_TRUE(r.ok()) << r.status();
      EXPECT_EQ(r->StatusCode(), 408);
      EXPECT_EQ(r->Body(), "timeout");
    });
    sim.Settle();
  }
  EXPECT_EQ(waited, fasthttp::Errc::kHandlerTimeout);
}

TEST(NewStdHandler, APinKeepsTheInnerContextAndTheBytesUnderIt) {
  fasthttp::RequestPin kept;
  {
    TestServer server(NewFastHTTPHandler(NewStdHandler([&](RequestCtx& ctx) {
      EXPECT_EQ(ctx.Path(), "/pinned");
      kept = ctx.Pin();
      ctx.SetBodyString("answered");
    })));
    absl::StatusOr<Response> r = server.Do(
        "POST /pinned HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n"
        "Content-Length: 4\r\n\r\nbody");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), "answered");
    EXPECT_EQ(kept->Path(), "/pinned");
    EXPECT_EQ(kept->request().header().Peek("X-A"), "1");
    EXPECT_EQ(kept->PostBody(), "body");
    EXPECT_EQ(kept->RemoteAddr().ToString(), "TestServer");
    kept.Release();
  }
}

TEST(NewStdHandler, APinWithoutAServerKeepsACopy) {
  fasthttp::RequestPin kept;
  {
    auto request = std::make_unique<Request>();
    std::string body = "a body that is not there for long, and longer than a short string";
    request->SetBody(body);
    Recorder recorder;
    NewStdHandler([&](RequestCtx& ctx) { kept = ctx.Pin(); })(recorder, *request);
  }
  EXPECT_EQ(kept->PostBody().substr(0, 6), "a body");
  EXPECT_EQ(kept->Method(), "GET");
}

TEST(NewStdHandler, MiddlewareOfTheStandardStyleSeesTheAnswer) {
  HandlerFunc native = NewStdHandler([](RequestCtx& ctx) { ctx.Success("a/b", "inner"); });
  HandlerFunc shout = [&native](ResponseWriter& w, const Request& r) {
    Recorder recorder;
    native(recorder, r);
    for (char c : recorder.Result().Body()) w.BodyStream().put(static_cast<char>(c - 32));
  };
  TestServer server(NewFastHTTPHandler(std::move(shout)));
  absl::StatusOr<Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "INNER");
}

TEST(NewStdHandler, NeedsAHandler) {
  EXPECT_DEATH((void)NewStdHandler(fasthttp::RequestHandler()), "needs a handler");
}

}  // namespace
}  // namespace fasthttpadaptor
