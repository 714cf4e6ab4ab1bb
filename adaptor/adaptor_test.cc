#include "adaptor/adaptor.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;
using testing::ElementsAre;

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

// --- Header -----------------------------------------------------------------------------------

TEST(Header, IsAnOrderedMultimapWithFoldedNames) {
  Header header;
  header.Add("X-A", "1");
  header.Add("B", "2");
  header.Add("x-a", "3");
  EXPECT_EQ(header.Get("x-A"), "1");
  EXPECT_THAT(header.Values("X-a"), ElementsAre("1", "3"));
  EXPECT_EQ(header.size(), 3u);
  header.Set("X-A", "4");
  EXPECT_THAT(header.Values("x-a"), ElementsAre("4"));
  EXPECT_EQ(header.size(), 2u);
  header.Del("b");
  EXPECT_FALSE(header.Has("B"));
  EXPECT_EQ(header.Get("B"), "");
  EXPECT_TRUE(header.Values("B").empty());
  header.Add("Empty", "");
  EXPECT_TRUE(header.Has("empty"));
}

TEST(Header, TakesViewsOfItself) {
  Header header;
  header.Add("A", "a value that is too long for the string itself");
  header.Set(header.begin()->name, header.Get("A"));
  EXPECT_EQ(header.Get("A"), "a value that is too long for the string itself");
  header.Del(header.begin()->name);
  EXPECT_TRUE(header.empty());
}

// --- Request ----------------------------------------------------------------------------------

TEST(ConvertRequest, EveryPart) {
  std::string seen;
  Response r = AskFunc(
      [&](ResponseWriter&, const Request& r) {
        EXPECT_EQ(r.method, "POST");
        EXPECT_EQ(r.request_uri, "/a/%2e%2e/b%20c?x=1&y=%26&x=2");
        EXPECT_EQ(r.url.path, "/b c");
        EXPECT_EQ(r.url.raw_path, "/a/%2e%2e/b%20c");
        EXPECT_EQ(r.url.query, "x=1&y=%26&x=2");
        EXPECT_EQ(r.url.QueryValue("y"), "&");
        EXPECT_EQ(r.url.QueryValue("z"), "");
        EXPECT_THAT(r.url.QueryValues("x"), ElementsAre("1", "2"));
        EXPECT_EQ(r.proto, "HTTP/1.1");
        EXPECT_EQ(r.host, "example.com:81");
        EXPECT_EQ(r.header.Get("host"), "EXAMPLE.com:81");
        EXPECT_THAT(r.header.Values("X-Many"), ElementsAre("a", "b", ""));
        EXPECT_EQ(r.header.Get("Content-Length"), "4");
        EXPECT_TRUE(r.transfer_encoding.empty());
        EXPECT_EQ(r.remote_addr, "TestServer");
        EXPECT_FALSE(r.tls);
        EXPECT_EQ(r.body, "a=\r\n");
        seen = r.method;
      },
      "POST /a/%2e%2e/b%20c?x=1&y=%26&x=2 HTTP/1.1\r\nHost: EXAMPLE.com:81\r\nX-Many: a\r\n"
      "x-many: b\r\nX-Many:\r\nContent-Length: 4\r\n\r\na=\r\n");
  EXPECT_EQ(seen, "POST");
  EXPECT_EQ(r.StatusCode(), 200);
}

TEST(ConvertRequest, ChunkedBodyAndOldVersion) {
  bool called = false;
  AskFunc(
      [&](ResponseWriter&, const Request& r) {
        called = true;
        EXPECT_THAT(r.transfer_encoding, ElementsAre("chunked"));
        EXPECT_FALSE(r.header.Has("Transfer-Encoding"));
        EXPECT_EQ(r.body, "hello");
      },
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_TRUE(std::exchange(called, false));
  AskFunc(
      [&](ResponseWriter&, const Request& r) {
        called = true;
        EXPECT_EQ(r.proto, "HTTP/1.0");
        EXPECT_EQ(r.host, "");
      },
      "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(std::exchange(called, false));
  AskFunc(
      [&](ResponseWriter&, const Request& r) { called = r.host == "other" && r.url.path == "/p"; },
      "GET http://other/p HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(called);
}

TEST(ConvertRequest, OutlivesTheHandlerAndIsReplacedWhole) {
  Request kept;
  TestServer server([&kept](RequestCtx& ctx) { ASSERT_TRUE(ConvertRequest(ctx, kept).ok()); });
  ASSERT_TRUE(server.Post("/one?q=1", "text/x", "first body").ok());
  std::string word;
  kept.BodyStream() >> word;
  EXPECT_EQ(word, "first");
  EXPECT_EQ(kept.header.Get("Content-Type"), "text/x");
  ASSERT_TRUE(server.Get("/two").ok());
  EXPECT_EQ(kept.method, "GET");
  EXPECT_EQ(kept.url.path, "/two");
  EXPECT_EQ(kept.url.query, "");
  EXPECT_FALSE(kept.header.Has("Content-Type"));
  EXPECT_EQ(kept.body, "");
  EXPECT_FALSE(kept.BodyStream() >> word);
}

TEST(ConvertRequest, ATargetThatDoesNotParse) {
  RequestCtx ctx;
  ctx.request().header().SetRequestURI("http://a,b/");
  Request request;
  EXPECT_FALSE(ConvertRequest(ctx, request).ok());
  bool called = false;
  NewFastHTTPHandler([&](ResponseWriter&, const Request&) { called = true; })(ctx);
  EXPECT_FALSE(called);
  EXPECT_EQ(ctx.response().StatusCode(), 400);
}

TEST(Request, BodyStreamReadsSeeksAndEnds) {
  Request request;
  request.body = "line one\nline two\n";
  std::string line;
  std::istream& stream = request.BodyStream();
  ASSERT_TRUE(std::getline(stream, line));
  EXPECT_EQ(line, "line one");
  EXPECT_EQ(stream.tellg(), 9);
  ASSERT_TRUE(std::getline(request.BodyStream(), line));
  EXPECT_EQ(line, "line two");
  EXPECT_FALSE(std::getline(stream, line));
  EXPECT_TRUE(stream.eof());
  stream.clear();
  stream.seekg(-4, std::ios_base::end);
  ASSERT_TRUE(std::getline(stream, line));
  EXPECT_EQ(line, "two");
  stream.seekg(0);
  stream.seekg(5, std::ios_base::cur);
  stream >> line;
  EXPECT_EQ(line, "one");
  stream.seekg(19);
  EXPECT_TRUE(stream.fail());
  stream.clear();
  stream.seekg(-1, std::ios_base::beg);
  EXPECT_TRUE(stream.fail());
  EXPECT_EQ(Request().BodyStream().get(), std::char_traits<char>::eof());
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
      EXPECT_EQ(w.Write("x").code(), absl::StatusCode::kInvalidArgument);
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
      EXPECT_EQ(w.Write("x").code(), absl::StatusCode::kFailedPrecondition);
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
  struct Recorder final : ResponseWriter {
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
  Recorder recorder;
  Function(recorder, Request());
  EXPECT_EQ(recorder.body, "function");
}

}  // namespace
}  // namespace fasthttpadaptor
