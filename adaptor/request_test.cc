#include "adaptor/request.h"

#include <string>
#include <utility>

#include "adaptor/adaptor.h"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::ErrcOf;
using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;
using ::testing::ElementsAre;

Response AskFunc(HandlerFunc handler, std::string_view raw) {
  TestServer server(NewFastHTTPHandler(std::move(handler)));
  absl::StatusOr<Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : Response();
}

TEST(Request, EveryPart) {
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
        EXPECT_EQ(r.Host(), "example.com:81");
        EXPECT_EQ(r.header.Get("host"), "EXAMPLE.com:81");
        EXPECT_THAT(r.header.Values("X-Many"), ElementsAre("a", "b", ""));
        EXPECT_EQ(r.header.Get("Content-Length"), "4");
        EXPECT_EQ(r.TransferEncoding(), "");
        EXPECT_EQ(r.RemoteAddr(), "TestServer");
        EXPECT_FALSE(r.tls);
        EXPECT_EQ(r.Body(), "a=\r\n");
        seen = r.method;
      },
      "POST /a/%2e%2e/b%20c?x=1&y=%26&x=2 HTTP/1.1\r\nHost: EXAMPLE.com:81\r\nX-Many: a\r\n"
      "x-many: b\r\nX-Many:\r\nContent-Length: 4\r\n\r\na=\r\n");
  EXPECT_EQ(seen, "POST");
  EXPECT_EQ(r.StatusCode(), 200);
}

TEST(Request, ChunkedBodyAndOldVersion) {
  bool called = false;
  AskFunc(
      [&](ResponseWriter&, const Request& r) {
        called = true;
        EXPECT_EQ(r.TransferEncoding(), "chunked");
        EXPECT_EQ(r.header.Get("transfer-encoding"), "");
        EXPECT_FALSE(r.header.Has("Transfer-Encoding"));
        EXPECT_EQ(r.Body(), "hello");
      },
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_TRUE(std::exchange(called, false));
  AskFunc(
      [&](ResponseWriter&, const Request& r) {
        called = true;
        EXPECT_EQ(r.proto, "HTTP/1.0");
        EXPECT_EQ(r.Host(), "");
      },
      "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(std::exchange(called, false));
  AskFunc([&](ResponseWriter&,
              const Request& r) { called = r.Host() == "other" && r.url.path == "/p"; },
          "GET http://other/p HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(called);
}

// A target that needs no normalising takes a path of its own.
TEST(Request, PlainTargets) {
  struct Row {
    std::string_view target, path, query;
  };
  for (const Row& row : {Row{"/", "/", ""},
                         {"/a", "/a", ""},
                         {"/a?", "/a", ""},
                         {"/a?b", "/a", "b"},
                         {"/?b?c", "/", "b?c"},
                         {"/a/b/c?d=e", "/a/b/c", "d=e"},
                         {"/a%20b?c", "/a b", "c"},
                         {"/a/./b?", "/a/b", ""}}) {
    bool called = false;
    AskFunc(
        [&](ResponseWriter&, const Request& r) {
          called = true;
          EXPECT_EQ(r.request_uri, row.target);
          EXPECT_EQ(r.url.path, row.path);
          EXPECT_EQ(r.url.query, row.query);
          EXPECT_EQ(r.url.raw_path, row.target.substr(0, row.target.find('?')));
        },
        "GET " + std::string(row.target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(called) << row.target;
  }
}

TEST(Request, FieldsAreThoseOfTheReceivedHead) {
  bool called = false;
  AskFunc(
      [&](ResponseWriter&, const Request& r) {
        called = true;
        EXPECT_EQ(r.header.Get("cookie"), "a=1");
        EXPECT_EQ(r.header.Get("x-a"), "1");
        EXPECT_EQ(r.header.Get("none"), "");
        EXPECT_TRUE(r.header.Has("X-EMPTY"));
        EXPECT_EQ(r.header.size(), 5u);  // From here on they are copied.
        EXPECT_EQ(r.header.Get("x-a"), "1");
        Header mine = r.header;
        mine.Set("X-A", "2");
        EXPECT_EQ(r.header.Get("x-a"), "1");
      },
      "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 3\r\nCookie: a=1\r\nX-Empty:\r\n\r\n");
  EXPECT_TRUE(called);
}

TEST(Request, ContextEndsWithTheHandlersTime) {
  fasthttptest::SimRuntime sim;
  fasthttp::Errc waited = fasthttp::Errc::kOk;
  fasthttp::Errc context = fasthttp::Errc::kOk;
  {
    TestServer server(fasthttp::ServerSettings{
        .handler =
            fasthttp::TimeoutHandler(NewFastHTTPHandler([&](ResponseWriter&, const Request& r) {
                                       fasthttp::Context mine = r.Context();
                                       EXPECT_TRUE(mine.Err().ok());
                                       waited = ErrcOf(fasthttp::Sleep(absl::Seconds(10)));
                                       context = ErrcOf(mine.Err());
                                     }),
                                     absl::Seconds(2), "too late"),
        .runtime = &sim});
    sim.Run([&] {
      absl::StatusOr<Response> r = server.Get("/");
      ASSERT_TRUE(r.ok()) << r.status();
      EXPECT_EQ(r->StatusCode(), 408);
      EXPECT_EQ(r->Body(), "too late");
    });
    sim.Settle();
  }
  EXPECT_EQ(waited, fasthttp::Errc::kHandlerTimeout);
  EXPECT_EQ(context, fasthttp::Errc::kHandlerTimeout);
}

TEST(Request, ContextEndsWhenTheClientGoes) {
  fasthttptest::SimRuntime sim;
  fasthttp::Errc waited = fasthttp::Errc::kOk;
  {
    TestServer server(fasthttp::ServerSettings{
        .handler = NewFastHTTPHandler([&](ResponseWriter&, const Request& r) {
          waited = ErrcOf(fasthttp::Sleep(absl::Seconds(10)));
          EXPECT_EQ(ErrcOf(r.Context().Err()), waited);
        }),
        .runtime = &sim});
    sim.Run([&] {
      absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
      ASSERT_TRUE(conn.ok()) << conn.status();
      ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
      ASSERT_TRUE(fasthttp::Sleep(absl::Seconds(1)).ok());
      conn->Close();
    });
    sim.Settle();
  }
  EXPECT_EQ(waited, fasthttp::Errc::kClientGone);
}

TEST(Request, ContextIsThatOfTheCaller) {
  fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Seconds(-1));
  EXPECT_EQ(ErrcOf(Request().Context().Err()), fasthttp::Errc::kTimeout);
}

TEST(Request, ATargetThatDoesNotParse) {
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
  request.SetBody("line one\nline two\n");
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

// --- ConvertRequest ---------------------------------------------------------------------------

TEST(ConvertRequest, OutlivesTheHandlerAndIsReplacedWhole) {
  Request kept;
  TestServer server([&kept](RequestCtx& ctx) { ASSERT_TRUE(ConvertRequest(ctx, kept).ok()); });
  absl::StatusOr<Response> r = server.Do(
      "POST http://OTHER:81/a%20path/that/is/long?q=1 HTTP/1.1\r\nHost: h\r\nX-Many: 1\r\n"
      "X-Many: 2\r\nTransfer-Encoding: chunked\r\n\r\na\r\nfirst body\r\n0\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(kept.ctx(), nullptr);
  EXPECT_EQ(kept.method, "POST");
  EXPECT_EQ(kept.request_uri, "http://OTHER:81/a%20path/that/is/long?q=1");
  EXPECT_EQ(kept.url.path, "/a path/that/is/long");
  EXPECT_EQ(kept.url.raw_path, "/a%20path/that/is/long");
  EXPECT_EQ(kept.url.query, "q=1");
  EXPECT_EQ(kept.proto, "HTTP/1.1");
  EXPECT_EQ(kept.Host(), "other:81");
  EXPECT_EQ(kept.TransferEncoding(), "chunked");
  EXPECT_EQ(kept.RemoteAddr(), "TestServer");
  EXPECT_THAT(kept.header.Values("X-Many"), ElementsAre("1", "2"));
  EXPECT_FALSE(kept.header.Has("Transfer-Encoding"));
  EXPECT_EQ(kept.Body(), "first body");
  std::string word;
  kept.BodyStream() >> word;
  EXPECT_EQ(word, "first");

  ASSERT_TRUE(server.Get("/2").ok());
  EXPECT_EQ(kept.method, "GET");
  EXPECT_EQ(kept.url.path, "/2");
  EXPECT_EQ(kept.url.query, "");
  EXPECT_EQ(kept.Host(), "fasthttp.test");
  EXPECT_EQ(kept.TransferEncoding(), "");
  EXPECT_FALSE(kept.header.Has("X-Many"));
  EXPECT_EQ(kept.Body(), "");
  EXPECT_FALSE(kept.BodyStream() >> word);
}

TEST(ConvertRequest, OfAContextWithoutAServer) {
  RequestCtx ctx;
  ctx.request().header().SetMethod("PUT");
  ctx.request().header().SetHost("h");
  ctx.request().header().SetRequestURI("/x?y");
  ctx.request().SetBody("body");
  Request request;
  ASSERT_TRUE(ConvertRequest(ctx, request).ok());
  ctx.request().Reset();
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.Host(), "h");
  EXPECT_EQ(request.url.path, "/x");
  EXPECT_EQ(request.url.query, "y");
  EXPECT_EQ(request.Body(), "body");
}

}  // namespace
}  // namespace fasthttpadaptor
