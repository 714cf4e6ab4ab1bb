#include "util/pipe_conns.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttputil {
namespace {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::Runtime;
using fasthttp::runtime::Loop;
using fasthttp::runtime::TaskList;
using fasthttptest::SimRuntime;

std::string ReadSome(BlockingConn& conn) {
  char buffer[4096];
  IoResult result = conn.Read(buffer);
  return result.ok() ? std::string(buffer, result.bytes())
                     : std::string(fasthttp::ErrcName(result.errc()));
}

std::string ReadToEnd(BlockingConn& conn) {
  std::string all;
  char buffer[50'000];
  for (;;) {
    IoResult result = conn.Read(buffer);
    if (!result.ok()) return all + "!" + std::string(fasthttp::ErrcName(result.errc()));
    if (result.bytes() == 0) return all;
    all.append(buffer, result.bytes());
  }
}

// Remembers what it was told.
class Listening final : public fasthttp::runtime::EventSink {
 public:
  void OnReady(fasthttp::runtime::Endpoint&, uint8_t ready) override { told |= ready; }
  void OnTimer(fasthttp::runtime::Endpoint&) override {}
  uint8_t told = 0;
};

// Ends on two threads: the reader may make room between the writer's refusal and its Arm.
TEST(Pipe, RoomMadeBeforeArmIsReported) {
  SimRuntime sim({.loops = 1});
  sim.Run([&] {
    Loop& loop = *Loop::Current();
    PipeEnds ends = NewPipe(loop, loop, {}, {});
    char bytes[1000] = {};
    iovec piece = {bytes, sizeof bytes};
    while (ends.first->TrySend({&piece, 1}).ok()) continue;
    while (ends.second->TryRecv(bytes).ok()) continue;
    Listening sink;
    fasthttp::runtime::Endpoint* endpoint = loop.Open(ends.first, &sink);
    EXPECT_EQ(ends.first->Arm(endpoint->token(loop)), Errc::kOk);
    EXPECT_EQ(fasthttp::runtime::SleepFor(loop, fasthttp::runtime::kMillisecond), Errc::kOk);
    EXPECT_TRUE(sink.told & fasthttp::kWritable);
    ends.first->Close(false);
    ends.second->Close(false);
    loop.Release(*endpoint);
  });
}

// The ends on one loop, or on two.
class PipeConnsTest : public testing::TestWithParam<size_t> {
 protected:
  SimRuntime sim{{.loops = GetParam(), .seed = 3}};
  PipeConns pipe{sim.loop(0), sim.loop(GetParam() - 1)};
  BlockingConn& a = pipe.conn1();
  BlockingConn& b = pipe.conn2();
};
INSTANTIATE_TEST_SUITE_P(Loops, PipeConnsTest, testing::Values(1, 2));

TEST_P(PipeConnsTest, WhatOneEndWritesTheOtherReads) {
  EXPECT_EQ(a.Write("ping"), Errc::kOk);
  std::string got(4, ' ');
  EXPECT_EQ(b.ReadFull(got), Errc::kOk);
  EXPECT_EQ(got, "ping");
  EXPECT_EQ(b.Write("pong!"), Errc::kOk);
  got.resize(5);
  EXPECT_EQ(a.ReadFull(got), Errc::kOk);
  EXPECT_EQ(got, "pong!");
}

TEST_P(PipeConnsTest, AReadTakesAllThatIsThere) {
  if (fasthttp::base::chaos_enabled) GTEST_SKIP() << "chaos cuts reads";
  for (const char* piece : {"one", "two", "three"}) EXPECT_EQ(a.Write(piece), Errc::kOk);
  EXPECT_EQ(ReadSome(b), "onetwothree");
}

TEST_P(PipeConnsTest, AWriteWaitsWhenFourArePending) {
  if (fasthttp::base::chaos_enabled) GTEST_SKIP() << "chaos cuts writes";
  a.SetWriteDeadline(sim.Now() + absl::Seconds(1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(a.Write("x"), Errc::kOk);
  const absl::Time before = sim.Now();
  EXPECT_EQ(a.Write("y"), Errc::kTimeout);
  EXPECT_EQ(sim.Now() - before, absl::Seconds(1));
  EXPECT_EQ(ReadSome(b), "xxxx");
  a.SetWriteDeadline(absl::InfiniteFuture());
  EXPECT_EQ(a.Write("z"), Errc::kOk);
  EXPECT_EQ(ReadSome(b), "z");
}

TEST_P(PipeConnsTest, ALongWritePassesThrough) {
  std::string sent;
  for (int i = 0; i < 300'000; ++i) sent.push_back(static_cast<char>(i * 7 + i / 251));
  TaskList tasks;
  std::string got;
  sim.RunOn(sim.loop(0), [&] {
    tasks.Spawn(*Loop::Current(), [&](Loop&) {
      EXPECT_EQ(a.Write(sent), Errc::kOk);
      a.CloseWrite();
    });
  });
  got = ReadToEnd(b);
  EXPECT_TRUE(got == sent) << got.size();
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
}

TEST_P(PipeConnsTest, ReadDeadlines) {
  a.SetReadDeadline(sim.Now() + absl::Milliseconds(250));
  const absl::Time before = sim.Now();
  EXPECT_EQ(ReadSome(a), "Timeout");
  EXPECT_EQ(sim.Now() - before, absl::Milliseconds(250));
  EXPECT_EQ(ReadSome(a), "Timeout");  // It stays.
  EXPECT_EQ(sim.Now() - before, absl::Milliseconds(250));
  a.SetReadDeadline(sim.Now() - absl::Seconds(1));
  EXPECT_EQ(ReadSome(a), "Timeout");
  EXPECT_EQ(b.Write("late"), Errc::kOk);
  std::string got(4, ' ');
  EXPECT_EQ(a.ReadFull(got), Errc::kOk) << "queued data wins over an expired deadline";
  a.SetReadDeadline(absl::InfiniteFuture());
  EXPECT_EQ(b.Write("x"), Errc::kOk);
  EXPECT_EQ(ReadSome(a), "x");
}

TEST_P(PipeConnsTest, PastWriteDeadlineFailsAtOnce) {
  a.SetDeadline(sim.Now() - absl::Seconds(1));
  EXPECT_EQ(a.Write("x"), Errc::kTimeout);
  EXPECT_EQ(ReadSome(a), "Timeout");
}

TEST_P(PipeConnsTest, ADeadlineWakesABlockedRead) {
  TaskList tasks;
  std::string got;
  sim.RunOn(sim.loop(0), [&] { tasks.Spawn(*Loop::Current(), [&](Loop&) { got = ReadSome(a); }); });
  sim.Advance(absl::Seconds(10));
  EXPECT_EQ(got, "");
  a.SetReadDeadline(sim.Now() + absl::Seconds(3));
  sim.Advance(absl::Seconds(2));
  EXPECT_EQ(got, "");
  sim.Advance(absl::Seconds(1));
  EXPECT_EQ(got, "Timeout");
}

TEST_P(PipeConnsTest, ALaterDeadlineProlongsABlockedRead) {
  TaskList tasks;
  std::string got;
  a.SetReadDeadline(sim.Now() + absl::Seconds(1));
  sim.RunOn(sim.loop(0), [&] { tasks.Spawn(*Loop::Current(), [&](Loop&) { got = ReadSome(a); }); });
  sim.Settle();
  a.SetReadDeadline(absl::InfiniteFuture());
  sim.Advance(absl::Seconds(10));
  EXPECT_EQ(got, "");
  EXPECT_EQ(b.Write("now"), Errc::kOk);
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
}

TEST_P(PipeConnsTest, ADeadlineWakesABlockedWrite) {
  TaskList tasks;
  std::optional<Errc> errc;
  sim.RunOn(sim.loop(0), [&] {
    tasks.Spawn(*Loop::Current(), [&](Loop&) { errc = a.Write(std::string(1'000'000, 'x')); });
  });
  sim.Advance(absl::Seconds(10));
  EXPECT_FALSE(errc.has_value());
  a.SetWriteDeadline(sim.Now());
  sim.Settle();
  ASSERT_TRUE(errc.has_value());
  EXPECT_EQ(*errc, Errc::kTimeout);
}

TEST_P(PipeConnsTest, ReadsDrainBeforeTheEnd) {
  EXPECT_EQ(a.Write("last words"), Errc::kOk);
  a.Close();
  EXPECT_EQ(ReadToEnd(b), "last words");
  EXPECT_EQ(b.Write("x"), Errc::kConnectionClosed);
  EXPECT_EQ(a.Write("x"), Errc::kConnectionClosed);
  EXPECT_EQ(ReadSome(a), "ConnectionClosed");
  a.Close();
}

TEST_P(PipeConnsTest, HalfClose) {
  EXPECT_EQ(a.Write("question"), Errc::kOk);
  a.CloseWrite();
  EXPECT_EQ(a.Write("more"), Errc::kConnectionClosed);
  EXPECT_EQ(ReadToEnd(b), "question");
  EXPECT_EQ(b.Write("answer"), Errc::kOk);
  b.Close();
  EXPECT_EQ(ReadToEnd(a), "answer");
}

TEST_P(PipeConnsTest, ResetDropsWhatIsPending) {
  EXPECT_EQ(a.Write("lost"), Errc::kOk);
  a.Reset();
  EXPECT_EQ(ReadSome(b), "ConnectionReset");
  EXPECT_EQ(b.Write("x"), Errc::kConnectionReset);
}

TEST_P(PipeConnsTest, CloseWakesBothSides) {
  TaskList tasks;
  std::string mine;
  std::string peers;
  sim.RunOn(sim.loop(0),
            [&] { tasks.Spawn(*Loop::Current(), [&](Loop&) { mine = ReadSome(a); }); });
  sim.RunOn(b.loop() == nullptr ? sim.loop(0) : *b.loop(),
            [&] { tasks.Spawn(*Loop::Current(), [&](Loop&) { peers = ReadToEnd(b) + "end"; }); });
  sim.Advance(absl::Seconds(1));
  a.Close();
  sim.Settle();
  EXPECT_EQ(mine, "ConnectionClosed");
  EXPECT_EQ(peers, "end");
}

TEST_P(PipeConnsTest, HasUnreadTellsOfPendingBytes) {
  bool before = true;
  bool after = false;
  auto ask = [&](bool& into) {
    sim.RunOn(*b.loop(), [&] { into = b.endpoint()->conn->HasUnread(); });
  };
  ask(before);
  EXPECT_FALSE(before);
  EXPECT_EQ(a.Write("x"), Errc::kOk);
  ask(after);
  EXPECT_TRUE(after);
}

TEST_P(PipeConnsTest, Addresses) {
  EXPECT_EQ(a.LocalAddr().ToString(), "pipe");
  EXPECT_EQ(a.RemoteAddr().ToString(), "pipe");
  EXPECT_EQ(a.LocalAddr().network(), "pipe");
  PipeEnds ends = NewPipe(sim.loop(0), sim.loop(0), fasthttp::Addr::Named("pipe", "one"),
                          fasthttp::Addr::Named("pipe", "two"));
  EXPECT_EQ(ends.second->RemoteAddr().ToString(), "one");
  EXPECT_EQ(ends.second->LocalAddr().ToString(), "two");
  ends.first->Close(false);
  ends.second->Close(false);
}

TEST(PipeConnsThreadsTest, PlainThreadsTalk) {
  Runtime runtime({.threads = 2});
  PipeConns pipe(runtime.loop(0), runtime.loop(1));
  const std::string sent(200'000, 'd');
  std::thread writer([&] {
    EXPECT_EQ(pipe.conn1().Write(sent), Errc::kOk);
    pipe.conn1().CloseWrite();
    EXPECT_EQ(ReadToEnd(pipe.conn1()), "thanks");
  });
  EXPECT_TRUE(ReadToEnd(pipe.conn2()) == sent);
  EXPECT_EQ(pipe.conn2().Write("thanks"), Errc::kOk);
  pipe.conn2().Close();
  writer.join();
}

TEST(PipeConnsThreadsTest, EndsCloseInAnyOrderOnTheirOwnThreads) {
  Runtime one({.threads = 1});
  Runtime two({.threads = 1});
  for (int i = 0; i < 200; ++i) {
    PipeConns pipe(one.loop(0), two.loop(0));
    std::thread first([&] {
      (void)pipe.conn1().Write("x");
      pipe.conn1().Close();
    });
    std::thread second([&] {
      (void)pipe.conn2().Write("y");
      (i % 2 ? pipe.conn2().Reset() : pipe.conn2().Close());
    });
    first.join();
    second.join();
  }
}

}  // namespace
}  // namespace fasthttputil
