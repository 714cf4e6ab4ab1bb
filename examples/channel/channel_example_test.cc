// The program itself, asked in memory: its main gets another name.
#define main ChannelMain
#include "examples/channel/main.cc"
#undef main

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace {

class ChannelExample : public testing::Test {
 protected:
  fasthttp::BlockingConn Ask(const std::string& path) {
    absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
    EXPECT_TRUE(conn.ok()) << conn.status();
    EXPECT_EQ(conn->Write("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
    return *std::move(conn);
  }
  std::string Answer(fasthttp::BlockingConn& conn, std::string_view end) {
    std::string answer;
    while (!answer.ends_with(end)) {
      char buffer[1024];
      fasthttp::IoResult n = conn.Read(buffer);
      if (!n.ok() || n.bytes() == 0) break;
      answer.append(buffer, n.bytes());
    }
    return answer;
  }

  fasthttptest::SimRuntime sim;
  fasthttptest::TestServer server{fasthttp::ServerSettings{.handler = Handle, .runtime = &sim}};
};

TEST_F(ChannelExample, ListenersGetWhatIsSaid) {
  fasthttp::BlockingConn first = Ask("/listen");
  sim.Settle();
  fasthttp::BlockingConn second = Ask("/listen");
  sim.Settle();
  ASSERT_TRUE(server.Post("/say", "text/plain", "one").ok());
  ASSERT_TRUE(server.Post("/say", "text/plain", "two").ok());
  EXPECT_TRUE(Answer(first, "\r\n\r\none").ends_with("one"));
  EXPECT_TRUE(Answer(second, "\r\n\r\ntwo").ends_with("two"));
}

TEST_F(ChannelExample, ListeningEndsAfterTenSeconds) {
  const absl::Time start = sim.Now();
  server.SetRequestTimeout(absl::Seconds(20));
  absl::StatusOr<fasthttp::Response> r = server.Get("/listen");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusNoContent);
  EXPECT_GE(sim.Now() - start, absl::Seconds(10));
  EXPECT_LT(sim.Now() - start, absl::Seconds(10.1));
}

TEST_F(ChannelExample, SixteenMessagesAreKept) {
  for (int i = 0; i < 17; ++i) {
    absl::StatusOr<fasthttp::Response> r = server.Post("/say", "text/plain", "hello");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), i < 16 ? fasthttp::kStatusOK : fasthttp::kStatusServiceUnavailable);
  }
  for (int i = 0; i < 16; ++i) EXPECT_EQ(server.Get("/listen")->Body(), "hello");
}

TEST_F(ChannelExample, TwoReportsAtOnce) {
  const absl::Time start = sim.Now();
  std::vector<fasthttp::BlockingConn> conns;
  for (int i = 0; i < 6; ++i) conns.push_back(Ask("/report"));
  for (fasthttp::BlockingConn& conn : conns) {
    EXPECT_TRUE(Answer(conn, "\r\n\r\ndone\n").ends_with("done\n"));
  }
  EXPECT_GE(sim.Now() - start, absl::Seconds(3));
  EXPECT_LT(sim.Now() - start, absl::Seconds(3.1));
}

}  // namespace
