// The program itself, asked in memory: its main gets another name.
#define main SleepMain
#include "examples/sleep/main.cc"
#undef main

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

// Twenty seconds of sleep on one loop, in one second of virtual time.
TEST(Sleep, SleepersDoNotWaitForEachOther) {
  fasthttptest::SimRuntime sim;
  fasthttptest::TestServer server(fasthttp::ServerSettings{.handler = Handle, .runtime = &sim});
  const absl::Time start = sim.Now();
  std::vector<fasthttp::BlockingConn> conns;
  for (int i = 0; i < 20; ++i) {
    absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
    ASSERT_TRUE(conn.ok()) << conn.status();
    ASSERT_EQ(conn->Write("GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
    conns.push_back(*std::move(conn));
  }
  for (fasthttp::BlockingConn& conn : conns) {
    std::string answer;
    while (!answer.ends_with("\r\n\r\nslept\n")) {
      char buffer[1024];
      fasthttp::IoResult n = conn.Read(buffer);
      ASSERT_TRUE(n.ok() && n.bytes() != 0) << answer;
      answer.append(buffer, n.bytes());
    }
  }
  EXPECT_GE(sim.Now() - start, absl::Seconds(1));
  EXPECT_LT(sim.Now() - start, absl::Seconds(1.1));
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
