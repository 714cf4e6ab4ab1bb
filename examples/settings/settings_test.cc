// The program itself, asked in memory: its main gets another name.
#define main SettingsMain
#include "examples/settings/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(Settings, TheBodyLimit) {
  fasthttptest::TestServer server(Settings());
  absl::StatusOr<fasthttp::Response> r = server.Post("/", "a/b", std::string(1 << 20, 'x'));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "1048576 bytes\n");
  r = server.Post("/", "a/b", std::string((1 << 20) + 1, 'x'));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusRequestEntityTooLarge);
  EXPECT_EQ(server.server().Stats().errors, 1u);
}
