#include "fasthttp/cookie.h"

#include <algorithm>
#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

std::string Reparsed(std::string_view text) {
  Cookie cookie;
  Errc errc = cookie.TryParse(text);
  return errc == Errc::kOk ? cookie.String() : std::string(ErrcName(errc));
}

TEST(Cookie, WritesInOrder) {
  Cookie cookie;
  cookie.SetKey("k");
  cookie.SetValue("v");
  cookie.SetExpire(absl::FromUnixSeconds(784111777));
  cookie.SetDomain("example.com");
  cookie.SetPath("/a/../b");
  cookie.SetHTTPOnly(true);
  cookie.SetSecure(true);
  cookie.SetSameSite(CookieSameSite::kLax);
  EXPECT_EQ(cookie.String(),
            "k=v; expires=Sun, 06 Nov 1994 08:49:37 GMT; domain=example.com; path=/b; HttpOnly; "
            "secure; SameSite=Lax");
  cookie.SetMaxAge(10);
  EXPECT_EQ(cookie.String(),
            "k=v; max-age=10; domain=example.com; path=/b; HttpOnly; secure; SameSite=Lax");
}

TEST(Cookie, MaxAge) {
  Cookie cookie;
  cookie.SetKey("k");
  EXPECT_EQ(cookie.String(), "k=");
  cookie.SetMaxAge(-1);
  EXPECT_EQ(cookie.String(), "k=; max-age=0");
  cookie.SetMaxAge(0);
  EXPECT_EQ(cookie.String(), "k=");
}

TEST(Cookie, SameSiteNoneForcesSecure) {
  Cookie cookie;
  cookie.SetValue("v");
  cookie.SetSameSite(CookieSameSite::kNone);
  EXPECT_EQ(cookie.String(), "v; secure; SameSite=None");
  cookie.SetSameSite(CookieSameSite::kDefaultMode);
  EXPECT_EQ(cookie.String(), "v; secure; SameSite");
}

TEST(Cookie, PartitionedForcesSecureAndPath) {
  Cookie cookie;
  cookie.SetKey("k");
  cookie.SetPath("/x");
  cookie.SetPartitioned(true);
  EXPECT_EQ(cookie.String(), "k=; path=/; secure; Partitioned");
}

TEST(Cookie, SEC_SettersCannotInjectAttributes) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  Cookie cookie;
  cookie.SetKey(all);
  cookie.SetValue(all);
  cookie.SetDomain(all);
  std::string text = cookie.String();
  EXPECT_TRUE(IsFieldValue(text));
  EXPECT_EQ(std::count(text.begin(), text.end(), ';'), 1) << "only that before domain";
  Cookie path;
  path.SetPath("/a; domain=evil\r\nX: y");
  EXPECT_EQ(path.Path(), "/a  domain=evil  X: y");
  path.SetPath("/%3B%0D%0A%00");
  EXPECT_EQ(path.Path(), "/    ");
}

TEST(Cookie, Parse) {
  EXPECT_EQ(Reparsed("xxx=yyy"), "xxx=yyy");
  EXPECT_EQ(Reparsed("  xxx = yyy  "), "xxx=yyy");
  EXPECT_EQ(Reparsed("xxx=\"yyy\""), "xxx=yyy");
  EXPECT_EQ(Reparsed("xxx="), "xxx=");
  EXPECT_EQ(Reparsed("xxx=a=b"), "xxx=a=b");
  EXPECT_EQ(Reparsed("xxx=\" yyy \""), "xxx=yyy");
  EXPECT_EQ(Reparsed("=a=b"), "=a=b") << "not the cookie \"a\"";
  EXPECT_EQ(Reparsed("xxx"), "xxx");
  EXPECT_EQ(Reparsed("a=b; DOMAIN=x.y; Path=/p; HTTPONLY; SECURE; samesite=strict; unknown=1"),
            "a=b; domain=x.y; path=/p; HttpOnly; secure; SameSite=Strict");
  EXPECT_EQ(Reparsed("a=b; expires=Tue, 10 Nov 2009 23:00:00 GMT"),
            "a=b; expires=Tue, 10 Nov 2009 23:00:00 GMT");
  EXPECT_EQ(Reparsed("a=b; expires=Tue, 10-Nov-2009 23:00:00 MST"),
            "a=b; expires=Tue, 10 Nov 2009 23:00:00 GMT");
  EXPECT_EQ(Reparsed("a=b; max-age=0"), "a=b; max-age=0");
  EXPECT_EQ(Reparsed("a=b; Partitioned; secure"), "a=b; secure; Partitioned");
}

TEST(Cookie, ParseErrors) {
  EXPECT_EQ(Reparsed(""), "NoCookies");
  EXPECT_EQ(Reparsed("  ; path=/"), "NoCookies");
  EXPECT_EQ(Reparsed("a=b\"c"), "BadCookieValue");
  EXPECT_EQ(Reparsed("a=b\\c"), "BadCookieValue");
  EXPECT_EQ(Reparsed("a=b; domain=x\"y"), "BadCookieValue");
  EXPECT_EQ(Reparsed("a=b; path=/\xFF"), "BadCookieValue");
  EXPECT_EQ(Reparsed("a=b\r\nX: y"), "BadCookieValue");
  EXPECT_EQ(Reparsed("a=b; max-age=x"), "BadNumber");
  EXPECT_EQ(Reparsed("a=b; max-age=18446744073709551616"), "NumberOverflow");
  EXPECT_EQ(Reparsed("a=b; expires=yesterday"), "BadDate");
  EXPECT_EQ(ErrcOf(Cookie().Parse("")), Errc::kNoCookies);
}

TEST(Cookie, SEC_HostileSetCookieLines) {
  for (const char* text : {"a\tb=c\x01", "a=b\x7f", "a\"=b", "a\\=b", "a=\"b", "a=b\"",
                           "a=\"b\"c\"", "a=b; domain=x\\y", "a=b; domain=\x01", "a=b; path=/\x7f",
                           "a=b; path=/\x1b[2J", "a=b\nSet-Cookie: c=d", "a=b\rc"}) {
    EXPECT_EQ(Reparsed(text), "BadCookieValue") << text;
  }
  EXPECT_EQ(Reparsed(std::string_view("a=b\0c", 5)), "BadCookieValue");
  EXPECT_EQ(Reparsed(std::string_view("a\0=b", 4)), "BadCookieValue");
  for (const char* age : {"", "+5", "5.0", "1e3", "0x5", " 5 5", "\xd9\xa5", "5;", "NaN"}) {
    const std::string text = std::string("a=b; max-age=") + age;
    EXPECT_EQ(Reparsed(text), age == std::string_view("5;") ? "a=b; max-age=5" : "BadNumber")
        << text;
  }
  for (const char* date : {"", "0", "now", "Tue, 32 Nov 2009 23:00:00 GMT",
                           "Tue, 10 Nov 2009 25:00:00 GMT", "Tue, 10 Nov 2009 23:00:00 GMT x"}) {
    EXPECT_EQ(Reparsed(std::string("a=b; expires=") + date), "BadDate") << date;
  }
  // A nameless cookie does not become one with a name, and flags need no value.
  EXPECT_EQ(Reparsed("=__Host-a=b"), "=__Host-a=b");
  EXPECT_EQ(Reparsed("__Host-a"), "__Host-a");
  EXPECT_EQ(Reparsed("a=b; secure=false; httponly=0"), "a=b; HttpOnly; secure");
  EXPECT_EQ(Reparsed("a=b; ; =; ;=x;domain"), "a=b");
  EXPECT_EQ(Reparsed("a=b; domain=evil.example; domain=x"), "a=b; domain=x");
  EXPECT_EQ(Reparsed("a=b; path=/%0d%0aX: y"), "a=b; path=/%0d%0aX: y");
}

TEST(Cookie, TrapNegativeMaxAgeFromTheWireMeansNow) {
  EXPECT_EQ(Reparsed("a=b; max-age=-5"), "a=b; max-age=0");
  EXPECT_EQ(Reparsed("a=b; max-age=-"), "BadNumber");
  EXPECT_EQ(Reparsed("a=b; max-age=--1"), "BadNumber");
}

TEST(Cookie, ErrorLeavesItEmpty) {
  Cookie cookie;
  cookie.SetKey("old");
  EXPECT_FALSE(cookie.Parse("a=b; HttpOnly; max-age=x").ok());
  EXPECT_EQ(cookie.String(), "");
  EXPECT_FALSE(cookie.HTTPOnly());
}

TEST(Cookie, ViewsIntoItselfAreFine) {
  Cookie cookie;
  cookie.SetValue("inner=a-value-that-is-longer-than-a-small-string; path=/x");
  cookie.SetKey(cookie.Value());
  std::string text = cookie.String();
  ASSERT_TRUE(cookie.Parse("k=0123456789012345678901234567890123456789").ok());
  ASSERT_TRUE(cookie.Parse(cookie.Value().substr(10)).ok());
  EXPECT_EQ(cookie.Value(), "012345678901234567890123456789");
}

TEST(Cookie, CopyAndReset) {
  Cookie cookie, copy;
  ASSERT_TRUE(cookie.Parse("a=b; path=/p; secure; max-age=5").ok());
  cookie.CopyTo(copy);
  cookie.Reset();
  EXPECT_EQ(cookie.String(), "");
  EXPECT_EQ(copy.String(), "a=b; max-age=5; path=/p; secure");
}

std::string Pairs(std::string_view line) {
  std::string shown;
  VisitRequestCookies(line, [&](std::string_view name, std::string_view value) {
    shown.append("[").append(name).append("|").append(value).append("]");
    return true;
  });
  return shown;
}

TEST(RequestCookies, SEC_HostileLines) {
  EXPECT_EQ(Pairs("a=1; b=\x01; c=3"), "[a|1][c|3]");
  EXPECT_EQ(Pairs(std::string_view("a=1; b=\0; c=3", 13)), "[a|1][c|3]");
  EXPECT_EQ(Pairs("a=\"1; b=2\""), "") << "quotes hide no separator, and half a quote is no value";
  EXPECT_EQ(Pairs("$Version=1; $Path=/; a=1"), "[$Version|1][$Path|/][a|1]");
  EXPECT_EQ(Pairs("a=1, b=2"), "[a|1, b=2]");
  EXPECT_EQ(Pairs("a=1; a=2"), "[a|1][a|2]");
  EXPECT_EQ(Pairs("; ; ;"), "");
  EXPECT_EQ(Pairs("=a=b"), "[|a=b]");
  EXPECT_EQ(Pairs("\ta\t=\t1\t;\tb=2"), "[a|1][b|2]");
}

TEST(RequestCookies, Walk) {
  EXPECT_EQ(Pairs({}), "");
  EXPECT_EQ(Pairs("a=1; b=2;c=3"), "[a|1][b|2][c|3]");
  EXPECT_EQ(Pairs("a=1;;  ; b = 2 "), "[a|1][b|2]");
  EXPECT_EQ(Pairs("a=\"1\"; alone"), "[a|1][|alone]");
  EXPECT_EQ(Pairs("bad=a\"b; ok=1; bad=\\"), "[ok|1]");
  EXPECT_EQ(Pairs("a=b=c"), "[a|b=c]");
  EXPECT_EQ(Pairs("="), "[|]");
}

}  // namespace
}  // namespace fasthttp
