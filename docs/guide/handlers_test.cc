// The code blocks of handlers.md.
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace {

std::mutex mutex;
std::vector<std::string> seen;

void Remember(fasthttp::RequestCtx& ctx) {
  std::string_view path = ctx.Path();  // Ends with the handler.
  std::string kept(path);              // Yours.
  {
    std::lock_guard<std::mutex> lock(mutex);  // Fine: nothing in here waits.
    seen.push_back(std::move(kept));
  }
  absl::Status s = fasthttp::Sleep(absl::Milliseconds(1));  // Not under the lock.
  if (!s.ok()) return ctx.Error(s);
  ctx.SetBodyString(path);  // Still valid: Sleep is a part of the handler.
}

fasthttp::RequestHandler WithUser(fasthttp::RequestHandler next) {
  return [next = std::move(next)](fasthttp::RequestCtx& ctx) {
    std::string_view user = ctx.request().header().Peek("X-User");
    if (user.empty()) return ctx.Error("who are you?", fasthttp::kStatusUnauthorized);
    ctx.SetUserValue("user", std::string(user));
    next(ctx);
    ctx.response().header().Set("X-Greeted", user);
  };
}

void Greet(fasthttp::RequestCtx& ctx) {
  const std::any* user = ctx.UserValue("user");
  absl::Format(&ctx, "hello %s\n", std::any_cast<const std::string&>(*user));
}

TEST(HandlersGuide, Lifetimes) {
  fasthttptest::TestServer server(Remember);
  absl::StatusOr<fasthttp::Response> r = server.Get("/a");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "/a");
  std::lock_guard<std::mutex> lock(mutex);
  EXPECT_EQ(seen, std::vector<std::string>{"/a"});
}

TEST(HandlersGuide, Middleware) {
  fasthttptest::TestServer server(WithUser(Greet));
  absl::StatusOr<fasthttp::Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusUnauthorized);
  r = server.Do("GET / HTTP/1.1\r\nHost: h\r\nX-User: Ann\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "hello Ann\n");
  EXPECT_EQ(r->header().Peek("X-Greeted"), "Ann");
}

}  // namespace
