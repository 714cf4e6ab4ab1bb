// The generator is believed only as far as it can be shown to notice what a server gets wrong.
#include "benchmarks/tcp/load.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "benchmarks/tcp/requests.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"

namespace fasthttp::benchmarks {
namespace {

// A server on one loop that counts.
class Subject {
 public:
  explicit Subject(RequestHandler handler) : server_(Settings(std::move(handler))) {
    port_ = server_.Start("127.0.0.1:0").value().port();
  }
  ~Subject() { EXPECT_TRUE(server_.Shutdown().ok()); }

  LoadOptions Options(std::string_view request) const {
    LoadOptions options;
    options.port = port_;
    options.conns = 4;
    options.request = RequestNamed(request);
    return options;
  }
  ServerStats stats() { return server_.Stats(); }

 private:
  ServerSettings Settings(RequestHandler handler) {
    ServerSettings settings;
    settings.handler = std::move(handler);
    settings.runtime = &runtime_;
    return settings;
  }

  Runtime runtime_{RuntimeOptions{.threads = 1}};
  Server server_;
  uint16_t port_ = 0;
};

void Hello(RequestCtx& ctx) { ctx.Success("text/plain", "Hello, World!"); }
void Echo(RequestCtx& ctx) { ctx.Success("text/plain", ctx.PostBody()); }

TEST(Load, AFixedNumberOfRequestsIsSentAndAnswered) {
  Subject subject(Hello);
  LoadOptions options = subject.Options("hello");
  options.requests = 1001;
  options.pipeline = 16;
  const LoadResult result = RunLoad(options);
  EXPECT_EQ(result.requests, 1001u);
  // The pattern is asked for on a connection of its own.
  EXPECT_EQ(subject.stats().requests, 1002u);
  EXPECT_EQ(subject.stats().connections_accepted, 5u);
  EXPECT_EQ(result.bytes % 1001, 0u);
  EXPECT_GT(result.bytes / 1001, 100u) << "heads and bodies";
}

TEST(Load, EchoComesBackWhole) {
  Subject subject(Echo);
  LoadOptions options = subject.Options("echo");
  options.requests = 100;
  const LoadResult result = RunLoad(options);
  EXPECT_EQ(result.requests, 100u);
  EXPECT_GT(result.bytes, 100u * 1024);
}

TEST(Load, AConnectionForEachRequest) {
  Subject subject([](RequestCtx& ctx) {
    EXPECT_TRUE(ctx.request().header().ConnectionClose());
    Hello(ctx);
  });
  LoadOptions options = subject.Options("hello");
  options.request = RequestNamed("hello", /*close=*/true);
  options.requests = 100;
  options.reconnect = true;
  EXPECT_EQ(RunLoad(options).requests, 100u);
  EXPECT_EQ(subject.stats().connections_accepted, 101u);
}

TEST(Load, AnOpenLoopCountsEveryRequestFromTheTimeItWasDue) {
  // One request of 200 holds the only loop for 50 ms; those that come due meanwhile, 1000 a second,
  // are charged for it.
  std::atomic<int> n{0};
  Subject subject([&n](RequestCtx& ctx) {
    if (n.fetch_add(1) == 100) absl::SleepFor(absl::Milliseconds(50));
    Hello(ctx);
  });
  LoadOptions options = subject.Options("hello");
  options.rate = 1000;
  options.requests = 200;
  options.other_at = 7;
  options.other = options.request;
  const LoadResult result = RunLoad(options);
  EXPECT_EQ(result.requests, 200u);
  EXPECT_EQ(result.latencies.size(), 198u) << "two of them do not count";
  // 50 requests were due in the 50 ms: whatever else happens, they waited 1, 2, ... 50 ms.
  EXPECT_GT(result.latencies.Microseconds(0.8), 9'000);
}

class LoadDeathTest : public testing::Test {
 public:
  // The statements start threads of their own.
  LoadDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LoadDeathTest, AResponseThatDiffersIsNoticed) {
  EXPECT_DEATH(
      {
        std::atomic<int> n{0};
        Subject subject([&n](RequestCtx& ctx) {
          ctx.Success("text/plain", n.fetch_add(1) == 50 ? "Hello, World?" : "Hello, World!");
        });
        LoadOptions options = subject.Options("hello");
        options.requests = 100;
        RunLoad(options);
      },
      "differs from its first");
}

TEST_F(LoadDeathTest, AStatusOtherThan200IsNoticed) {
  EXPECT_DEATH(
      {
        Subject subject([](RequestCtx& ctx) { ctx.NotFound(); });
        LoadOptions options = subject.Options("hello");
        options.requests = 1;
        RunLoad(options);
      },
      "not a response of 200");
}

TEST_F(LoadDeathTest, AConnectionThatEndsIsNoticed) {
  EXPECT_DEATH(
      {
        std::atomic<int> n{0};
        Subject subject([&n](RequestCtx& ctx) {
          Hello(ctx);
          if (n.fetch_add(1) == 50) ctx.SetConnectionClose();
        });
        LoadOptions options = subject.Options("hello");
        options.requests = 100;
        RunLoad(options);
      },
      "differs from its first|closed a connection");
}

TEST(ResponseSize, KnowsLengthsAndChunks) {
  constexpr std::string_view kLength = "HTTP/1.1 200 OK\r\ncontent-length:  3\r\n\r\nabc";
  constexpr std::string_view kChunks =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (std::string_view whole : {kLength, kChunks}) {
    for (size_t n = 0; n < whole.size(); ++n) EXPECT_EQ(ResponseSize(whole.substr(0, n)), 0u) << n;
    EXPECT_EQ(ResponseSize(whole), whole.size());
  }
}

}  // namespace
}  // namespace fasthttp::benchmarks
