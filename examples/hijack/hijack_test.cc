// The program itself, asked in memory: its main gets another name.
#define main HijackMain
#include "examples/hijack/main.cc"
#undef main

#include <string>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "util/inmemory_listener.h"

namespace {

// What comes up to and with `text`.
std::string Until(fasthttp::BlockingConn& conn, std::string_view text) {
  std::string got;
  while (!got.ends_with(text)) {
    char byte;
    fasthttp::IoResult n = conn.Read({&byte, 1});
    if (!n.ok() || n.bytes() == 0) break;
    got += byte;
  }
  return got;
}

TEST(Hijack, LinesComeBackAfterTheUpgrade) {
  fasthttptest::SimRuntime sim;
  fasthttputil::InmemoryListener listener(&sim);
  fasthttp::Server server({.handler = Upgrade, .runtime = &sim});
  sim.Run([&] {
    fasthttp::Spawn([&] { EXPECT_TRUE(server.Serve(listener).ok()); });
    absl::StatusOr<fasthttp::BlockingConn> conn = listener.Dial();
    ASSERT_TRUE(conn.ok());
    (void)conn->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string refused = Until(*conn, "echo only");
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 426 Upgrade Required\r\n")) << refused;
    (void)conn->Write(
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly\n");
    const std::string upgraded = Until(*conn, "\r\n\r\n");
    EXPECT_TRUE(upgraded.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << upgraded;
    EXPECT_EQ(Until(*conn, "\n"), "early\n");
    EXPECT_TRUE(fasthttp::Sleep(absl::Hours(1)).ok());
    (void)conn->Write("later\n");
    EXPECT_EQ(Until(*conn, "\n"), "later\n");
    conn->Close();
    EXPECT_TRUE(fasthttp::Sleep(absl::Milliseconds(1)).ok());
    EXPECT_EQ(server.Stats().connections_hijacked, 0u);
    listener.Close();
  });
}

}  // namespace
