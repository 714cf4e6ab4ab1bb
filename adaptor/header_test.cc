#include "adaptor/header.h"

#include <string>

#include "adaptor/server_writer.h"
#include "fasthttp/header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fasthttpadaptor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Text(const Header& header) {
  std::string text;
  for (const auto& [name, value] : header) text.append(name).append("=").append(value).append(";");
  return text;
}

TEST(Header, IsAnOrderedMultimapWithFoldedNames) {
  Header header;
  header.Add("X-A", "1");
  header.Add("B", "2");
  header.Add("x-a", "3");
  EXPECT_EQ(header.Get("x-A"), "1");
  EXPECT_THAT(header.Values("X-a"), ElementsAre("1", "3"));
  EXPECT_EQ(header.size(), 3u);
  header.Set("X-A", "4");
  EXPECT_THAT(header.Values("x-a"), ElementsAre("4"));
  EXPECT_EQ(header.size(), 2u);
  header.Del("b");
  EXPECT_FALSE(header.Has("B"));
  EXPECT_EQ(header.Get("B"), "");
  EXPECT_TRUE(header.Values("B").empty());
  header.Add("Empty", "");
  EXPECT_TRUE(header.Has("empty"));
}

TEST(Header, TakesViewsOfItself) {
  Header header;
  header.Add("A", "a value that is too long for the string itself");
  header.Set((*header.begin()).name, header.Get("A"));
  EXPECT_EQ(header.Get("A"), "a value that is too long for the string itself");
  header.Del((*header.begin()).name);
  EXPECT_TRUE(header.empty());
}

TEST(Header, SetReplacesAllOfThatNameByOneAtTheEnd) {
  Header header;
  header.Add("A", "1");
  header.Add("B", "2");
  header.Add("a", "3");
  header.Add("C", "4");
  header.Set("A", "5");
  EXPECT_EQ(Text(header), "B=2;C=4;A=5;");
  header.Set("New", "6");
  EXPECT_EQ(Text(header), "B=2;C=4;A=5;New=6;");
}

TEST(Header, DelTakesNeighboursToo) {
  Header header;
  for (const char* name : {"A", "a", "B", "A"}) header.Add(name, "x");
  header.Del("A");
  EXPECT_EQ(Text(header), "B=x;");
  header.Del("none");
  EXPECT_EQ(header.size(), 1u);
}

TEST(Header, CopiesAreIndependent) {
  Header header;
  header.Add("A", "1");
  Header copy = header;
  header.Set("A", "2");
  EXPECT_EQ(copy.Get("A"), "1");
  copy = copy;
  EXPECT_EQ(copy.Get("A"), "1");
  copy = header;
  EXPECT_EQ(copy.Get("A"), "2");
}

TEST(Header, EveryFunctionTakesEmptyViews) {
  Header header;
  header.Add({}, {});
  EXPECT_TRUE(header.Has({}));
  EXPECT_EQ(header.Get({}), "");
  EXPECT_THAT(header.Values({}), ElementsAre(""));
  header.Set({}, {});
  EXPECT_EQ(header.size(), 1u);
  header.Del({});
  EXPECT_THAT(header.Values({}), IsEmpty());
  header.clear();
  EXPECT_TRUE(header.empty());
}

TEST(Header, ClearedAndUsedAgain) {
  Header header;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 10; ++i) header.Add("Name" + std::to_string(i), std::to_string(round));
    EXPECT_EQ(header.size(), 10u);
    EXPECT_EQ(header.Get("name7"), std::to_string(round));
    header.clear();
  }
}

// On a writer the store of a Content-Type that is alone is not the one of other fields.
void CheckTypes(Header& header) {
  header.Set("Content-Type", "a/b");
  EXPECT_EQ(header.Get("content-type"), "a/b");
  EXPECT_EQ(header.Get("X"), "");
  header.clear();
  header.Set("Content-Type", "a/b");
  header.Set("Content-Type", "text/html");
  EXPECT_EQ(header.size(), 1u);
  EXPECT_EQ(header.Get("content-type"), "text/html");
  header.clear();
  EXPECT_TRUE(header.empty());
  header.Set("Content-Type", "a/b");
  header.Add("Content-Type", "c/d");
  EXPECT_EQ(header.Values("Content-Type"), (std::vector<std::string_view>{"a/b", "c/d"}));
  header.clear();
  header.Set("Content-Type", "a/b");
  header.Set("X-A", "1");
  header.Set("Content-Type", "c/d");
  EXPECT_EQ(header.size(), 2u);
  EXPECT_EQ(header.Get("Content-Type"), "c/d");
  header.clear();
  header.Set("Content-Type", "a/b");
  const Header copy = header;
  header.Del("content-type");
  EXPECT_TRUE(header.empty());
  EXPECT_EQ(copy.Get("Content-Type"), "a/b");
  EXPECT_TRUE(copy.Has("CONTENT-TYPE"));
  header.Set("Content-Type", std::string(1000, 'x'));
  EXPECT_EQ(header.Get("Content-Type"), std::string(1000, 'x'));
  header.clear();
  header.Set("Content-Type", "a/b");
  const std::string_view type = (*header.begin()).value;
  header.Set("X-B", type);
  header.Set("Content-Type", header.Get("X-B"));
  EXPECT_EQ(header.Get("Content-Type"), "a/b");
}

TEST(Header, ATypeAloneIsAFieldLikeOthers) {
  Header header;
  CheckTypes(header);
  ServerWriter writer;
  CheckTypes(writer.Header());
}

}  // namespace
}  // namespace fasthttpadaptor
