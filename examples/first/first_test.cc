// The program itself, asked in memory: its main gets another name.
#define main FirstMain
#include "examples/first/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(First, SaysHello) {
  fasthttptest::TestServer server(Hello);
  absl::StatusOr<fasthttp::Response> r = server.Get("/?name=Ann");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->ContentType(), "text/plain");
  EXPECT_EQ(r->Body(), "Hello, Ann!\n");
}
