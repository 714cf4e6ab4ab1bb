#include "fasthttp/dialer.h"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/scripted_connector.h"
#include "testing/scripted_resolver.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::ScriptedConnector;
using fasthttptest::ScriptedResolver;
using fasthttptest::SimRuntime;
using runtime::FunctionTask;
using runtime::Loop;

class TCPDialerTest : public ::testing::TestWithParam<size_t> {
 protected:
  void Make(TCPDialerOptions options = {}) {
    options.resolver = resolver_;
    dialer_ = std::make_unique<TCPDialer>(options, &connector_);
  }
  // The address that was connected, or the status.
  std::string Dial(std::string_view address, absl::Duration timeout = absl::Seconds(3)) {
    absl::StatusOr<BlockingConn> conn = dialer_->DialTimeout(address, timeout, &sim_);
    errc_ = ErrcOf(conn.status());
    if (!conn.ok()) return std::string(conn.status().message());
    return conn->RemoteAddr().ToString();
  }
  // Beside the test, on loop `i`, and keeps the connection.
  struct Later {
    Errc errc = Errc::kOk;
    BlockingConn conn;
    std::unique_ptr<FunctionTask> task;
  };
  Later& DialLater(size_t i, std::string_view address, absl::Duration timeout = absl::Seconds(3)) {
    Later& later = later_.emplace_back();
    later.task = std::make_unique<FunctionTask>(
        [this, &later, address = std::string(address), timeout](Loop& loop) {
          later.errc = dialer_->DialOn(
              loop, address, loop.FreshNow() + absl::ToInt64Nanoseconds(timeout), later.conn);
        });
    sim_.loop(i % GetParam())
        .Post([](Loop& loop, void* t, uint64_t,
                 uint64_t) { loop.Spawn(*static_cast<FunctionTask*>(t)); },
              later.task.get());
    return later;
  }
  void AwaitAll() {
    EXPECT_TRUE(sim_.RunUntil([&] {
      for (const Later& later : later_) {
        if (!later.task->done) return false;
      }
      return true;
    }));
  }

  SimRuntime sim_{{.loops = GetParam()}};
  ScriptedConnector connector_;
  std::shared_ptr<ScriptedResolver> resolver_ = std::make_shared<ScriptedResolver>();
  std::unique_ptr<TCPDialer> dialer_;
  std::deque<Later> later_;
  Errc errc_ = Errc::kOk;
};

TEST_P(TCPDialerTest, ANameIsLookedUpAndItsFirstAnswerTaken) {
  Make();
  resolver_->Answer("a.example", {"2001:db8::1", "192.0.2.1"}, absl::Milliseconds(10));
  connector_.On("[2001:db8::1]:80").Never();
  connector_.On("192.0.2.1:80").After(absl::Milliseconds(5));
  EXPECT_EQ(Dial("A.example:80"), "192.0.2.1:80");
  EXPECT_EQ(connector_.log(), "0 [2001:db8::1]:80, 250 192.0.2.1:80");
  EXPECT_EQ(connector_.open(), 0u);
}

TEST_P(TCPDialerTest, TheStatusNamesWhatWasTried) {
  Make();
  resolver_->Answer("a.example", {"2001:db8::1", "192.0.2.1", "192.0.2.2"});
  connector_.On("192.0.2.1:80").Fails(Errc::kConnectionRefused, absl::Milliseconds(5));
  connector_.On("192.0.2.2:80").Never();
  EXPECT_EQ(Dial("a.example:80", absl::Seconds(1)),
            "fasthttp: dial timeout: dial a.example:80: [2001:db8::1]:80: host unreachable, "
            "192.0.2.1:80: connection refused, 192.0.2.2:80: no answer yet");
  EXPECT_EQ(errc_, Errc::kDialTimeout);
  EXPECT_EQ(Dial("none.example:80"),
            "fasthttp: no such host: dial none.example:80: looking up the host name");
  EXPECT_EQ(errc_, Errc::kHostNotFound);
}

TEST_P(TCPDialerTest, BadAddressesSayWhatIsWrong) {
  Make();
  const struct {
    std::string_view address;
    std::string_view problem;
  } kBad[] = {
      {"", "missing port"},
      {"a.example", "missing port"},
      {"a.example:", "missing port"},
      {"[::1]", "missing port"},
      {"a.example:http", "bad port"},
      {"a.example:99999", "bad port"},
      {":80", "missing host"},
      {"::1:80", "an IPv6 address must stand in brackets"},
      {"[a.example]:80", "bad IPv6 address"},
      {"127.1:80", "bad host name"},
      {"a example:80", "bad host name"},
  };
  for (const auto& bad : kBad) {
    EXPECT_EQ(Dial(bad.address),
              absl::StrCat("fasthttp: bad network address: dial ", bad.address, ": ", bad.problem));
    EXPECT_EQ(errc_, Errc::kBadAddress) << bad.address;
  }
  EXPECT_EQ(connector_.started(), 0u);
}

TEST_P(TCPDialerTest, LocalhostIsNotLookedUp) {
  Make();
  connector_.On("127.0.0.1:80").After(absl::ZeroDuration());
  EXPECT_EQ(Dial("LocalHost:80"), "127.0.0.1:80");
  EXPECT_EQ(Dial("app.localhost.:80"), "127.0.0.1:80");
  EXPECT_EQ(connector_.log(), "0 [::1]:80, 0 127.0.0.1:80, 0 [::1]:80, 0 127.0.0.1:80");
  EXPECT_EQ(resolver_->lookups("localhost"), 0);
}

TEST_P(TCPDialerTest, LiteralsAreNotLookedUp) {
  Make({.disable_dns_resolution = true});
  connector_.On("192.0.2.1:80").After(absl::ZeroDuration());
  connector_.On("[2001:db8::1]:80").After(absl::ZeroDuration());
  connector_.On("/run/a.sock").After(absl::ZeroDuration());
  EXPECT_EQ(Dial("192.0.2.1:80"), "192.0.2.1:80");
  EXPECT_EQ(Dial("[2001:DB8::1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(Dial("unix:/run/a.sock"), "/run/a.sock");
  EXPECT_NE(Dial("a.example:80").find("names are not looked up by this dialer"), std::string::npos);
  EXPECT_EQ(errc_, Errc::kBadAddress);
}

TEST_P(TCPDialerTest, OneDeadlineHoldsLookupTurnAndConnect) {
  Make({.concurrency = 1});
  resolver_->Answer("slow.example", {"192.0.2.1"}, absl::Seconds(10));
  resolver_->Answer("a.example", {"192.0.2.1"}, absl::Seconds(1));
  connector_.On("192.0.2.1:80").Never();
  const absl::Time start = sim_.Now();
  EXPECT_EQ(Dial("slow.example:80", absl::Seconds(2)),
            "fasthttp: dial timeout: dial slow.example:80: looking up the host name");
  EXPECT_EQ(errc_, Errc::kDialTimeout);
  EXPECT_LE(sim_.Now() - start, absl::Milliseconds(2002));
  Later& first = DialLater(0, "a.example:80", absl::Seconds(4));
  Later& second = DialLater(1, "a.example:80", absl::Seconds(3));
  AwaitAll();
  EXPECT_EQ(first.errc, Errc::kDialTimeout);
  EXPECT_EQ(second.errc, Errc::kDialTimeout) << "waiting for its turn";
  EXPECT_EQ(connector_.started(), 1u);
}

TEST_P(TCPDialerTest, ConcurrencyLimitsConnectsUnderWayInOrder) {
  Make({.concurrency = 2});
  for (int i = 0; i < 6; ++i) {
    connector_.On(absl::StrCat("192.0.2.", i, ":80")).After(absl::Milliseconds(100));
  }
  for (size_t i = 0; i < 6; ++i) {
    DialLater(i, absl::StrCat("192.0.2.", i, ":80"));
    sim_.Advance(absl::Milliseconds(10));
  }
  AwaitAll();
  for (const Later& later : later_) EXPECT_EQ(later.errc, Errc::kOk);
  EXPECT_EQ(connector_.log(),
            "0 192.0.2.0:80, 10 192.0.2.1:80, 100 192.0.2.2:80, 110 192.0.2.3:80, "
            "200 192.0.2.4:80, 210 192.0.2.5:80");
}

TEST_P(TCPDialerTest, WhoGivesUpWaitingLeavesNoHoleInTheQueue) {
  Make({.concurrency = 1});
  connector_.On("192.0.2.1:80").After(absl::Milliseconds(100));
  Later& first = DialLater(0, "192.0.2.1:80");
  sim_.Settle();
  Later& impatient = DialLater(1, "192.0.2.1:80", absl::Milliseconds(50));
  Later& cancelled = DialLater(2, "192.0.2.1:80");
  sim_.Settle();
  Later& last = DialLater(3, "192.0.2.1:80");
  sim_.Settle();
  Loop& loop = sim_.loop(2 % GetParam());
  sim_.RunOn(loop, [&] { loop.Cancel(*cancelled.task, Errc::kCancelled); });
  AwaitAll();
  EXPECT_EQ(first.errc, Errc::kOk);
  EXPECT_EQ(impatient.errc, Errc::kDialTimeout);
  EXPECT_EQ(cancelled.errc, Errc::kCancelled);
  EXPECT_EQ(last.errc, Errc::kOk);
  EXPECT_EQ(Dial("192.0.2.1:80"), "192.0.2.1:80") << "the place is free again";
}

TEST_P(TCPDialerTest, FamiliesAndLocalAddress) {
  resolver_->Answer("a.example", {"2001:db8::1", "192.0.2.1"});
  resolver_->Answer("six.example", {"2001:db8::1"});
  connector_.On("192.0.2.1:80").After(absl::ZeroDuration());
  connector_.On("[2001:db8::1]:80").After(absl::ZeroDuration());
  Make({.family = IpFamily::kIPv4Only});
  EXPECT_EQ(Dial("a.example:80"), "192.0.2.1:80");
  EXPECT_NE(Dial("six.example:80").find("no address of the family asked for"), std::string::npos);
  EXPECT_EQ(errc_, Errc::kHostNotFound);
  Make({.family = IpFamily::kIPv6Only});
  EXPECT_EQ(Dial("a.example:80"), "[2001:db8::1]:80");
  const uint8_t local[4] = {192, 0, 2, 9};
  Make({.local_addr = Addr::IPv4(local, 0)});
  EXPECT_EQ(Dial("a.example:80"), "192.0.2.1:80");
  EXPECT_EQ(connector_.from().ToString(), "192.0.2.9:0");
}

TEST_P(TCPDialerTest, AddressesTakeTurns) {
  Make();
  resolver_->Answer("a.example", {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  for (int i = 1; i <= 3; ++i) {
    connector_.On(absl::StrCat("192.0.2.", i, ":80")).After(absl::ZeroDuration());
  }
  std::string order;
  for (int i = 0; i < 6; ++i) order += Dial("a.example:80").substr(8, 1);
  EXPECT_EQ(order, "123123");
  EXPECT_EQ(resolver_->lookups("a.example"), 1);
}

TEST_P(TCPDialerTest, FlushDNSCacheLooksUpAnew) {
  Make();
  connector_.On("192.0.2.1:80").After(absl::ZeroDuration());
  connector_.On("192.0.2.2:80").After(absl::ZeroDuration());
  resolver_->Answer("a.example", {"192.0.2.1"});
  EXPECT_EQ(Dial("a.example:80"), "192.0.2.1:80");
  resolver_->Answer("a.example", {"192.0.2.2"});
  EXPECT_EQ(Dial("a.example:80"), "192.0.2.1:80");
  dialer_->FlushDNSCache();
  EXPECT_EQ(Dial("a.example:80"), "192.0.2.2:80");
}

TEST_P(TCPDialerTest, ACancelledDialLeavesNothingBehind) {
  Make();
  resolver_->Answer("a.example", {"2001:db8::1", "192.0.2.1"}, absl::Milliseconds(100));
  connector_.On("[2001:db8::1]:80").Never();
  connector_.On("192.0.2.1:80").Never();
  const size_t endpoints = sim_.loop(0).endpoints().in_use();
  // In the lookup, in the first attempt, with both under way.
  for (int after : {50, 150, 500}) {
    dialer_->FlushDNSCache();
    Later& later = DialLater(0, "a.example:80");
    sim_.Advance(absl::Milliseconds(after));
    sim_.RunOn(sim_.loop(0), [&] { sim_.loop(0).Cancel(*later.task, Errc::kClientGone); });
    AwaitAll();
    EXPECT_EQ(later.errc, Errc::kClientGone);
    EXPECT_EQ(connector_.open(), 0u);
    EXPECT_EQ(sim_.loop(0).endpoints().in_use(), endpoints);
  }
}

INSTANTIATE_TEST_SUITE_P(Loops, TCPDialerTest, ::testing::Values(1, 2, 4),
                         [](const auto& info) { return std::to_string(info.param); });

// --- Real sockets -------------------------------------------------------------------------------

// Takes connections and answers each with a byte, until it is closed.
class Greeting {
 public:
  Greeting(Runtime& runtime, std::string_view address) {
    auto listener = runtime::Listen(address);
    status_ = listener.status();
    if (!listener.ok()) return;
    listener_ = *std::move(listener);
    thread_ = std::thread([this, &runtime] {
      runtime.Run([&] {
        for (;;) {
          absl::StatusOr<BlockingConn> conn = Accept(*listener_);
          if (!conn.ok()) return;
          EXPECT_EQ(conn->Write("!"), Errc::kOk);
        }
      });
    });
  }
  ~Greeting() {
    if (listener_ == nullptr) return;
    listener_->Close();
    thread_.join();
  }
  const absl::Status& status() const { return status_; }
  uint16_t port() const { return listener_->address().port(); }

 private:
  absl::Status status_;
  std::unique_ptr<Listener> listener_;
  std::thread thread_;
};

std::string Greeted(absl::StatusOr<BlockingConn> conn) {
  if (!conn.ok()) return conn.status().ToString();
  char byte;
  if (conn->ReadFull({&byte, 1}) != Errc::kOk || byte != '!') return "no greeting";
  return conn->RemoteAddr().IpString();
}

TEST(DialSockets, LocalhostFindsEitherFamily) {
  Runtime runtime({.threads = 2});
  Greeting four(runtime, "127.0.0.1:0");
  ASSERT_TRUE(four.status().ok()) << four.status();
  const std::string name = absl::StrCat("localhost:", four.port());
  EXPECT_EQ(Greeted(DialTimeout(name, absl::Seconds(30), &runtime)), "127.0.0.1");
  Greeting six(runtime, "[::1]:0");
  if (!six.status().ok()) GTEST_SKIP() << "no IPv6 here: " << six.status();
  const std::string other = absl::StrCat("localhost:", six.port());
  EXPECT_EQ(Greeted(DialTimeout(other, absl::Seconds(30), &runtime)), "::1");
}

TEST(DialSockets, AScriptedNameOverRealSockets) {
  Runtime runtime({.threads = 2});
  Greeting four(runtime, "127.0.0.1:0");
  ASSERT_TRUE(four.status().ok()) << four.status();
  auto resolver = std::make_shared<ScriptedResolver>();
  resolver->Answer("a.example", {"::1", "127.0.0.1"});
  TCPDialer dialer({.resolver = resolver});
  const std::string address = absl::StrCat("a.example:", four.port());
  EXPECT_EQ(Greeted(dialer.DialTimeout(address, absl::Seconds(30), &runtime)), "127.0.0.1");
  absl::Status error = dialer.DialTimeout("a.example:1", absl::Seconds(30), &runtime).status();
  EXPECT_EQ(ErrcOf(error), Errc::kConnectionRefused) << error;
  EXPECT_NE(error.message().find("127.0.0.1:1: connection refused"), error.message().npos) << error;
}

TEST(DialSockets, ManyThreadsAndLoopsAtOnce) {
  Runtime runtime({.threads = 2});
  Greeting four(runtime, "127.0.0.1:0");
  ASSERT_TRUE(four.status().ok()) << four.status();
  auto resolver = std::make_shared<ScriptedResolver>();
  resolver->Answer("a.example", {"127.0.0.1"}, absl::Milliseconds(1));
  TCPDialer dialer({.concurrency = 2, .resolver = resolver});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const std::string address = absl::StrCat("a.example:", four.port());
        EXPECT_EQ(Greeted(dialer.DialTimeout(address, absl::Seconds(30), &runtime)), "127.0.0.1");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DialSockets, ASystemNameThatDoesNotExist) {
  Runtime runtime({.threads = 1});
  absl::StatusOr<BlockingConn> conn = DialTimeout("a.invalid:80", absl::Seconds(30), &runtime);
  const Errc errc = ErrcOf(conn.status());
  EXPECT_TRUE(errc == Errc::kHostNotFound || errc == Errc::kLookupFailed ||
              errc == Errc::kDialTimeout)
      << conn.status();
}

}  // namespace
}  // namespace fasthttp
