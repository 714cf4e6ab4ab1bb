#include "fasthttp/args.h"

#include <string>
#include <vector>

#include "fasthttp/error.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

std::string Shown(std::string_view text) {
  Args args;
  args.Parse(text);
  std::string shown;
  args.VisitAll([&](std::string_view key, std::string_view value) {
    shown.append("[").append(key).append("|").append(value).append("]");
  });
  return shown;
}

TEST(Args, Parse) {
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("a=b&c=d"), "[a|b][c|d]");
  EXPECT_EQ(Shown("a"), "[a|]");
  EXPECT_EQ(Shown("a="), "[a|]");
  EXPECT_EQ(Shown("=b"), "[|b]");
  EXPECT_EQ(Shown("a=b=c"), "[a|b=c]");
  EXPECT_EQ(Shown("a=1;b=2"), "[a|1;b=2]");
  EXPECT_EQ(Shown("a=1&a=2"), "[a|1][a|2]");
  EXPECT_EQ(Shown("%26=%3D&a+b=c%2Bd+e"), "[&|=][a b|c+d e]");
}

TEST(Args, EmptyEntriesAreDropped) {
  EXPECT_EQ(Shown("&&a=b&&"), "[a|b]");
  EXPECT_EQ(Shown("=&=&a=b&="), "[a|b]");
}

TEST(Args, MalformedPercentStays) {
  EXPECT_EQ(Shown("a=%zz&b=%4&c=%"), "[a|%zz][b|%4][c|%]");
  EXPECT_EQ(Shown("a=%&b=%4&c"), "[a|%][b|%4][c|]");
  EXPECT_EQ(Shown("a%=1&b%4=2"), "[a%|1][b%4|2]");
  EXPECT_EQ(Shown("a=%=1"), "[a|%=1]");
  EXPECT_EQ(Shown("a=%+1"), "[a|% 1]");
}

TEST(Args, NoValueFlagIsKept) {
  for (std::string_view text : {"a", "a=", "a&b=&c=d&e", "=b"}) {
    Args args;
    args.Parse(text);
    EXPECT_EQ(args.QueryString(), text);
  }
}

TEST(Args, PeekHasAndMulti) {
  Args args;
  args.Parse("a=1&b&a=2&A=3");
  EXPECT_EQ(args.Peek("a"), "1");
  EXPECT_EQ(args.Peek("A"), "3");
  EXPECT_EQ(args.Peek("x"), "");
  EXPECT_TRUE(args.Has("b"));
  EXPECT_FALSE(args.Has("x"));
  auto values = args.PeekMulti("a");
  EXPECT_EQ(std::vector<std::string>(values.begin(), values.end()),
            (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(args.Len(), 4u);
}

TEST(Args, TrapSetLeavesNoOlderDuplicate) {
  Args args;
  args.Parse("a=1&b=2&a=3");
  args.Set("a", "9");
  EXPECT_EQ(args.QueryString(), "a=9&b=2");
  args.Set("c", "4");
  args.SetNoValue("b");
  EXPECT_EQ(args.QueryString(), "a=9&b&c=4");
}

TEST(Args, DelKeepsOrder) {
  Args args;
  args.Parse("a=1&b=2&a=3&c=4");
  args.Del("a");
  EXPECT_EQ(args.QueryString(), "b=2&c=4");
  args.Del({});
  EXPECT_EQ(args.Len(), 2u);
}

TEST(Args, Numbers) {
  Args args;
  args.Parse("n=42&big=18446744073709551616&neg=-1&empty=&none&f=1.5&nf=-2");
  EXPECT_EQ(*args.GetUint("n"), 42u);
  EXPECT_EQ(ErrcOf(args.GetUint("big").status()), Errc::kNumberOverflow);
  EXPECT_EQ(ErrcOf(args.GetUint("neg").status()), Errc::kBadNumber);
  EXPECT_EQ(ErrcOf(args.GetUint("empty").status()), Errc::kNoArgValue);
  EXPECT_EQ(ErrcOf(args.GetUint("none").status()), Errc::kNoArgValue);
  EXPECT_EQ(ErrcOf(args.GetUint("missing").status()), Errc::kNoArgValue);
  EXPECT_EQ(HttpStatusOf(args.GetUint("missing").status()), 400);
  EXPECT_DOUBLE_EQ(*args.GetUfloat("f"), 1.5);
  EXPECT_FALSE(args.GetUfloat("nf").ok());
  EXPECT_EQ(args.GetUintOrZero("n"), 42u);
  EXPECT_EQ(args.GetUintOrZero("neg"), 0u);
  EXPECT_EQ(args.GetUfloatOrZero("nf"), 0);
  args.SetUint("n", 7);
  EXPECT_EQ(args.Peek("n"), "7");
}

TEST(Args, GetBool) {
  Args args;
  for (std::string_view yes :
       {"1", "t", "T", "true", "TRUE", "True", "y", "Y", "yes", "YES", "Yes"}) {
    args.Set("b", yes);
    EXPECT_TRUE(args.GetBool("b")) << yes;
  }
  for (std::string_view no : {"", "0", "false", "tRUE", "on", "yES"}) {
    args.Set("b", no);
    EXPECT_FALSE(args.GetBool("b")) << no;
  }
}

TEST(Args, SortIsStableByKeyThenValue) {
  Args args;
  args.Parse("b=2&a=2&b=1&a=1&c");
  args.Sort();
  EXPECT_EQ(args.QueryString(), "a=1&a=2&b=1&b=2&c");
  args.Parse("b=2&a=2&b=1&a=1");
  args.SortKeys([](std::string_view x, std::string_view y) { return x < y; });
  EXPECT_EQ(args.QueryString(), "a=2&a=1&b=2&b=1");
}

TEST(Args, SEC_EntriesCanBeCapped) {
  Args args;
  EXPECT_TRUE(args.Parse("a=1&b=2&&c=3&", 3));
  EXPECT_EQ(args.Len(), 3u);
  EXPECT_FALSE(args.Parse("a=1&b=2&c=3&d=4", 3));
  EXPECT_EQ(args.QueryString(), "a=1&b=2&c=3");
}

TEST(Args, AllBytesRoundTrip) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  Args args;
  args.Add(all, all);
  std::string text = args.QueryString();
  Args again;
  again.Parse(text);
  EXPECT_EQ(again.Peek(all), all);
}

TEST(Args, ViewsIntoItselfAreFine) {
  Args args;
  args.Parse("a=some-value-of-some-length&b=x%3D1%26y=2");
  for (int i = 0; i < 100; ++i) args.Add(args.Peek("a"), args.Peek("a"));
  EXPECT_EQ(args.Len(), 102u);
  args.Set("a", args.Peek("a").substr(5));
  EXPECT_EQ(args.Peek("a"), "value-of-some-length");
  args.Parse(args.Peek("b"));
  EXPECT_EQ(args.QueryString(), "x=1&y=2");
}

TEST(Args, CopyIsIndependent) {
  Args args, copy;
  args.Parse("a=1&b");
  args.CopyTo(copy);
  args.Set("a", "2");
  EXPECT_EQ(copy.QueryString(), "a=1&b");
  copy.CopyTo(copy);
  EXPECT_EQ(copy.QueryString(), "a=1&b");
}

TEST(Args, EmptyViews) {
  Args args;
  EXPECT_TRUE(args.Parse({}));
  args.Set({}, {});
  args.Add({}, {});
  args.SetNoValue({});
  EXPECT_EQ(args.Peek({}), "");
  EXPECT_TRUE(args.Has({}));
  EXPECT_FALSE(args.GetUint({}).ok());
  EXPECT_FALSE(args.GetBool({}));
  args.Del({});
  EXPECT_EQ(args.Len(), 0u);
}

TEST(Args, SteadyStateAllocatesNothing) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  Args args;
  args.Parse("foo=bar&baz=qqq&aaaaa=bbbb%20cc");
  AllocCounter counter;
  for (int i = 0; i < 1000; ++i) {
    args.Parse("foo=bar&baz=qqq&aaaaa=bbbb%20cc");
    args.Set("foo", "rab");
    if (args.Peek("baz") != "qqq") abort();
  }
  EXPECT_EQ(counter.count(), 0u);
}

TEST(Args, SEC_HostileInputAllocatesInProportion) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text.append("a&");
  Args args;
  AllocCounter counter;
  args.Parse(text, 1000);
  EXPECT_EQ(args.Len(), 1000u);
  EXPECT_LE(counter.count(), 16u);
}

}  // namespace
}  // namespace fasthttp
