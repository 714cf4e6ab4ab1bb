// The programs themselves, asked in memory: their mains get other names.
#define main TimeoutHandlerMain
#include "examples/timeout_handler/main.cc"
#undef main
#define main SelectMain
#include "examples/timeout_handler/select.cc"
#undef main

#include <string>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

TEST(TimeoutHandler, TheClientIsAnsweredAndTheHandlerToldWhy) {
  fasthttptest::SimRuntime sim;
  testing::internal::CaptureStderr();
  {
    fasthttptest::TestServer server(fasthttp::ServerSettings{
        .handler = fasthttp::TimeoutHandler(Slow, absl::Seconds(2), "timeout"), .runtime = &sim});
    const absl::Time start = sim.Now();
    absl::StatusOr<fasthttp::Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), fasthttp::kStatusRequestTimeout);
    EXPECT_EQ(r->Body(), "timeout");
    EXPECT_GE(sim.Now() - start, absl::Seconds(2));
    EXPECT_LE(sim.Now() - start, absl::Seconds(2.05));
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("context cancelled: "), std::string::npos) << text;
}

TEST(Select, TheResultOrTheEndOfTheRequest) {
  fasthttptest::SimRuntime sim;
  testing::internal::CaptureStderr();
  {
    fasthttptest::TestServer server(fasthttp::ServerSettings{
        .handler = fasthttp::TimeoutHandler(Calculate, absl::Seconds(2), "timeout"),
        .runtime = &sim});
    absl::Time start = sim.Now();
    absl::StatusOr<fasthttp::Response> r = server.Get("/?ms=100");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), "42\n");
    EXPECT_LT(sim.Now() - start, absl::Seconds(0.2));
    start = sim.Now();
    r = server.Get("/?ms=5000");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), fasthttp::kStatusRequestTimeout);
    EXPECT_LE(sim.Now() - start, absl::Seconds(2.05));
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("no result: "), std::string::npos) << text;
}
