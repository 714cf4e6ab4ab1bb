#include "adaptor/text.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Response;
using fasthttptest::TestServer;

std::string Reverse(std::string_view text) { return {text.rbegin(), text.rend()}; }

TEST(NewTextHandler, AnswersTheBody) {
  TestServer server(NewTextHandler(Reverse));
  for (std::string_view body : {"", "abc", "a text that is longer than a short string"}) {
    absl::StatusOr<Response> r = server.Post("/any", "a/b", body);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 200);
    EXPECT_EQ(r->Body(), Reverse(body));
  }
}

TEST(NewTextHandler, AnswersThePathWithATypeOfOnesOwn) {
  TestServer server(NewTextHandler(
      Reverse, {.input = TextOptions::Input::kPath, .content_type = "text/markdown"}));
  absl::StatusOr<Response> r = server.Get("/a%20b?c");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "b a/");
  EXPECT_EQ(r->ContentType(), "text/markdown");
}

TEST(NewTextHandler, MovesTheResult) {
  const char* made = nullptr;
  fasthttp::RequestHandler handler = NewTextHandler([&](std::string_view) {
    std::string text(1000, 'x');
    made = text.data();
    return text;
  });
  fasthttp::RequestCtx ctx;
  handler(ctx);
  EXPECT_EQ(ctx.response().Body().data(), made);
}

TEST(NewTextHandler, ExceptionsReachTheServer) {
  TestServer server(
      NewTextHandler([](std::string_view) -> std::string { throw std::runtime_error("broken"); }));
  absl::StatusOr<Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 500);
}

TEST(NewTextHandler, NeedsAFunction) {
  EXPECT_DEATH((void)NewTextHandler(TextFunc()), "needs a function");
}

}  // namespace
}  // namespace fasthttpadaptor
