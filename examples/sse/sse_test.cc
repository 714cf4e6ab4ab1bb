// The program itself, asked in memory: its main gets another name.
#define main SseMain
#include "examples/sse/main.cc"
#undef main

#include <string>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "util/inmemory_listener.h"

TEST(Sse, ATickEachSecondUntilTheClientGoes) {
  fasthttptest::SimRuntime sim;
  fasthttputil::InmemoryListener listener(&sim);
  fasthttp::Server server({.handler = Ticks, .runtime = &sim});
  sim.Run([&] {
    fasthttp::Spawn([&] { EXPECT_TRUE(server.Serve(listener).ok()); });
    absl::StatusOr<fasthttp::BlockingConn> conn = listener.Dial();
    ASSERT_TRUE(conn.ok());
    const absl::Time start = sim.Now();
    EXPECT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
    std::string got;
    char block[512];
    while (got.find("data: 3\n\n") == std::string::npos) {
      fasthttp::IoResult n = conn->Read(block);
      ASSERT_TRUE(n.ok());
      got.append(block, n.bytes());
    }
    EXPECT_GE(sim.Now() - start, absl::Seconds(3));
    EXPECT_LT(sim.Now() - start, absl::Seconds(3.1));
    EXPECT_NE(got.find("\r\n\r\n9\r\ndata: 0\n\n\r\n"), std::string::npos) << got;
    EXPECT_NE(got.find("Content-Type: text/event-stream\r\n"), std::string::npos) << got;
    conn->Close();
    EXPECT_TRUE(fasthttp::Sleep(absl::Milliseconds(1)).ok());
    EXPECT_EQ(server.GetOpenConnectionsCount(), 0u);
    listener.Close();
  });
}
