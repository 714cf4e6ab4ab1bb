// The program itself, asked in memory: its main gets another name.
#define main GreeterMain
#include "examples/greeter/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(Greeter, Greets) {
  Greeter greeter{"bar"};
  fasthttptest::TestServer server(absl::bind_front(&Greeter::HandleFastHTTP, &greeter));
  absl::StatusOr<fasthttp::Response> r = server.Get("/a/../b");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "Hello, world! Path is /b, foobar is bar\n");
}
