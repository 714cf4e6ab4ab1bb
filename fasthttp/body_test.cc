#include "fasthttp/body.h"

#include <algorithm>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace fasthttp {
namespace {

// Static storage, long enough not to be a small string.
constexpr std::string_view kRaw = "bytes of static storage that are never copied";

TEST(Body, SetAppendClear) {
  Body body;
  EXPECT_EQ(body.view(), "");
  body.Set("abc");
  body.Append("def");
  EXPECT_EQ(body.view(), "abcdef");
  body.Clear();
  EXPECT_TRUE(body.empty());
  body.Append("x");
  EXPECT_EQ(body.view(), "x");
  body.Set({});
  EXPECT_TRUE(body.empty());
}

TEST(Body, RawIsNotCopied) {
  Body body;
  body.SetRaw(kRaw);
  EXPECT_EQ(body.view().data(), kRaw.data());
  body.Append("!");
  EXPECT_EQ(body.view(), std::string(kRaw) + "!");
  EXPECT_EQ(kRaw.back(), 'd');
}

TEST(Body, OwnedIsReleasedOnce) {
  int released = 0;
  std::string text = "owned";
  {
    Body body;
    body.SetOwned(OwnedBytes(text, [&] { ++released; }));
    EXPECT_EQ(body.view().data(), text.data());
    Body moved = std::move(body);
    EXPECT_EQ(moved.view(), "owned");
    EXPECT_EQ(released, 0);
    moved.Set("other");
    EXPECT_EQ(released, 1);
    moved.SetOwned(OwnedBytes(text, [&] { ++released; }));
    moved.SetOwned(OwnedBytes(text, [&] { ++released; }));
    EXPECT_EQ(released, 2);
  }
  EXPECT_EQ(released, 3);
}

TEST(Body, OwnedMayDieOnAnotherThread) {
  bool released = false;
  OwnedBytes bytes(std::string(1000, 'x'));
  OwnedBytes called(kRaw, [&] { released = true; });
  std::thread([a = std::move(bytes), b = std::move(called)] { EXPECT_EQ(a.size(), 1000u); }).join();
  EXPECT_TRUE(released);
}

TEST(Body, TakeMovesTheBytes) {
  Body body;
  body.Set(std::string(100, 'x'));
  const char* data = body.view().data();
  OwnedBytes taken = body.Take();
  EXPECT_EQ(taken.view().data(), data);
  EXPECT_EQ(taken.size(), 100u);
  EXPECT_TRUE(body.empty());
  body.SetOwned(std::move(taken));
  OwnedBytes again = body.Take();
  EXPECT_EQ(again.view().data(), data);
  body.SetRaw(kRaw);
  EXPECT_EQ(body.Take().view().data(), kRaw.data());
  EXPECT_TRUE(Body().Take().empty());
}

TEST(Body, ViewsIntoItselfAreFine) {
  Body body;
  body.Set("0123456789");
  body.Set(body.view().substr(3));
  EXPECT_EQ(body.view(), "3456789");
  for (int i = 0; i < 10; ++i) body.Append(body.view());
  EXPECT_EQ(body.size(), 7u * 1024);
  EXPECT_EQ(body.view().substr(7 * 1023), "3456789");
  body.SetOwned(OwnedBytes(std::string(100, 'y')));
  body.Set(body.view().substr(50));
  EXPECT_EQ(body.view(), std::string(50, 'y'));
  body.SetOwned(OwnedBytes(std::string(100, 'z')));
  body.Append(body.view());
  EXPECT_EQ(body.view(), std::string(200, 'z'));
}

TEST(Body, PrepareAndCommit) {
  Body body;
  body.Set("ab");
  std::span<char> room = body.Prepare(1000);
  ASSERT_GE(room.size(), 1000u);
  EXPECT_EQ(body.view(), "ab");
  std::fill_n(room.data(), 1000, 'x');
  body.Commit(3);
  EXPECT_EQ(body.view(), "abxxx");
  body.SetRaw("raw");
  room = body.Prepare(1);
  room[0] = '!';
  body.Commit(1);
  EXPECT_EQ(body.view(), "raw!");
}

TEST(Body, LargeBuffersAreNotKept) {
  Body body;
  body.Set(std::string(1000, 'x'));
  const char* data = body.view().data();
  body.ClearUpTo(2000);
  body.Set("y");
  EXPECT_EQ(body.view().data(), data);
  body.ReleaseAbove(100000);
  EXPECT_EQ(body.view(), "y");
  body.ReleaseAbove(10);
  EXPECT_TRUE(body.empty());
  EXPECT_EQ(body.Take().view().data(), nullptr);
}

}  // namespace
}  // namespace fasthttp
