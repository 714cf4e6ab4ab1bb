// The program itself, asked in memory: its main gets another name.
#define main JsonQueryFormMain
#include "examples/json_query_form/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(JsonQueryForm, AnswersJson) {
  fasthttptest::TestServer server(Users);
  absl::StatusOr<fasthttp::Response> r =
      server.Post("/users?page=2", "application/x-www-form-urlencoded", "name=A%22nn+B");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusOK);
  EXPECT_EQ(r->ContentType(), "application/json");
  EXPECT_EQ(r->Body(), R"({"page":2,"name":"A\"nn B"})");
}

TEST(JsonQueryForm, RefusesWhatIsNoPage) {
  fasthttptest::TestServer server(Users);
  for (const char* target : {"/users", "/users?page=", "/users?page=-1", "/users?page=x"}) {
    absl::StatusOr<fasthttp::Response> r = server.Get(target);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), fasthttp::kStatusBadRequest) << target;
  }
  absl::StatusOr<fasthttp::Response> r = server.Get("/other");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusNotFound);
}
