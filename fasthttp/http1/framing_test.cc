// Framing rules that the case table (testing/http_cases.h) does not show.
#include "fasthttp/http1/framing.h"

#include <string>
#include <string_view>

#include "fasthttp/http1/host.h"
#include "fasthttp/http1/test_util.h"
#include "gtest/gtest.h"

namespace fasthttp::http1 {
namespace {

TEST(ContentLengthTest, Bounds) {
  uint64_t length = 0;
  EXPECT_EQ(ParseContentLength("9223372036854775807", &length), Errc::kOk);
  EXPECT_EQ(length, uint64_t{INT64_MAX});
  EXPECT_EQ(ParseContentLength("9223372036854775808", &length), Errc::kBadContentLength);
  EXPECT_EQ(ParseContentLength({}, &length), Errc::kBadContentLength);
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

TEST(HostTest, QuickCheckTakesNothingThatTheGrammarRefuses) {
  constexpr std::string_view kSeeds[] = {"h",
                                         "example.com",
                                         "127.0.0.1:8080",
                                         "a:1",
                                         "a.b-c_d:80",
                                         "x:99999",
                                         "sixteen-bytes.co",
                                         "seventeen-bytes.c",
                                         "a-rather-long-host.example.com:443",
                                         "a-rather-long-host-name.exam:443"};
  for (std::string_view seed : kSeeds) {
    for (size_t at = 0; at < seed.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string host(seed);
        host[at] = static_cast<char>(byte);
        for (size_t n = 0; n <= host.size(); ++n) {
          std::string room = host.substr(0, n) + "\r\n\r\n" + std::string(64, '\0');
          if (IsPlainHost(room.data(), n)) {
            EXPECT_TRUE(IsValidHost(host.substr(0, n))) << host.substr(0, n);
          }
        }
      }
    }
  }
  const std::string room = "127.0.0.1:8080" + std::string(64, '\0');
#if defined(__x86_64__)
  EXPECT_TRUE(IsPlainHost(room.data(), 14));
#endif
}

TEST(HostTest, NullIsInvalid) { EXPECT_FALSE(IsValidHost({})); }

}  // namespace
}  // namespace fasthttp::http1
