#include "fasthttp/http1/serialize.h"

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "fasthttp/http1/chunked.h"
#include "gtest/gtest.h"

namespace fasthttp::http1 {
namespace {

std::string Written(const ResponseHeadView& view) {
  const size_t bound = ResponseHeadBound(view);
  auto out = std::make_unique<char[]>(bound);  // Exactly that: ASan watches the end.
  char* end = WriteResponseHead(out.get(), view);
  EXPECT_LE(static_cast<size_t>(end - out.get()), bound);
  return std::string(out.get(), end);
}

std::string Written(const RequestHeadView& view) {
  const size_t bound = RequestHeadBound(view);
  auto out = std::make_unique<char[]>(bound);
  char* end = WriteRequestHead(out.get(), view);
  EXPECT_LE(static_cast<size_t>(end - out.get()), bound);
  return std::string(out.get(), end);
}

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(ResponseHead, Empty) {
  EXPECT_EQ(Written(ResponseHeadView()), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseHead, Everything) {
  const FieldView fields[] = {{"A", "b"}, {"Empty", {}}, {"Set-Cookie", "c=d"}};
  ResponseHeadView view;
  view.status = 404;
  view.server_and_date = "Server: s\r\nDate: d\r\n";
  view.content_type = "text/plain";
  view.content_encoding = "gzip";
  view.content_length = 1234567890123456789u;
  view.close = true;
  view.keep_alive_header = true;
  view.fields = fields;
  EXPECT_EQ(Written(view),
            "HTTP/1.1 404 Not Found\r\nServer: s\r\nDate: d\r\nContent-Type: text/plain\r\n"
            "Content-Encoding: gzip\r\nContent-Length: 1234567890123456789\r\nA: b\r\nEmpty: \r\n"
            "Set-Cookie: c=d\r\nConnection: close\r\n\r\n");
}

TEST(ResponseHead, BodyHeaders) {
  ResponseHeadView view;
  view.body = BodyHeader::kChunked;
  view.content_length = 5;
  EXPECT_EQ(Written(view), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  view.body = BodyHeader::kNone;
  view.keep_alive_header = true;
  EXPECT_EQ(Written(view), "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, UnknownStatusAndBlock) {
  ResponseHeadView view;
  view.status = 299;
  EXPECT_EQ(Written(view), "HTTP/1.1 299 Unknown Status Code\r\nContent-Length: 0\r\n\r\n");
  view.status_block = "HTTP/1.1 200 OK\r\nServer: x\r\n";
  EXPECT_EQ(Written(view), "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n");
}

// Every length up to 300 of each part: short copies take other paths than long ones.
TEST(ResponseHead, AllSizes) {
  for (size_t n = 0; n < 300; ++n) {
    const std::string s(n, 'x');
    const FieldView fields[] = {{"N", s}};
    ResponseHeadView view;
    view.content_type = s;
    view.fields = fields;
    view.content_length = n;
    const std::string type = n > 0 ? "Content-Type: " + s + "\r\n" : "";
    const std::string rest =
        type + "Content-Length: " + std::to_string(n) + "\r\nN: " + s + "\r\n\r\n";
    EXPECT_EQ(Written(view), "HTTP/1.1 200 OK\r\n" + rest);
    if (n == 0) continue;
    view.status_block = s;
    EXPECT_EQ(Written(view), s + rest);
  }
}

TEST(RequestHead, DefaultsAndEverything) {
  EXPECT_EQ(Written(RequestHeadView()), "GET / HTTP/1.1\r\n\r\n");
  const FieldView fields[] = {{"A", "b"}};
  RequestHeadView view;
  view.method = "POST";
  view.target = "/x?y";
  view.host = "h:1";
  view.user_agent = "u";
  view.content_type = "t/p";
  view.content_length = 3;
  view.body = BodyHeader::kLength;
  view.close = true;
  view.fields = fields;
  EXPECT_EQ(Written(view),
            "POST /x?y HTTP/1.1\r\nHost: h:1\r\nUser-Agent: u\r\nContent-Type: t/p\r\n"
            "Content-Length: 3\r\nA: b\r\nConnection: close\r\n\r\n");
}

TEST(DecimalTest, AllLengths) {
  auto text = [](uint64_t value) {
    char out[20];
    return std::string(out, WriteDecimal(out, value));
  };
  for (uint64_t value = 0; value < 20000; ++value) EXPECT_EQ(text(value), std::to_string(value));
  for (uint64_t value = 1; value < uint64_t{10000000000000000000u}; value *= 10) {
    EXPECT_EQ(text(value), std::to_string(value));
    EXPECT_EQ(text(value - 1), std::to_string(value - 1));
  }
  EXPECT_EQ(text(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
}

TEST(StatusTextTest, Table) {
  EXPECT_EQ(StatusText(200), "OK");
  EXPECT_EQ(StatusText(226), "IM Used");
  EXPECT_EQ(StatusText(308), "Permanent Redirect");
  EXPECT_EQ(StatusText(451), "Unavailable For Legal Reasons");
  EXPECT_EQ(StatusText(511), "Network Authentication Required");
  for (int status : {-1, 0, 99, 104, 209, 306, 309, 419, 427, 430, 432, 509, 512, 600, 99999}) {
    EXPECT_EQ(StatusText(status), "Unknown Status Code") << status;
  }
}

TEST(StatusBlockCacheTest, RendersOncePerRefresh) {
  StatusBlockCache cache;
  cache.Refresh("srv", kDate);
  EXPECT_EQ(cache.server_and_date(), "Server: srv\r\nDate: " + std::string(kDate) + "\r\n");
  const std::string_view first = cache.Get(200);
  EXPECT_EQ(first, "HTTP/1.1 200 OK\r\n" + std::string(cache.server_and_date()));
  EXPECT_EQ(cache.Get(200).data(), first.data());
  EXPECT_EQ(cache.Get(404), "HTTP/1.1 404 Not Found\r\n" + std::string(cache.server_and_date()));
  EXPECT_EQ(cache.Get(418), "");
  cache.Refresh({}, {});
  EXPECT_EQ(cache.Get(200), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(cache.server_and_date(), "");
  cache.Refresh(std::string(1000, 's'), kDate);
  EXPECT_EQ(cache.Get(503).size(), 34 + 8 + StatusBlockCache::kMaxServerSize + 2 + 37);
}

// Whatever the lengths, and no byte behind the room that was asked for.
TEST(WritePlainResponseTest, IsWhatTheHeadAndTheBodyAre) {
  for (size_t server : {0, 1, 8, 18, 19, 60, 128}) {
    StatusBlockCache cache;
    cache.Refresh(std::string(server, 's'), kDate);
    for (int status : {200, 404}) {
      for (size_t type : {1, 7, 8, 16, 17, 32, 33, 200}) {
        for (size_t body : {0, 7, 8, 9, 10, 33, 99, 100, 9'999, 10'000, 16'383}) {
          for (bool close : {false, true}) {
            ResponseHeadView view;
            view.status_block = cache.Get(status);
            const std::string content_type(type, 't');
            view.content_type = content_type;
            view.content_length = body;
            view.close = close;
            std::string expected(ResponseHeadBound(view), '\0');
            expected.resize(
                static_cast<size_t>(WriteResponseHead(expected.data(), view) - expected.data()));
            expected.append(body, 'b');
            const size_t bound = PlainResponseBound(content_type, std::string(body, 'b'));
            std::string out(bound, '#');
            const char* end = WritePlainResponse(out.data(), view.status_block, content_type, close,
                                                 std::string(body, 'b'));
            out.resize(static_cast<size_t>(end - out.data()));
            ASSERT_EQ(out, expected) << server << " " << status << " " << type << " " << body;
            ASSERT_LE(out.size(), bound);
          }
        }
      }
    }
  }
}

TEST(ChunkHeaderTest, AllLengths) {
  for (uint64_t size = 1; size != 0; size <<= 1) {
    for (uint64_t value : {size, size - 1, size + 1}) {
      if (value == 0) continue;
      char out[kMaxChunkHeader];
      char expected[32];
      snprintf(expected, sizeof(expected), "%llx\r\n", static_cast<unsigned long long>(value));
      EXPECT_EQ(std::string(out, WriteChunkHeader(out, value)), expected);
    }
  }
}

#ifndef NDEBUG
TEST(SerializeDeathTest, LineEndsInValues) {
  const FieldView fields[] = {{"A", "b\r\nc: d"}};
  ResponseHeadView view;
  view.fields = fields;
  EXPECT_DEATH(Written(view), "CR, LF or NUL");
}
#endif

}  // namespace
}  // namespace fasthttp::http1
