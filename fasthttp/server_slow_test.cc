// The ways a request can take too long or lose its reader, and what the wire shows of each limit
// that ends it: over pipes in virtual time, and over sockets.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

class Pipes {
 public:
  static constexpr absl::Duration kUnit = absl::Seconds(1);
  static constexpr size_t kLarge = 1 << 20;  // More than a pipe holds.

  explicit Pipes(ServerSettings settings) : sim_(std::move(settings)) {}
  Server& server() { return sim_.server(); }
  WireClient Dial() { return sim_.Dial(); }
  void Run(absl::FunctionRef<void()> f) { sim_.Run(f); }
  bool Eventually(absl::FunctionRef<bool()> predicate) {
    for (int i = 0; i < 100'000 && !predicate(); ++i) sim_.Settle();
    return predicate();
  }
  // Units that `f` takes.
  void ExpectUnits(double low, double high, absl::FunctionRef<void()> f) {
    const int64_t before = sim_.sim().NowNanos();
    f();
    const double units = static_cast<double>(sim_.sim().NowNanos() - before) / 1e9;
    EXPECT_GE(units, low);
    EXPECT_LE(units, high);
  }

 private:
  SimServer sim_;
};

class Sockets {
 public:
  static constexpr absl::Duration kUnit = absl::Milliseconds(30);
  static constexpr size_t kLarge = 64 << 20;

  explicit Sockets(ServerSettings settings)
      : runtime_({.threads = 2}), clients_({.threads = 1}), server_(With(std::move(settings))) {
    absl::StatusOr<Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    address_ = address->ToString();
  }
  Server& server() { return server_; }
  WireClient Dial() {
    absl::StatusOr<BlockingConn> conn =
        fasthttp::Dial(address_, absl::Now() + absl::Seconds(60), &clients_);
    EXPECT_TRUE(conn.ok()) << conn.status();
    if (!conn.ok()) return {};
    conn->SetDeadline(absl::Now() + absl::Seconds(60));
    return WireClient(*std::move(conn));
  }
  void Run(absl::FunctionRef<void()> f) { f(); }
  bool Eventually(absl::FunctionRef<bool()> predicate) {
    for (int i = 0; i < 30'000 && !predicate(); ++i) absl::SleepFor(absl::Milliseconds(2));
    return predicate();
  }
  // Times of a busy machine prove nothing.
  void ExpectUnits(double, double, absl::FunctionRef<void()> f) { f(); }

 private:
  ServerSettings With(ServerSettings settings) {
    settings.runtime = &runtime_;
    return settings;
  }

  Runtime runtime_;
  Runtime clients_;
  Server server_;
  std::string address_;
};

template <typename Wire>
class ServerSlow : public ::testing::Test {
 protected:
  ServerSettings Settings() {
    return {.handler =
                [this](RequestCtx& ctx) {
                  if (ctx.Path() == "/large") return ctx.SetBody(std::string(Wire::kLarge, 'x'));
                  if (ctx.Path() == "/sleep") {
                    ++waiting;
                    cause.store(ErrcOf(Sleep(absl::Hours(1))));
                    --waiting;
                  }
                  ctx.SetBody(ctx.Path());
                },
            .read_head_timeout = 10 * Wire::kUnit,
            .stall_timeout = 20 * Wire::kUnit,
            .min_rate = 0};
  }

  std::atomic<int> waiting{0};
  std::atomic<Errc> cause{Errc::kOk};
};

using Wires = ::testing::Types<Pipes, Sockets>;
TYPED_TEST_SUITE(ServerSlow, Wires);

TYPED_TEST(ServerSlow, AHeadThatDoesNotEndIsAnswered408) {
  TypeParam wire(this->Settings());
  wire.Run([&] {
    WireClient client = wire.Dial();
    (void)client.Send("GET / HTTP/1.1\r\nHos");
    WireResponse response;
    wire.ExpectUnits(9.9, 10.1, [&] { response = client.Read(); });
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TYPED_TEST(ServerSlow, ABodyThatStallsIsAnswered408) {
  TypeParam wire(this->Settings());
  wire.Run([&] {
    WireClient client = wire.Dial();
    (void)client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbod");
    WireResponse response;
    wire.ExpectUnits(19.9, 20.1, [&] { response = client.Read(); });
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TYPED_TEST(ServerSlow, AReaderThatStopsIsCut) {
  TypeParam wire(this->Settings());
  wire.Run([&] {
    WireClient client = wire.Dial();
    (void)client.Send(Get("/large"));
    EXPECT_TRUE(wire.Eventually([&] { return wire.server().Stats().bytes_sent != 0; }));
    wire.ExpectUnits(19.5, 20.5, [&] {
      EXPECT_TRUE(wire.Eventually([&] { return wire.server().GetOpenConnectionsCount() == 0; }));
    });
    EXPECT_LT(wire.server().Stats().bytes_sent, TypeParam::kLarge);
    EXPECT_NE(client.Read().errc, Errc::kOk);
  });
}

TYPED_TEST(ServerSlow, AHandlerThatHangsIsAnsweredForAndTheConnectionGoesOn) {
  ServerSettings settings = this->Settings();
  settings.handler = TimeoutHandler(std::move(settings.handler), 5 * TypeParam::kUnit, "too slow");
  TypeParam wire(std::move(settings));
  wire.Run([&] {
    WireClient client = wire.Dial();
    (void)client.Send(Get("/sleep") + Get("/next"));
    WireResponse response;
    wire.ExpectUnits(5, 5.05, [&] { response = client.Read(); });
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, "too slow");
    EXPECT_TRUE(response.keep_alive);
    EXPECT_EQ(client.Read().body, "/next");
    EXPECT_TRUE(wire.Eventually([&] { return this->waiting == 0; }));
    EXPECT_EQ(this->cause.load(), Errc::kHandlerTimeout);
  });
}

TYPED_TEST(ServerSlow, AClientThatVanishesEndsItsHandler) {
  TypeParam wire(this->Settings());
  wire.Run([&] {
    for (bool reset : {true, false}) {
      this->cause.store(Errc::kOk);
      WireClient client = wire.Dial();
      (void)client.Send(Get("/sleep"));
      EXPECT_TRUE(wire.Eventually([&] { return this->waiting == 1; }));
      wire.ExpectUnits(0, 0.1, [&] {
        if (reset) {
          client.conn().Reset();
        } else {
          client.Finish();
          EXPECT_EQ(client.Read().body, "/sleep");
          EXPECT_EQ(client.ReadEnd(), Errc::kOk);
        }
        EXPECT_TRUE(wire.Eventually([&] { return this->waiting == 0; }));
      });
      EXPECT_EQ(this->cause.load(), Errc::kClientGone);
      EXPECT_TRUE(wire.Eventually([&] { return wire.server().GetOpenConnectionsCount() == 0; }));
    }
  });
}

TYPED_TEST(ServerSlow, ADrainLetsRequestsEndAndCutsTheRest) {
  TypeParam wire(this->Settings());
  wire.Run([&] {
    WireClient idle = wire.Dial();
    EXPECT_EQ(idle.Ask(Get("/a")).body, "/a");
    WireClient hanging = wire.Dial();
    (void)hanging.Send(Get("/sleep"));
    EXPECT_TRUE(wire.Eventually([&] { return this->waiting == 1; }));
    wire.ExpectUnits(2.9, 3.1, [&] {
      EXPECT_TRUE(absl::IsDeadlineExceeded(wire.server().Shutdown(3 * TypeParam::kUnit)));
    });
    EXPECT_EQ(this->cause.load(), Errc::kDraining);
    EXPECT_EQ(idle.ReadEnd(), Errc::kOk);
    EXPECT_EQ(hanging.Read().errc, Errc::kConnectionReset);
    EXPECT_TRUE(wire.server().Shutdown(3 * TypeParam::kUnit).ok());
  });
}

// --- Threads that really block, which a simulation has not --------------------------------------

TEST(ServerSlowSockets, AHandlerStuckInOffloadIsAnsweredForMeanwhile) {
  absl::Notification stuck_may_end;
  std::atomic<bool> own_request{false};
  Sockets wire({.handler = TimeoutHandler(
                    [&](RequestCtx& ctx) {
                      if (ctx.Path() != "/stuck") return ctx.SetBody(ctx.PostBody());
                      Offload([&] { stuck_may_end.WaitForNotification(); });
                      own_request = ctx.Path() == "/stuck" && ctx.PostBody() == "own";
                      ctx.SetBody("never sent");
                    },
                    absl::Milliseconds(50), "timeout")});
  WireClient client = wire.Dial();
  EXPECT_EQ(client.Ask("POST /stuck HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nown").body,
            "timeout");
  for (int i = 0; i < 10; ++i) {
    const std::string body = absl::StrCat(100'000 + i);
    EXPECT_EQ(
        client.Ask(absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n", body))
            .body,
        body);
  }
  EXPECT_EQ(wire.server().Stats().requests_held, 1u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(wire.server().Shutdown(absl::ZeroDuration())));
  stuck_may_end.Notify();
  EXPECT_TRUE(wire.server().Shutdown().ok());
  EXPECT_TRUE(own_request);
  EXPECT_EQ(wire.server().Stats().requests_held, 0u);
}

void Burn(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  while (absl::Now() < until) {
  }
}

TEST(ServerSlowSockets, AHandlerThatOnlyComputesIsAnsweredForWhenItReturns) {
  std::atomic<Errc> cause{Errc::kOk};
  Sockets wire({.handler = TimeoutHandler(
                    [&](RequestCtx& ctx) {
                      ctx.SetBody("late");
                      if (ctx.Path() == "/next") return ctx.SetBody("next");
                      Burn(absl::Milliseconds(30));
                      if (ctx.Path() == "/then-waits") cause.store(ErrcOf(Sleep(absl::Hours(1))));
                    },
                    absl::Milliseconds(10), "timeout")});
  WireClient client = wire.Dial();
  (void)client.Send(Get("/computes") + Get("/then-waits") + Get("/next"));
  for (int i = 0; i < 2; ++i) {
    const WireResponse response = client.Read();
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.body, "timeout");
  }
  const std::string last = client.Read().body;
  EXPECT_TRUE(last == "next" || last == "timeout") << last;  // On a machine that is very busy.
  EXPECT_TRUE(wire.Eventually([&] { return cause.load() == Errc::kHandlerTimeout; }));
  EXPECT_GE(wire.server().Stats().timeouts, 2u);
}

// A signal handler may not call Shutdown: a thread that waits for the signal does.
TEST(ServerSlowSockets, ASignalShutsTheServerDown) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigset_t before;
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &signals, &before), 0);
  // Nothing here has a limit in time.
  Runtime runtime({.threads = 2});
  ServerSettings settings;
  settings.runtime = &runtime;
  settings.handler = [](RequestCtx&) {};
  settings.read_head_timeout = settings.idle_timeout = settings.stall_timeout =
      absl::InfiniteDuration();
  settings.min_rate = 0;
  Server server(std::move(settings));
  absl::Status ended;
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    ended = server.Shutdown();
  });
  absl::StatusOr<std::unique_ptr<Listener>> tcp = runtime::Listen("127.0.0.1:0", {});
  absl::StatusOr<std::unique_ptr<Listener>> other = runtime::Listen("127.0.0.1:0", {});
  ASSERT_TRUE(tcp.ok() && other.ok());
  std::thread first([&] { EXPECT_TRUE(server.Serve(**tcp).ok()); });
  std::thread second([&] { EXPECT_TRUE(server.Serve(**other).ok()); });
  std::vector<WireClient> clients;
  for (Listener* listener : {tcp->get(), other->get()}) {
    absl::StatusOr<BlockingConn> conn =
        fasthttp::Dial(listener->address().ToString(), absl::Now() + absl::Seconds(60));
    ASSERT_TRUE(conn.ok()) << conn.status();
    clients.emplace_back(*std::move(conn));
    EXPECT_EQ(clients.back().Ask(Get("/")).status, 200);
  }
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  for (WireClient& client : clients) EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  first.join();
  second.join();
  waiter.join();
  EXPECT_TRUE(ended.ok()) << ended;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace fasthttp
