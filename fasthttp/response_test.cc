#include "fasthttp/response.h"

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

template <typename T>
concept BodyOfATemporary = requires(T make) { make().Body(); };
static_assert(!BodyOfATemporary<Response (*)()>, "the bytes would dangle");
static_assert(sizeof(Response) == sizeof(void*));
static_assert(!std::is_copy_constructible_v<Response>);
static_assert(std::is_nothrow_move_constructible_v<Response>);

TEST(Response, Basics) {
  Response response;
  EXPECT_EQ(response.StatusCode(), 200);
  response.SetStatusCode(404);
  response.SetContentType("text/html");
  response.SetBodyString("gone");
  response.AppendBody("!");
  EXPECT_EQ(response.Body(), "gone!");
  EXPECT_EQ(response.ContentType(), "text/html");
  response.SetSkipBody(true);
  response.Reset();
  EXPECT_EQ(response.StatusCode(), 200);
  EXPECT_EQ(response.Body(), "");
  EXPECT_FALSE(response.SkipBody());
  EXPECT_FALSE(response.header().HasContentType());
}

TEST(Response, FormatAppends) {
  Response response;
  response.SetBody("a");
  absl::Format(&response, "%d %s", 42, std::string(2000, 'x'));
  EXPECT_EQ(response.Body(), "a42 " + std::string(2000, 'x'));
}

TEST(Response, InAStatusOr) {
  absl::StatusOr<Response> result = Response();
  ASSERT_TRUE(result.ok());
  result->SetBody("x");
  absl::StatusOr<Response> moved = std::move(result);
  EXPECT_EQ(moved->Body(), "x");
  result = absl::InternalError("x");
  EXPECT_FALSE(result.ok());
}

TEST(Response, CopyTo) {
  Response response, copy;
  response.SetStatusCode(500);
  response.header().Set("X-A", "1");
  response.SetBodyRaw("raw");
  response.CopyTo(copy);
  response.Reset();
  EXPECT_EQ(copy.StatusCode(), 500);
  EXPECT_EQ(copy.header().Peek("X-A"), "1");
  EXPECT_EQ(copy.Body(), "raw");
  copy.CopyTo(copy);
  EXPECT_EQ(copy.Body(), "raw");
}

TEST(Response, SwapBody) {
  Response response;
  response.SetBody("old");
  OwnedBytes old = response.SwapBody(OwnedBytes(std::string("new")));
  EXPECT_EQ(old.view(), "old");
  EXPECT_EQ(response.Body(), "new");
}

TEST(Response, ReusedMemoryIsClean) {
  for (int i = 0; i < 3; ++i) {
    Response response;
    EXPECT_EQ(response.StatusCode(), 200);
    EXPECT_EQ(response.header().Len(), 0u);
    EXPECT_EQ(response.Body(), "");
    response.SetStatusCode(503);
    response.header().Set("Secret", "x");
    response.SetBody("secret");
    response.SetConnectionClose();
    ASSERT_TRUE(response.header().AddTrailer("X-T").ok());
  }
}

TEST(Response, MayDieOnAnyThread) {
  std::vector<Response> responses(200);
  for (Response& response : responses) response.SetBody(std::string(100, 'x'));
  std::thread([r = std::move(responses)]() mutable { r.clear(); }).join();
  // And at the very end of a thread, after its pool.
  std::thread([] {
    thread_local Response last;
    last.SetBody("x");
    Response first;
  }).join();
}

TEST(Response, SteadyStateAllocatesNothing) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  auto work = [] {
    Response response;
    response.SetStatusCode(404);
    response.SetContentType("application/json");
    response.header().Set("X-Request-Id", "0123456789");
    response.SetBodyString("{\"a\":1}");
    response.AppendBody("more of it, and so on, until it is a little longer");
  };
  work();
  AllocCounter counter;
  for (int i = 0; i < 100; ++i) work();
  EXPECT_EQ(counter.count(), 0u);
}

}  // namespace
}  // namespace fasthttp
