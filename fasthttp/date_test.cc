#include "fasthttp/date.h"

#include "fasthttp/error.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

std::string Written(int64_t seconds) {
  std::string text;
  AppendHTTPDate(text, absl::FromUnixSeconds(seconds));
  return text;
}

TEST(Date, Writes) {
  EXPECT_EQ(Written(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(Written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(Written(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(Written(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(Written(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Date, ClampsYears) {
  std::string text;
  AppendHTTPDate(text, absl::InfiniteFuture());
  AppendHTTPDate(text, absl::InfinitePast());
  EXPECT_EQ(text, "Fri, 31 Dec 9999 23:59:59 GMTMon, 01 Jan 0001 00:00:00 GMT");
}

TEST(Date, CutsFractions) {
  std::string text;
  AppendHTTPDate(text, absl::FromUnixSeconds(0) + absl::Milliseconds(999));
  EXPECT_EQ(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Date, AgreesWithAbslOverCenturies) {
  for (int64_t t = -62135596800; t < 253402300800; t += 86400 * 97 + 12345) {
    std::string expected = absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", absl::FromUnixSeconds(t),
                                            absl::UTCTimeZone());
    ASSERT_EQ(Written(t), expected);
    int64_t parsed = 0;
    ASSERT_EQ(ParseHTTPDate(expected, parsed), Errc::kOk) << expected;
    ASSERT_EQ(parsed, t);
  }
}

TEST(Date, ReadsTheThreeFormsOfRfc9110) {
  for (std::string_view text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                "Sun Nov  6 08:49:37 1994", "Sun, 06-Nov-1994 08:49:37 GMT",
                                "Sun, 06 Nov 1994 08:49:37 UTC"}) {
    absl::StatusOr<absl::Time> time = ParseHTTPDate(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(absl::ToUnixSeconds(*time), 784111777) << text;
  }
}

TEST(Date, Refuses) {
  for (std::string_view text : {"", "Sun", "Sun, 31 Apr 2024 00:00:00 GMT",
                                "Sun, 29 Feb 2023 00:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                                "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 EST",
                                "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 nov 1994 08:49:37 gmt",
                                "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
                                "Sun,06 Nov 1994 08:49:37 GMT", "Sunx, 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(ErrcOf(ParseHTTPDate(text).status()), Errc::kBadDate) << text;
  }
  EXPECT_FALSE(ParseHTTPDate(std::string_view()).ok());
}

TEST(Date, CookieDatesTakeAnyZoneAsUtc) {
  int64_t seconds = 0;
  EXPECT_EQ(ParseCookieDate("Mon, 02-Jan-2006 15:04:05 MST", seconds), Errc::kOk);
  EXPECT_EQ(seconds, 1136214245);
  EXPECT_EQ(ParseCookieDate("Mon, 02 Jan 2006 15:04:05", seconds), Errc::kBadDate);
}

}  // namespace
}  // namespace fasthttp
