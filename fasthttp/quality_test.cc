#include "fasthttp/quality.h"

#include <string_view>

#include "gtest/gtest.h"

namespace fasthttp {
namespace {

TEST(Quality, Weights) {
  EXPECT_EQ(QualityOf("gzip", "gzip"), 1000);
  EXPECT_EQ(QualityOf("a;q=0.123, gzip;q=0.5", "GZIP"), 500);
  EXPECT_EQ(QualityOf("*;q=0.3", "gzip"), 300);
  EXPECT_EQ(QualityOf("*;q=0.3, gzip;q=0", "gzip"), 0);
  EXPECT_EQ(QualityOf("br", "gzip"), -1);
  EXPECT_EQ(QualityOf("text/html;level=1;q=0.7", "text/html"), 700);
  for (std::string_view bad : {"gzip;q=", "gzip;q=2", "gzip;q=1.1", "gzip;q=0.1234", "gzip;q=-1",
                               "gzip;q=.5", "gzip;q=0,5x"}) {
    int quality = QualityOf(bad, "gzip");
    EXPECT_TRUE(quality == -1 || quality == 0) << bad;
  }
  EXPECT_EQ(QualityOf({}, {}), -1);
}

TEST(Quality, QuotesHideSeparators) {
  EXPECT_EQ(QualityOf("a;x=\"b, gzip;q=0.5\", gzip;q=0.7", "gzip"), 700);
  EXPECT_EQ(QualityOf("gzip;x=\"\\\";q=0.1\";q=0.9", "gzip"), 900);
  EXPECT_EQ(QualityOf("gzip;x=\"", "gzip"), 1000);
}

TEST(Quality, MalformedWeightsDoNotHideGoodOnes) {
  EXPECT_EQ(QualityOf("gzip;q=2, *;q=0.4", "gzip"), 400);
}

TEST(Negotiate, Types) {
  constexpr std::string_view kOffers[] = {"application/json", "text/html;charset=utf-8",
                                          "text/plain"};
  EXPECT_EQ(NegotiateType({}, kOffers), "application/json");
  EXPECT_EQ(NegotiateType("*/*", kOffers), "application/json");
  EXPECT_EQ(NegotiateType("text/*", kOffers), "text/html;charset=utf-8");
  EXPECT_EQ(NegotiateType("TEXT/Plain", kOffers), "text/plain");
  EXPECT_EQ(NegotiateType("text/*;q=0.5, application/json;q=0.4", kOffers),
            "text/html;charset=utf-8");
  EXPECT_EQ(NegotiateType("text/html;q=0.2, text/*;q=0.3, */*;q=0.1", kOffers), "text/plain");
  EXPECT_EQ(NegotiateType("*/*;q=0.1, application/json;q=0", kOffers), "text/html;charset=utf-8");
  EXPECT_EQ(NegotiateType("text/html;charset=UTF-8, */*;q=0.9", kOffers),
            "text/html;charset=utf-8");
  EXPECT_EQ(NegotiateType("text/html;charset=latin1", kOffers), "");
  EXPECT_EQ(NegotiateType("image/png", kOffers), "");
  EXPECT_EQ(NegotiateType("*/*;q=0", kOffers), "");
  EXPECT_EQ(
      NegotiateType("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kOffers),
      "text/html;charset=utf-8");
  // A wildcard stands for a whole part only.
  for (std::string_view bad : {"*", "text", "*/html", "text/h*", "/", "text/"}) {
    EXPECT_EQ(NegotiateType(bad, kOffers), "") << bad;
  }
  EXPECT_EQ(NegotiateType("*/*", {}), "");
}

TEST(Negotiate, Encodings) {
  constexpr std::string_view kOffers[] = {"br", "gzip"};
  EXPECT_EQ(NegotiateEncoding({}, kOffers), "identity");
  EXPECT_EQ(NegotiateEncoding("gzip", kOffers), "gzip");
  EXPECT_EQ(NegotiateEncoding("gzip, br", kOffers), "br");
  EXPECT_EQ(NegotiateEncoding("gzip;q=1, br;q=0.9", kOffers), "gzip");
  EXPECT_EQ(NegotiateEncoding("*", kOffers), "br");
  EXPECT_EQ(NegotiateEncoding("gzip;q=0, *;q=0.5", kOffers), "br");
  EXPECT_EQ(NegotiateEncoding("gzip;q=0, br;q=0", kOffers), "identity");
  EXPECT_EQ(NegotiateEncoding("identity;q=1, gzip;q=0.5", kOffers), "identity");
  EXPECT_EQ(NegotiateEncoding("deflate", kOffers), "identity");
  EXPECT_EQ(NegotiateEncoding("identity;q=0, deflate", kOffers), "");
  EXPECT_EQ(NegotiateEncoding("*;q=0", kOffers), "");
  EXPECT_EQ(NegotiateEncoding("*;q=0, gzip", kOffers), "gzip");
  EXPECT_EQ(NegotiateEncoding("*;q=0, identity", kOffers), "identity");
  EXPECT_EQ(NegotiateEncoding("gzip", {}), "identity");
}

TEST(Negotiate, Languages) {
  constexpr std::string_view kOffers[] = {"de", "en-GB", "en-US"};
  EXPECT_EQ(NegotiateLanguage({}, kOffers), "de");
  EXPECT_EQ(NegotiateLanguage("en", kOffers), "en-GB");
  EXPECT_EQ(NegotiateLanguage("EN-us", kOffers), "en-US");
  EXPECT_EQ(NegotiateLanguage("en-GB;q=0, en;q=0.5", kOffers), "en-US");
  EXPECT_EQ(NegotiateLanguage("fr, *;q=0.1", kOffers), "de");
  EXPECT_EQ(NegotiateLanguage("e, en-, de-CH", kOffers), "");
  EXPECT_EQ(NegotiateLanguage("fr", kOffers), "");
}

}  // namespace
}  // namespace fasthttp
