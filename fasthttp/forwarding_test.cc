#include "fasthttp/forwarding.h"

#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/header_names.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

template <typename Header>
std::string Shown(const Header& header) {
  std::string shown;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    shown.append(name).append(": ").append(value).append("\n");
  });
  return shown;
}

TEST(RemoveHopByHopHeaders, TakesWhatTheConnectionNames) {
  TestHead head(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nConnection: Foo\r\nX-Mine: 1\r\n"
      "foo: 2\r\nFoo: 3\r\nX-Kept: 4\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n"
      "Proxy-Authorization: secret\r\nProxy-Connection: x\r\nTrailer: X-T\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  RemoveHopByHopHeaders(header);
  EXPECT_EQ(Shown(header), "Host: h\nX-Kept: 4\n");
  EXPECT_FALSE(header.ConnectionClose());
}

// "Connection: Host" would otherwise strip what the next hop decides by.
TEST(RemoveHopByHopHeaders, SEC_ConnectionCannotTakeEndToEndFields) {
  TestHead head(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nAuthorization: a\r\nCookie: c=1\r\n"
      "X-Forwarded-For: 1.2.3.4\r\nConnection: Host, Content-Length, Authorization, Cookie, "
      "X-Forwarded-For\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  RemoveHopByHopHeaders(header);
  EXPECT_EQ(Shown(header),
            "Host: h\nContent-Length: 5\nAuthorization: a\nX-Forwarded-For: 1.2.3.4\n"
            "Cookie: c=1\n");
}

TEST(RemoveHopByHopHeaders, OfAResponse) {
  ResponseHeader header;
  header.Set("Connection", "X-Mine");
  header.Set("X-Mine", "1");
  header.Set("Keep-Alive", "timeout=5");
  header.Set("Proxy-Authenticate", "Basic");
  header.Set("X-Kept", "2");
  RemoveHopByHopHeaders(header);
  EXPECT_EQ(Shown(header), "X-Kept: 2\n");
  RemoveHopByHopHeaders(header);
  EXPECT_EQ(Shown(header), "X-Kept: 2\n");
}

TEST(AddForwardedHeaders, AppendsToTheChain) {
  RequestHeader header;
  header.Add("X-Forwarded-For", "1.1.1.1");
  header.Add("X-Forwarded-For", "2.2.2.2");
  AddForwardedHeaders(header, "3.3.3.3", "example.com", "https");
  AddForwardedHeaders(header, "4.4.4.4", "other", "http");
  AddForwardedHeaders(header, {}, {}, {});
  EXPECT_EQ(header.Peek(kHeaderXForwardedFor), "1.1.1.1, 2.2.2.2, 3.3.3.3, 4.4.4.4");
  EXPECT_EQ(header.PeekAll(kHeaderXForwardedFor).size(), 1u);
  EXPECT_EQ(header.Peek(kHeaderXForwardedHost), "example.com");
  EXPECT_EQ(header.Peek(kHeaderXForwardedProto), "https");
}

TEST(HeaderNames, AreTokens) {
  for (std::string_view name : {kHeaderContentType, kHeaderETag, kHeaderWWWAuthenticate,
                                kHeaderSecWebSocketKey, kHeaderXUACompatible}) {
    EXPECT_TRUE(IsToken(name)) << name;
  }
  RequestHeader header;
  header.Set(kHeaderContentType, "t");
  EXPECT_EQ(header.ContentType(), "t");
}

}  // namespace
}  // namespace fasthttp
