// Responses whose bodies are sent while they are made: what waits and for how long, and what the
// peer sees when something goes wrong.
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/task_group.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/faulty_conn.h"
#include "testing/scripted_body.h"
#include "testing/scripted_conn.h"
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::ScriptedConn;
using testing::ScriptedBody;
using testing::SimServer;
using testing::WireClient;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// The connection was cut: what came last is no clean end.
bool IsCut(Errc errc) { return errc == Errc::kConnectionReset; }

class ServerStream : public testing::SimSeedTest {};

INSTANTIATE_TEST_SUITE_P(Loops, ServerStream, testing::kSimSeeds, testing::NameOfSimSeed);

// --- Slow peers, peers that go away -----------------------------------------------------------

TEST_P(ServerStream, AWriterWaitsForASlowClientAndHoldsLittle) {
  uint64_t written = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       const std::string piece(10'000, 'x');
                       for (int i = 0; i < 1'000; ++i) {
                         EXPECT_TRUE(out.Write(piece).ok());
                         written = out.Written();
                       }
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    for (int i = 0; i < 5; ++i) {
      sim.Sleep(absl::Seconds(1));
      // The pipe holds 64 KiB, the server as much.
      EXPECT_LE(written, 2 * 65'536 + 10'000u);
    }
    EXPECT_EQ(client.Read().body.size(), 10'000'000u);
  });
}

TEST_P(ServerStream, OneLargeWriteWaitsToo) {
  bool returned = false;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       EXPECT_TRUE(ctx.StartBodyStream().Write(std::string(1 << 20, 'x')).ok());
                       returned = true;
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    sim.Sleep(absl::Seconds(5));
    EXPECT_FALSE(returned);
    EXPECT_EQ(client.Read().body.size(), size_t{1} << 20);
    EXPECT_TRUE(returned);
  });
}

TEST_P(ServerStream, FlushTellsThatTheClientHasGone) {
  Errc ended = Errc::kOk;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       for (int i = 0; i < 1'000; ++i) {
                         absl::Status status = out.Write(std::string(1'000, 'x'));
                         if (status.ok()) status = out.Flush();
                         if (status.ok()) status = Sleep(absl::Milliseconds(1));
                         ended = ErrcOf(status);
                         if (!status.ok()) return;
                       }
                     }},
                Options());
  for (int way = 0; way < 3; ++way) {
    ended = Errc::kOk;
    sim.Run([&] {
      WireClient client = sim.Dial();
      (void)client.Send(Get("/"));
      if (way != 2) (void)client.Until("xxx");  // Else the writer waits for room.
      if (way == 2) sim.Sleep(absl::Seconds(1));
      way == 0 ? client.conn().Close() : client.conn().Reset();
      sim.Sleep(absl::Seconds(1));
    });
    EXPECT_EQ(ended, Errc::kClientGone) << way;
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
  }
}

TEST_P(ServerStream, AClientThatTakesNothingIsGivenUp) {
  Errc ended = Errc::kOk;
  int64_t after = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       const int64_t start = runtime::Loop::Current()->now();
                       BodyWriter& out = ctx.StartBodyStream();
                       absl::Status status;
                       while (status.ok()) status = out.Write(std::string(1'000, 'x'));
                       ended = ErrcOf(status);
                       after = (runtime::Loop::Current()->now() - start) / 1'000'000'000;
                       // It stays so.
                       EXPECT_EQ(ErrcOf(out.Write("x")), Errc::kClientGone);
                       EXPECT_EQ(ErrcOf(out.Flush()), Errc::kClientGone);
                     },
                 .stall_timeout = absl::Seconds(20),
                 .min_rate = 0},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    sim.Sleep(absl::Seconds(25));
    EXPECT_EQ(ended, Errc::kClientGone);
    EXPECT_EQ(after, 20);
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
  });
}

TEST_P(ServerStream, AClientThatTrickles) {
  Errc ended = Errc::kOk;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       absl::Status status;
                       while (status.ok()) status = out.Write(std::string(1'000, 'x'));
                       ended = ErrcOf(status);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    char byte;
    for (int i = 0; i < 100 && ended == Errc::kOk; ++i) {
      sim.Sleep(absl::Seconds(1));
      (void)client.conn().Read({&byte, 1});
    }
    EXPECT_EQ(ended, Errc::kClientGone);
  });
}

// A stream whose handler pauses for long is none that its client holds up.
TEST_P(ServerStream, AnHonestStreamMayLastForHours) {
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       for (int i = 0; i < 10; ++i) {
                         EXPECT_TRUE(out.Write("tick;").ok());
                         EXPECT_TRUE(out.Flush().ok());
                         EXPECT_TRUE(Sleep(absl::Minutes(5)).ok());
                       }
                     }},
                Options());
  sim.Run([&] { EXPECT_EQ(sim.Dial().Ask(Get("/")).body.size(), 50u); });
}

TEST_P(ServerStream, OtherTasksMayWrite) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       for (char c : {'a', 'b'}) {
                         TaskGroup group;
                         group.Go([&] {
                           for (int i = 0; i < 30; ++i) {
                             EXPECT_TRUE(out.Write(std::string(10'000, c)).ok());
                           }
                         });
                         EXPECT_TRUE(group.Wait().ok());
                       }
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    sim.Sleep(absl::Seconds(5));
    EXPECT_TRUE(client.Read().body == std::string(300'000, 'a') + std::string(300'000, 'b'));
  });
}

TEST(ServerStreams, AFlushThatMetADeadlineHasLostNothing) {
  uint64_t size = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    BodyWriter& out = ctx.StartBodyStream();
    Errc errc = Errc::kOk;
    for (int i = 0; errc == Errc::kOk && i < 100; ++i) {
      EXPECT_TRUE(out.Write(std::string(4'000, 'x')).ok());
      ContextScope limit = WithTimeout(absl::Seconds(1));
      errc = ErrcOf(out.Flush());
    }
    EXPECT_EQ(errc, Errc::kTimeout);
    EXPECT_TRUE(out.Flush().ok());
    EXPECT_TRUE(out.Write("end").ok());
    size = out.Written();
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    sim.Sleep(absl::Seconds(5));
    const std::string body = client.Read().body;
    EXPECT_EQ(body.size(), size);
    EXPECT_TRUE(body == std::string(size - 3, 'x') + "end");
    (void)client.Send(Get("/"));
    sim.Sleep(absl::Seconds(5));
    EXPECT_EQ(client.Read().status, 200);
  });
}

TEST(ServerStreams, AStreamToAFastClientDoesNotStarveOthers) {
  uint64_t written = 0;
  uint64_t written_at_answer = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    if (ctx.Path() == "/other") {
      written_at_answer = written;
      return;
    }
    BodyWriter& out = ctx.StartBodyStream();
    const std::string piece(32'768, 'x');
    for (int i = 0; i < 1'000; ++i) {
      EXPECT_TRUE(out.Write(piece).ok());
      EXPECT_TRUE(out.Flush().ok());
      written = out.Written();
    }
  }});
  ScriptedConn hog;  // Takes whatever it is given, at once.
  hog.Data(Get("/hog")).Again().Eof();
  hog.KeepNothing();
  sim.Run([&] {
    WireClient other = sim.Dial();
    (void)other.Send(Get("/other"));
    EXPECT_TRUE(sim.server().ServeConn(hog).ok());
    EXPECT_EQ(other.Read().status, 200);
  });
  EXPECT_LE(written_at_answer, 2'000'000u);
}

// --- Ends -------------------------------------------------------------------------------------

TEST_P(ServerStream, AnExceptionBehindTheHeadCutsTheConnection) {
  Errc told = Errc::kOk;
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       EXPECT_TRUE(out.Write("half").ok());
                       if (ctx.Path() == "/flushed") {
                         EXPECT_TRUE(out.Flush().ok());
                       }
                       throw std::runtime_error("oops");
                     },
                 .error_handler = [&](RequestCtx&, const absl::Status& s) { told = ErrcOf(s); }},
                Options());
  sim.Run([&] {
    for (std::string_view version : {"1.1", "1.0"}) {
      for (std::string_view path : {"/flushed", "/gathered"}) {
        WireClient client = sim.Dial();
        told = Errc::kOk;
        (void)client.Send(absl::StrCat("GET ", path, " HTTP/", version, "\r\nHost: h\r\n\r\n"));
        EXPECT_TRUE(IsCut(client.UntilTheEnd()));
        EXPECT_FALSE(absl::StrContains(client.buffered(), "500"));
        EXPECT_EQ(told, Errc::kHandlerException);
      }
    }
  });
}

TEST_P(ServerStream, AbortCutsTheConnection) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       EXPECT_TRUE(out.Write("half").ok());
                       out.Abort();
                       EXPECT_FALSE(out.Write("more").ok());
                       EXPECT_FALSE(out.Flush().ok());
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
  });
}

TEST_P(ServerStream, ATimeoutBehindTheHeadCutsTheConnection) {
  Errc ended = Errc::kOk;
  bool returned = false;
  auto handler = [&](RequestCtx& ctx) {
    BodyWriter& out = ctx.StartBodyStream();
    absl::Status status = out.Write("half");
    if (ctx.Path() != "/unsent") status = out.Flush();
    EXPECT_TRUE(status.ok());
    if (ctx.Path() == "/write") {
      while (status.ok()) status = out.Write(std::string(10'000, 'x'));
    } else if (ctx.Path() == "/offload") {
      // Can't be interrupted.
      runtime::Wait wait;
      runtime::Loop::Current()->Prepare(wait);
      (void)runtime::Loop::Current()->Block(wait, runtime::Loop::Current()->now() + 5'000'000'000,
                                            /*cancellable=*/false);
      status = out.Flush();
    } else {
      status = Sleep(absl::Hours(1));
    }
    ended = ErrcOf(status);
    EXPECT_EQ(ErrcOf(out.Write(std::string(10'000, 'x'))), Errc::kHandlerTimeout);
    EXPECT_EQ(ErrcOf(out.Flush()), Errc::kHandlerTimeout);
    returned = true;
  };
  SimServer sim({.handler = TimeoutHandler(handler, absl::Seconds(2), "timeout"), .min_rate = 0},
                Options());
  for (std::string_view path : {"/sleep", "/unsent", "/write", "/offload"}) {
    returned = false;
    sim.Run([&] {
      WireClient client = sim.Dial();
      const int64_t start = sim.sim().NowNanos();
      (void)client.Send(Get(path));
      if (path == "/write") sim.Sleep(absl::Milliseconds(2'500));  // Time stands while both run.
      EXPECT_TRUE(IsCut(client.UntilTheEnd())) << path;
      EXPECT_LT(sim.sim().NowNanos() - start, 3'000'000'000) << path;
      EXPECT_FALSE(absl::StrContains(client.buffered(), "timeout"));
      sim.Sleep(absl::Seconds(10));
    });
    EXPECT_TRUE(returned) << path;
    EXPECT_EQ(ended, Errc::kHandlerTimeout) << path;
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);
  }
}

TEST(ServerStreams, ATimeoutErrorBehindTheHeadCutsTheConnection) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    EXPECT_TRUE(ctx.StartBodyStream().Write("half").ok());
    ctx.TimeoutError("late");
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
    EXPECT_FALSE(absl::StrContains(client.buffered(), "late"));
  });
}

TEST_P(ServerStream, AStreamMayLeavePins) {
  RequestPin pin;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       EXPECT_TRUE(out.Write("streamed").ok());
                       if (ctx.Path() == "/pinned") pin = ctx.Pin();
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/pinned") + Get("/next"));
    EXPECT_EQ(client.Read().body, "streamed");
    EXPECT_EQ(client.Read().body, "streamed");
    EXPECT_EQ(pin->Path(), "/pinned");
    EXPECT_FALSE(pin->StartBodyStream().Write("nowhere").ok());
    pin.Release();
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().requests_held, 0u);
    EXPECT_EQ(client.Ask(Get("/again")).body, "streamed");
  });
}

TEST_P(ServerStream, ShutdownLetsAStreamEnd) {
  Errc ended = Errc::kAgain;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       absl::Status status;
                       for (int i = 0; status.ok() && i < 5; ++i) {
                         status = out.Write("tick;");
                         if (status.ok()) status = out.Flush();
                         if (status.ok()) status = Sleep(absl::Seconds(1));
                       }
                       ended = ErrcOf(status);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/five"));
    (void)client.Until("tick;");
    sim.Spawn([&] { EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(30)).ok()); });
    EXPECT_EQ(client.UntilTheEnd(), Errc::kConnectionClosed);
    EXPECT_TRUE(absl::EndsWith(client.buffered(), "0\r\n\r\n"));
    EXPECT_EQ(ended, Errc::kOk);
  });
}

TEST_P(ServerStream, ShutdownCutsAnEndlessStream) {
  Errc ended = Errc::kOk;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       absl::Status status;
                       while (status.ok()) status = out.Write("tick;"), status.Update(out.Flush());
                       ended = ErrcOf(status);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    (void)client.Until("tick;");
    EXPECT_EQ(ErrcOf(sim.server().Shutdown(absl::Seconds(5))), Errc::kTimeout);
    EXPECT_EQ(ended, Errc::kDraining);
  });
}

// --- Faults and costs -------------------------------------------------------------------------

std::string WithoutDates(std::string text) {
  for (size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;) text.erase(at, 37);
  return text;
}

TEST(ServerStreams, AFaultAtEveryOperationLeavesTheServerWhole) {
  auto handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/reader") {
      int* live = new int(0);
      ctx.SetUserValue("live", std::shared_ptr<int>(live));
      return ctx.SetBodyStream(
          std::make_unique<ScriptedBody>(std::vector<std::string>{"r1", "r2"}, Errc::kOk, live));
    }
    BodyWriter& out = ctx.StartBodyStream();
    for (int i = 0; i < 4; ++i) {
      if (!out.Write(std::string(40'000, 'x')).ok()) return;
      if (!out.Flush().ok()) return;
      if (!Sleep(absl::Milliseconds(1)).ok()) return;
    }
  };
  for (Errc fault : {Errc::kConnectionReset, Errc::kIo, Errc::kAgain}) {
    std::string right;
    for (uint64_t n = 0;; ++n) {
      SCOPED_TRACE(absl::StrCat(ErrcName(fault), " at operation ", n));
      SimServer sim({.handler = handler, .half_close = HalfClose::kServe});
      runtime::Loop& loop = sim.sim().loop(0);
      const size_t endpoints = loop.endpoints().in_use();
      const uint32_t blocked = loop.blocked();
      ScriptedConn script;
      script.Data(Get("/1") + Get("/reader")).Again().Data(Get("/3")).Eof();
      script.Take(100).Take(0).Take(50'000).Take(0).Take(7).Take(0).Take(100'000).Take(0);
      FaultyConn conn(script, {.nth = n, .errc = fault});
      sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
      EXPECT_EQ(script.closes(), 1);
      EXPECT_EQ(loop.endpoints().in_use(), endpoints);
      EXPECT_EQ(loop.blocked(), blocked);
      EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
      const std::string written = WithoutDates(script.written());
      if (n == 0) {
        right = written;
        EXPECT_GT(right.size(), 320'000u);
        EXPECT_NE(right.find("r1"), std::string::npos);
      } else if (fault == Errc::kAgain) {
        EXPECT_TRUE(written == right);
      } else {
        EXPECT_TRUE(right.starts_with(written)) << written.size();
      }
      if (n > conn.operations()) break;
      ASSERT_LT(n, 200u);
    }
  }
}

TEST(ServerStreams, AStreamedResponseCostsNoAllocation) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer counts";
  if (base::chaos_enabled) GTEST_SKIP() << "chaos keeps halves of requests around";
  constexpr int kRequests = 1'000;
  int requests = 0;
  uint64_t before = 0, after = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    if (++requests == kRequests / 2) before = testing_internal::ProcessAllocations().count;
    if (requests == kRequests) after = testing_internal::ProcessAllocations().count;
    ctx.SetContentType("text/plain");
    BodyWriter& out = ctx.StartBodyStream();
    for (int i = 0; i < 10; ++i) {
      (void)out.Write("some bytes of a body");
      if (i == 5) (void)out.Flush();
    }
  }});
  ScriptedConn conn;
  conn.KeepNothing();
  conn.Repeat(Get("/"), kRequests).Eof();
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(requests, kRequests);
  EXPECT_EQ(after - before, 0u);
  EXPECT_LE(sim.sim().loop(0).stats().fibers_created, 4u);
}

}  // namespace
}  // namespace fasthttp
