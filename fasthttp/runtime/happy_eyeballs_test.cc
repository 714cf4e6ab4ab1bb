#include "fasthttp/runtime/happy_eyeballs.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/scripted_connector.h"
#include "testing/sim_runtime.h"

namespace fasthttp::runtime {
namespace {

using fasthttptest::ScriptedConnector;

constexpr char kSix1[] = "[2001:db8::1]:80";
constexpr char kSix2[] = "[2001:db8::2]:80";
constexpr char kFour1[] = "192.0.2.1:80";
constexpr char kFour2[] = "192.0.2.2:80";

std::vector<Addr> Addrs(const std::vector<const char*>& texts) {
  std::vector<Addr> addrs;
  for (const char* text : texts) {
    EXPECT_EQ(ParseAddr(text, addrs.emplace_back()), Errc::kOk) << text;
  }
  return addrs;
}

std::string Text(const std::vector<Addr>& addrs) {
  std::string text;
  for (const Addr& addr : addrs) text += addr.ToString() + " ";
  return text;
}

class HappyEyeballs : public ::testing::Test {
 protected:
  // Races and closes the winner, whose address is the answer; "" if there is none.
  std::string Connect(const std::vector<const char*>& addresses, absl::Duration timeout,
                      const ConnectOptions& options = {}) {
    std::string won;
    sim_.Run([&] {
      Loop& loop = *Loop::Current();
      const size_t endpoints = loop.endpoints().in_use();
      const int64_t start = loop.FreshNow();
      Endpoint* winner = nullptr;
      errc_ =
          ConnectFirst(loop, Addrs(addresses), options, start + absl::ToInt64Nanoseconds(timeout),
                       connector_, winner, attempts_);
      took_ = absl::Nanoseconds(loop.FreshNow() - start);
      EXPECT_EQ(winner != nullptr, errc_ == Errc::kOk);
      EXPECT_EQ(connector_.open(), winner != nullptr ? 1u : 0u) << "losers are closed";
      if (winner != nullptr) {
        won = winner->conn->RemoteAddr().ToString();
        winner->conn->Close(false);
        loop.Release(*winner);
      }
      EXPECT_EQ(loop.endpoints().in_use(), endpoints);
    });
    return won;
  }

  fasthttptest::SimRuntime sim_;
  ScriptedConnector connector_;
  std::vector<Attempt> attempts_;
  Errc errc_ = Errc::kOk;
  absl::Duration took_;
};

TEST_F(HappyEyeballs, TheFirstAddressIsEnoughIfItAnswers) {
  connector_.On(kSix1).After(absl::Milliseconds(200));
  connector_.On(kFour1).After(absl::ZeroDuration());
  EXPECT_EQ(Connect({kSix1, kFour1}, absl::Seconds(3)), kSix1);
  EXPECT_EQ(connector_.log(), "0 [2001:db8::1]:80");
}

TEST_F(HappyEyeballs, ASilentAddressCostsAnAttemptDelay) {
  connector_.On(kSix1).Never();
  connector_.On(kFour1).After(absl::Milliseconds(20));
  EXPECT_EQ(Connect({kSix1, kFour1, kSix2}, absl::Seconds(3)), kFour1);
  EXPECT_EQ(connector_.log(), "0 [2001:db8::1]:80, 250 192.0.2.1:80");
  EXPECT_GE(took_, absl::Milliseconds(270));
  EXPECT_LE(took_, absl::Milliseconds(272));
  ASSERT_EQ(attempts_.size(), 2u);
  EXPECT_EQ(attempts_[0].errc, Errc::kAgain);
  EXPECT_EQ(attempts_[1].errc, Errc::kOk);
}

TEST_F(HappyEyeballs, AFailureStartsTheNextAtOnce) {
  connector_.On(kSix1).Fails(Errc::kConnectionRefused, absl::Milliseconds(10));
  connector_.On(kFour1).Never();
  connector_.On(kSix2).After(absl::Milliseconds(1));
  EXPECT_EQ(Connect({kSix1, kFour1, kSix2}, absl::Seconds(3)), kSix2);
  EXPECT_EQ(connector_.log(), "0 [2001:db8::1]:80, 10 192.0.2.1:80, 260 [2001:db8::2]:80");
}

TEST_F(HappyEyeballs, ALateFirstAttemptStillWins) {
  connector_.On(kSix1).After(absl::Milliseconds(600));
  connector_.On(kFour1).Never();
  connector_.On(kSix2).Never();
  EXPECT_EQ(Connect({kSix1, kFour1, kSix2}, absl::Seconds(3)), kSix1);
  EXPECT_EQ(connector_.started(), 3u);
}

TEST_F(HappyEyeballs, TheErrorThatTellsMostIsReported) {
  connector_.On(kFour1).Fails(Errc::kConnectionRefused, absl::Milliseconds(1));
  connector_.On(kFour2).Fails(Errc::kUnreachable, absl::Milliseconds(1));
  EXPECT_EQ(Connect({kSix1, kFour1, kFour2}, absl::Seconds(3)), "");
  EXPECT_EQ(errc_, Errc::kConnectionRefused);
  ASSERT_EQ(attempts_.size(), 3u);
  EXPECT_EQ(attempts_[0].errc, Errc::kUnreachable);
  EXPECT_EQ(attempts_[1].errc, Errc::kConnectionRefused);
  EXPECT_EQ(attempts_[2].errc, Errc::kUnreachable);
  EXPECT_EQ(Connect({kSix1}, absl::Seconds(3)), "");
  EXPECT_EQ(errc_, Errc::kUnreachable);
}

TEST_F(HappyEyeballs, TheDeadlineEndsAllAttempts) {
  for (const char* address : {kSix1, kSix2, kFour1}) connector_.On(address).Never();
  EXPECT_EQ(Connect({kSix1, kFour1, kSix2}, absl::Milliseconds(400)), "");
  EXPECT_EQ(errc_, Errc::kDialTimeout);
  EXPECT_EQ(connector_.started(), 2u);
  EXPECT_GE(took_, absl::Milliseconds(400));
  EXPECT_LE(took_, absl::Milliseconds(402));
  connector_.On(kSix1).After(absl::ZeroDuration());
  EXPECT_EQ(Connect({kSix1}, absl::ZeroDuration()), "");
  EXPECT_EQ(errc_, Errc::kDialTimeout) << "passed already";
  EXPECT_EQ(connector_.started(), 2u);
}

TEST_F(HappyEyeballs, TheTasksOwnDeadlineAndCancellationEndIt) {
  connector_.On(kSix1).Never();
  TaskList tasks;
  Endpoint* winner = nullptr;
  Errc late = Errc::kOk;
  Errc cancelled = Errc::kOk;
  FunctionTask* waiting = nullptr;
  sim_.Run([&] {
    Loop& loop = *Loop::Current();
    tasks
        .Spawn(loop,
               [&](Loop& l) {
                 late = ConnectFirst(l, Addrs({kSix1}), {}, kNoDeadline, connector_, winner,
                                     attempts_);
               })
        .scope.deadline = loop.now() + 50 * kMillisecond;
    std::vector<Attempt> others;
    waiting = &tasks.Spawn(loop, [&, others](Loop& l) mutable {
      Endpoint* none = nullptr;
      cancelled = ConnectFirst(l, Addrs({kSix1}), {}, kNoDeadline, connector_, none, others);
    });
    (void)SleepFor(loop, 100 * kMillisecond);
    EXPECT_EQ(late, Errc::kTimeout);
    loop.Cancel(*waiting, Errc::kClientGone);
  });
  EXPECT_TRUE(sim_.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_EQ(cancelled, Errc::kClientGone);
  EXPECT_EQ(connector_.open(), 0u);
}

TEST_F(HappyEyeballs, ALocalAddressChoosesTheFamily) {
  connector_.On(kSix1).After(absl::Milliseconds(1));
  connector_.On(kFour1).After(absl::Milliseconds(1));
  ConnectOptions options;
  options.from = Addrs({"192.0.2.9:0"})[0];
  EXPECT_EQ(Connect({kSix1, kFour1}, absl::Seconds(3), options), kFour1);
  EXPECT_EQ(connector_.log(), "0 192.0.2.1:80");
  EXPECT_EQ(connector_.from().ToString(), "192.0.2.9:0");
  EXPECT_EQ(Connect({kSix1}, absl::Seconds(3), options), "");
  EXPECT_EQ(errc_, Errc::kUnreachable);
}

TEST_F(HappyEyeballs, NoMoreThanSixteenAddressesAreTried) {
  EXPECT_EQ(Connect(std::vector<const char*>(100, kSix1), absl::Seconds(30)), "");
  EXPECT_EQ(attempts_.size(), kMaxAddresses);
}

TEST(InterleaveTest, FamiliesByTurnsFromTheFirstOnesFamily) {
  EXPECT_EQ(Text(Interleave(Addrs({kSix1, kSix2, kFour1, kFour2}), 0)),
            Text(Addrs({kSix1, kFour1, kSix2, kFour2})));
  EXPECT_EQ(Text(Interleave(Addrs({kFour1, kSix1, kSix2}), 0)),
            Text(Addrs({kFour1, kSix1, kSix2})));
  EXPECT_EQ(Text(Interleave(Addrs({kSix1, kSix2, kFour1, kFour2}), 1)),
            Text(Addrs({kSix2, kFour2, kSix1, kFour1})));
  EXPECT_EQ(Text(Interleave({}, 3)), "");
}

// --- Real sockets -------------------------------------------------------------------------------

TEST(HappyEyeballsSockets, TheAddressThatListensWins) {
  Runtime runtime({.threads = 1});
  auto listener = Listen("127.0.0.1:0");
  ASSERT_TRUE(listener.ok()) << listener.status();
  const Addr there = (*listener)->address();
  const Addr closed = [] {
    auto gone = Listen("127.0.0.1:0");
    return gone.ok() ? (*gone)->address() : Addr();
  }();
  uint8_t one[16] = {};
  one[15] = 1;
  runtime.Run([&] {
    Loop& loop = *Loop::Current();
    std::vector<Attempt> attempts;
    Endpoint* winner = nullptr;
    const std::vector<Addr> addresses = {Addr::IPv6(one, there.port()), closed, there};
    ASSERT_EQ(ConnectFirst(loop, addresses, {}, kNoDeadline, SocketConnector(), winner, attempts),
              Errc::kOk);
    EXPECT_EQ(winner->conn->RemoteAddr(), there);
    ASSERT_EQ(attempts.size(), 3u);
    EXPECT_NE(attempts[0].errc, Errc::kOk);  // Refused, or a machine without IPv6.
    EXPECT_EQ(attempts[1].errc, Errc::kConnectionRefused);
    winner->conn->Close(false);
    loop.Release(*winner);
    EXPECT_EQ(loop.endpoints().in_use(), 0u);

    const Addr only[] = {closed};
    EXPECT_EQ(ConnectFirst(loop, only, {}, kNoDeadline, SocketConnector(), winner, attempts),
              Errc::kConnectionRefused);

    ConnectOptions from;
    ASSERT_EQ(ParseAddr("127.0.0.2:0", from.from), Errc::kOk);
    const Addr reachable[] = {there};
    ASSERT_EQ(ConnectFirst(loop, reachable, from, kNoDeadline, SocketConnector(), winner, attempts),
              Errc::kOk);
    EXPECT_EQ(winner->conn->LocalAddr().IpString(), "127.0.0.2");
    winner->conn->Close(false);
    loop.Release(*winner);
  });
}

// The kernel gives a connect to an unused ephemeral port that very port now and then: asking for it
// by the local address makes sure.
TEST(HappyEyeballsSockets, AConnectionToItselfIsNone) {
  Runtime runtime({.threads = 1});
  Addr free_port;
  {
    auto gone = Listen("127.0.0.1:0");
    ASSERT_TRUE(gone.ok()) << gone.status();
    free_port = (*gone)->address();
  }
  runtime.Run([&] {
    Loop& loop = *Loop::Current();
    std::vector<Attempt> attempts;
    Endpoint* winner = nullptr;
    ConnectOptions from;
    from.from = free_port;
    const Addr to[] = {free_port};
    EXPECT_EQ(ConnectFirst(loop, to, from, kNoDeadline, SocketConnector(), winner, attempts),
              Errc::kConnectionRefused);
    EXPECT_EQ(loop.endpoints().in_use(), 0u);
  });
}

TEST(SplitHostPortTest, PartsAndProblems) {
  HostPort parts;
  EXPECT_EQ(SplitHostPort("example.com:80", parts), nullptr);
  EXPECT_EQ(parts.host, "example.com");
  EXPECT_EQ(parts.port, 80);
  EXPECT_FALSE(parts.bracketed);
  EXPECT_EQ(SplitHostPort("[::1]:65535", parts), nullptr);
  EXPECT_EQ(parts.host, "::1");
  EXPECT_EQ(parts.port, 65'535);
  EXPECT_TRUE(parts.bracketed);
  const struct {
    std::string_view text;
    std::string_view problem;
  } kBad[] = {
      {"", "missing port"},
      {"example.com", "missing port"},
      {"example.com:", "missing port"},
      {"[::1]", "missing port"},
      {"h:http", "bad port"},
      {"h:+80", "bad port"},
      {"h: 80", "bad port"},
      {"h:65536", "bad port"},
      {"h:000080", "bad port"},
      {":80", "missing host"},
      {"::1:80", "an IPv6 address must stand in brackets"},
      {"[]:80", "an IPv6 address must stand in brackets"},
      {"[::1:80", "an IPv6 address must stand in brackets"},
  };
  for (const auto& bad : kBad) {
    const char* problem = SplitHostPort(bad.text, parts);
    EXPECT_EQ(problem == nullptr ? "" : std::string_view(problem), bad.problem) << bad.text;
  }
}

TEST(ParseIpTest, AddressesAndZones) {
  auto parsed = [](std::string_view text) {
    Addr addr;
    return ParseAddr(text, addr) == Errc::kOk ? addr.ToString() : "bad";
  };
  EXPECT_EQ(parsed("1.2.3.4:5"), "1.2.3.4:5");
  EXPECT_EQ(parsed("[fe80::1%3]:5"), "[fe80::1%3]:5");
  EXPECT_EQ(parsed("[fe80::1%nosuchdevice]:5"), "bad");
  EXPECT_EQ(parsed("[fe80::1%]:5"), "bad");
  EXPECT_EQ(parsed(std::string_view("1.2.3.4\0.example:5", 18)), "bad");
  EXPECT_EQ(parsed("1.2.3:5"), "bad");
  EXPECT_EQ(parsed("0x7f000001:5"), "bad");
  EXPECT_EQ(parsed("[1.2.3.4]:5"), "bad");
}

}  // namespace
}  // namespace fasthttp::runtime
