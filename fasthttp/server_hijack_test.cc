// Connections that handlers take over for another protocol.
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/hijack.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/faulty_conn.h"
#include "testing/scripted_conn.h"
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::ScriptedConn;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// Until `size` bytes have come, or the end.
std::string Receive(BlockingConn& conn, size_t size) {
  std::string bytes(size, '\0');
  size_t n = 0;
  while (n < size) {
    IoResult result = conn.Read({bytes.data() + n, size - n});
    if (!result.ok() || result.bytes() == 0) break;
    n += result.bytes();
  }
  bytes.resize(n);
  return bytes;
}

// kConnectionClosed: a clean end.
Errc ReadEnd(BlockingConn& conn) {
  char byte;
  IoResult result = conn.Read({&byte, 1});
  if (!result.ok()) return result.errc();
  return result.bytes() == 0 ? Errc::kConnectionClosed : Errc::kUnsupported;
}

void Echo(HijackedConn& conn) {
  char block[64];
  for (;;) {
    IoResult n = conn.Read(block);
    if (!n.ok() || n.bytes() == 0) return;
    if (conn.Write({block, n.bytes()}) != Errc::kOk) return;
  }
}

class ServerHijack : public testing::SimSeedTest {};

INSTANTIATE_TEST_SUITE_P(Loops, ServerHijack, testing::kSimSeeds, testing::NameOfSimSeed);

TEST_P(ServerHijack, AnUpgradeGoesOverToTheOtherProtocol) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       EXPECT_FALSE(ctx.Hijacked());
                       if (ctx.Path() != "/echo") return ctx.SetBody("plain");
                       ctx.SetStatusCode(kStatusSwitchingProtocols);
                       ctx.response().header().Set("Connection", "Upgrade");
                       ctx.response().header().Set("Upgrade", "echo");
                       ctx.Hijack(Echo);
                       EXPECT_TRUE(ctx.Hijacked());
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string upgrade = Get("/echo", "Connection: Upgrade\r\nUpgrade: echo\r\n");
    // What comes behind the request at once is the other protocol's.
    ASSERT_EQ(client.Send(Get("/") + upgrade + "early"), Errc::kOk);
    EXPECT_EQ(client.Read().body, "plain");
    WireResponse response = client.Read();
    EXPECT_EQ(response.status, 101);
    EXPECT_EQ(response.Field("Connection"), "Upgrade");
    EXPECT_EQ(response.CountOf("Connection"), 1u);
    EXPECT_EQ(response.Field("Upgrade"), "echo");
    EXPECT_EQ(response.CountOf("Content-Length") + response.CountOf("Transfer-Encoding"), 0u);
    std::string echo = client.buffered();
    echo += Receive(client.conn(), 5 - echo.size());
    EXPECT_EQ(echo, "early");
    for (int i = 0; i < 3; ++i) {
      sim.Sleep(absl::Hours(1));  // None of the server's limits holds.
      EXPECT_EQ(client.Send("hello"), Errc::kOk);
      EXPECT_EQ(Receive(client.conn(), 5), "hello");
    }
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 1u);
    client.Finish();
    EXPECT_EQ(ReadEnd(client.conn()), Errc::kConnectionClosed);
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
  });
}

TEST_P(ServerHijack, AConnectBecomesATunnel) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.SetBody("dropped");
                       ctx.Hijack(Echo);
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view version : {"1.1", "1.0"}) {
      WireClient client = sim.Dial();
      (void)client.Send(absl::StrCat("CONNECT h:1 HTTP/", version, "\r\nHost: h:1\r\n\r\n"));
      const std::string head = Receive(client.conn(), 15);
      EXPECT_EQ(head, "HTTP/1.1 200 OK");
      std::string rest;
      while (!absl::EndsWith(rest, "\r\n\r\n")) rest += Receive(client.conn(), 1);
      EXPECT_FALSE(absl::StrContains(rest, "Content-Length")) << rest;
      EXPECT_FALSE(absl::StrContains(rest, "Transfer-Encoding")) << rest;
      EXPECT_FALSE(absl::StrContains(rest, "close")) << rest;
      (void)client.Send("through");
      EXPECT_EQ(Receive(client.conn(), 7), "through");
    }
  });
}

TEST_P(ServerHijack, AnOrdinaryAnswerMayComeFirst) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       if (ctx.Path() == "/streamed") {
                         EXPECT_TRUE(ctx.StartBodyStream().Write("123").ok());
                       } else {
                         ctx.Success("foobar", ctx.Path() == "/large" ? std::string(500'000, 'x')
                                                                      : std::string("123"));
                       }
                       ctx.Hijack(Echo);
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view path : {"/", "/streamed", "/large"}) {
      WireClient client = sim.Dial();
      (void)client.Send(Get(path));
      if (path == "/large") sim.Sleep(absl::Seconds(5));  // It waits for the socket.
      EXPECT_EQ(client.Read().body.size(), path == "/large" ? 500'000u : 3u);
      (void)client.Send("raw");
      EXPECT_EQ(Receive(client.conn(), 3), "raw");
    }
  });
}

TEST_P(ServerHijack, WithoutAResponseTheConnectionBeginsSilent) {
  SimServer sim(
      {.handler =
           [](RequestCtx& ctx) {
             ctx.SetBody("dropped");
             ctx.HijackSetNoResponse(true);
             if (ctx.Path() == "/only") return;
             ctx.Hijack([](HijackedConn& conn) { EXPECT_EQ(conn.Write("raw"), Errc::kOk); });
           }},
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/only")).body, "dropped");  // There was no Hijack.
    (void)client.Send(Get("/"));
    EXPECT_EQ(Receive(client.conn(), 100), "raw");
  });
}

TEST_P(ServerHijack, TheHandlerIsDroppedWhereTheConnectionEnds) {
  int called = 0;
  std::weak_ptr<int> watched;
  SimServer sim({.handler = TimeoutHandler(
                     [&](RequestCtx& ctx) {
                       auto token = std::make_shared<int>(0);
                       watched = token;
                       ctx.Hijack([&, token](HijackedConn&) { ++called; });
                       if (ctx.Path() == "/close") ctx.SetConnectionClose();
                       if (ctx.Path() == "/throws") throw std::runtime_error("oops");
                       if (ctx.Path() == "/late") (void)Sleep(absl::Hours(1));
                       if (ctx.Path() == "/timeout") ctx.TimeoutError("prepared");
                     },
                     absl::Seconds(1), "late")},
                Options());
  sim.Run([&] {
    EXPECT_EQ(sim.Dial().Ask(Get("/", "Connection: close\r\n")).status, 200);
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(sim.Dial().Ask(Get("/close")).status, 200);
    EXPECT_EQ(sim.Dial().Ask("GET / HTTP/1.0\r\n\r\n").status, 200);
    EXPECT_EQ(sim.Dial().Ask(Get("/throws")).status, 500);
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/late")).status, 408);
    EXPECT_EQ(client.Ask(Get("/timeout")).body, "prepared");
    sim.Settle();
    EXPECT_TRUE(watched.expired());
    WireClient gone = sim.Dial();
    (void)gone.Send(Get("/late"));
    sim.Settle();
    gone.conn().Reset();
    sim.Settle();
  });
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(called, 0);
}

TEST_P(ServerHijack, ACloseWithinTheHandlerAndItsReturnEndTheConnection) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.Hijack([path = std::string(ctx.Path())](HijackedConn& conn) {
                         EXPECT_TRUE(conn.is_open());
                         EXPECT_EQ(conn.Write("x"), Errc::kOk);
                         EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());  // Until the client has that.
                         if (path == "/close") conn.Close();
                         if (path == "/reset") conn.Reset();
                         if (path != "/return") {
                           EXPECT_FALSE(conn.is_open());
                           char byte;
                           EXPECT_EQ(conn.Read({&byte, 1}).errc(), Errc::kConnectionClosed);
                           EXPECT_EQ(conn.Write("y"), Errc::kConnectionClosed);
                         }
                       });
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view path : {"/close", "/reset", "/return"}) {
      WireClient client = sim.Dial();
      (void)client.Send(Get(path));
      EXPECT_EQ(client.Read().status, 200);
      EXPECT_EQ(client.buffered() + Receive(client.conn(), 1 - client.buffered().size()), "x");
      EXPECT_EQ(ReadEnd(client.conn()),
                path == "/reset" ? Errc::kConnectionReset : Errc::kConnectionClosed);
    }
  });
}

TEST_P(ServerHijack, DeadlinesAreTheHandlersOwn) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.Hijack([](HijackedConn& conn) {
                         char byte;
                         conn.SetReadDeadline(absl::FromUnixNanos(
                             runtime::Loop::Current()->FreshNow() + 3'000'000'000));
                         EXPECT_EQ(conn.Read({&byte, 1}).errc(), Errc::kTimeout);
                         EXPECT_EQ(conn.Write("late"), Errc::kOk);
                       });
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    const int64_t start = sim.sim().NowNanos();
    EXPECT_EQ(Receive(client.conn(), 4), "late");
    EXPECT_EQ((sim.sim().NowNanos() - start) / 1'000'000'000, 3);
  });
}

TEST_P(ServerHijack, LimitsCountItNoLonger) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.Hijack(Echo); },
                 .concurrency = 1,
                 .max_requests_per_conn = 1},
                Options());
  sim.Run([&] {
    std::vector<WireClient> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(sim.Dial());
      EXPECT_EQ(clients.back().Ask(Get("/")).status, 200);
      (void)clients.back().Send("x");
      EXPECT_EQ(Receive(clients.back().conn(), 1), "x");
    }
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 5u);
    EXPECT_EQ(sim.server().GetRejectedConnectionsCount(), 0u);
  });
}

TEST_P(ServerHijack, APinDoesNotHoldTheConnection) {
  RequestPin pin;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       pin = ctx.Pin();
                       ctx.Hijack(Echo);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/pinned") + "early");
    EXPECT_EQ(client.Read().status, 200);
    EXPECT_EQ(client.buffered() + Receive(client.conn(), 5 - client.buffered().size()), "early");
    EXPECT_EQ(pin->Path(), "/pinned");
    pin.Release();
  });
}

TEST_P(ServerHijack, AnExceptionResetsTheConnectionAndTheServerLivesOn) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.Hijack([](HijackedConn&) {
                         EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                         throw std::runtime_error("hijacker");
                       });
                     }},
                Options());
  ::testing::internal::CaptureStderr();
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    EXPECT_EQ(ReadEnd(client.conn()), Errc::kConnectionReset);
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().errors, 1u);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
  });
  EXPECT_TRUE(absl::StrContains(::testing::internal::GetCapturedStderr(), "hijacker"));
}

// --- Kept ones --------------------------------------------------------------------------------

TEST_P(ServerHijack, AKeptConnectionOutlivesItsHandlerIfTheSettingSaysSo) {
  for (bool keep : {false, true}) {
    std::shared_ptr<HijackedConn> kept;
    SimServer sim(
        {.handler =
             [&](RequestCtx& ctx) { ctx.Hijack([&](HijackedConn& conn) { kept = conn.Keep(); }); },
         .keep_hijacked_conns = keep},
        Options());
    sim.Run([&] {
      WireClient client = sim.Dial();
      (void)client.Send(Get("/") + "early");
      EXPECT_EQ(client.Read().status, 200);
      sim.Settle();
      EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
      ASSERT_NE(kept, nullptr);
      EXPECT_EQ(kept->is_open(), keep);
      char bytes[5];
      EXPECT_EQ(kept->ReadFull(bytes), keep ? Errc::kOk : Errc::kConnectionClosed);
      if (keep) {
        EXPECT_EQ(std::string_view(bytes, 5), "early");
        EXPECT_EQ(kept->Write("later"), Errc::kOk);
        EXPECT_EQ(Receive(client.conn(), 5), "later");
      }
      kept.reset();  // The owner's end is the connection's.
      EXPECT_EQ(ReadEnd(client.conn()), Errc::kConnectionClosed);
    });
  }
}

TEST_P(ServerHijack, ASettingAloneKeepsNothing) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.Hijack([](HijackedConn&) {}); },
                 .keep_hijacked_conns = true},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    EXPECT_EQ(ReadEnd(client.conn()), Errc::kConnectionClosed);
  });
}

// --- Parked ones ------------------------------------------------------------------------------

// Echoes what comes, and holds no stack while nothing does.
void ParkedEcho(HijackedConn& conn) {
  char block[3];
  IoResult n = conn.Read(block);
  if (!n.ok() || n.bytes() == 0) return;
  if (conn.Write({block, n.bytes()}) != Errc::kOk) return;
  conn.Park(ParkedEcho);
}

TEST_P(ServerHijack, AParkedConnectionGoesOnWhenThereIsSomethingToRead) {
  SimServer sim(
      {.handler =
           [](RequestCtx& ctx) { ctx.Hijack([](HijackedConn& conn) { conn.Park(ParkedEcho); }); }},
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    // More than a Read takes: what is left causes no event of its own.
    (void)client.Send(Get("/") + "early bytes");
    EXPECT_EQ(client.Read().status, 200);
    EXPECT_EQ(client.buffered() + Receive(client.conn(), 11 - client.buffered().size()),
              "early bytes");
    for (int i = 0; i < 20; ++i) {
      sim.Sleep(absl::Minutes(10));
      const std::string text(1 + static_cast<size_t>(i), static_cast<char>('a' + i));
      EXPECT_EQ(client.Send(text), Errc::kOk);
      EXPECT_EQ(Receive(client.conn(), text.size()), text);
    }
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 1u);
    (void)client.Send("last words");
    client.Finish();
    EXPECT_EQ(Receive(client.conn(), 100), "last words");
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
  });
}

TEST_P(ServerHijack, AParkedConnectionSeesItsPeersEndAndItsDeadline) {
  std::vector<Errc> ends;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       ctx.Hijack([&](HijackedConn& conn) {
                         conn.SetReadDeadline(absl::FromUnixNanos(
                             runtime::Loop::Current()->FreshNow() + 60'000'000'000));
                         conn.Park([&](HijackedConn& woken) {
                           char byte;
                           IoResult n = woken.Read({&byte, 1});
                           ends.push_back(n.ok() ? Errc::kConnectionClosed : n.errc());
                         });
                       });
                     }},
                Options());
  sim.Run([&] {
    for (int way = 0; way < 3; ++way) {
      WireClient client = sim.Dial();
      EXPECT_EQ(client.Ask(Get("/")).status, 200);
      sim.Settle();
      if (way == 0) client.conn().Close();
      if (way == 1) client.conn().Reset();
      if (way == 2) sim.Sleep(absl::Seconds(61));
      sim.Settle();
    }
  });
  EXPECT_EQ(ends,
            (std::vector<Errc>{Errc::kConnectionClosed, Errc::kConnectionReset, Errc::kTimeout}));
}

// The one event there is concerns both.
TEST(ServerHijacks, AParkedConnectionHearsOfItsPeerBesideAWriter) {
  for (bool sends : {false, true}) {
    std::shared_ptr<HijackedConn> kept;
    std::string woken;
    SimServer sim({.handler = [&](RequestCtx& ctx) {
      ctx.Hijack([&](HijackedConn& conn) {
        kept = conn.Keep();
        conn.Park([&](HijackedConn& again) {
          char room[8];
          IoResult n = again.Read(room);
          woken = n.ok() ? absl::StrCat("read ", n.bytes()) : "failed";
          again.Close();
        });
      });
    }});
    bool wrote = false;
    sim.Run([&] {
      WireClient client = sim.Dial();
      EXPECT_EQ(client.Ask(Get("/")).status, 200);
      sim.Settle();
      ASSERT_NE(kept, nullptr);
      sim.Spawn([&] {
        EXPECT_NE(kept->Write(std::string(4 << 20, 'x')), Errc::kOk);  // Nobody reads it.
        wrote = true;
      });
      sim.Settle();
      EXPECT_FALSE(wrote);
      EXPECT_EQ(woken, "");
      if (sends) {
        EXPECT_EQ(client.Send("abc"), Errc::kOk);
      } else {
        client.Finish();
      }
      sim.Settle();
      EXPECT_EQ(woken, sends ? "read 3" : "read 0");
      EXPECT_TRUE(wrote);
    });
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
    kept.reset();
  }
}

// What follows a head that declares a body is that body for the client.
TEST(ServerHijacks, SEC_WithABodyThatIsLeftOutTheConnectionEnds) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.Hijack([](HijackedConn& conn) { (void)conn.Write("tunnel"); });
    ctx.SetBody("hello");
    ctx.response().SetSkipBody(true);
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    EXPECT_NE(client.Until("\r\n\r\n"), "");
    (void)client.UntilTheEnd();
    EXPECT_EQ(client.buffered(), "");
  });
}

TEST(ServerHijacks, IdleParkedConnectionsHoldNoFiber) {
  constexpr size_t kConns = 10'000;
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.Hijack([](HijackedConn& conn) { conn.Park(ParkedEcho); });
  }});
  runtime::Loop& loop = sim.sim().loop(0);
  sim.Run([&] {
    std::vector<WireClient> clients;
    for (size_t i = 0; i < kConns; ++i) {
      clients.push_back(sim.Dial());
      EXPECT_EQ(clients.back().Ask(Get("/")).status, 200);
    }
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().connections_hijacked, kConns);
    EXPECT_EQ(loop.blocked(), 1u);  // Serve.
    EXPECT_LE(loop.stats().fibers_created, 8u);
    for (size_t i = 0; i < kConns; i += 997) {
      (void)clients[i].Send("x");
      EXPECT_EQ(Receive(clients[i].conn(), 1), "x");
    }
  });
  EXPECT_LE(loop.stats().fibers_created, 8u);
  EXPECT_LE(sizeof(HijackedConn), 384u);
}

// --- Shutdown ---------------------------------------------------------------------------------

TEST_P(ServerHijack, ShutdownEndsThemAndWaits) {
  std::vector<Errc> ends;
  int parked_calls = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       ctx.Hijack([&, parks = ctx.Path() == "/parked"](HijackedConn& conn) {
                         if (parks) return conn.Park([&](HijackedConn&) { ++parked_calls; });
                         char byte;
                         ends.push_back(conn.Read({&byte, 1}).errc());
                         ContextScope scope = WithoutCancel();
                         EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                         EXPECT_EQ(conn.Write("goodbye"), Errc::kOk);
                         // There is nothing to wait for any more.
                         conn.Park([&](HijackedConn&) { ++parked_calls; });
                       });
                     }},
                Options());
  sim.Run([&] {
    WireClient parked = sim.Dial();
    WireClient running = sim.Dial();
    EXPECT_EQ(parked.Ask(Get("/parked")).status, 200);
    EXPECT_EQ(running.Ask(Get("/running")).status, 200);
    sim.Settle();
    const int64_t start = sim.sim().NowNanos();
    EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(30)).ok());
    EXPECT_EQ((sim.sim().NowNanos() - start) / 1'000'000'000, 1);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
    EXPECT_EQ(ReadEnd(parked.conn()), Errc::kConnectionClosed);
    EXPECT_EQ(Receive(running.conn(), 100), "goodbye");
  });
  EXPECT_EQ(ends, std::vector<Errc>{Errc::kDraining});
  EXPECT_EQ(parked_calls, 0);
}

TEST_P(ServerHijack, ShutdownNamesAHandlerThatIgnoresItsEnd) {
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       ctx.Hijack([](HijackedConn&) {
                         ContextScope scope = WithoutCancel();
                         EXPECT_TRUE(Sleep(absl::Seconds(100)).ok());
                       });
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    absl::Status status = sim.server().Shutdown(absl::Seconds(3));
    EXPECT_EQ(ErrcOf(status), Errc::kTimeout);
    EXPECT_TRUE(absl::StrContains(status.message(), "hijacked ")) << status;
    EXPECT_EQ(ReadEnd(client.conn()), Errc::kConnectionReset);
    sim.Sleep(absl::Seconds(100));
  });
}

TEST_P(ServerHijack, AHijackHandlerMayShutTheServerDown) {
  bool down = false;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       ctx.Hijack([&](HijackedConn& conn) {
                         EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(5)).ok());
                         EXPECT_EQ(conn.Write("down"), Errc::kOk);
                         down = true;
                       });
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).status, 200);
    EXPECT_EQ(Receive(client.conn(), 100), "down");
  });
  EXPECT_TRUE(down);
}

TEST(ServerHijacks, ServeConnReturnsWhenItsConnectionIsTakenOver) {
  bool ended = false;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    ctx.Hijack([&](HijackedConn&) {
      EXPECT_TRUE(Sleep(absl::Seconds(10)).ok());
      ended = true;
    });
  }});
  ScriptedConn conn;
  conn.Data(Get("/"));
  sim.Run([&] {
    EXPECT_TRUE(sim.server().ServeConn(conn).ok());
    EXPECT_FALSE(ended);
    EXPECT_FALSE(conn.closed());
    sim.Sleep(absl::Seconds(20));
    EXPECT_TRUE(conn.closed());
  });
}

TEST(ServerHijacks, AFaultAtEveryOperationLeavesTheServerWhole) {
  for (Errc fault : {Errc::kConnectionReset, Errc::kIo, Errc::kAgain}) {
    for (uint64_t n = 0;; ++n) {
      SCOPED_TRACE(absl::StrCat(ErrcName(fault), " at operation ", n));
      int live = 0;
      SimServer sim({.handler = [&](RequestCtx& ctx) {
        if (ctx.Path() == "/plain") return;
        ctx.SetBody(std::string(30'000, 'x'));
        ++live;
        std::shared_ptr<int> token(&live, [](int* count) { --*count; });
        ctx.Hijack([token](HijackedConn& conn) { conn.Park(ParkedEcho); });
      }});
      runtime::Loop& loop = sim.sim().loop(0);
      const size_t endpoints = loop.endpoints().in_use();
      const uint32_t blocked = loop.blocked();
      uint64_t operations = 0;
      sim.Run([&] {
        fasthttputil::PipeEnds pipe = fasthttputil::NewPipe(loop, loop);
        FaultyConn conn(*pipe.first, {.nth = n, .errc = fault});
        BlockingConn peer;
        ASSERT_EQ(peer.Adopt(loop, pipe.second), Errc::kOk);
        WireClient client(std::move(peer));
        (void)client.Send(Get("/plain") + Get("/") + "ab");
        EXPECT_TRUE(sim.server().ServeConn(conn).ok());
        sim.Settle();
        (void)client.Send("cde");
        sim.Settle();
        if (n == 0 || fault == Errc::kAgain) {
          EXPECT_EQ(client.Read().status, 200);
          EXPECT_EQ(client.Read().body.size(), 30'000u);
          EXPECT_EQ(client.buffered() + Receive(client.conn(), 5 - client.buffered().size()),
                    "abcde");
        }
        client.conn().Close();
        sim.Sleep(absl::Minutes(5));
        EXPECT_TRUE(conn.closed());
        operations = conn.operations();
      });
      EXPECT_EQ(live, 0);
      EXPECT_EQ(loop.endpoints().in_use(), endpoints);
      EXPECT_EQ(loop.blocked(), blocked);
      EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
      if (n > operations) break;
      ASSERT_LT(n, 100u);
    }
  }
}

}  // namespace
}  // namespace fasthttp
