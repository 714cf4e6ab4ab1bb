// Framing rules that the case table (testing/http_cases.h) does not show.
#include "fasthttp/http1/framing.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "fasthttp/http1/head.h"
#include "fasthttp/http1/test_util.h"
#include "gtest/gtest.h"

namespace fasthttp::http1 {
namespace {

TEST(ContentLengthTest, Bounds) {
  uint64_t length = 0;
  EXPECT_EQ(ParseContentLength("9223372036854775807", &length), Errc::kOk);
  EXPECT_EQ(length, uint64_t{INT64_MAX});
  EXPECT_EQ(ParseContentLength("9223372036854775808", &length), Errc::kBadContentLength);
  EXPECT_EQ(ParseContentLength("9999999999999999999", &length), Errc::kBadContentLength);
  EXPECT_EQ(ParseContentLength("18446744073709551617", &length), Errc::kBadContentLength);
  EXPECT_EQ(ParseContentLength({}, &length), Errc::kBadContentLength);
  for (const char* digits : {"", "0", "7", "9223372036854775807"}) {
    const std::string value = std::string(40, '0') + digits;
    EXPECT_EQ(ParseContentLength(value, &length), Errc::kOk) << value;
    EXPECT_EQ(length, std::strtoull(value.c_str(), nullptr, 10));
    EXPECT_EQ(ParseContentLength(value + "x", &length), Errc::kBadContentLength);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = "1" + std::string(1, static_cast<char>(byte)) + "2";
    const bool digit = byte >= '0' && byte <= '9';
    EXPECT_EQ(ParseContentLength(value, &length) == Errc::kOk, digit);
  }
}

TEST(ListTest, Tokens) {
  EXPECT_TRUE(ListHasToken("a, Close", "close"));
  EXPECT_TRUE(ListHasToken(" ,\t, CLOSE\t,", "close"));
  EXPECT_FALSE(ListHasToken("closed, xclose, clo se", "close"));
  EXPECT_FALSE(ListHasToken("", "close"));
  EXPECT_FALSE(ListHasToken({}, "close"));
}

TEST(TrailerTest, Forbidden) {
  EXPECT_TRUE(IsForbiddenTrailer("hOST"));
  EXPECT_TRUE(IsForbiddenTrailer("X-Forwarded"));
  EXPECT_TRUE(IsForbiddenTrailer("x-forwarded-foo"));
  EXPECT_FALSE(IsForbiddenTrailer("X-Forwarde"));
  EXPECT_FALSE(IsForbiddenTrailer("ETag"));
  EXPECT_FALSE(IsForbiddenTrailer({}));
}

// Parses a request for `host`; true if the parser found the host plain.
bool IsPlainHost(std::string_view host) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
  const std::string room = bytes + std::string(kPadding, '\0');
  ParseProgress progress;
  Head head;
  const Errc errc = ParseRequestHead({room.data(), bytes.size()}, HeadLimits(), Leniency::kStrict,
                                     progress, head);
  // A line end within it makes another field of its rest, blanks around it are no part of it.
  return errc == Errc::kOk && head.plain_host && head.Value(KnownField::kHost) == host;
}

TEST(HostTest, QuickCheckTakesNothingThatTheGrammarRefuses) {
  constexpr std::string_view kSeeds[] = {"h",
                                         "example.com",
                                         "127.0.0.1:8080",
                                         "a:1",
                                         "a.b-c_d:80",
                                         "x:99999",
                                         "a-rather-long-host-name.exam:443"};
  for (ParserVariant variant : {ParserVariant::kSse42, ParserVariant::kAvx2}) {
    if (!SelectParserVariant(variant)) continue;
    for (std::string_view seed : kSeeds) {
      for (size_t at = 0; at < seed.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string host(seed);
          host[at] = static_cast<char>(byte);
          for (size_t n = at + 1; n <= host.size(); n = n < host.size() ? host.size() : n + 1) {
            const std::string_view part = std::string_view(host).substr(0, n);
            if (IsPlainHost(part)) {
              EXPECT_TRUE(IsValidHost(part)) << part;
            }
          }
        }
      }
    }
    for (std::string_view host : {"h", "Example.com", "127.0.0.1:8080", "a-b.c0:", "zZ:1",
                                  "a-rather-long-host-name.exam:443"}) {
      EXPECT_TRUE(IsPlainHost(host)) << host;
    }
    for (std::string_view host : {":80", "a:12345", "a:b", "a:1:2", "a/b", "a_b", "[::1]",
                                  "thirty-three-bytes-of-a-name.test"}) {
      EXPECT_FALSE(IsPlainHost(host)) << host;
    }
    const std::string twice = "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n";
    const std::string room = twice + std::string(kPadding, '\0');
    ParseProgress progress;
    Head head;
    EXPECT_EQ(ParseRequestHead({room.data(), twice.size()}, HeadLimits(), Leniency::kStrict,
                               progress, head),
              Errc::kOk);
    EXPECT_FALSE(head.plain_host);
  }
}

TEST(HostTest, NullIsInvalid) { EXPECT_FALSE(IsValidHost({})); }

}  // namespace
}  // namespace fasthttp::http1
