// The program as it was moved, asked in memory: its main gets another name.
#define main TextMain
#include "examples/text/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(Text, Moved) {
  fasthttptest::TestServer server(fasthttpadaptor::NewTextHandler(filter));
  for (auto [in, out] : {std::pair("hello", "ehllo"), {"", ""}, {"world", "dlorw"}}) {
    absl::StatusOr<fasthttp::Response> r = server.Post("/", "text/plain", in);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), out);
  }
}
