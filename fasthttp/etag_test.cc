#include "fasthttp/etag.h"

#include "gtest/gtest.h"

namespace fasthttp {
namespace {

TEST(ETag, Grammar) {
  for (std::string_view good : {"\"\"", "\"a\"", "W/\"a\"", "\"a,b\\c\"", "\"\xFF\""}) {
    EXPECT_TRUE(IsETag(good)) << good;
  }
  for (std::string_view bad : {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "W/", "W/a", "\"a\"b",
                               "\"a b\"", "\"a\x7F\"", "\"\n\""}) {
    EXPECT_FALSE(IsETag(bad)) << bad;
  }
  EXPECT_FALSE(IsETag({}));
}

TEST(ETag, WeakComparison) {
  EXPECT_TRUE(ETagListMatchesWeakly("\"a\"", "\"a\""));
  EXPECT_TRUE(ETagListMatchesWeakly("W/\"a\"", "\"a\""));
  EXPECT_TRUE(ETagListMatchesWeakly("\"x\" , ,W/\"y,z\",\"a\"", "W/\"a\""));
  EXPECT_TRUE(ETagListMatchesWeakly("*", "\"a\""));
  EXPECT_FALSE(ETagListMatchesWeakly("\"A\"", "\"a\""));
  EXPECT_FALSE(ETagListMatchesWeakly("a", "a"));
  EXPECT_FALSE(ETagListMatchesWeakly("\"x\" \"a\"", "\"a\""));
  EXPECT_FALSE(ETagListMatchesWeakly("\"x, \"a\"", "\"a\""));
  EXPECT_FALSE(ETagListMatchesWeakly({}, {}));
  EXPECT_FALSE(ETagListMatchesWeakly(",", "\"a\""));
}

TEST(ETag, StrongComparison) {
  EXPECT_TRUE(ETagListMatchesStrongly("\"x\", \"a\"", "\"a\""));
  EXPECT_TRUE(ETagListMatchesStrongly("*", "\"a\""));
  EXPECT_FALSE(ETagListMatchesStrongly("W/\"a\"", "\"a\""));
  EXPECT_FALSE(ETagListMatchesStrongly("W/\"a\"", "W/\"a\""));
  EXPECT_FALSE(ETagListMatchesStrongly({}, {}));
}

}  // namespace
}  // namespace fasthttp
