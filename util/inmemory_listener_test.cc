#include "util/inmemory_listener.h"

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttputil {
namespace {

using fasthttp::Addr;
using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::ErrcOf;
using fasthttp::IoResult;
using fasthttp::Runtime;
using fasthttp::runtime::kNoDeadline;
using fasthttp::runtime::Loop;
using fasthttp::runtime::TaskList;
using fasthttptest::SimRuntime;

// Accepts on a loop until the listener closes, and answers what each connection says first.
class Greeter {
 public:
  Greeter(Runtime& runtime, Loop& loop, InmemoryListener& listener)
      : runtime_(runtime), loop_(loop), listener_(listener) {
    runtime.RunOn(loop, [&] {
      tasks_.Spawn(loop, [&](Loop& here) {
        for (;;) {
          BlockingConn conn;
          if (AcceptOn(here, listener, kNoDeadline, conn) != Errc::kOk) return;
          ++accepted;
          char buffer[64];
          IoResult got = conn.Read(buffer);
          if (got.ok()) (void)conn.Write("hello " + std::string(buffer, got.bytes()));
        }
      });
    });
  }
  ~Greeter() {
    listener_.Close();
    runtime_.RunOn(loop_, [&] {
      while (!tasks_.AllDone()) (void)fasthttp::runtime::SleepFor(loop_, 1);
    });
  }
  int accepted = 0;

 private:
  Runtime& runtime_;
  Loop& loop_;
  InmemoryListener& listener_;
  TaskList tasks_;
};

std::string Greet(BlockingConn& conn, std::string_view name) {
  (void)conn.Write(name);
  std::string all;
  char buffer[64];
  for (;;) {
    IoResult got = conn.Read(buffer);
    if (!got.ok() || got.bytes() == 0) return all;
    all.append(buffer, got.bytes());
  }
}

class InmemoryListenerTest : public testing::TestWithParam<size_t> {
 protected:
  SimRuntime sim{{.loops = GetParam(), .seed = 5}};
  InmemoryListener listener{&sim};
};
INSTANTIATE_TEST_SUITE_P(Loops, InmemoryListenerTest, testing::Values(1, 2, 4));

TEST_P(InmemoryListenerTest, DialIsAccepted) {
  Greeter greeter(sim, sim.loop(0), listener);
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<BlockingConn> conn = listener.Dial();
    ASSERT_TRUE(conn.ok()) << conn.status();
    EXPECT_EQ(conn->RemoteAddr().ToString(), "InmemoryListener");
    EXPECT_EQ(conn->RemoteAddr().network(), "inmemory");
    EXPECT_EQ(Greet(*conn, "x").substr(0, 7), "hello x");
  }
  EXPECT_EQ(greeter.accepted, 3);
}

TEST_P(InmemoryListenerTest, DialsAreAcceptedInOrder) {
  TaskList tasks;
  std::string order;
  sim.RunOn(sim.loop(0), [&] {
    for (char name : {'a', 'b', 'c', 'd'}) {
      tasks.Spawn(*Loop::Current(), [&, name](Loop& loop) {
        BlockingConn conn;
        const Addr local = Addr::Named("inmemory", std::string(1, name));
        EXPECT_EQ(listener.DialOn(loop, local, kNoDeadline, conn), Errc::kOk);
      });
    }
  });
  sim.Settle();
  for (int i = 0; i < 4; ++i) {
    absl::StatusOr<BlockingConn> conn = Accept(listener, absl::InfiniteFuture(), &sim);
    ASSERT_TRUE(conn.ok());
    order += conn->RemoteAddr().ToString();
  }
  EXPECT_EQ(order, "abcd");
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
}

TEST_P(InmemoryListenerTest, ADialStaysOnItsLoopIfThatServes) {
  std::deque<Greeter> greeters;
  for (size_t i = 0; i < sim.loops(); ++i) greeters.emplace_back(sim, sim.loop(i), listener);
  sim.Settle();
  for (size_t i = 0; i < sim.loops(); ++i) {
    sim.RunOn(sim.loop(i), [&] {
      absl::StatusOr<BlockingConn> conn = listener.Dial();
      ASSERT_TRUE(conn.ok());
      EXPECT_EQ(conn->loop(), &sim.loop(i));
      EXPECT_EQ(Greet(*conn, "x"), "hello x");
    });
    EXPECT_EQ(greeters[i].accepted, 1);
  }
}

TEST_P(InmemoryListenerTest, CloseFailsPendingDials) {
  TaskList tasks;
  int refused = 0;
  for (int i = 0; i < 6; ++i) {
    sim.RunOn(sim.loop(static_cast<size_t>(i) % sim.loops()), [&] {
      tasks.Spawn(*Loop::Current(), [&](Loop& loop) {
        BlockingConn conn;
        refused += listener.DialOn(loop, {}, kNoDeadline, conn) == Errc::kListenerClosed;
      });
    });
  }
  sim.Settle();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(listener.CloseOnce(), Errc::kOk);
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_EQ(refused, 6);
  EXPECT_EQ(listener.CloseOnce(), Errc::kListenerClosed);
  EXPECT_EQ(ErrcOf(listener.Dial().status()), Errc::kListenerClosed);
  EXPECT_EQ(ErrcOf(Accept(listener, absl::InfiniteFuture(), &sim).status()), Errc::kListenerClosed);
}

TEST_P(InmemoryListenerTest, DialsBeyondTheQueueAreRefused) {
  TaskList tasks;
  int overloaded = 0;
  sim.RunOn(sim.loop(0), [&] {
    for (size_t i = 0; i < InmemoryListener::kQueueLimit + 5; ++i) {
      tasks.Spawn(*Loop::Current(), [&](Loop& loop) {
        BlockingConn conn;
        overloaded += listener.DialOn(loop, {}, kNoDeadline, conn) == Errc::kOverloaded;
      });
    }
  });
  sim.Settle();
  EXPECT_EQ(overloaded, 5);
  listener.Close();
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
}

TEST_P(InmemoryListenerTest, ADialHonoursItsDeadline) {
  const absl::Time before = sim.Now();
  absl::StatusOr<BlockingConn> conn = listener.Dial(sim.Now() + absl::Seconds(2));
  EXPECT_EQ(ErrcOf(conn.status()), Errc::kDialTimeout);
  EXPECT_EQ(sim.Now() - before, absl::Seconds(2));
  // It left the queue: there is nothing to accept.
  EXPECT_EQ(ErrcOf(Accept(listener, sim.Now() + absl::Seconds(1), &sim).status()), Errc::kTimeout);
}

TEST_P(InmemoryListenerTest, ADialHonoursCancellation) {
  TaskList tasks;
  Errc errc = Errc::kOk;
  sim.RunOn(sim.loop(0), [&] {
    Loop& loop = *Loop::Current();
    fasthttp::runtime::Task& task = tasks.Spawn(loop, [&](Loop& here) {
      BlockingConn conn;
      errc = listener.DialOn(here, {}, kNoDeadline, conn);
    });
    (void)fasthttp::runtime::SleepFor(loop, fasthttp::runtime::kSecond);
    loop.Cancel(task, Errc::kCancelled);
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_EQ(errc, Errc::kCancelled);
}

TEST_P(InmemoryListenerTest, ALoopThatStopsServingHandsItsDialsOn) {
  if (sim.loops() < 2) GTEST_SKIP() << "needs a second loop";
  // Loop 0 serves but never takes anything; then it stops.
  struct Sink final : fasthttp::runtime::EventSink {
    void OnReady(fasthttp::runtime::Endpoint&, uint8_t) override {}
    void OnTimer(fasthttp::runtime::Endpoint&) override {}
  } sink;
  fasthttp::runtime::Endpoint* endpoint = nullptr;
  Loop& first = sim.loop(0);
  TaskList tasks;
  bool dialled = false;
  sim.RunOn(first, [&] {
    endpoint = first.Open(nullptr, &sink);
    EXPECT_EQ(listener.Arm(endpoint->token(first)), Errc::kOk);
    tasks.Spawn(first, [&](Loop& loop) {
      BlockingConn conn;
      dialled = listener.DialOn(loop, {}, kNoDeadline, conn) == Errc::kOk;
    });
  });
  Greeter greeter(sim, sim.loop(1), listener);
  sim.Advance(absl::Seconds(1));
  EXPECT_EQ(greeter.accepted, 0);
  sim.RunOn(first, [&] {
    listener.Disarm(endpoint->token(first));
    first.Release(*endpoint);
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_TRUE(dialled);
}

TEST_P(InmemoryListenerTest, AddressesCanBeSet) {
  EXPECT_EQ(listener.address().ToString(), "InmemoryListener");
  listener.SetLocalAddr(Addr::Named("inmemory", "here"));
  EXPECT_EQ(listener.address().ToString(), "here");
  Greeter greeter(sim, sim.loop(0), listener);
  absl::StatusOr<BlockingConn> conn = listener.DialWithLocalAddr(Addr::Named("inmemory", "me"));
  ASSERT_TRUE(conn.ok());
  EXPECT_EQ(conn->RemoteAddr().ToString(), "here");
  EXPECT_EQ(conn->LocalAddr().ToString(), "me");
}

TEST(InmemoryListenerThreadsTest, ThreadsAndRuntimesMeet) {
  Runtime serving({.threads = 2});
  Runtime dialling({.threads = 1});
  InmemoryListener listener;
  {
    Greeter first(serving, serving.loop(0), listener);
    Greeter second(serving, serving.loop(1), listener);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        auto talk = [&] {
          for (int i = 0; i < 20; ++i) {
            absl::StatusOr<BlockingConn> conn = listener.Dial();
            ASSERT_TRUE(conn.ok());
            EXPECT_EQ(Greet(*conn, "t").substr(0, 7), "hello t");
          }
        };
        if (t == 0)
          dialling.Run(talk);
        else
          talk();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(first.accepted + second.accepted, 60);
  }
}

}  // namespace
}  // namespace fasthttputil
