// Responses whose bodies are sent while they are made: how they are framed, and when the head goes
// out.
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/error.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/scripted_conn.h"
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::ScriptedConn;
using http1::MethodId;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// The connection was cut: what came last is no clean end.
bool IsCut(Errc errc) { return errc == Errc::kConnectionReset; }

class ServerStreamFraming : public testing::SimSeedTest {};

INSTANTIATE_TEST_SUITE_P(Loops, ServerStreamFraming, testing::kSimSeeds, testing::NameOfSimSeed);

// --- Framing ----------------------------------------------------------------------------------

TEST_P(ServerStreamFraming, EachFlushIsAChunkThatComesAtOnce) {
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
    WireClient client = sim.Dial();
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

TEST_P(ServerStreamFraming, ManyResponsesOfEveryKindOnOneConnection) {
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

TEST(ServerStreamFramings, AnEmptyWriteDoesNotEndTheBody) {
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
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    (void)client.Until("\r\n\r\n");
    EXPECT_EQ(client.Until("0\r\n\r\n"), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  });
}

TEST(ServerStreamFramings, WhatIsInTheBodyBeforeIsItsBeginning) {
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

TEST_P(ServerStreamFraming, AnHttp10ClientGetsABodyThatLastsUntilClose) {
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
      WireClient client = sim.Dial();
      (void)client.Send(absl::StrCat("GET / HTTP/1.0\r\n", lines, "\r\n", Get("/next")));
      const std::string head = client.Until("\r\n\r\n");
      EXPECT_FALSE(absl::StrContains(head, "Transfer-Encoding")) << head;
      EXPECT_FALSE(absl::StrContains(head, "Content-Length")) << head;
      EXPECT_TRUE(absl::StrContains(head, "\r\nConnection: close\r\n")) << head;
      EXPECT_EQ(client.UntilTheEnd(), Errc::kConnectionClosed);
      EXPECT_EQ(client.buffered(), "piece;piece;piece;");
    }
  });
}

TEST(ServerStreamFramings, AnHttp10ClientIsKeptWithADeclaredLength) {
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

TEST_P(ServerStreamFraming, ADeclaredLengthIsHonoured) {
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

TEST_P(ServerStreamFraming, ShorterThanDeclaredIsCut) {
  SimServer sim({.handler =
                     [](RequestCtx& ctx) {
                       ctx.response().header().SetContentLength(10);
                       EXPECT_TRUE(ctx.StartBodyStream().Write("123456789").ok());
                       EXPECT_TRUE(ctx.StartBodyStream().Flush().ok());
                     }},
                Options());
  ::testing::internal::CaptureStderr();
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/short") + Get("/next"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
  });
  EXPECT_TRUE(absl::StrContains(::testing::internal::GetCapturedStderr(),
                                "fasthttp: /short: the body is shorter"));
  EXPECT_EQ(sim.server().Stats().errors, 1u);
}

TEST_P(ServerStreamFraming, NotAByteBeyondTheDeclaredLengthIsSent) {
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
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    EXPECT_TRUE(IsCut(client.UntilTheEnd()));
    EXPECT_FALSE(absl::StrContains(client.buffered(), "6"));
  });
}

TEST_P(ServerStreamFraming, NothingIsSentWhereNoBodyIsAllowed) {
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

TEST_P(ServerStreamFraming, TrailersFollowTheBody) {
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
    WireClient client = sim.Dial();
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

// --- When the head goes out, and what can't be changed then ------------------------------------

TEST(ServerStreamFramings, TheHeadGoesOutWithTheFirstBytesOrWhenTheHandlerWaits) {
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
    WireClient client = sim.Dial();
    (void)client.Send(Get("/"));
    EXPECT_NE(client.Until("\r\n\r\n"), "");
    EXPECT_EQ(step, 1);
    EXPECT_EQ(client.Until("first"), "5\r\nfirst");
    EXPECT_EQ(step, 2);
    EXPECT_EQ(client.Until("0\r\n\r\n"), "\r\n0\r\n\r\n");
  });
}

TEST(ServerStreamFramings, ImmediateHeaderFlushSendsTheHeadByItself) {
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

TEST(ServerStreamFramings, ASecondWriterIsAProgrammingErrorThatIsTold) {
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

}  // namespace
}  // namespace fasthttp
