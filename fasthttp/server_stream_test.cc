// Responses whose bodies are sent while they are made: how they are framed, what waits and for how
// long, and what the peer sees when something goes wrong.
#include <algorithm>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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
#include "testing/scripted_conn.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::ScriptedConn;
using http1::MethodId;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// Bytes as they come.
class RawClient {
 public:
  explicit RawClient(WireClient client) : client_(std::move(client)) {}
  Errc Send(std::string_view bytes) { return client_.Send(bytes); }
  BlockingConn& conn() { return client_.conn(); }
  const std::string& got() const { return got_; }

  // What came, up to and with `text`; all of it if that never comes.
  std::string Until(std::string_view text) {
    while (got_.find(text) == std::string::npos && Receive() == Errc::kOk) continue;
    const size_t at = got_.find(text);
    const size_t size = at == std::string::npos ? got_.size() : at + text.size();
    std::string part = got_.substr(0, size);
    got_.erase(0, size);
    return part;
  }
  // kConnectionClosed: a clean end.
  Errc UntilTheEnd() {
    for (;;) {
      if (Errc errc = Receive(); errc != Errc::kOk) return errc;
    }
  }

 private:
  Errc Receive() {
    char room[16 * 1024];
    IoResult result = client_.conn().Read(room);
    if (!result.ok()) return result.errc();
    got_.append(room, result.bytes());
    return result.bytes() == 0 ? Errc::kConnectionClosed : Errc::kOk;
  }

  WireClient client_;
  std::string got_;
};

// The connection was cut: what came last is no clean end.
bool IsCut(Errc errc) { return errc == Errc::kConnectionReset; }

struct Seed {
  size_t loops;
  uint64_t seed;
};
std::ostream& operator<<(std::ostream& os, const Seed& s) {
  return os << s.loops << " loops, seed " << s.seed;
}

class ServerStream : public ::testing::TestWithParam<Seed> {
 protected:
  static fasthttptest::SimOptions Options() {
    return {.loops = GetParam().loops, .seed = GetParam().seed};
  }
};

INSTANTIATE_TEST_SUITE_P(Loops, ServerStream,
                         ::testing::Values(Seed{1, 1}, Seed{2, 2}, Seed{2, 3}, Seed{4, 4}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.loops, "_", info.param.seed);
                         });

// --- Framing ----------------------------------------------------------------------------------

TEST_P(ServerStream, EachFlushIsAChunkThatComesAtOnce) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.SetContentType("text/event-stream");
                       BodyWriter& out = ctx.StartBodyStream();
                       for (int i = 0; i < 3; ++i) {
                         absl::Format(&out, "data: %d\n\n", i);
                         ASSERT_TRUE(out.Flush().ok());
                         if (!Sleep(absl::Seconds(10)).ok()) return;  // The second client.
                       }
                       EXPECT_EQ(out.Written(), 27u);
                       EXPECT_EQ(&ctx.StartBodyStream(), &out);
                     }},
                Options());
  sim.Run([&] {
    RawClient client(sim.Dial());
    const int64_t start = sim.sim().NowNanos();
    ASSERT_EQ(client.Send(Get("/")), Errc::kOk);
    const std::string head = client.Until("\r\n\r\n");
    EXPECT_TRUE(absl::StartsWith(head, "HTTP/1.1 200 OK\r\n")) << head;
    EXPECT_TRUE(absl::StrContains(head, "\r\nContent-Type: text/event-stream\r\n")) << head;
    EXPECT_TRUE(absl::StrContains(head, "\r\nTransfer-Encoding: chunked\r\n")) << head;
    EXPECT_FALSE(absl::StrContains(head, "Content-Length")) << head;
    EXPECT_FALSE(absl::StrContains(head, "Connection")) << head;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(client.Until("\n\n\r\n"), absl::StrCat("9\r\ndata: ", i, "\n\n\r\n"));
      EXPECT_LT((sim.sim().NowNanos() - start) / 1'000'000'000, 10 * i + 1);
    }
    EXPECT_EQ(client.Until("0\r\n\r\n"), "0\r\n\r\n");
    // The connection goes on.
    ASSERT_EQ(client.Send(Get("/")), Errc::kOk);
    EXPECT_TRUE(absl::StartsWith(client.Until("data: 0"), "HTTP/1.1 200 OK\r\n"));
  });
}

TEST_P(ServerStream, ManyResponsesOfEveryKindOnOneConnection) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       const std::string_view path = ctx.Path();
                       if (path == "/plain") return ctx.SetBody("plain");
                       BodyWriter& out = ctx.StartBodyStream();
                       if (path == "/none") return;
                       for (size_t i = 0; i < 200; ++i) {
                         EXPECT_TRUE(out.Write(std::string(i * 7, 'a')).ok());
                         if (path == "/flush") {
                           EXPECT_TRUE(out.Flush().ok());
                         }
                       }
                       if (path == "/large") {
                         EXPECT_TRUE(out.Write(std::string(1'000'000, 'b')).ok());
                       }
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    sim.Spawn([&] {
      EXPECT_EQ(client.Send(Get("/plain") + Get("/write") + Get("/none") + Get("/large") +
                            Get("/flush") + Get("/plain")),
                Errc::kOk);
    });
    const size_t written = 7 * 199 * 200 / 2;
    EXPECT_EQ(client.Read().body, "plain");
    EXPECT_EQ(client.Read().body, std::string(written, 'a'));
    WireResponse none = client.Read();
    EXPECT_EQ(none.Field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(none.body, "");
    EXPECT_TRUE(client.Read().body == std::string(written, 'a') + std::string(1'000'000, 'b'));
    EXPECT_EQ(client.Read().body, std::string(written, 'a'));
    EXPECT_EQ(client.Read().body, "plain");
  });
}

TEST(ServerStreams, AnEmptyWriteDoesNotEndTheBody) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    BodyWriter& out = ctx.StartBodyStream();
    EXPECT_TRUE(out.Write("").ok());
    EXPECT_TRUE(out.Flush().ok());
    EXPECT_TRUE(out.Write("a").ok());
    EXPECT_TRUE(out.Flush().ok());
    EXPECT_TRUE(out.Write({}).ok());
    EXPECT_TRUE(out.Flush().ok());
    EXPECT_TRUE(out.Write("b").ok());
  }});
  sim.Run([&] {
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    (void)client.Until("\r\n\r\n");
    EXPECT_EQ(client.Until("0\r\n\r\n"), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  });
}

TEST(ServerStreams, WhatIsInTheBodyBeforeIsItsBeginning) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.Write("one,");
    absl::Format(&ctx.StartBodyStream(), "two");
  }});
  sim.Run([&] {
    WireResponse response = sim.Dial().Ask(Get("/"));
    EXPECT_EQ(response.body, "one,two");
    EXPECT_EQ(response.Field("Content-Type"), kDefaultContentType);
  });
}

TEST_P(ServerStream, AnHttp10ClientGetsABodyThatLastsUntilClose) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       BodyWriter& out = ctx.StartBodyStream();
                       for (int i = 0; i < 3; ++i) {
                         EXPECT_TRUE(out.Write("piece;").ok());
                         EXPECT_TRUE(out.Flush().ok());
                       }
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view lines : {"", "Connection: keep-alive\r\n"}) {
      RawClient client(sim.Dial());
      (void)client.Send(absl::StrCat("GET / HTTP/1.0\r\n", lines, "\r\n", Get("/next")));
      const std::string head = client.Until("\r\n\r\n");
      EXPECT_FALSE(absl::StrContains(head, "Transfer-Encoding")) << head;
      EXPECT_FALSE(absl::StrContains(head, "Content-Length")) << head;
      EXPECT_TRUE(absl::StrContains(head, "\r\nConnection: close\r\n")) << head;
      EXPECT_EQ(client.UntilTheEnd(), Errc::kConnectionClosed);
      EXPECT_EQ(client.got(), "piece;piece;piece;");
    }
  });
}

TEST(ServerStreams, AnHttp10ClientIsKeptWithADeclaredLength) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.response().header().SetContentLength(3);
    EXPECT_TRUE(ctx.StartBodyStream().Write("abc").ok());
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 2; ++i) {
      WireResponse response = client.Ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      EXPECT_EQ(response.body, "abc");
      EXPECT_EQ(response.Field("Connection"), "keep-alive");
    }
  });
}

TEST_P(ServerStream, ADeclaredLengthIsHonoured) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.response().header().SetContentLength(300'000);
                       BodyWriter& out = ctx.StartBodyStream();
                       for (int i = 0; i < 3; ++i) {
                         EXPECT_TRUE(out.Write(std::string(100'000, 'x')).ok());
                       }
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 2; ++i) {
      WireResponse response = client.Ask(Get("/"));
      EXPECT_EQ(response.Field("Content-Length"), "300000");
      EXPECT_FALSE(response.head.find("Transfer-Encoding") != std::string::npos);
      EXPECT_EQ(response.body.size(), 300'000u);
    }
  });
}

TEST_P(ServerStream, ShorterThanDeclaredIsCut) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.response().header().SetContentLength(10);
                       EXPECT_TRUE(ctx.StartBodyStream().Write("123456789").ok());
                       EXPECT_TRUE(ctx.StartBodyStream().Flush().ok());
                     }},
                Options());
  ::testing::internal::CaptureStderr();
  sim.Run([&] {
    RawClient client(sim.Dial());
    (void)client.Send(Get("/short") + Get("/next"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
  });
  EXPECT_TRUE(absl::StrContains(::testing::internal::GetCapturedStderr(),
                                "fasthttp: /short: the body is shorter"));
  EXPECT_EQ(sim.server().Stats().errors, 1u);
}

TEST_P(ServerStream, NotAByteBeyondTheDeclaredLengthIsSent) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.response().header().SetContentLength(10);
                       BodyWriter& out = ctx.StartBodyStream();
                       EXPECT_TRUE(out.Write("12345").ok());
                       EXPECT_EQ(ErrcOf(out.Write("678901")), Errc::kProgramming);
                       EXPECT_EQ(ErrcOf(out.Write("6")), Errc::kProgramming);
                       EXPECT_EQ(ErrcOf(out.Flush()), Errc::kProgramming);
                       EXPECT_EQ(out.Written(), 5u);
                     }},
                Options());
  sim.Run([&] {
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
    EXPECT_FALSE(absl::StrContains(client.got(), "6"));
  });
}

TEST_P(ServerStream, NothingIsSentWhereNoBodyIsAllowed) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       if (ctx.Path() == "/204") ctx.SetStatusCode(204);
                       if (ctx.Path() == "/304") ctx.SetStatusCode(304);
                       if (ctx.Path() == "/length") ctx.response().header().SetContentLength(5);
                       BodyWriter& out = ctx.StartBodyStream();
                       EXPECT_TRUE(out.Write("hello").ok());
                       EXPECT_TRUE(out.Flush().ok());
                       EXPECT_EQ(out.Written(), 5u);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (std::string_view path : {"/204", "/304"}) {
      WireResponse response = client.Ask(Get(path));
      EXPECT_EQ(absl::StrCat("/", response.status), path);
      EXPECT_EQ(response.CountOf("Content-Length") + response.CountOf("Transfer-Encoding"), 0u);
      EXPECT_EQ(response.CountOf("Content-Type"), 0u);
    }
    (void)client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /length HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.Read(MethodId::kHead).Field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(client.Read(MethodId::kHead).Field("Content-Length"), "5");
    EXPECT_EQ(client.Ask(Get("/")).body, "hello");
  });
}

TEST_P(ServerStream, TrailersFollowTheBody) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ResponseHeader& header = ctx.response().header();
                       EXPECT_TRUE(header.SetTrailer("X-Sum, X-Early, X-None").ok());
                       header.Set("X-Early", "e");
                       header.Set("X-Head", "h");
                       EXPECT_TRUE(ctx.StartBodyStream().Write("abc").ok());
                       header.Set("X-Sum", "3\r\nInjected: 1");
                     }},
                Options());
  ::testing::internal::CaptureStderr();
  sim.Run([&] {
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    const std::string head = client.Until("\r\n\r\n");
    EXPECT_TRUE(absl::StrContains(head, "\r\nTrailer: X-Sum, X-Early, X-None\r\n")) << head;
    EXPECT_TRUE(absl::StrContains(head, "\r\nX-Head: h\r\n")) << head;
    EXPECT_FALSE(absl::StrContains(head, "\r\nX-Early:")) << head;
    EXPECT_EQ(client.Until("\r\n\r\n"),
              "3\r\nabc\r\n0\r\nX-Sum: 3  Injected: 1\r\nX-Early: e\r\n\r\n");
  });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// --- When the head goes out, and what can't be changed then
// ---------------------------------------

TEST(ServerStreams, TheHeadGoesOutWithTheFirstBytesOrWhenTheHandlerWaits) {
  int step = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    BodyWriter& out = ctx.StartBodyStream();
    EXPECT_TRUE(out.Write("first").ok());  // Gathered.
    step = 1;
    EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
    step = 2;
    EXPECT_TRUE(out.Flush().ok());
    EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
  }});
  sim.Run([&] {
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    EXPECT_NE(client.Until("\r\n\r\n"), "");
    EXPECT_EQ(step, 1);
    EXPECT_EQ(client.Until("first"), "5\r\nfirst");
    EXPECT_EQ(step, 2);
    EXPECT_EQ(client.Until("0\r\n\r\n"), "\r\n0\r\n\r\n");
  });
}

TEST(ServerStreams, ImmediateHeaderFlushSendsTheHeadByItself) {
  if (base::chaos_enabled) GTEST_SKIP() << "a head may go out in pieces";
  for (bool flush : {false, true}) {
    ScriptedConn conn;
    conn.Data(Get("/", "Connection: close\r\n"));
    std::string at_start = "?";
    SimServer sim({.handler = [&](RequestCtx& ctx) {
      ctx.response().SetImmediateHeaderFlush(flush);
      (void)ctx.StartBodyStream();
      at_start = conn.written();
    }});
    sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
    EXPECT_EQ(absl::StrContains(at_start, "\r\n\r\n"), flush) << at_start;
  }
}

TEST(ServerStreams, ASecondWriterIsAProgrammingErrorThatIsTold) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.SetStatusCode(201);
    BodyWriter& out = ctx.StartBodyStream();
    EXPECT_TRUE(out.Write("right").ok());
    if (ctx.Path() == "/status") ctx.SetStatusCode(500);
    if (ctx.Path() == "/field") ctx.response().header().Set("X-Late", "1");
    if (ctx.Path() == "/type") ctx.SetContentType("text/late");
    if (ctx.Path() == "/body") ctx.SetBody("late");
    if (ctx.Path() == "/error") ctx.Error("late", 500);
    if (ctx.Path() == "/stream") ctx.SetBodyStreamWriter([](BodyWriter&) { FAIL(); });
    EXPECT_EQ(ctx.response().StatusCode() == 201,
              ctx.Path() != "/status" && ctx.Path() != "/error");
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    uint64_t errors = 0;
    for (std::string_view path : {"/status", "/field", "/type", "/body", "/error", "/stream"}) {
      sim.Sleep(absl::Seconds(2));  // One line a second.
      ::testing::internal::CaptureStderr();
      WireResponse response = client.Ask(Get(absl::StrCat(path, "?secret=1")));
      const std::string log = ::testing::internal::GetCapturedStderr();
      EXPECT_EQ(log, absl::StrCat("fasthttp: ", path,
                                  ": what was set after StartBodyStream is not sent\n"));
      EXPECT_EQ(response.status, 201) << path;
      EXPECT_EQ(response.body, "right") << path;
      EXPECT_EQ(response.CountOf("X-Late"), 0u);
      EXPECT_EQ(sim.server().Stats().errors, ++errors);
    }
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(client.Ask(Get("/right")).body, "right");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  });
}

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
      RawClient client(sim.Dial());
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
    RawClient client(sim.Dial());
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
    RawClient client(sim.Dial());
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
        RawClient client(sim.Dial());
        told = Errc::kOk;
        (void)client.Send(absl::StrCat("GET ", path, " HTTP/", version, "\r\nHost: h\r\n\r\n"));
        EXPECT_TRUE(IsCut(client.UntilTheEnd()));
        EXPECT_FALSE(absl::StrContains(client.got(), "500"));
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
    RawClient client(sim.Dial());
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
      RawClient client(sim.Dial());
      const int64_t start = sim.sim().NowNanos();
      (void)client.Send(Get(path));
      if (path == "/write") sim.Sleep(absl::Milliseconds(2'500));  // Time stands while both run.
      EXPECT_TRUE(IsCut(client.UntilTheEnd())) << path;
      EXPECT_LT(sim.sim().NowNanos() - start, 3'000'000'000) << path;
      EXPECT_FALSE(absl::StrContains(client.got(), "timeout"));
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
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
    EXPECT_FALSE(absl::StrContains(client.got(), "late"));
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
    RawClient client(sim.Dial());
    (void)client.Send(Get("/five"));
    (void)client.Until("tick;");
    sim.Spawn([&] { EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(30)).ok()); });
    EXPECT_EQ(client.UntilTheEnd(), Errc::kConnectionClosed);
    EXPECT_TRUE(absl::EndsWith(client.got(), "0\r\n\r\n"));
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
    RawClient client(sim.Dial());
    (void)client.Send(Get("/"));
    (void)client.Until("tick;");
    EXPECT_EQ(ErrcOf(sim.server().Shutdown(absl::Seconds(5))), Errc::kTimeout);
    EXPECT_EQ(ended, Errc::kDraining);
  });
}

// --- The original's forms ---------------------------------------------------------------------

// Gives `pieces`, one a Read, then an error or the end.
class Pieces final : public BodyReader {
 public:
  Pieces(std::vector<std::string> pieces, Errc end, int* live)
      : pieces_(std::move(pieces)), end_(end), live_(live) {
    ++*live_;
  }
  ~Pieces() override { --*live_; }
  absl::StatusOr<size_t> Read(std::span<char> into) override {
    (void)Sleep(absl::Milliseconds(1));
    if (next_ == pieces_.size()) {
      if (end_ != Errc::kOk) return ToStatus(end_);
      return 0;
    }
    std::string& piece = pieces_[next_];
    const size_t n = std::min(into.size(), piece.size());
    std::copy_n(piece.begin(), n, into.begin());
    piece.erase(0, n);
    if (piece.empty()) ++next_;
    return n;
  }

 private:
  std::vector<std::string> pieces_;
  size_t next_ = 0;
  Errc end_;
  int* live_;
};

TEST_P(ServerStream, AReaderMakesTheBody) {
  int live = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       auto reader = [&](std::vector<std::string> pieces, Errc end = Errc::kOk) {
                         return std::make_unique<Pieces>(std::move(pieces), end, &live);
                       };
                       const std::string_view path = ctx.Path();
                       if (path == "/chunks") return ctx.SetBodyStream(reader({"ab", "cde"}));
                       if (path == "/sized") return ctx.SetBodyStream(reader({"ab", "cde"}), 5);
                       if (path == "/longer") return ctx.SetBodyStream(reader({"ab", "cdefgh"}), 5);
                       if (path == "/empty") return ctx.SetBodyStream(reader({}), 0);
                       if (path == "/none") return ctx.SetBodyStream(reader({}));
                       if (path == "/large") {
                         return ctx.SetBodyStream(reader({std::string(1'000'000, 'l')}));
                       }
                       if (path == "/fails") {
                         return ctx.SetBodyStream(reader({}, Errc::kBadNumber));
                       }
                       if (path == "/dropped") {
                         ctx.SetBodyStream(reader({"never"}));
                         EXPECT_TRUE(ctx.IsBodyStream());
                         ctx.response().CloseBodyStream();
                         EXPECT_EQ(live, 0);
                         return ctx.SetBody("kept");
                       }
                       if (path == "/replaced") {
                         ctx.SetBodyStream(reader({"never"}));
                         return ctx.SetBodyStream(reader({"last"}));
                       }
                       if (path == "/error") {
                         ctx.SetBodyStream(reader({"never"}));
                         return ctx.Error("no", 418);
                       }
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/chunks"));
    EXPECT_EQ(response.body, "abcde");
    EXPECT_EQ(response.Field("Transfer-Encoding"), "chunked");
    for (std::string_view path : {"/sized", "/longer"}) {
      response = client.Ask(Get(path));
      EXPECT_EQ(response.body, "abcde") << path;
      EXPECT_EQ(response.Field("Content-Length"), "5") << path;
    }
    EXPECT_EQ(client.Ask(Get("/empty")).Field("Content-Length"), "0");
    EXPECT_EQ(client.Ask(Get("/none")).Field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(client.Ask(Get("/large")).body, std::string(1'000'000, 'l'));
    (void)client.Send("HEAD /sized HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.Read(MethodId::kHead).Field("Content-Length"), "5");
    EXPECT_EQ(client.Ask(Get("/dropped")).body, "kept");
    EXPECT_EQ(client.Ask(Get("/replaced")).body, "last");
    EXPECT_EQ(client.Ask(Get("/error")).status, 418);
    EXPECT_EQ(client.Ask(Get("/fails")).status, 500);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(live, 0);
}

TEST_P(ServerStream, AReaderThatFailsHalfwayOrEndsEarlyIsCut) {
  int live = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       const bool sized = ctx.Path() == "/short";
                       ctx.SetBodyStream(
                           std::make_unique<Pieces>(std::vector<std::string>{"ab"},
                                                    sized ? Errc::kOk : Errc::kIo, &live),
                           sized ? 3 : -1);
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view path : {"/short", "/fails"}) {
      RawClient client(sim.Dial());
      (void)client.Send(Get(path));
      EXPECT_TRUE(IsCut(client.UntilTheEnd())) << path;
    }
  });
  EXPECT_EQ(live, 0);
}

TEST_P(ServerStream, AFunctionMakesTheBodyWhenTheHandlerHasReturned) {
  bool returned = false;
  SimServer sim(
      {.handler =
           [&](RequestCtx& ctx) {
             returned = false;
             ctx.SetBodyStreamWriter([&, path = std::string(ctx.Path())](BodyWriter& out) {
               EXPECT_TRUE(returned);
               EXPECT_TRUE(out.Write("made ").ok());
               EXPECT_TRUE(out.Flush().ok());
               EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
               if (path == "/throws") throw 1;
               EXPECT_TRUE(out.Write("later").ok());
             });
             returned = true;
           }},
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/")).body, "made later");
    EXPECT_EQ(client.Ask(Get("/")).body, "made later");
    (void)client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.Read(MethodId::kHead).status, 200);
    RawClient other(sim.Dial());
    (void)other.Send(Get("/throws"));
    EXPECT_TRUE(IsCut(other.UntilTheEnd()));
  });
}

TEST_P(ServerStream, EarlyHintsAreTheLinksSoFar) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       EXPECT_TRUE(ctx.EarlyHints().ok());
                       ctx.response().header().Add("X-Other", "1");
                       ctx.response().header().Add("Link", "</a.css>; rel=preload");
                       ctx.response().header().Add("Link", "</b.js>; rel=preload");
                       EXPECT_TRUE(ctx.EarlyHints().ok());
                       EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                       ctx.SetBody("late");
                       if (ctx.Path() != "/streamed") return;
                       (void)ctx.StartBodyStream();
                       EXPECT_EQ(ErrcOf(ctx.EarlyHints()), Errc::kProgramming);
                     }},
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (std::string_view path : {"/", "/streamed"}) {
      const int64_t start = sim.sim().NowNanos();
      WireResponse hints = client.Ask(Get(path));
      EXPECT_LT(sim.sim().NowNanos() - start, 1'000'000'000);
      EXPECT_EQ(hints.head,
                "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
                "Link: </b.js>; rel=preload\r\n\r\n");
      WireResponse response = client.Read();
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.CountOf("Link"), 2u);
      EXPECT_EQ(response.body, "late");
    }
    EXPECT_EQ(client.Ask("GET / HTTP/1.0\r\nHost: h\r\n\r\n").status, 200);
  });
}

TEST(ServerStreams, AHandlerWithoutAServerGathersItsBody) {
  RequestCtx ctx;
  ctx.Bind(nullptr, nullptr, false);
  BodyWriter& out = ctx.StartBodyStream();
  absl::Format(&out, "%d", 42);
  EXPECT_TRUE(out.Flush().ok());
  EXPECT_EQ(ctx.response().Body(), "42");
  EXPECT_EQ(out.Written(), 2u);
  out.Abort();
  EXPECT_FALSE(out.Write("x").ok());
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
          std::make_unique<Pieces>(std::vector<std::string>{"r1", "r2"}, Errc::kOk, live));
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
