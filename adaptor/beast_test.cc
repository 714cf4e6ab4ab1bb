#include "adaptor/beast.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "boost/beast/core/buffers_to_string.hpp"
#include "boost/beast/core/ostream.hpp"
#include "boost/beast/http/buffer_body.hpp"
#include "boost/beast/http/dynamic_body.hpp"
#include "boost/beast/http/empty_body.hpp"
#include "boost/beast/http/file_body.hpp"
#include "boost/beast/http/span_body.hpp"
#include "boost/beast/http/vector_body.hpp"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

namespace http = boost::beast::http;
using fasthttp::Response;
using fasthttptest::TestServer;
using ::testing::ElementsAre;

using StringRequest = http::request<http::string_body>;
using StringResponse = http::response<http::string_body>;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Response Ask(fasthttp::RequestHandler handler, std::string_view raw = kGet) {
  TestServer server(std::move(handler));
  absl::StatusOr<Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : Response();
}

std::string BodyOf(fasthttp::RequestHandler handler) {
  Response response = Ask(std::move(handler));
  return std::string(response.Body());
}

TEST(NewBeastHandler, TheRequestIsComplete) {
  bool called = false;
  Ask(NewBeastHandler([&](StringRequest&& request) {
        called = true;
        EXPECT_EQ(request.method(), http::verb::post);
        EXPECT_EQ(request.target(), "/a%20b?x=1");
        EXPECT_EQ(request.version(), 11u);
        EXPECT_EQ(request[http::field::host], "h");
        EXPECT_EQ(request.count("X-Many"), 2u);
        EXPECT_TRUE(request.chunked());
        EXPECT_TRUE(request.keep_alive());
        EXPECT_EQ(request.body(), "hello");
        return StringResponse(http::status::ok, request.version());
      }),
      "POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nX-Many: 1\r\nx-many: 2\r\n"
      "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_TRUE(std::exchange(called, false));
  Ask(NewBeastHandler([&](const StringRequest& request) {
        called = request.version() == 10 && !request.keep_alive() &&
                 request.method_string() == "FROB" && request.method() == http::verb::unknown;
        return StringResponse(http::status::ok, request.version());
      }),
      "FROB / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(called);
}

TEST(NewBeastHandler, CodeFieldsAndBodyOfTheResponse) {
  Response r = Ask(NewBeastHandler([](StringRequest&& request) {
    StringResponse response(http::status::created, request.version());
    response.set(http::field::server, "legacy");
    response.set(http::field::content_type, "a/b");
    response.insert("X-Many", "1");
    response.insert("X-Many", "2");
    response.body() = "a body that is longer than a short string";
    response.prepare_payload();
    return response;
  }));
  EXPECT_EQ(r.StatusCode(), 201);
  EXPECT_EQ(r.header().Server(), "legacy");
  EXPECT_EQ(r.ContentType(), "a/b");
  EXPECT_THAT(r.header().PeekAll("X-Many"), ElementsAre("1", "2"));
  EXPECT_EQ(r.Body(), "a body that is longer than a short string");
  EXPECT_FALSE(r.ConnectionClose());
}

TEST(NewBeastHandler, NothingIsAddedToTheType) {
  Response r = Ask(NewBeastHandler([](StringRequest&& request) {
    StringResponse response(http::status::ok, request.version());
    response.body() = "<html>";
    return response;
  }));
  EXPECT_FALSE(r.header().Has("Content-Type"));
}

TEST(NewBeastHandler, FramingIsTheServers) {
  Response r = Ask(NewBeastHandler([](StringRequest&& request) {
    StringResponse response(http::status::ok, request.version());
    response.set(http::field::content_length, "1");
    response.set("X-A", "1");
    response.body() = "more than one";
    return response;
  }));
  EXPECT_EQ(r.Body(), "more than one");
  r = Ask(NewBeastHandler([](StringRequest&& request) {
    StringResponse response(http::status::ok, request.version());
    response.chunked(true);
    response.body() = "not chunked";
    return response;
  }));
  EXPECT_EQ(r.Body(), "not chunked");
  EXPECT_EQ(r.header().Peek("Content-Length"), "11");
}

TEST(NewBeastHandler, HeadDeclaresALength) {
  Response r = Ask(NewBeastHandler([](StringRequest&& request) {
                     http::response<http::empty_body> response(http::status::ok, request.version());
                     response.content_length(1234);
                     return response;
                   }),
                   "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(r.header().Peek("Content-Length"), "1234");
  EXPECT_EQ(r.Body(), "");
}

TEST(NewBeastHandler, KeepAliveIsTheResponses) {
  for (bool keep : {true, false}) {
    for (unsigned version : {10u, 11u}) {
      Response r = Ask(NewBeastHandler([&](StringRequest&&) {
        StringResponse response(http::status::ok, version);
        response.keep_alive(keep);
        return response;
      }));
      EXPECT_EQ(r.ConnectionClose(), !keep) << version;
    }
  }
}

TEST(NewBeastHandler, EveryBodyThatCanBeWritten) {
  EXPECT_EQ(BodyOf(NewBeastHandler([](StringRequest&&) {
              http::response<http::dynamic_body> response;
              boost::beast::ostream(response.body()) << "dynamic " << std::string(5000, 'x');
              return response;
            })),
            "dynamic " + std::string(5000, 'x'));
  EXPECT_EQ(BodyOf(NewBeastHandler([](StringRequest&&) {
              http::response<http::vector_body<uint8_t>> response;
              response.body() = {'v', 'e', 'c'};
              return response;
            })),
            "vec");
  EXPECT_EQ(BodyOf(NewBeastHandler([](StringRequest&&) {
              http::response<http::span_body<const char>> response;
              response.body() = boost::beast::span<const char>("span", 4);
              return response;
            })),
            "span");
  Response r = Ask(NewBeastHandler([](StringRequest&&) {
    return http::response<http::empty_body>(http::status::no_content, 11);
  }));
  EXPECT_EQ(r.StatusCode(), 204);
}

TEST(NewBeastHandler, FilesAreReadInPieces) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/body";
  std::string text;
  for (int i = 0; text.size() < 100'000; ++i) text += std::to_string(i);
  std::ofstream(path) << text;
  Response r = Ask(NewBeastHandler([&](StringRequest&& request) {
    http::response<http::file_body> response(http::status::ok, request.version());
    boost::beast::error_code error;
    response.body().open(path.c_str(), boost::beast::file_mode::scan, error);
    EXPECT_FALSE(error);
    response.prepare_payload();
    return response;
  }));
  EXPECT_EQ(r.Body(), text);
}

TEST(NewBeastHandler, ABodyThatCannotBeReadIs500) {
  Response r = Ask(NewBeastHandler([](StringRequest&&) {
    http::response<http::buffer_body> response;
    response.body().data = nullptr;
    response.body().more = true;
    response.set("X-A", "1");
    return response;
  }));
  EXPECT_EQ(r.StatusCode(), 500);
  EXPECT_FALSE(r.header().Has("X-A"));
}

TEST(NewBeastHandler, EveryBodyThatCanBeRead) {
  constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  std::string seen;
  Ask(NewBeastHandler<http::dynamic_body>([&](http::request<http::dynamic_body>&& request) {
        seen = boost::beast::buffers_to_string(request.body().data());
        return StringResponse();
      }),
      kPost);
  EXPECT_EQ(seen, "hello");
  std::vector<uint8_t> bytes;
  Ask(NewBeastHandler<http::vector_body<uint8_t>>(
          [&](const http::request<http::vector_body<uint8_t>>& request) {
            bytes = request.body();
            return StringResponse();
          }),
      kPost);
  EXPECT_THAT(bytes, ElementsAre('h', 'e', 'l', 'l', 'o'));
  bool called = false;
  fasthttp::RequestHandler empty =
      NewBeastHandler<http::empty_body>([&](http::request<http::empty_body>&&) {
        called = true;
        return StringResponse();
      });
  Response r = Ask(std::move(empty), kPost);
  EXPECT_FALSE(called);
  EXPECT_EQ(r.StatusCode(), 400);
}

TEST(NewBeastHandler, StreamedRequestsGoStraightIntoTheBody) {
  TestServer server(
      fasthttp::ServerSettings{.handler = NewBeastHandler([](StringRequest&& request) {
                                 StringResponse response(http::status::ok, request.version());
                                 response.body() = std::to_string(request.body().size());
                                 return response;
                               }),
                               .max_request_body_size = 100'000,
                               .stream_request_body = true});
  absl::StatusOr<Response> r = server.Post("/", "a/b", std::string(50'000, 'x'));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "50000");
  r = server.Do("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 400);
}

TEST(NewBeastHandler, TheSendFormTakesAnyResponse) {
  auto handle = [](auto&& request, auto&& send) {
    if (request.target() == "/none") return;
    if (request.target() == "/empty") {
      return send(http::response<http::empty_body>(http::status::not_found, 11));
    }
    StringResponse response(http::status::ok, 11);
    response.body() = "sent";
    send(std::move(response));
    if (request.target() == "/twice") send(StringResponse(http::status::ok, 11));
  };
  TestServer server(NewBeastHandler(handle));
  auto ask = [&](std::string_view target) {
    absl::StatusOr<Response> r = server.Get(target);
    EXPECT_TRUE(r.ok()) << r.status();
    return r.ok() ? std::pair(r->StatusCode(), std::string(r->Body()))
                  : std::pair(0, std::string());
  };
  EXPECT_EQ(ask("/"), std::pair(200, std::string("sent")));
  EXPECT_EQ(ask("/empty"), std::pair(404, std::string()));
  EXPECT_EQ(ask("/none").first, 500);
  EXPECT_EQ(ask("/twice").first, 500);
}

TEST(NewBeastHandler, ExceptionsReachTheServer) {
  Response r = Ask(NewBeastHandler(
      [](StringRequest&&) -> StringResponse { throw std::runtime_error("broken"); }));
  EXPECT_EQ(r.StatusCode(), 500);
  EXPECT_TRUE(r.ConnectionClose());
}

}  // namespace
}  // namespace fasthttpadaptor
