#include "adaptor/httplib.h"

#include <algorithm>
#include <functional>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Response;
using fasthttptest::TestServer;
using ::testing::ElementsAre;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Response Ask(fasthttp::RequestHandler handler, std::string_view raw = kGet) {
  TestServer server(std::move(handler));
  absl::StatusOr<Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : Response();
}

httplib::Server::Handler Says(const std::string& text) {
  return [text](const httplib::Request&, httplib::Response& res) {
    res.set_content(text, "text/plain");
  };
}

TEST(NewHttplibHandler, TheRequestIsComplete) {
  bool called = false;
  auto handler = [&](const httplib::Request& req, httplib::Response&) {
    called = true;
    EXPECT_EQ(req.method, "POST");
    EXPECT_EQ(req.target, "/a/../b%20c?x=1&x=2&y=%26");
    EXPECT_EQ(req.path, "/b c");
    EXPECT_EQ(req.version, "HTTP/1.1");
    EXPECT_EQ(req.get_header_value("host"), "h");
    EXPECT_EQ(req.get_header_value_count("X-Many"), 2u);
    EXPECT_EQ(req.get_param_value_count("x"), 2u);
    EXPECT_EQ(req.get_param_value("y"), "&");
    EXPECT_EQ(req.get_param_value("form"), "a b");
    EXPECT_EQ(req.body, "form=a+b");
    EXPECT_EQ(req.remote_addr, "TestServer");
  };
  Response r = Ask(NewHttplibHandler(httplib::Server::Handler(handler)),
                   "POST /a/../b%20c?x=1&x=2&y=%26 HTTP/1.1\r\nHost: h\r\nX-Many: 1\r\n"
                   "X-Many: 2\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                   "Content-Length: 8\r\n\r\nform=a+b");
  EXPECT_TRUE(called);
  EXPECT_EQ(r.StatusCode(), 200);
}

TEST(NewHttplibHandler, CodeFieldsAndBodyOfTheResponse) {
  Response r = Ask(NewHttplibHandler([](const httplib::Request&, httplib::Response& res) {
    res.status = 201;
    res.set_header("X-A", "1\r\nX-Evil: 1");
    res.headers.emplace("Set-Cookie", "a=1");
    res.headers.emplace("Set-Cookie", "b=2");
    res.set_content("text", "a/b");
  }));
  EXPECT_EQ(r.StatusCode(), 201);
  EXPECT_FALSE(r.header().Has("X-Evil"));
  EXPECT_THAT(r.header().PeekAll("Set-Cookie"), ElementsAre("a=1", "b=2"));
  EXPECT_EQ(r.ContentType(), "a/b");
  EXPECT_EQ(r.Body(), "text");
  r = Ask(NewHttplibHandler(
      [](const httplib::Request&, httplib::Response& res) { res.set_redirect("/there", 303); }));
  EXPECT_EQ(r.StatusCode(), 303);
  EXPECT_EQ(r.header().Peek("Location"), "/there");
}

TEST(NewHttplibHandler, AContentReaderGivesTheBody) {
  auto handler = [](const httplib::Request&, httplib::Response& res,
                    const httplib::ContentReader& read) {
    std::string body;
    EXPECT_TRUE(read([&](const char* data, size_t size) {
      body.append(data, size);
      return true;
    }));
    EXPECT_FALSE(read([](const httplib::MultipartFormData&) { return true; },
                      [](const char*, size_t) { return true; }));
    res.set_content(body, "text/plain");
  };
  Response r = Ask(NewHttplibHandler(httplib::Server::HandlerWithContentReader(handler)),
                   "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(r.Body(), "hello");
}

TEST(NewHttplibHandler, StreamedRequests) {
  auto reading = [](const httplib::Request& req, httplib::Response& res,
                    const httplib::ContentReader& read) {
    EXPECT_EQ(req.body, "");
    size_t size = 0;
    EXPECT_TRUE(read([&](const char*, size_t n) {
      size += n;
      return true;
    }));
    res.set_content(std::to_string(size), "text/plain");
  };
  HttplibServer routes;
  routes.Post("/read", reading);
  routes.Post("/plain", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(std::to_string(req.body.size()), "text/plain");
  });
  TestServer server(fasthttp::ServerSettings{.handler = routes.NewHandler(),
                                             .max_request_body_size = 100'000,
                                             .stream_request_body = true});
  for (const char* path : {"/read", "/plain"}) {
    absl::StatusOr<Response> r = server.Post(path, "a/b", std::string(50'000, 'x'));
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), "50000") << path;
  }
  absl::StatusOr<Response> r =
      server.Do("POST /plain HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 400);
}

// How a provider ended, as its releaser was told.
enum class Released { kNot, kDone, kFailed };

TEST(NewHttplibHandler, ContentProviders) {
  struct Row {
    const char* name;
    std::function<void(httplib::Response&, std::function<void(bool)>)> set;
    int status;
    std::string body;
    Released released;
  };
  using httplib::DataSink;
  const std::vector<Row> rows = {
      {"sized",
       [](httplib::Response& res, std::function<void(bool)> release) {
         res.set_content_provider(
             10, "a/b",
             [](size_t offset, size_t length, DataSink& sink) {
               EXPECT_EQ(offset + length, 10u);
               return sink.write("0123456789" + offset, std::min<size_t>(length, 4));
             },
             std::move(release));
       },
       200, "0123456789", Released::kDone},
      {"sized, too much",
       [](httplib::Response& res, std::function<void(bool)> release) {
         res.set_content_provider(
             5, "a/b", [](size_t, size_t, DataSink& sink) { return sink.write("0123456789", 10); },
             std::move(release));
       },
       200, "01234", Released::kDone},
      {"without a length",
       [](httplib::Response& res, std::function<void(bool)> release) {
         res.set_content_provider(
             "a/b",
             [](size_t offset, DataSink& sink) {
               sink.os << "at " << offset << ";";
               if (offset > 5) sink.done();
               return true;
             },
             std::move(release));
       },
       200, "at 0;at 5;at 10;", Released::kDone},
      {"chunked",
       [](httplib::Response& res, std::function<void(bool)> release) {
         res.set_chunked_content_provider(
             "a/b",
             [](size_t, DataSink& sink) {
               sink.write("one", 3);
               EXPECT_TRUE(sink.is_writable());
               sink.done();
               return true;
             },
             std::move(release));
       },
       200, "one", Released::kDone},
      {"gives up",
       [](httplib::Response& res, std::function<void(bool)> release) {
         res.set_chunked_content_provider(
             "a/b", [](size_t, DataSink&) { return false; }, std::move(release));
       },
       500, "the content provider gave up", Released::kFailed},
  };
  for (const Row& row : rows) {
    Released released = Released::kNot;
    Response r = Ask(NewHttplibHandler([&](const httplib::Request&, httplib::Response& res) {
      row.set(res, [&](bool done) { released = done ? Released::kDone : Released::kFailed; });
    }));
    EXPECT_EQ(r.StatusCode(), row.status) << row.name;
    EXPECT_EQ(r.Body(), row.body) << row.name;
    EXPECT_EQ(released, row.released) << row.name;
  }
}

TEST(NewHttplibHandler, NeedsAHandler) {
  EXPECT_DEATH((void)NewHttplibHandler(httplib::Server::Handler()), "needs a handler");
}

// --- HttplibServer ----------------------------------------------------------------------------

class HttplibServerTest : public testing::Test {
 protected:
  // The status code and the body.
  std::string Answer(std::string_view raw) {
    TestServer server(server_.NewHandler());
    absl::StatusOr<Response> r = server.Do(raw);
    if (!r.ok()) return r.status().ToString();
    return std::to_string(r->StatusCode()) + " " + std::string(r->Body());
  }
  std::string Do(const std::string& method, const std::string& target) {
    return Answer(method + " " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }

  HttplibServer server_;
};

TEST_F(HttplibServerTest, RoutesByMethodAndPath) {
  server_.Get("/", Says("root"))
      .Get("/hi", Says("get"))
      .Post("/hi", Says("post"))
      .Put("/hi", Says("put"))
      .Patch("/hi", Says("patch"))
      .Delete("/hi", Says("delete"))
      .Options("/hi", Says("options"));
  EXPECT_EQ(Do("GET", "/"), "200 root");
  EXPECT_EQ(Do("GET", "/hi?x"), "200 get");
  EXPECT_EQ(Do("POST", "/hi"), "200 post");
  EXPECT_EQ(Do("PUT", "/hi"), "200 put");
  EXPECT_EQ(Do("PATCH", "/hi"), "200 patch");
  EXPECT_EQ(Do("DELETE", "/hi"), "200 delete");
  EXPECT_EQ(Do("OPTIONS", "/hi"), "200 options");
  EXPECT_EQ(Do("HEAD", "/hi"), "200 ");
  EXPECT_EQ(Do("GET", "/hi/"), "404 ");
  EXPECT_EQ(Do("GET", "/HI"), "404 ");
  EXPECT_EQ(Do("FROB", "/hi"), "404 ");
}

TEST_F(HttplibServerTest, PatternsMatchTheWholePathAndTheFirstIsTaken) {
  server_
      .Get(R"(/numbers/(\d+))",
           [](const httplib::Request& req, httplib::Response& res) {
             res.set_content("number " + req.matches[1].str(), "text/plain");
           })
      .Get("/numbers/.*", Says("other"))
      .Get("/numbers/12", Says("never"));
  EXPECT_EQ(Do("GET", "/numbers/12"), "200 number 12");
  EXPECT_EQ(Do("GET", "/numbers/x"), "200 other");
  EXPECT_EQ(Do("GET", "/a/numbers/12"), "404 ");
  EXPECT_EQ(Do("GET", "/numbers/%31%32"), "200 number 12");
}

TEST_F(HttplibServerTest, ALiteralRouteHasItsMatchToo) {
  server_.Get("/hi", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(req.matches[0].str(), "text/plain");
  });
  EXPECT_EQ(Do("GET", "/hi"), "200 /hi");
}

TEST_F(HttplibServerTest, ALongPathNeedsNoMoreStackThanThereIs) {
  server_.Get("/(.*)", [](const httplib::Request& req, httplib::Response& res) {
    res.set_content(std::to_string(req.matches[1].length()), "text/plain");
  });
  auto get = [&](size_t size) {
    TestServer server(server_.NewHandler());
    absl::StatusOr<Response> r = server.Get("/" + std::string(size - 1, 'a'));
    return r.ok() ? std::to_string(r->StatusCode()) + " " + std::string(r->Body())
                  : r.status().ToString();
  };
  EXPECT_EQ(get(HttplibServer::kMaxPatternPath),
            "200 " + std::to_string(HttplibServer::kMaxPatternPath - 1));
  EXPECT_EQ(get(HttplibServer::kMaxPatternPath + 1), "414 ");
  EXPECT_EQ(get(6000), "414 ");
}

TEST_F(HttplibServerTest, ALongPathIsNoMatterWithoutPatterns) {
  server_.Get("/hi", Says("get"));
  EXPECT_EQ(Do("GET", "/" + std::string(3000, 'a')), "404 ");
}

TEST_F(HttplibServerTest, ContentReadersComeFirst) {
  server_.Post("/up", Says("plain"));
  server_.Post("/up", [](const httplib::Request&, httplib::Response& res,
                         const httplib::ContentReader& read) {
    std::string body;
    read([&](const char* data, size_t size) {
      body.append(data, size);
      return true;
    });
    res.set_content("read " + body, "text/plain");
  });
  EXPECT_EQ(Answer("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"), "200 read hi");
}

TEST_F(HttplibServerTest, HandlersAroundTheRoutes) {
  server_.Get("/hi", Says("get"));
  server_.Get("/throws", [](const httplib::Request&, httplib::Response&) {
    throw std::runtime_error("broken");
  });
  server_.set_pre_routing_handler([](const httplib::Request& req, httplib::Response& res) {
    if (req.path != "/before") return httplib::Server::HandlerResponse::Unhandled;
    res.set_content("before", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
  server_.set_post_routing_handler(
      [](const httplib::Request&, httplib::Response& res) { res.set_header("X-Post", "1"); });
  server_.set_error_handler([](const httplib::Request&, httplib::Response& res) {
    res.set_content("sorry, " + std::to_string(res.status), "text/plain");
  });
  server_.set_exception_handler([](const httplib::Request&, httplib::Response& res,
                                   std::exception_ptr) { res.status = 502; });
  server_.set_default_headers({{"X-Default", "1"}, {"Content-Type", "never/used"}});
  EXPECT_EQ(Do("GET", "/hi"), "200 get");
  EXPECT_EQ(Do("GET", "/before"), "200 before");
  EXPECT_EQ(Do("GET", "/none"), "404 sorry, 404");
  EXPECT_EQ(Do("GET", "/throws"), "502 sorry, 502");
  TestServer server(server_.NewHandler());
  absl::StatusOr<Response> r = server.Get("/hi");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->header().Peek("X-Post"), "1");
  EXPECT_EQ(r->header().Peek("X-Default"), "1");
  EXPECT_EQ(r->ContentType(), "text/plain");
}

TEST_F(HttplibServerTest, WithoutAnExceptionHandlerTheServerAnswers) {
  server_.Get("/throws", [](const httplib::Request&, httplib::Response&) {
    throw std::runtime_error("broken");
  });
  TestServer server(server_.NewHandler());
  absl::StatusOr<Response> r = server.Get("/throws");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 500);
  EXPECT_TRUE(r->ConnectionClose());
}

TEST_F(HttplibServerTest, AHandlerKeepsWhatWasRegisteredBefore) {
  server_.Get("/hi", Says("get"));
  fasthttp::RequestHandler handler = server_.NewHandler();
  server_.Get("/later", Says("later"));
  TestServer server(std::move(handler));
  absl::StatusOr<Response> r = server.Get("/later");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 404);
}

TEST_F(HttplibServerTest, AMalformedPatternThrows) {
  EXPECT_THROW(server_.Get("/(", Says("never")), std::regex_error);
}

TEST_F(HttplibServerTest, ListenTellsThatItCannot) {
  EXPECT_FALSE(server_.listen("256.0.0.1", 80));
}

}  // namespace
}  // namespace fasthttpadaptor
