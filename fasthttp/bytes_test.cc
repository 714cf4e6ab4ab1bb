#include "fasthttp/bytes.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_format.h"
#include "fasthttp/error.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

template <typename F>
std::string Made(F f) {
  std::string text;
  f(text);
  return text;
}

TEST(Bytes, ClassesOfAll256Bytes) {
  std::string_view marks = "!#$%&'*+-.^_`|~";
  for (unsigned i = 0; i < 256; ++i) {
    unsigned char c = static_cast<unsigned char>(i);
    bool alnum = i < 128 && std::isalnum(static_cast<int>(i));
    EXPECT_EQ(IsTokenChar(c), alnum || (i != 0 && marks.find(char(i)) != marks.npos)) << i;
    EXPECT_EQ(IsFieldValueChar(c), i == 9 || (i >= 32 && i != 127)) << i;
  }
  EXPECT_FALSE(IsToken({}));
  EXPECT_TRUE(IsFieldValue({}));
}

TEST(Bytes, TrapCaseFoldKeepsPunctuationApart) {
  EXPECT_TRUE(EqualsIgnoreCase("Content-Type", "cONTENT-tYPE"));
  EXPECT_FALSE(EqualsIgnoreCase("^", "~"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xC4", "\xE4"));
  EXPECT_TRUE(EqualsIgnoreCase({}, ""));
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      char x = static_cast<char>(a), y = static_cast<char>(b);
      ASSERT_EQ(EqualsIgnoreCase({&x, 1}, {&y, 1}), AsciiLower(x) == AsciiLower(y));
    }
  }
}

// Eight bytes are folded at once: every byte against every other, at every place of every length.
TEST(Bytes, CaseFoldIsExactAtEveryPlace) {
  for (size_t size = 1; size <= 18; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string a(size, 'k');
      std::string b(size, 'K');
      for (int x = 0; x < 256; ++x) {
        a[at] = static_cast<char>(x);
        for (int y = 0; y < 256; ++y) {
          b[at] = static_cast<char>(y);
          const bool same = AsciiLower(a[at]) == AsciiLower(b[at]);
          ASSERT_EQ(EqualsIgnoreCase(a, b), same) << size << " " << at << " " << x << " " << y;
        }
      }
    }
  }
}

TEST(Bytes, NormalizeHeaderKey) {
  auto normal = [](std::string_view name) {
    return Made([&](std::string& s) { AppendNormalizedHeaderKey(s, name); });
  };
  EXPECT_EQ(normal("fOO-bAR-BAZ"), "Foo-Bar-Baz");
  EXPECT_EQ(normal("x-1a--b"), "X-1a--B");
  EXPECT_EQ(normal("foo bar"), "foo bar");
  EXPECT_EQ(normal("foo\xE4"), "foo\xE4");
  EXPECT_EQ(normal({}), "");
}

TEST(Bytes, ParseUint) {
  EXPECT_EQ(*ParseUint("0"), 0u);
  EXPECT_EQ(*ParseUint("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (std::string_view bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1,2", "a"}) {
    EXPECT_EQ(ErrcOf(ParseUint(bad).status()), Errc::kBadNumber) << bad;
  }
  EXPECT_EQ(ErrcOf(ParseUint({}).status()), Errc::kBadNumber);
}

TEST(Bytes, SEC_ParseUintOverflowIsAnError) {
  for (std::string_view big :
       {"18446744073709551616", "18446744073709551621", "99999999999999999999999999999999999999"}) {
    EXPECT_EQ(ErrcOf(ParseUint(big).status()), Errc::kNumberOverflow) << big;
  }
}

TEST(Bytes, ParseUfloat) {
  EXPECT_DOUBLE_EQ(*ParseUfloat("0"), 0);
  EXPECT_DOUBLE_EQ(*ParseUfloat("1.25"), 1.25);
  EXPECT_DOUBLE_EQ(*ParseUfloat(".5"), 0.5);
  EXPECT_DOUBLE_EQ(*ParseUfloat("1e3"), 1000);
  EXPECT_DOUBLE_EQ(*ParseUfloat("1E-2"), 0.01);
  EXPECT_TRUE(std::isnan(*ParseUfloat("NaN")));
  EXPECT_TRUE(std::isinf(*ParseUfloat("inf")));
  for (std::string_view bad : {"", "-1", "+1", "1x", "1.2.3", " 1", "e", "--1", "nan(1)"}) {
    EXPECT_FALSE(ParseUfloat(bad).ok()) << bad;
  }
}

TEST(Bytes, AppendNumbers) {
  EXPECT_EQ(Made([](std::string& s) { AppendUint(s, 0); }), "0");
  EXPECT_EQ(Made([](std::string& s) { AppendUint(s, UINT64_MAX); }), "18446744073709551615");
  EXPECT_EQ(Made([](std::string& s) { AppendHexUint(s, 0xBEEF); }), "beef");
}

TEST(Bytes, IPv4) {
  EXPECT_EQ(*ParseIPv4("123.145.167.189"), (IPv4Bytes{123, 145, 167, 189}));
  EXPECT_EQ(*ParseIPv4("001.002.003.004"), (IPv4Bytes{1, 2, 3, 4}));
  for (std::string_view bad : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", "a.b.c.d",
                               "1.2.3.4 ", ".1.2.3", "1.2.3."}) {
    EXPECT_EQ(ErrcOf(ParseIPv4(bad).status()), Errc::kBadAddress) << bad;
  }
  EXPECT_EQ(Made([](std::string& s) { AppendIPv4(s, {127, 0, 0, 1}); }), "127.0.0.1");
}

TEST(Bytes, HTMLEscape) {
  EXPECT_EQ(Made([](std::string& s) { AppendHTMLEscape(s, "<b>\"it's\" & co</b>"); }),
            "&lt;b&gt;&#34;it&#39;s&#34; &amp; co&lt;/b&gt;");
  EXPECT_EQ(Made([](std::string& s) { AppendHTMLEscape(s, {}); }), "");
}

TEST(Bytes, QuotedArgRoundTripsAllBytes) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  std::string quoted = Made([&](std::string& s) { AppendQuotedArg(s, all); });
  EXPECT_EQ(Made([&](std::string& s) { AppendUnquotedArg(s, quoted); }), all);
  std::string path = Made([&](std::string& s) { AppendQuotedPath(s, all); });
  EXPECT_EQ(Made([&](std::string& s) { AppendUnquotedPath(s, path); }), all);
  EXPECT_EQ(Made([](std::string& s) { AppendQuotedArg(s, "a b+c\xFF-_.~"); }), "a+b%2Bc%FF-_.~");
  EXPECT_EQ(Made([](std::string& s) { AppendQuotedPath(s, "*"); }), "*");
  EXPECT_EQ(Made([](std::string& s) { AppendQuotedPath(s, "/a b*$&+,:;=@"); }),
            "/a%20b%2A$&+,:;=@");
}

TEST(Bytes, MalformedPercentSequencesStay) {
  auto unquoted = [](std::string_view t) {
    return Made([&](std::string& s) { AppendUnquotedArg(s, t); });
  };
  EXPECT_EQ(unquoted("%zz"), "%zz");
  EXPECT_EQ(unquoted("%4"), "%4");
  EXPECT_EQ(unquoted("%"), "%");
  EXPECT_EQ(unquoted("%%41"), "%A");
  EXPECT_EQ(unquoted("%4%41"), "%4A");
  EXPECT_EQ(unquoted("a+b%2Bc"), "a b+c");
}

TEST(Bytes, SEC_WithoutNewLines) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Made([](std::string& s) { AppendWithoutNewLines(s, "a\r\nb\0c"sv); }), "a  b c");
}

TEST(Bytes, JSONQuoted) {
  auto json = [](std::string_view t) {
    return Made([&](std::string& s) { AppendJSONQuoted(s, t); });
  };
  EXPECT_EQ(json({}), "\"\"");
  EXPECT_EQ(json("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(json(std::string_view("\0\x1F\x7F", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(json("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"");
  EXPECT_EQ(json("\xE2\x80\xA8\xE2\x80\xA9"), R"("\u2028\u2029")");
  EXPECT_EQ(absl::StrFormat("%s!", JSONQuoted("x\"y")), "\"x\\\"y\"!");
}

TEST(Bytes, SEC_JSONQuotedIsSafeInAScriptElement) {
  EXPECT_EQ(absl::StrFormat("%s", JSONQuoted("</script>&")), R"("\u003c/script\u003e\u0026")");
}

TEST(Bytes, SEC_JSONQuotedReplacesWhatIsNotUtf8) {
  auto json = [](std::string_view t) {
    return Made([&](std::string& s) { AppendJSONQuoted(s, t); });
  };
  EXPECT_EQ(json("\xFF"), R"("\ufffd")");
  EXPECT_EQ(json("\xC0\x80"), R"("\ufffd\ufffd")");            // Overlong.
  EXPECT_EQ(json("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");  // A surrogate.
  EXPECT_EQ(json("\xE2\x82"), R"("\ufffd\ufffd")");            // Cut off.
  EXPECT_EQ(json("\xF4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST(Bytes, EmptyViewsEverywhere) {
  std::string s;
  AppendLower(s, {});
  AppendNormalizedHeaderKey(s, {});
  AppendWithoutNewLines(s, {});
  AppendQuotedArg(s, {});
  AppendQuotedPath(s, {});
  AppendUnquotedArg(s, {});
  AppendUnquotedPath(s, {});
  AppendHTMLEscape(s, {});
  EXPECT_EQ(s, "");
  EXPECT_EQ(TrimOws({}), "");
  EXPECT_FALSE(ParseUfloat(std::string_view()).ok());
  EXPECT_FALSE(ParseIPv4(std::string_view()).ok());
}

}  // namespace
}  // namespace fasthttp
