#include "adaptor/adaptor.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "adaptor/recorder.h"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;
using ::testing::ElementsAre;

// The answer of `handler` to `raw`; an empty response if there is none.
Response Ask(fasthttp::RequestHandler handler,
             std::string_view raw = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
  TestServer server(std::move(handler));
  absl::StatusOr<Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : Response();
}

Response AskFunc(HandlerFunc handler, std::string_view raw = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
  return Ask(NewFastHTTPHandler(std::move(handler)), raw);
}

std::string BodyOf(fasthttp::RequestHandler handler) {
  Response response = Ask(std::move(handler));
  return std::string(response.Body());
}

// --- ResponseWriter ---------------------------------------------------------------------------

TEST(ResponseWriter, NothingWritten) {
  Response r = AskFunc([](ResponseWriter&, const Request&) {});
  EXPECT_EQ(r.StatusCode(), 200);
  EXPECT_EQ(r.Body(), "");
  EXPECT_FALSE(r.header().Has("Content-Type"));
  EXPECT_EQ(r.header().Peek("Content-Length"), "0");
}

TEST(ResponseWriter, CodeFieldsAndBody) {
  Response r = AskFunc([](ResponseWriter& w, const Request& r) {
    w.Header().Set("X-Served-By", "legacy");
    w.WriteHeader(201);
    EXPECT_TRUE(w.Write("you asked for " + r.url.path).ok());
    EXPECT_TRUE(w.Write("").ok());
    EXPECT_TRUE(w.Write(", twice").ok());
  });
  EXPECT_EQ(r.StatusCode(), 201);
  EXPECT_EQ(r.header().Peek("X-Served-By"), "legacy");
  EXPECT_EQ(r.Body(), "you asked for /, twice");
}

TEST(ResponseWriter, FirstCodeWins) {
  EXPECT_EQ(AskFunc([](ResponseWriter& w, const Request&) {
              w.WriteHeader(404);
              w.WriteHeader(200);
              w.WriteHeader(9999);
            }).StatusCode(),
            404);
  EXPECT_EQ(AskFunc([](ResponseWriter& w, const Request&) {
              ASSERT_TRUE(w.Write("x").ok());
              w.WriteHeader(404);
            }).StatusCode(),
            200);
}

TEST(ResponseWriter, TheContextsCodeIsTheDefault) {
  for (bool says : {false, true}) {
    fasthttp::RequestHandler inner = NewFastHTTPHandler([says](ResponseWriter& w, const Request&) {
      if (says) w.WriteHeader(202);
      ASSERT_TRUE(w.Write("x").ok());
    });
    Response r = Ask([&](RequestCtx& ctx) {
      ctx.SetStatusCode(203);
      ctx.response().header().Set("X-Before", "1");
      inner(ctx);
    });
    EXPECT_EQ(r.StatusCode(), says ? 202 : 203);
    EXPECT_EQ(r.header().Peek("X-Before"), "1");
  }
}

TEST(ResponseWriter, BadCodesAre500WithoutABody) {
  for (int code : {-1, 0, 99, 1000, 65636}) {
    Response r = AskFunc([code](ResponseWriter& w, const Request&) {
      w.Header().Set("X-Secret", "1");
      w.WriteHeader(code);
      w.WriteHeader(200);
      EXPECT_EQ(fasthttp::ErrcOf(w.Write("x")), fasthttp::Errc::kProgramming);
    });
    EXPECT_EQ(r.StatusCode(), 500) << code;
    EXPECT_EQ(r.Body(), "");
    EXPECT_FALSE(r.header().Has("X-Secret"));
  }
  for (int code : {200, 599, 999}) {
    EXPECT_EQ(
        AskFunc([code](ResponseWriter& w, const Request&) { w.WriteHeader(code); }).StatusCode(),
        code);
  }
}

TEST(ResponseWriter, InterimCodesAreNoAnswer) {
  Response r = AskFunc([](ResponseWriter& w, const Request&) {
    w.WriteHeader(100);
    w.WriteHeader(103);
    w.WriteHeader(404);
  });
  EXPECT_EQ(r.StatusCode(), 404);
}

TEST(ResponseWriter, CodesWithoutABody) {
  for (int code : {204, 304}) {
    Response r = AskFunc([code](ResponseWriter& w, const Request&) {
      w.WriteHeader(code);
      EXPECT_EQ(fasthttp::ErrcOf(w.Write("x")), fasthttp::Errc::kProgramming);
    });
    EXPECT_EQ(r.StatusCode(), code);
    EXPECT_EQ(r.Body(), "");
  }
}

TEST(ResponseWriter, DuplicateFieldsAreKept) {
  Response r = AskFunc([](ResponseWriter& w, const Request&) {
    w.Header().Add("X-Many", "a");
    w.Header().Add("x-many", "b");
    w.Header().Add("Set-Cookie", "k=1");
    w.Header().Add("Set-Cookie", "l=2");
    w.Header().Set("X-Gone", "1");
    w.Header().Del("X-Gone");
  });
  EXPECT_THAT(r.header().PeekAll("X-Many"), ElementsAre("a", "b"));
  EXPECT_THAT(r.header().PeekAll("Set-Cookie"), ElementsAre("k=1", "l=2"));
  EXPECT_FALSE(r.header().Has("X-Gone"));
}

TEST(ResponseWriter, FieldsSetTooLateHaveNoEffect) {
  Response r = AskFunc([](ResponseWriter& w, const Request&) {
    w.Header().Set("X-A", "in time");
    w.WriteHeader(200);
    w.Header().Set("X-A", "late");
    w.Header().Set("X-B", "late");
  });
  EXPECT_EQ(r.header().Peek("X-A"), "in time");
  EXPECT_FALSE(r.header().Has("X-B"));
}

TEST(ResponseWriter, FieldsCannotSplitTheResponse) {
  Response r = AskFunc([](ResponseWriter& w, const Request&) {
    w.Header().Set("X-A", "1\r\nX-Evil: 1");
    w.Header().Set("Transfer-Encoding", "chunked");
    w.Header().Set("Content-Length", "1");
    ASSERT_TRUE(w.Write("abc").ok());
  });
  EXPECT_EQ(r.header().Peek("X-A"), "1  X-Evil: 1");
  EXPECT_FALSE(r.header().Has("X-Evil"));
  EXPECT_EQ(r.Body(), "abc");
}

TEST(ResponseWriter, TypeIsSniffedUnlessSet) {
  auto type_of = [](std::string_view name, std::string_view value, std::string_view body) {
    Response r = AskFunc([&](ResponseWriter& w, const Request&) {
      if (!name.empty()) w.Header().Set(name, value);
      ASSERT_TRUE(w.Write(body.substr(0, 3)).ok());
      ASSERT_TRUE(w.Write(body.substr(3)).ok());
    });
    EXPECT_EQ(r.Body(), body);
    return r.header().Has("Content-Type") ? std::string(r.header().Peek("Content-Type")) : "none";
  };
  EXPECT_EQ(type_of("", "", "<html><p>x"), "text/html; charset=utf-8");
  EXPECT_EQ(type_of("", "", "GIF89a"), "image/gif");
  EXPECT_EQ(type_of("", "", "plain"), "text/plain; charset=utf-8");
  EXPECT_EQ(type_of("content-type", "a/b", "<html><p>x"), "a/b");
  EXPECT_EQ(type_of("Content-Type", "", "<html><p>x"), "none");
  EXPECT_EQ(type_of("Content-Encoding", "gzip", "\x1F\x8B\x08..."), "none");
  // The 513th byte does not count.
  EXPECT_EQ(type_of("", "", std::string(512, 'a') + '\0'), "text/plain; charset=utf-8");
  EXPECT_EQ(type_of("", "", std::string(511, 'a') + '\0'), "application/octet-stream");
}

TEST(ResponseWriter, AContextsTypeStays) {
  fasthttp::RequestHandler inner = NewFastHTTPHandler(
      [](ResponseWriter& w, const Request&) { ASSERT_TRUE(w.Write("<html>").ok()); });
  Response r = Ask([&](RequestCtx& ctx) {
    ctx.SetContentType("a/b");
    inner(ctx);
  });
  EXPECT_EQ(r.ContentType(), "a/b");
}

TEST(ResponseWriter, HeadIsCountedAndNotSent) {
  Response r =
      AskFunc([](ResponseWriter& w, const Request&) { ASSERT_TRUE(w.Write("<html>12345").ok()); },
              "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(r.StatusCode(), 200);
  EXPECT_EQ(r.Body(), "");
  EXPECT_EQ(r.header().Peek("Content-Length"), "11");
  EXPECT_EQ(r.ContentType(), "text/html; charset=utf-8");
}

// --- NewFastHTTPHandler -----------------------------------------------------------------------

void Function(ResponseWriter& w, const Request&) { ASSERT_TRUE(w.Write("function").ok()); }

struct Object {
  std::string text;
  void ServeHTTP(ResponseWriter& w, const Request&) const { ASSERT_TRUE(w.Write(text).ok()); }
};

struct Counter {
  int calls = 0;
  void ServeHTTP(ResponseWriter& w, const Request&) {
    ASSERT_TRUE(w.Write(std::to_string(++calls)).ok());
  }
};

struct MoveOnly : Object {
  std::unique_ptr<int> resource;
};

TEST(NewFastHTTPHandler, TakesFunctionsLambdasObjectsAndPointers) {
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(Function)), "function");
  Object object{"object"};
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(object)), "object");
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(MoveOnly{{"moved"}, nullptr})), "moved");
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(&object)), "object");
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(std::make_shared<Object>(object))), "object");
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(std::make_unique<Object>(object))), "object");
  Counter counter;
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(&counter)), "1");
  EXPECT_EQ(counter.calls, 1);
}

template <typename T>
concept Accepted = requires(T handler) { NewFastHTTPHandler(std::move(handler)); };

TEST(NewFastHTTPHandler, RefusesWhatManyLoopsMustNotCall) {
  auto plain = [](ResponseWriter&, const Request&) {};
  auto mutable_one = [n = 0](ResponseWriter&, const Request&) mutable { ++n; };
  static_assert(Accepted<decltype(plain)>);
  static_assert(!Accepted<decltype(mutable_one)>);
  static_assert(!Accepted<Counter>);  // ServeHTTP is not const.
  static_assert(!Accepted<int>);
  EXPECT_DEATH(NewFastHTTPHandler(HandlerFunc()), "needs a handler");
}

TEST(NewFastHTTPHandler, ExceptionsReachTheServer) {
  std::string told;
  {
    TestServer server(fasthttp::ServerSettings{
        .handler = NewFastHTTPHandler([](ResponseWriter& w, const Request&) {
          w.Header().Set("X-Half", "1");
          w.WriteHeader(200);
          ASSERT_TRUE(w.Write("half").ok());
          throw std::runtime_error("broken");
        }),
        .error_handler = [&](RequestCtx&, const absl::Status& error) { told = error.ToString(); }});
    absl::StatusOr<Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 500);
    EXPECT_FALSE(r->header().Has("X-Half"));
    EXPECT_EQ(r->Body().find("half"), r->Body().npos);
  }
  EXPECT_NE(told.find("broken"), told.npos) << told;
}

TEST(NewFastHTTPHandler, MayBlock) {
  auto handler = [](ResponseWriter& w, const Request& r) {
    EXPECT_TRUE(fasthttp::Sleep(absl::Milliseconds(5)).ok());
    fasthttp::Offload([&] { EXPECT_EQ(r.url.path, "/"); });
    EXPECT_TRUE(w.Write("awake").ok());
  };
  EXPECT_EQ(BodyOf(NewFastHTTPHandler(handler)), "awake");
}

// Handlers are tested without a server too.
TEST(ResponseWriter, MayBeTheTestsOwn) {
  struct Own final : ResponseWriter {
    fasthttpadaptor::Header& Header() override { return header; }
    void WriteHeader(int value) override { code = value; }
    absl::Status Write(std::string_view bytes) override {
      body += bytes;
      return absl::OkStatus();
    }
    fasthttpadaptor::Header header;
    int code = 0;
    std::string body;
  };
  Own writer;
  Function(writer, Request());
  EXPECT_EQ(writer.body, "function");
}

TEST(Recorder, FollowsTheRulesOfTheServersWriter) {
  Recorder recorder;
  recorder.Header().Set("X-A", "1");
  recorder.WriteHeader(103);
  recorder.WriteHeader(404);
  recorder.WriteHeader(200);
  recorder.Header().Set("X-A", "late");
  ASSERT_TRUE(recorder.Write("<html>").ok());
  EXPECT_EQ(recorder.Result().StatusCode(), 404);
  EXPECT_EQ(recorder.Result().header().Peek("X-A"), "1");
  EXPECT_EQ(recorder.Result().Body(), "<html>");
  EXPECT_EQ(recorder.Result().ContentType(), "text/html; charset=utf-8");
  Recorder silent;
  EXPECT_EQ(silent.Result().StatusCode(), 200);
  Recorder wrong;
  wrong.WriteHeader(1000);
  EXPECT_FALSE(wrong.Write("x").ok());
  EXPECT_EQ(wrong.Result().StatusCode(), 500);
}

// --- Streams ----------------------------------------------------------------------------------

TEST(BodyStream, WritesToTheBody) {
  Response r = AskFunc([](ResponseWriter& w, const Request&) {
    std::ostream& out = w.BodyStream();
    out << "one " << 2 << std::endl;
    w.BodyStream().put('3');
    absl::Format(&w, " %s", "four");
    EXPECT_TRUE(out.good());
  });
  EXPECT_EQ(r.Body(), "one 2\n3 four");
}

TEST(BodyStream, TellsThatAPieceWasRefused) {
  AskFunc([](ResponseWriter& w, const Request&) {
    w.WriteHeader(204);
    EXPECT_FALSE(w.BodyStream() << "text");
    EXPECT_TRUE(w.BodyStream().bad());
    w.BodyStream().clear();
    EXPECT_FALSE(w.BodyStream().put('x'));
  });
}

TEST(BodyStream, IsTheRequestsOwnWhenObjectsAreUsedAgain) {
  TestServer server(NewFastHTTPHandler([](ResponseWriter& w, const Request& r) {
    std::string word;
    r.BodyStream() >> word;
    w.BodyStream() << '<' << word << '>';
  }));
  for (std::string_view body : {"one", "", "three"}) {
    absl::StatusOr<Response> r = server.Post("/", "a/b", body);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), "<" + std::string(body) + ">");
  }
}

// --- Cost -------------------------------------------------------------------------------------

TEST(Cost, NoAllocationOnceWarm) {
  if (!fasthttp::testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer counts";
  fasthttp::RequestHandler handler = NewFastHTTPHandler([](ResponseWriter& w, const Request& r) {
    if (r.method != "GET" || r.url.path.size() < 20) return w.WriteHeader(400);
    if (r.header.Get("X-Long").size() != 40 || r.header.size() != 2) return w.WriteHeader(400);
    w.Header().Set("Content-Type", "text/plain; charset=utf-8");
    w.Header().Add("X-Served-By", "a name that is too long for a short string");
    (void)w.Write("Hello, world!");
  });
  RequestCtx ctx;
  ctx.request().header().SetRequestURI("/a/path/that/is/longer/than/a/short/string?x=1");
  ctx.request().header().SetHost("h");
  ctx.request().header().Set("X-Long", std::string(40, 'x'));
  uint64_t allocations = 0;
  for (int round = 0; round < 8; ++round) {
    ctx.response().Reset();
    fasthttp::testing_internal::AllocCounter counter;
    handler(ctx);
    allocations = counter.count();
    ASSERT_EQ(ctx.response().Body(), "Hello, world!");
  }
  EXPECT_EQ(allocations, 0u);
}

TEST(Cost, CallsThatWaitDoNotShareTheirObjects) {
  TestServer server(NewFastHTTPHandler([](ResponseWriter& w, const Request& r) {
    std::string before = r.url.path;
    w.Header().Set("X-Path", r.url.path);
    ASSERT_TRUE(fasthttp::Sleep(absl::Milliseconds(2)).ok());
    EXPECT_EQ(r.url.path, before);
    ASSERT_TRUE(w.Write(r.url.path).ok());
  }));
  fasthttp::TaskGroup group;
  for (int i = 0; i < 20; ++i) {
    group.Go([&server, i] {
      std::string path = "/number/" + std::to_string(i) + "/of/twenty/that/are/under/way";
      absl::StatusOr<Response> r = server.Get(path);
      if (!r.ok()) return r.status();
      EXPECT_EQ(r->Body(), path);
      EXPECT_EQ(r->header().Peek("X-Path"), path);
      return absl::OkStatus();
    });
  }
  EXPECT_TRUE(group.Wait().ok());
}

}  // namespace
}  // namespace fasthttpadaptor
