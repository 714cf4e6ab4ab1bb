#include "testing/scripted_conn.h"

#include <string>

#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/faulty_conn.h"
#include "testing/sim_runtime.h"
#include "util/pipe_conns.h"

namespace fasthttptest {
namespace {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::runtime::Loop;

std::string ReadToEnd(BlockingConn& conn) {
  std::string all;
  char buffer[64];
  for (;;) {
    IoResult result = conn.Read(buffer);
    if (!result.ok()) return all + "!" + std::string(fasthttp::ErrcName(result.errc()));
    if (result.bytes() == 0) return all;
    all.append(buffer, result.bytes()) += "|";
  }
}

class ScriptedConnTest : public testing::Test {
 protected:
  SimRuntime sim;
  ScriptedConn script;
  BlockingConn conn;
  void Adopt() { ASSERT_EQ(conn.Adopt(sim.loop(0), &script), Errc::kOk); }
};

TEST_F(ScriptedConnTest, ReadsAreThePiecesOfTheScript) {
  script.Data("one").Again().Data("two").Again().Again().Repeat("x", 3).Eof();
  Adopt();
  EXPECT_EQ(ReadToEnd(conn), "one|two|x|x|x|");
  EXPECT_EQ(ReadToEnd(conn), "");
  conn.Close();
  EXPECT_EQ(script.closes(), 1);
  EXPECT_FALSE(script.reset());
}

TEST_F(ScriptedConnTest, PiecesLargerThanTheBufferAreCut) {
  script.Data(std::string(100, 'a')).Fail(Errc::kConnectionReset);
  Adopt();
  EXPECT_EQ(ReadToEnd(conn),
            std::string(64, 'a') + "|" + std::string(36, 'a') + "|!ConnectionReset");
}

TEST_F(ScriptedConnTest, DribbleIsByteByByte) {
  script.Dribble("abc").Eof();
  Adopt();
  EXPECT_EQ(ReadToEnd(conn), "a|b|c|");
}

TEST_F(ScriptedConnTest, AnAnswerAwaitsItsQuestion) {
  script.AwaitWritten(2).Data("x").AwaitWritten(1).AwaitWritten(3).Eof();
  Adopt();
  conn.SetReadDeadline(sim.Now() + absl::Seconds(5));
  EXPECT_EQ(ReadToEnd(conn), "!Timeout");
  conn.SetReadDeadline(sim.Now() + absl::Seconds(5));
  EXPECT_EQ(conn.Write("a"), Errc::kOk);
  EXPECT_EQ(ReadToEnd(conn), "!Timeout");
  conn.SetReadDeadline(sim.Now() + absl::Seconds(5));
  EXPECT_EQ(conn.Write("b"), Errc::kOk);
  EXPECT_EQ(ReadToEnd(conn), "x|!Timeout");
  EXPECT_EQ(conn.Write("c"), Errc::kOk);
  EXPECT_EQ(ReadToEnd(conn), "");
}

TEST_F(ScriptedConnTest, AnUsedUpScriptIsAnIdlePeer) {
  script.Data("x");
  Adopt();
  conn.SetReadDeadline(sim.Now() + absl::Seconds(5));
  EXPECT_EQ(ReadToEnd(conn), "x|!Timeout");
}

TEST_F(ScriptedConnTest, WritesAreCapturedAndCanBeShort) {
  script.Take(2).Take(0).Take(1);
  Adopt();
  EXPECT_EQ(conn.Write("abcdef"), Errc::kOk);
  EXPECT_EQ(script.written(), "abcdef");
  EXPECT_EQ(script.writes(), 4u);
  conn.CloseWrite();
  EXPECT_TRUE(script.shut_down());
  script.FailWrites(Errc::kConnectionReset);
  EXPECT_EQ(conn.Write("g"), Errc::kConnectionReset);
  conn.Reset();
  EXPECT_TRUE(script.reset());
}

TEST_F(ScriptedConnTest, TheListenerHandsThemOut) {
  ScriptedListener listener;
  ScriptedConn second;
  listener.Add(script);
  listener.AddError(Errc::kTooManyFiles);
  absl::StatusOr<BlockingConn> first = Accept(listener, absl::InfiniteFuture(), &sim);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->RemoteAddr().ToString(), "remote");
  EXPECT_EQ(fasthttp::ErrcOf(Accept(listener, absl::InfiniteFuture(), &sim).status()),
            Errc::kTooManyFiles);
  // One that comes while an accept waits.
  fasthttp::runtime::TaskList tasks;
  bool accepted = false;
  sim.Run([&] { tasks.Spawn(*Loop::Current(), [&](Loop&) { accepted = Accept(listener).ok(); }); });
  sim.Settle();
  EXPECT_FALSE(accepted);
  listener.Add(second);
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_TRUE(accepted);
  EXPECT_TRUE(second.closed()) << "with the handle";
  listener.Close();
  EXPECT_EQ(fasthttp::ErrcOf(Accept(listener, absl::InfiniteFuture(), &sim).status()),
            Errc::kListenerClosed);
}

// A conversation of several operations; what each side made of it is the result.
std::string Converse(Loop& loop, const Fault& fault, uint64_t& operations) {
  fasthttputil::PipeEnds ends = fasthttputil::NewPipe(loop, loop);
  FaultyConn faulty(*ends.first, fault);
  BlockingConn near;
  BlockingConn far;
  EXPECT_EQ(near.Adopt(loop, &faulty), Errc::kOk);
  EXPECT_EQ(far.Adopt(loop, ends.second), Errc::kOk);
  fasthttp::runtime::FunctionTask echo([&](Loop&) {
    char buffer[3];
    for (;;) {
      IoResult got = far.Read(buffer);
      if (!got.ok() || got.bytes() == 0) break;
      if (far.Write({buffer, got.bytes()}) != Errc::kOk) break;
    }
    far.Close();
  });
  loop.Spawn(echo);
  std::string got(10, ' ');
  Errc errc = near.Write("0123456789");
  if (errc == Errc::kOk) errc = near.ReadFull(got);
  near.Close();
  EXPECT_TRUE(faulty.closed());
  while (!echo.done) loop.Yield();
  operations = faulty.operations();
  return errc == Errc::kOk ? got : std::string(fasthttp::ErrcName(errc));
}

TEST(FaultyConnTest, EveryOperationFailsOnce) {
  SimRuntime sim;
  for (Errc errc : {Errc::kConnectionReset, Errc::kIo, Errc::kAgain}) {
    uint64_t n = 1;
    for (;; ++n) {
      uint64_t operations = 0;
      std::string result;
      sim.Run([&] { result = Converse(sim.loop(0), {.nth = n, .errc = errc}, operations); });
      const bool survives = errc == Errc::kAgain || operations < n;
      EXPECT_EQ(result, survives ? "0123456789" : std::string(fasthttp::ErrcName(errc))) << n;
      if (operations < n) break;
    }
    EXPECT_GT(n, 4u);
  }
}

}  // namespace
}  // namespace fasthttptest
