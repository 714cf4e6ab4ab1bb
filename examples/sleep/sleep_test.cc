// The program itself, asked in memory: its main gets another name.
#define main SleepMain
#include "examples/sleep/main.cc"
#undef main

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "testing/test_server.h"

// Twenty seconds of sleep on one loop, in little more than one.
TEST(Sleep, SleepersDoNotWaitForEachOther) {
  fasthttp::Runtime runtime({.threads = 1});
  fasthttptest::TestServer server(fasthttp::ServerSettings{.handler = Handle, .runtime = &runtime});
  const absl::Time start = absl::Now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      absl::StatusOr<fasthttp::Response> r = server.Get("/sleep");
      EXPECT_TRUE(r.ok() && r->Body() == "slept\n") << r.status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(990));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

TEST(Sleep, OffloadAndYield) {
  fasthttptest::TestServer server(Handle);
  absl::StatusOr<fasthttp::Response> r = server.Get("/file");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_NE(r->Body().find("Linux"), r->Body().npos) << r->Body();
  r = server.Get("/sum");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "1291890006563070912\n");
  r = server.Get("/other");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusNotFound);
}
