// Request bodies that are read while they come: where they end, how long they may take, and what
// becomes of bytes that the handler leaves.
#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/error.h"
#include "fasthttp/hijack.h"
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
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::ScriptedConn;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

constexpr std::string_view kGet = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
// What must never be taken for a request.
constexpr std::string_view kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Head(std::string_view target, std::string_view lines) {
  return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}
std::string Post(std::string_view target, std::string_view body, std::string_view lines = "") {
  return Head(target, absl::StrCat(lines, "Content-Length: ", body.size(), "\r\n")) +
         std::string(body);
}
// In chunks of `size`.
std::string Chunked(std::string_view body, size_t size, std::string_view trailers = "") {
  std::string text;
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
    absl::StrAppend(&text, absl::Hex(std::min(size, body.size())), "\r\n", body.substr(0, size),
                    "\r\n");
  }
  return absl::StrCat(text, "0\r\n", trailers, "\r\n");
}
std::string PostChunked(std::string_view target, std::string_view body, size_t size = 1000) {
  return Head(target, "Transfer-Encoding: chunked\r\n") + Chunked(body, size);
}

// All of it, `piece` bytes at a time.
absl::StatusOr<std::string> ReadAll(BodyReader& reader, size_t piece) {
  std::string body;
  std::vector<char> room(piece);
  for (;;) {
    absl::StatusOr<size_t> n = reader.Read(room);
    if (!n.ok()) return n.status();
    EXPECT_LE(*n, piece);
    if (*n == 0) return body;
    body.append(room.data(), *n);
  }
}

std::string Text(size_t size) {
  std::string text;
  while (text.size() < size) absl::StrAppend(&text, kSmuggled, text.size(), "|");
  text.resize(size);
  return text;
}

// Echoes what it reads, by pieces of the size that the query gives; or its error.
void Echo(RequestCtx& ctx) {
  EXPECT_NE(ctx.Path(), "/smuggled");
  const size_t piece = ctx.QueryArgs().GetUint("piece").value_or(1000);
  absl::StatusOr<std::string> body = ReadAll(ctx.RequestBodyStream(), piece);
  if (!body.ok()) return ctx.Error(body.status());
  char byte;
  absl::StatusOr<size_t> end = ctx.RequestBodyStream().Read({&byte, 1});
  EXPECT_TRUE(end.ok() && *end == 0);
  ctx.SetBody(*body);
}

ServerSettings Streaming(RequestHandler handler) {
  ServerSettings settings;
  settings.handler = std::move(handler);
  settings.stream_request_body = true;
  return settings;
}

class ServerUpload : public testing::SimSeedTest {};

INSTANTIATE_TEST_SUITE_P(Loops, ServerUpload, testing::kSimSeeds, testing::NameOfSimSeed);

// --- Where a body ends ------------------------------------------------------------------------

TEST_P(ServerUpload, BytesCanBeReadAsTheyCome) {
  std::vector<std::string> seen;
  SimServer sim(Streaming([&](RequestCtx& ctx) {
                  seen.push_back("called");
                  EXPECT_TRUE(ctx.request().IsBodyStream());
                  EXPECT_EQ(ctx.RequestBodyStream().Size(), 12);
                  char room[100];
                  for (;;) {
                    absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(room);
                    ASSERT_TRUE(n.ok());
                    if (*n == 0) break;
                    seen.emplace_back(room, *n);
                  }
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Head("/", "Content-Length: 12\r\n"));
    for (std::string_view piece : {"one-", "two-", "end."}) {
      sim.Sleep(absl::Seconds(1));
      (void)client.Send(piece);
    }
    EXPECT_EQ(client.Read().status, 200);
  });
  if (base::chaos_enabled) return;
  EXPECT_EQ(seen, (std::vector<std::string>{"called", "one-", "two-", "end."}));
}

TEST_P(ServerUpload, EverySizeInEveryFramingIsReadToItsEndAndNoFurther) {
  SimServer sim(Streaming(Echo), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (size_t size : {0, 1, 100, 4'000, 30'000, 200'000}) {
      const std::string body = Text(size);
      for (size_t piece : {1, 7, 1'000, 100'000}) {
        if (size / piece > 40'000) continue;
        const std::string target = absl::StrCat("/?piece=", piece);
        sim.Spawn([&] {
          EXPECT_EQ(client.Send(Post(target, body) + PostChunked(target, body) +
                                PostChunked(target, body, 10) + std::string(kGet)),
                    Errc::kOk);
        });
        for (int i = 0; i < 3; ++i) {
          WireResponse response = client.Read();
          EXPECT_EQ(response.status, 200);
          EXPECT_TRUE(response.body == body) << size << " by " << piece;
        }
        EXPECT_EQ(client.Read().status, 200);
      }
    }
    EXPECT_EQ(sim.server().Stats().errors, 0u);
  });
}

TEST(ServerUploads, SplitAtEveryByte) {
  const std::string body = "hello, world";
  const std::string all =
      Post("/?piece=5", body) + PostChunked("/?piece=5", body, 5) + std::string(kGet);
  SimServer sim(Streaming(Echo));
  for (size_t at = 1; at < all.size(); ++at) {
    ScriptedConn conn;
    conn.Data(all.substr(0, at)).Again().Data(all.substr(at)).Again().Eof();
    sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
    size_t answers = 0;
    for (size_t i = 0; (i = conn.written().find("HTTP/1.1 200", i)) != std::string::npos; ++i) {
      ++answers;
    }
    EXPECT_EQ(answers, 3u) << at;
    const size_t first = conn.written().find(body);
    EXPECT_NE(conn.written().find(body, first + 1), std::string::npos) << at;
  }
  EXPECT_EQ(sim.server().Stats().errors, 0u);
}

TEST_P(ServerUpload, TrailersAreThereAfterTheEnd) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  EXPECT_EQ(ctx.request().header().Trailers(), nullptr);
                  EXPECT_EQ(ReadAll(ctx.RequestBodyStream(), 10).value_or("?"), "abc");
                  const TrailerList* trailers = ctx.request().header().Trailers();
                  ASSERT_NE(trailers, nullptr);
                  ctx.SetBody(trailers->Peek("X-Sum"));
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string head = Head("/", "Transfer-Encoding: chunked\r\n");
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(client.Ask(head + Chunked("abc", 2, "X-Sum: 42\r\n")).body, "42");
    }
  });
}

TEST(ServerUploads, WithoutABodyTheStreamIsAtItsEnd) {
  SimServer sim(Streaming(Echo));
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(kGet).body, "");
    EXPECT_EQ(client.Ask(Post("/", "")).body, "");
  });
}

TEST_P(ServerUpload, ABufferedBodyCanBeReadTheSameWay) {
  SimServer sim({.handler = Echo}, Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(client.Ask(Post("/?piece=3", absl::StrCat("hello", i))).body,
                absl::StrCat("hello", i));
      EXPECT_EQ(client.Ask(kGet).body, "");
    }
  });
}

TEST_P(ServerUpload, TheWholeBodyIsReadWhereItIsAskedFor) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  if (ctx.Path() == "/body") return ctx.SetBody(ctx.PostBody());
                  if (ctx.Path() == "/form") return ctx.SetBody(ctx.FormValue("name"));
                  if (ctx.Path() == "/rest") {
                    char first[2];
                    EXPECT_TRUE(ctx.RequestBodyStream().Read(first).ok());
                  }
                  absl::StatusOr<std::string_view> body = ctx.request().ReadBody();
                  if (!body.ok()) {
                    EXPECT_EQ(ctx.PostBody(), "");
                    return ctx.Error(body.status());
                  }
                  EXPECT_EQ(*body, ctx.PostBody());
                  ctx.SetBody(*body);
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
    const std::string large = Text(150'000);
    EXPECT_EQ(client.Ask(Post("/body", "hello")).body, "hello");
    EXPECT_EQ(client.Ask(Post("/form", "name=Ann&x=y", form)).body, "Ann");
    sim.Spawn([&] { (void)client.Send(PostChunked("/body", large) + Post("/read", large)); });
    EXPECT_TRUE(client.Read().body == large);
    EXPECT_TRUE(client.Read().body == large);
    EXPECT_EQ(client.Ask(Post("/rest", "")).status, 200);
    // As much as the first read took is not part of it.
    EXPECT_LE(client.Ask(Post("/rest", "hello")).body.size(), 4u);
    EXPECT_EQ(client.Ask(Head("/read", "Transfer-Encoding: chunked\r\n") + "x\r\n").status, 400);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

// --- Errors -----------------------------------------------------------------------------------

TEST_P(ServerUpload, ABodyThatIsTooLargeIsRefused) {
  int calls = 0;
  ServerSettings settings = Streaming([&](RequestCtx& ctx) {
    ++calls;
    Echo(ctx);
  });
  settings.max_request_body_size = 1'000;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    EXPECT_EQ(sim.Dial().Ask(Post("/", Text(1'000))).status, 200);
    EXPECT_EQ(calls, 1);
    WireClient declared = sim.Dial();
    EXPECT_EQ(declared.Ask(Post("/", Text(1'001))).status, 413);
    EXPECT_EQ(declared.ReadEnd(), Errc::kOk);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(sim.Dial().Ask(PostChunked("/", Text(1'000), 100)).status, 200);
    WireClient chunked = sim.Dial();
    EXPECT_EQ(chunked.Ask(PostChunked("/", Text(1'001), 100)).status, 413);
    EXPECT_EQ(chunked.ReadEnd(), Errc::kOk);
    EXPECT_EQ(calls, 3);
  });
}

TEST_P(ServerUpload, AMalformedOrIncompleteBodyIsAnError) {
  Errc told = Errc::kOk;
  SimServer sim(Streaming([&](RequestCtx& ctx) {
                  absl::StatusOr<std::string> body = ReadAll(ctx.RequestBodyStream(), 100);
                  told = ErrcOf(body.status());
                  if (!body.ok()) ctx.Error(body.status());
                  // It stays so.
                  char byte;
                  EXPECT_EQ(ErrcOf(ctx.RequestBodyStream().Read({&byte, 1}).status()), told);
                }),
                Options());
  const std::string chunked = Head("/", "Transfer-Encoding: chunked\r\n");
  struct {
    std::string request;
    Errc errc;
    int status;
  } const kCases[] = {
      {chunked + "5\r\nhelloX\r\n", Errc::kBadChunk, 400},
      {chunked + "zz\r\n", Errc::kBadChunk, 400},
      {chunked + "0\r\nHost: h\r\n\r\n", Errc::kBadTrailer, 400},
      {chunked + "0\r\n" + std::string(20'000, 'a'), Errc::kTrailerTooLarge, 431},
      {chunked + "5\r\nhel", Errc::kUnexpectedEof, 400},
      {Head("/", "Content-Length: 10\r\n") + "hello", Errc::kUnexpectedEof, 400},
  };
  sim.Run([&] {
    for (const auto& c : kCases) {
      WireClient client = sim.Dial();
      (void)client.Send(c.request);
      client.Finish();
      WireResponse response = client.Read();
      EXPECT_EQ(told, c.errc) << ErrcName(told);
      EXPECT_EQ(response.status, c.status);
      EXPECT_FALSE(response.keep_alive);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    WireClient client = sim.Dial();
    (void)client.Send(Head("/", "Content-Length: 10\r\n") + "hello");
    sim.Settle();
    client.conn().Reset();
    sim.Settle();
    EXPECT_EQ(told, Errc::kClientGone);
  });
  EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
}

TEST_P(ServerUpload, ABodyThatStopsOrTricklesIsGivenUp) {
  SimServer sim(Streaming(Echo), Options());
  sim.Run([&] {
    for (bool trickle : {false, true}) {
      WireClient client = sim.Dial();
      const int64_t start = sim.sim().NowNanos();
      (void)client.Send(Head("/", "Content-Length: 100000\r\n") + Text(2'000));
      for (int i = 0; trickle && i < 12; ++i) {
        sim.Sleep(absl::Seconds(1));
        (void)client.Send("x");
      }
      WireResponse response = client.Read();
      EXPECT_EQ(response.status, 408);
      EXPECT_FALSE(response.keep_alive);
      EXPECT_EQ((sim.sim().NowNanos() - start) / 1'000'000'000, trickle ? 12 : 10);
    }
  });
}

TEST_P(ServerUpload, TheTimeThatTheHandlerTakesIsNotTheClients) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  char room[10'000];
                  size_t total = 0;
                  for (;;) {
                    absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(room);
                    if (!n.ok()) return ctx.Error(n.status());
                    if (*n == 0) break;
                    total += *n;
                    EXPECT_TRUE(Sleep(absl::Minutes(5)).ok());
                  }
                  ctx.SetBody(absl::StrCat(total));
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    sim.Spawn([&] { EXPECT_EQ(client.Send(Post("/", Text(70'000))), Errc::kOk); });
    EXPECT_EQ(client.Read().body, "70000");
    // An honest slow client gets through as well.
    sim.Spawn([&] {
      (void)client.Send(Head("/", "Content-Length: 20000\r\n"));
      for (int i = 0; i < 20; ++i) {
        sim.Sleep(absl::Seconds(3));
        EXPECT_EQ(client.Send(Text(1'000)), Errc::kOk);
      }
    });
    EXPECT_EQ(client.Read().body, "20000");
  });
}

TEST_P(ServerUpload, AnExceptionIsAnswered500AndTheRestIsNoRequest) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  EXPECT_NE(ctx.Path(), "/smuggled");
                  throw std::runtime_error("oops");
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Post("/", kSmuggled)).status, 500);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

// --- 100 Continue -----------------------------------------------------------------------------

TEST_P(ServerUpload, ContinueIsSentWhenTheHandlerReads) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  EXPECT_TRUE(Sleep(absl::Seconds(5)).ok());
                  if (ctx.Path() == "/refuse") return ctx.Error("no", kStatusForbidden);
                  Echo(ctx);
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const int64_t start = sim.sim().NowNanos();
    const std::string lines = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    EXPECT_EQ(client.Ask(Head("/", lines)).status, 100);
    EXPECT_GE(sim.sim().NowNanos() - start, 5'000'000'000);
    EXPECT_EQ(client.Ask("hello").body, "hello");
    // Whoever has the body at hand is not told to go on.
    EXPECT_EQ(client.Ask(Head("/", lines) + "hello").status, 200);
    WireResponse refused = client.Ask(Head("/refuse", lines));
    EXPECT_EQ(refused.status, 403);
    EXPECT_FALSE(refused.keep_alive);
    (void)client.Send(kSmuggled);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(sim.server().Stats().requests, 3u);
}

// --- What is left unread ----------------------------------------------------------------------

// Reads as many bytes as the path says.
void ReadSome(RequestCtx& ctx) {
  EXPECT_NE(ctx.Path(), "/smuggled");
  size_t left = 0;
  if (!absl::SimpleAtoi(ctx.Path().substr(1), &left)) return ctx.SetBody("next");
  std::vector<char> room(left + 1);
  while (left != 0) {
    absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read({room.data(), left});
    if (!n.ok()) return ctx.Error(n.status());
    ASSERT_NE(*n, 0u);
    left -= *n;
  }
  ctx.SetBody("some");
}

TEST_P(ServerUpload, SEC_WhatIsLeftUnreadIsNeverARequest) {
  SimServer sim(Streaming(ReadSome), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (size_t size : {1, 50, 3'000, 100'000, 262'144}) {
      for (int read : {0, 1}) {
        const std::string body = Text(size);
        for (const std::string& request :
             {Post(absl::StrCat("/", read), body), PostChunked(absl::StrCat("/", read), body)}) {
          sim.Spawn([&] { EXPECT_EQ(client.Send(request + std::string(kGet)), Errc::kOk); });
          WireResponse some = client.Read();
          EXPECT_EQ(some.body, "some") << size;
          EXPECT_TRUE(some.keep_alive);
          EXPECT_EQ(client.Read().body, "next") << size;
        }
      }
    }
    EXPECT_EQ(sim.server().Stats().errors, 0u);
  });
}

// The answer does not wait for the rest.
TEST_P(ServerUpload, TheRestMayComeBehindTheAnswer) {
  SimServer sim(Streaming(ReadSome), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Head("/5", "Content-Length: 100\r\n") + "12345").body, "some");
    sim.Sleep(absl::Seconds(4));
    (void)client.Send(Text(50));
    sim.Sleep(absl::Seconds(4));
    (void)client.Send(Text(45) + std::string(kGet));
    EXPECT_EQ(client.Read().body, "next");
    EXPECT_EQ(client.Ask(Head("/0", "Transfer-Encoding: chunked\r\n")).body, "some");
    sim.Sleep(absl::Seconds(5));
    EXPECT_EQ(client.Ask(Chunked(Text(1'000), 100) + std::string(kGet)).body, "next");
  });
}

TEST_P(ServerUpload, SEC_TooMuchUnreadClosesTheConnection) {
  SimServer sim(Streaming(ReadSome), Options());
  sim.Run([&] {
    {
      WireClient client = sim.Dial();
      // One byte more than is dropped is known to be too much before the answer.
      (void)client.Send(Head("/0", "Content-Length: 262145\r\n") + std::string(kSmuggled));
      WireResponse response = client.Read();
      EXPECT_EQ(response.body, "some");
      EXPECT_FALSE(response.keep_alive);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    {
      WireClient client = sim.Dial();
      EXPECT_TRUE(client.Ask(Head("/0", "Transfer-Encoding: chunked\r\n")).keep_alive);
      sim.Spawn([&] { (void)client.Send(Chunked(Text(300'000), 1'000) + std::string(kGet)); });
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    for (std::string_view rest : {"zz\r\n", "5\r\nhelloX", "0\r\nHost: h\r\n\r\n"}) {
      WireClient client = sim.Dial();
      EXPECT_TRUE(client.Ask(Head("/0", "Transfer-Encoding: chunked\r\n")).keep_alive);
      (void)client.Send(absl::StrCat(rest, kSmuggled));
      EXPECT_EQ(client.ReadEnd(), Errc::kOk) << rest;
    }
    // A client that stops, or ends, in the rest.
    WireClient client = sim.Dial();
    EXPECT_TRUE(client.Ask(Head("/0", "Content-Length: 10\r\n")).keep_alive);
    const int64_t start = sim.sim().NowNanos();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_EQ((sim.sim().NowNanos() - start) / 1'000'000'000, 10);
    WireClient ends = sim.Dial();
    EXPECT_TRUE(ends.Ask(Head("/0", "Content-Length: 10\r\n")).keep_alive);
    ends.Finish();
    EXPECT_EQ(ends.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
}

TEST_P(ServerUpload, AStreamedResponseMayLeaveTheBodyUnreadToo) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  EXPECT_NE(ctx.Path(), "/smuggled");
                  EXPECT_TRUE(ctx.StartBodyStream().Write("streamed").ok());
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Post("/", Text(1'000)) + std::string(kGet));
    EXPECT_EQ(client.Read().body, "streamed");
    EXPECT_EQ(client.Read().body, "streamed");
    (void)client.Send(Head("/", "Content-Length: 262145\r\n") + std::string(kSmuggled));
    EXPECT_EQ(client.Read().body, "streamed");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST_P(ServerUpload, AShutdownWaitsForTheRest) {
  SimServer sim(Streaming(ReadSome), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Head("/0", "Content-Length: 10\r\n")).body, "some");
    sim.Spawn([&] {
      sim.Sleep(absl::Seconds(2));
      (void)client.Send("0123456789");
    });
    const int64_t start = sim.sim().NowNanos();
    EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(30)).ok());
    EXPECT_EQ((sim.sim().NowNanos() - start) / 1'000'000'000, 2);
  });
}

// --- Beside other things ----------------------------------------------------------------------

TEST_P(ServerUpload, BothBodiesMayFlowAtOnce) {
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  BodyWriter& out = ctx.StartBodyStream();
                  std::vector<char> room(5'000);
                  for (;;) {
                    absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(room);
                    ASSERT_TRUE(n.ok());
                    if (*n == 0) return;
                    ASSERT_TRUE(out.Write({room.data(), *n}).ok());
                  }
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string body = Text(2'000'000);
    for (bool chunked : {false, true}) {
      sim.Spawn([&] { (void)client.Send(chunked ? PostChunked("/", body) : Post("/", body)); });
      EXPECT_TRUE(client.Read().body == body);
    }
  });
}

TEST_P(ServerUpload, OtherTasksMayRead) {
  SimServer sim(
      Streaming([](RequestCtx& ctx) {
        std::string body;
        TaskGroup group;
        group.Go([&] { body = ReadAll(ctx.RequestBodyStream(), 3'000).value_or("failed"); });
        EXPECT_TRUE(group.Wait().ok());
        ctx.SetBody(body);
      }),
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string body = Text(300'000);
    for (int i = 0; i < 2; ++i) {
      sim.Spawn([&] { (void)client.Send(Post("/", body)); });
      EXPECT_TRUE(client.Read().body == body);
    }
  });
}

TEST_P(ServerUpload, ALateHandlerReadsNothingMore) {
  Errc told = Errc::kOk;
  SimServer sim(Streaming(TimeoutHandler(
                    [&](RequestCtx& ctx) {
                      EXPECT_NE(ctx.Path(), "/smuggled");
                      if (ctx.Path() == "/sleep") (void)Sleep(absl::Hours(1));
                      told = ErrcOf(ReadAll(ctx.RequestBodyStream(), 100).status());
                    },
                    absl::Seconds(2), "late")),
                Options());
  sim.Run([&] {
    for (std::string_view path : {"/sleep", "/read"}) {
      told = Errc::kUnsupported;  // Not yet.
      WireClient client = sim.Dial();
      WireResponse response = client.Ask(Head(path, "Content-Length: 100\r\n") + "12345");
      EXPECT_EQ(response.status, 408);
      EXPECT_EQ(response.body, "late");
      EXPECT_FALSE(response.keep_alive);
      (void)client.Send(kSmuggled);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
      sim.Settle();
      EXPECT_EQ(told, Errc::kHandlerTimeout);
    }
    // The body was read: the connection goes on.
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Post("/read", "12345")).status, 200);
    EXPECT_EQ(client.Ask(kGet).status, 200);
  });
}

TEST_P(ServerUpload, APinLeavesTheRestAndTheConnection) {
  RequestPin pin;
  SimServer sim(Streaming([&](RequestCtx& ctx) {
                  EXPECT_NE(ctx.Path(), "/smuggled");
                  pin = ctx.Pin();
                  ctx.SetBody("pinned");
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Post("/", kSmuggled));
    EXPECT_EQ(response.body, "pinned");
    EXPECT_FALSE(response.keep_alive);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    char byte;
    EXPECT_FALSE(pin->RequestBodyStream().Read({&byte, 1}).ok());
    pin.Release();
  });
}

TEST_P(ServerUpload, AConnectionWithAnUnreadBodyIsNotHandedOver) {
  bool called = false;
  SimServer sim(Streaming([&](RequestCtx& ctx) {
                  ctx.Hijack([&](HijackedConn&) { called = true; });
                  if (ctx.Path() == "/read") (void)ctx.PostBody();
                }),
                Options());
  sim.Run([&] {
    EXPECT_EQ(sim.Dial().Ask(Post("/", kSmuggled)).status, 200);
    sim.Settle();
    EXPECT_FALSE(called);
    EXPECT_EQ(sim.Dial().Ask(Post("/read", kSmuggled)).status, 200);
    sim.Settle();
    EXPECT_TRUE(called);
  });
}

TEST(ServerUploads, AFastUploadDoesNotStarveOthers) {
  uint64_t read = 0;
  uint64_t read_at_answer = 0;
  ServerSettings settings = Streaming([&](RequestCtx& ctx) {
    if (ctx.Path() == "/next") {
      read_at_answer = read;
      return;
    }
    std::vector<char> room(65'536);
    for (;;) {
      absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(room);
      ASSERT_TRUE(n.ok());
      if (*n == 0) return;
      read += *n;
    }
  });
  settings.max_request_body_size = uint64_t{1} << 30;
  SimServer sim(std::move(settings));
  ScriptedConn hog;
  constexpr uint64_t kPieces = 1'000;
  const std::string piece(65'536, 'x');
  hog.Data(Head("/", absl::StrCat("Content-Length: ", kPieces * piece.size(), "\r\n")))
      .Repeat(piece, kPieces)
      .Eof();
  sim.Run([&] {
    WireClient other = sim.Dial();
    (void)other.Send(kGet);
    EXPECT_TRUE(sim.server().ServeConn(hog).ok());
    EXPECT_EQ(other.Read().status, 200);
  });
  EXPECT_EQ(read, kPieces * piece.size());
  EXPECT_LE(read_at_answer, 4'000'000u);
}

TEST(ServerUploads, AServerThatHoldsTooManyHandlersRefusesAndGoesOn) {
  if (base::chaos_enabled) GTEST_SKIP() << "every handler is held now and then";
  SimServer sim(Streaming([](RequestCtx& ctx) {
                  EXPECT_NE(ctx.Path(), "/smuggled");
                  if (ctx.Path() == "/next") (void)Sleep(absl::Seconds(5));
                }),
                {.max_blocked = 3});  // Serve, the test, and one more.
  sim.Run([&] {
    WireClient first = sim.Dial();
    WireClient second = sim.Dial();
    (void)first.Send(kGet);
    sim.Settle();
    (void)second.Send(Post("/", kSmuggled));
    WireResponse refused = second.Read();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(first.Read().status, 200);
    EXPECT_EQ(second.Ask(Post("/", kSmuggled)).status, 200);
  });
}

// --- Faults and costs -------------------------------------------------------------------------

std::string WithoutDates(std::string text) {
  for (size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;) text.erase(at, 37);
  return text;
}

TEST(ServerUploads, AFaultAtEveryOperationLeavesTheServerWhole) {
  for (Errc fault : {Errc::kConnectionReset, Errc::kIo, Errc::kAgain}) {
    std::string right;
    for (uint64_t n = 0;; ++n) {
      SCOPED_TRACE(absl::StrCat(ErrcName(fault), " at operation ", n));
      ServerSettings settings = Streaming([](RequestCtx& ctx) {
        if (ctx.Path() == "/echo") return Echo(ctx);
        ReadSome(ctx);
      });
      settings.half_close = HalfClose::kServe;
      SimServer sim(std::move(settings));
      runtime::Loop& loop = sim.sim().loop(0);
      const size_t endpoints = loop.endpoints().in_use();
      const uint32_t blocked = loop.blocked();
      ScriptedConn script;
      const std::string chunked = PostChunked("/echo", Text(5'000));
      script.Data(chunked.substr(0, 100)).Again().Data(chunked.substr(100, 3'000)).Again();
      script.Data(chunked.substr(3'100) + Head("/7", "Content-Length: 20000\r\n"));
      script.Again().Data(Text(10'000)).Again().Data(Text(10'000)).Data(kGet);
      script.Data(Head("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n")).Again();
      script.Data("abc").Again().Eof();
      script.Take(100).Take(0).Take(3'000).Take(0);
      FaultyConn conn(script, {.nth = n, .errc = fault});
      sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
      EXPECT_EQ(script.closes(), 1);
      EXPECT_EQ(loop.endpoints().in_use(), endpoints);
      EXPECT_EQ(loop.blocked(), blocked);
      EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
      const std::string written = WithoutDates(script.written());
      if (n == 0) {
        right = written;
        EXPECT_TRUE(absl::EndsWith(right, "abc"));
        for (std::string_view part : {"some", "next", "100 Continue"}) {
          EXPECT_NE(right.find(part), std::string::npos) << part;
        }
      } else if (fault == Errc::kAgain) {
        EXPECT_TRUE(written == right);
      } else {
        EXPECT_TRUE(right.starts_with(written)) << written;
      }
      if (n > conn.operations()) break;
      ASSERT_LT(n, 200u);
    }
  }
}

TEST(ServerUploads, AStreamedRequestCostsNoAllocation) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer counts";
  if (base::chaos_enabled) GTEST_SKIP() << "chaos keeps halves of requests around";
  constexpr int kRequests = 1'000;
  int requests = 0;
  uint64_t before = 0, after = 0;
  SimServer sim(Streaming([&](RequestCtx& ctx) {
    ++requests;
    if (requests == kRequests / 2) before = testing_internal::ProcessAllocations().count;
    if (requests == kRequests) after = testing_internal::ProcessAllocations().count;
    char room[500];
    for (;;) {
      absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(room);
      if (!n.ok() || *n == 0 || requests % 3 == 0) break;
    }
    ctx.Success("text/plain", "read");
  }));
  ScriptedConn conn;
  conn.KeepNothing();
  conn.Repeat(Post("/", Text(1'024)), kRequests).Eof();
  sim.Run([&] { EXPECT_TRUE(sim.server().ServeConn(conn).ok()); });
  EXPECT_EQ(requests, kRequests);
  EXPECT_EQ(after - before, 0u);
}

}  // namespace
}  // namespace fasthttp
