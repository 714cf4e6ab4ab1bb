// What calls cost, counted: allocations and switches of exchanges on a connection that is kept, on
// one loop.
#include <cstring>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/client.h"
#include "fasthttp/host_client.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_server.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing_internal::kAllocCounterAvailable;
using testing_internal::ThreadAllocations;

constexpr int kCalls = 10'000;

// Answers each request at once, so that nothing has to wait.
class InstantConn final : public Conn {
 public:
  explicit InstantConn(std::string_view response) : response_(response) {}

  IoResult TryRecv(std::span<char> into) override {
    if (!owed_) return IoResult::Error(Errc::kAgain);
    owed_ = false;
    std::memcpy(into.data(), response_.data(), response_.size());
    return IoResult::Bytes(response_.size());
  }
  IoResult TrySend(std::span<const iovec> from) override {
    size_t n = 0;
    for (const iovec& piece : from) n += piece.iov_len;
    owed_ = true;
    return IoResult::Bytes(n);
  }
  Errc Arm(const ReadyToken&) override { return Errc::kOk; }
  void ShutdownWrite() override {}
  bool HasUnread() override { return owed_; }
  void Close(bool) override { closed = true; }
  Addr LocalAddr() const override { return {}; }
  Addr RemoteAddr() const override { return {}; }

  bool closed = false;

 private:
  const std::string_view response_;
  bool owed_ = false;
};

struct Counts {
  uint64_t allocations = 0;
  uint64_t switches = 0;
  uint32_t rounds = 0;  // Of the loop.
};

// Of kCalls calls of `call`, behind a few that make everything grow to its working size.
template <typename Call>
Counts Count(runtime::Loop& loop, Call&& call) {
  for (int i = 0; i < 100; ++i) call();
  Counts counts;
  const uint64_t switches = loop.stats().switches;
  const uint32_t rounds = loop.heartbeat();
  const uint64_t allocations = ThreadAllocations();
  for (int i = 0; i < kCalls; ++i) call();
  counts.allocations = ThreadAllocations() - allocations;
  counts.switches = loop.stats().switches - switches;
  counts.rounds = loop.heartbeat() - rounds;
  return counts;
}

void ExpectNoAllocations(const Counts& counts) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "allocations cannot be counted in this build";
  EXPECT_EQ(counts.allocations, 0u);
}

class ClientCountingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (base::chaos_enabled) GTEST_SKIP() << "chaos mode switches at random";
  }
};

constexpr std::string_view kCanned =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n123456789099";

// Nothing to wait for: no switch either.
TEST_F(ClientCountingTest, CallsThatNeedNotWait) {
  InstantConn conn(kCanned);
  fasthttptest::SimRuntime sim;
  HostClientOptions options;
  options.addr = "a.test";
  options.runtime = &sim;
  options.dial = [&](std::string_view, absl::Time) -> absl::StatusOr<BlockingConn> {
    BlockingConn opened;
    EXPECT_EQ(opened.Adopt(*runtime::Loop::Current(), &conn), Errc::kOk);
    return opened;
  };
  HostClient client(std::move(options));
  Counts get;
  Counts post;
  sim.Run([&] {
    get = Count(*runtime::Loop::Current(), [&] {
      absl::StatusOr<Response> r = client.GetTimeout("http://a.test/aaa/bbb", absl::Seconds(1));
      ASSERT_TRUE(r.ok() && r->Body() == "123456789099");
    });
    Request request;
    Response response;
    request.header().SetMethod("POST");
    request.header().SetContentType("a/b");
    request.SetRequestURI("/p");
    request.SetBody(std::string(1024, 'x'));
    post = Count(*runtime::Loop::Current(), [&] {
      ASSERT_TRUE(client.Do(request, response).ok() && response.Body().size() == 12);
    });
  });
  EXPECT_EQ(get.switches, 0u);
  EXPECT_EQ(post.switches, 0u);
  ExpectNoAllocations(get);
  ExpectNoAllocations(post);
}

// Client and server on one loop: the call waits once. One round for the request, one for the
// answer.
TEST_F(ClientCountingTest, CallsToAServerOnTheSameLoop) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.Success("text/plain", ctx.RequestURI()); }});
  ClientOptions options;
  options.runtime = &sim.sim();
  options.dial = [&](std::string_view, absl::Time deadline) {
    return sim.listener().Dial(deadline);
  };
  Client client(std::move(options));
  Counts get;
  Counts post;
  sim.Run([&] {
    get = Count(*runtime::Loop::Current(), [&] {
      absl::StatusOr<Response> r = client.Get("http://a.test/foo/bar?baz=123");
      ASSERT_TRUE(r.ok() && r->Body() == "/foo/bar?baz=123");
    });
    const std::string body(1024, 'x');
    post = Count(*runtime::Loop::Current(), [&] {
      absl::StatusOr<Response> r = client.Post("http://a.test/p", "a/b", body);
      ASSERT_TRUE(r.ok() && r->Body() == "/p");
    });
  });
  EXPECT_EQ(get.switches, 2u * kCalls);
  EXPECT_EQ(post.switches, 2u * kCalls);
  EXPECT_EQ(get.rounds, 2u * kCalls);
  EXPECT_EQ(post.rounds, 2u * kCalls);
  ExpectNoAllocations(get);
  ExpectNoAllocations(post);
}

}  // namespace
}  // namespace fasthttp
