// What a server and a well-behaved client say to each other: persistence, pipelining, Expect,
// responses without a body, large bodies, and what a handler can and can't write into a head.
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using http1::MethodId;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

// A handler is called from all loops at once: one that changes its captures does not compile.
struct MutableHandler {
  void operator()(RequestCtx&) { ++calls; }
  int calls = 0;
};
struct ConstHandler {
  void operator()(RequestCtx&) const {}
};
[[maybe_unused]] auto mutable_lambda = [n = 0](RequestCtx&) mutable { ++n; };
[[maybe_unused]] auto plain_lambda = [](RequestCtx&) {};
static_assert(!std::is_constructible_v<RequestHandler, MutableHandler>);
static_assert(!std::is_convertible_v<MutableHandler, RequestHandler>);
static_assert(!std::is_constructible_v<RequestHandler, decltype(mutable_lambda)>);
static_assert(!std::is_convertible_v<decltype(mutable_lambda), RequestHandler>);
static_assert(!std::is_constructible_v<Server, decltype(mutable_lambda)>);
static_assert(std::is_convertible_v<ConstHandler, RequestHandler>);
static_assert(std::is_convertible_v<decltype(plain_lambda), RequestHandler>);
static_assert(std::is_convertible_v<void (*)(RequestCtx&), RequestHandler>);
static_assert(!std::is_copy_constructible_v<RequestCtx> &&
              !std::is_move_constructible_v<RequestCtx>);
static_assert(!std::is_copy_assignable_v<RequestCtx> && !std::is_move_assignable_v<RequestCtx>);
static_assert(!std::is_copy_constructible_v<Server> && !std::is_move_constructible_v<Server>);
static_assert(!std::is_copy_assignable_v<Server> && !std::is_move_assignable_v<Server>);

std::string Get(std::string_view target, std::string_view lines = "",
                std::string_view version = "1.1") {
  return absl::StrCat("GET ", target, " HTTP/", version, "\r\nHost: h\r\n", lines, "\r\n");
}

// Answers the path, and with a body of the query's size if there is one.
void Echo(RequestCtx& ctx) {
  size_t size = 0;
  if (absl::SimpleAtoi(ctx.URI().QueryString(), &size)) {
    ctx.SetBody(std::string(size, 'x'));
  } else {
    ctx.SetBody(ctx.Path());
    ctx.Write(ctx.PostBody());
  }
}

// --- Persistence ------------------------------------------------------------------------------

TEST(ServerConversation, ManyRequestsShareAConnectionAndAreCounted) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.SetBody(absl::StrCat(ctx.ConnID(), " ", ctx.ConnRequestNum()));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string first = client.Ask(Get("/")).body;
    const std::string id = first.substr(0, first.find(' '));
    EXPECT_EQ(first, id + " 1");
    for (int i = 2; i < 100; ++i) EXPECT_EQ(client.Ask(Get("/")).body, absl::StrCat(id, " ", i));
    EXPECT_NE(sim.Dial().Ask(Get("/")).body, id + " 1");
  });
  EXPECT_EQ(sim.server().Stats().requests, 100u);
  EXPECT_EQ(sim.server().Stats().connections_accepted, 2u);
}

TEST(ServerConversation, TheConnectionFieldIsATokenListInAnyCase) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    for (std::string_view value : {"close", "Close", "keep-alive, CLOSE", "x,close,y"}) {
      SCOPED_TRACE(value);
      WireClient client = sim.Dial();
      WireResponse response = client.Ask(Get("/a", absl::StrCat("Connection: ", value, "\r\n")));
      EXPECT_EQ(response.body, "/a");
      EXPECT_EQ(response.Field("Connection"), "close");
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    for (std::string_view value : {"closed", "keep-alive", "", "x"}) {
      SCOPED_TRACE(value);
      WireClient client = sim.Dial();
      EXPECT_EQ(client.Ask(Get("/a", absl::StrCat("Connection: ", value, "\r\n"))).body, "/a");
      EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
    }
  });
}

TEST(ServerConversation, WhatFollowsAClosingRequestIsNotAnswered) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/a", "Connection: close\r\n") + Get("/b"));
    EXPECT_EQ(client.Read().body, "/a");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(sim.server().Stats().requests, 1u);
}

TEST(ServerConversation, Http10ClosesUnlessItAsksForMore) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_EQ(response.body, "/a");
    EXPECT_EQ(response.head.substr(0, 15), "HTTP/1.1 200 OK");
    EXPECT_EQ(response.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    client = sim.Dial();
    for (int i = 0; i < 3; ++i) {
      response = client.Ask(Get("/a", "Connection: Keep-Alive\r\n", "1.0"));
      EXPECT_EQ(response.body, "/a");
      EXPECT_EQ(response.Field("Connection"), "keep-alive");
    }
    EXPECT_EQ(client.Ask(Get("/b", "", "1.0")).Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST(ServerConversation, TheLastRequestOfAConnectionIsToldSo) {
  SimServer sim({.handler = Echo, .max_requests_per_conn = 3});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/1") + Get("/2") + Get("/3") + Get("/4"));
    EXPECT_TRUE(client.Read().keep_alive);
    EXPECT_TRUE(client.Read().keep_alive);
    WireResponse last = client.Read();
    EXPECT_EQ(last.body, "/3");
    EXPECT_EQ(last.Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

// A response of status, type and body has a writer of its own.
TEST(ServerConversation, PlainResponsesAreFramedAsAllOthers) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.Success("text/plain", "body");
    if (ctx.Path() == "/none") ctx.SetStatusCode(kStatusNoContent);
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/a", "Connection: Keep-Alive\r\n", "1.0"));
    EXPECT_EQ(response.body, "body");
    EXPECT_EQ(response.Field("Connection"), "keep-alive");
    response = client.Ask(Get("/none"));
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.head.find("Content-Length"), std::string::npos);
    response = client.Ask(Get("/a"));
    EXPECT_EQ(response.body, "body");
    EXPECT_EQ(response.Field("Connection"), "");
    EXPECT_EQ(client.Ask(Get("/a", "Connection: close\r\n")).Field("Connection"), "close");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST(ServerConversation, WithoutKeepaliveEveryResponseIsTheLast) {
  SimServer sim({.handler = Echo, .disable_keepalive = true});
  sim.Run([&] {
    for (std::string_view lines : {"", "Connection: keep-alive\r\n"}) {
      WireClient client = sim.Dial();
      (void)client.Send(Get("/1", lines) + Get("/2"));
      EXPECT_EQ(client.Read().Field("Connection"), "close");
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
  });
}

TEST(ServerConversation, AHandlerCanCloseTheConnection) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/field") ctx.response().header().Set("Connection", "x, Close");
    if (ctx.Path() == "/call") ctx.SetConnectionClose();
    ctx.SetBody("b");
  }});
  sim.Run([&] {
    for (std::string_view path : {"/field", "/call"}) {
      WireClient client = sim.Dial();
      EXPECT_TRUE(client.Ask(Get("/")).keep_alive);
      WireResponse response = client.Ask(Get(path));
      EXPECT_FALSE(response.keep_alive);
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
  });
}

TEST(ServerConversation, EmptyLinesBetweenRequestsAreSkipped) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
    (void)client.Send(post + "\r\n" + post + "\r\n\r\n" + Get("/a"));
    EXPECT_EQ(client.Read().body, "/px");
    EXPECT_EQ(client.Read().body, "/px");
    EXPECT_EQ(client.Read().body, "/a");
    (void)client.Send("\r\n");
    sim.Settle();
    client.Finish();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(sim.server().Stats().errors, 0u);
}

// An old habit of clients; what follows is an idle connection and no slow head.
TEST(ServerConversation, AnEmptyLineBehindARequestIsNotTheStartOfAHead) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/a") + "\r\n").body, "/a");
    sim.Sleep(absl::Seconds(60));
    EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
    (void)client.Send("\r\n");
    sim.Sleep(absl::Seconds(80));
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

// --- Pipelining -------------------------------------------------------------------------------

TEST(ServerConversation, AnAnswerIsSentAlthoughHalfARequestFollows) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    const std::string second = Get("/2");
    for (size_t half : {size_t{1}, second.size() / 2, second.size() - 1}) {
      (void)client.Send(Get("/1") + second.substr(0, half));
      EXPECT_EQ(client.Read().body, "/1");
      (void)client.Send(second.substr(half));
      EXPECT_EQ(client.Read().body, "/2");
    }
    // The same with a body that is half there.
    (void)client.Send(Get("/1") + "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
    EXPECT_EQ(client.Read().body, "/1");
    (void)client.Send("cd");
    EXPECT_EQ(client.Read().body, "/2abcd");
  });
}

TEST(ServerConversation, APipelineOfAllKindsIsAnsweredInOrder) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    std::string all;
    for (int i = 0; i < 50; ++i) {
      all += Get(absl::StrCat("/g", i));
      all += absl::StrCat("POST /p", i, " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
      all += absl::StrCat("POST /c", i,
                          " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "2\r\nde\r\n1\r\nf\r\n0\r\nX-T: 1\r\n\r\n");
    }
    sim.Spawn([&] { EXPECT_EQ(client.Send(all), Errc::kOk); });
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(client.Read().body, absl::StrCat("/g", i));
      EXPECT_EQ(client.Read().body, absl::StrCat("/p", i, "abc"));
      EXPECT_EQ(client.Read().body, absl::StrCat("/c", i, "def"));
    }
  });
}

// --- Expect -----------------------------------------------------------------------------------

constexpr std::string_view kExpect = "Expect: 100-continue\r\nContent-Length: 4\r\n";

TEST(ServerConversation, AClientThatWaitsIsToldToContinueOnce) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 2; ++i) {
      (void)client.Send(Get("/a", kExpect));
      WireResponse interim = client.Read();
      EXPECT_EQ(interim.status, 100);
      EXPECT_EQ(interim.head, "HTTP/1.1 100 Continue\r\n\r\n");
      for (std::string_view byte : {"a", "b", "c", "d"}) {
        (void)client.Send(byte);
        sim.Settle();
      }
      WireResponse response = client.Read();
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body, "/aabcd");
    }
    // Chunked.
    (void)client.Send(Get("/a", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
    EXPECT_EQ(client.Read().status, 100);
    EXPECT_EQ(client.Ask("1\r\nz\r\n0\r\n\r\n").body, "/az");
    // And a plain request after that is a plain request.
    EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
  });
}

TEST(ServerConversation, ABodyThatCameAlongNeedsNoContinue) {
  if (base::chaos_enabled) GTEST_SKIP() << "a short read separates head and body";
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/a", kExpect) + "abcd");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "/aabcd");
    // HTTP/1.0 does not know it.
    (void)client.Send(Get("/a", kExpect, "1.0"));
    sim.Settle();
    response = client.Ask("abcd");
    EXPECT_EQ(response.status, 200);
  });
}

TEST(ServerConversation, ABodyThatWouldBeRefusedIsNotAskedFor) {
  SimServer sim({.handler = Echo, .max_request_body_size = 3});
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse response = client.Ask(Get("/a", kExpect));
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST(ServerConversation, FinishedAnswersGoOutBeforeTheContinue) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send(Get("/1") + Get("/2", kExpect));
    EXPECT_EQ(client.Read().body, "/1");
    EXPECT_EQ(client.Read().status, 100);
    EXPECT_EQ(client.Ask("abcd").body, "/2abcd");
  });
}

// --- Responses without a body -----------------------------------------------------------------

TEST(ServerConversation, HeadHasTheLengthOfTheBodyThatIsNotSent) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    if (ctx.Path() == "/declared") return ctx.response().header().SetContentLength(12345);
    ctx.SetBody(std::string(ctx.Path() == "/large" ? 100'000 : 5, 'x'));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (auto [path, length] : std::initializer_list<std::pair<const char*, const char*>>{
             {"/", "5"}, {"/large", "100000"}, {"/declared", "12345"}}) {
      (void)client.Send(absl::StrCat("HEAD ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"));
      WireResponse response = client.Read(MethodId::kHead);
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.Field("Content-Length"), length);
    }
    EXPECT_EQ(client.Ask(Get("/")).body, "xxxxx");
    EXPECT_EQ(client.buffered(), "");
  });
}

TEST(ServerConversation, SomeStatusesHaveNeitherBodyNorLength) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    int status = 200;
    EXPECT_TRUE(absl::SimpleAtoi(ctx.Path().substr(1), &status));
    ctx.SetStatusCode(status);
    ctx.SetBody(std::string(status == 304 ? 100'000 : 5, 'x'));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int status : {204, 304}) {
      WireResponse response = client.Ask(Get(absl::StrCat("/", status)));
      EXPECT_EQ(response.status, status);
      EXPECT_EQ(response.CountOf("Content-Length"), 0u);
      EXPECT_EQ(response.CountOf("Transfer-Encoding"), 0u);
      EXPECT_EQ(client.Ask(Get("/200")).body, "xxxxx");
      EXPECT_EQ(client.buffered(), "");
    }
  });
}

// What the client would take for the body is the next answer.
TEST(ServerConversation, ASkippedBodyIsDeclaredAndEndsTheConnection) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    ctx.response().SetSkipBody(true);
    if (ctx.Path() == "/204") return ctx.SetStatusCode(204);
    if (ctx.Path() == "/empty") return;
    if (ctx.Path() == "/stream") {
      return ctx.response().SetBodyStreamWriter([](BodyWriter&) { ADD_FAILURE() << "not read"; });
    }
    ctx.Success("text/plain", std::string(ctx.Path() == "/large" ? 100'000 : 5, 'x'));
  }});
  sim.Run([&] {
    for (auto [path, length] : {std::pair("/", "5"), std::pair("/large", "100000")}) {
      WireClient kept = sim.Dial();
      (void)kept.Send(absl::StrCat("HEAD ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"));
      WireResponse head = kept.Read(MethodId::kHead);
      EXPECT_EQ(head.Field("Content-Length"), length);
      EXPECT_EQ(head.CountOf("Connection"), 0u);
      EXPECT_EQ(kept.Ask(Get("/204")).status, 204);
      EXPECT_EQ(kept.Ask(Get("/empty")).Field("Content-Length"), "0");
      EXPECT_EQ(kept.Ask(Get("/stream")).Field("Content-Length"), "0");
      // The answer to this has no body; that to the one behind it does not come.
      (void)kept.Send(absl::StrCat(Get(path), Get("/empty")));
      WireResponse response = kept.Read(MethodId::kHead);
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.Field("Content-Length"), length);
      EXPECT_EQ(response.Field("Connection"), "close");
      EXPECT_EQ(kept.ReadEnd(), Errc::kOk);
    }
  });
}

TEST(ServerConversation, AnEmptyBodyHasALengthAndNoType) {
  SimServer sim({.handler = [](RequestCtx&) {}});
  sim.Run([&] {
    WireResponse response = sim.Dial().Ask(Get("/"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.Field("Content-Length"), "0");
    EXPECT_EQ(response.CountOf("Content-Type"), 0u);
  });
}

// --- Large bodies -----------------------------------------------------------------------------

TEST(ServerConversation, LargeResponsesArriveWholeAndInOrder) {
  SimServer sim({.handler = Echo});
  sim.Run([&] {
    WireClient client = sim.Dial();
    std::string all;
    std::vector<size_t> sizes = {0,      1,         16'383, 16'384,    16'385,
                                 65'536, 1'048'577, 3,      5'000'000, 20'000};
    for (int i = 0; i < 12; ++i) sizes.push_back(20'000);
    for (size_t size : sizes) all += Get(absl::StrCat("/?", size));
    EXPECT_EQ(client.Send(all), Errc::kOk);
    for (size_t size : sizes) {
      WireResponse response = client.Read();
      ASSERT_EQ(response.errc, Errc::kOk);
      EXPECT_TRUE(response.body == std::string(size, 'x')) << size << " " << response.body.size();
    }
  });
}

// Back-pressure: a client that reads nothing makes the server hold a bounded number of answers.
TEST(ServerConversation, APipelineThatIsNotReadIsNotAnsweredWithoutBound) {
  int calls = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    ++calls;
    ctx.SetBody(std::string(10'000, 'x'));
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    constexpr int kRequests = 100;
    std::string all;
    for (int i = 0; i < kRequests; ++i) all += Get("/");
    (void)client.Send(all);
    sim.Settle();
    EXPECT_LT(calls, 25);
    for (int i = 0; i < kRequests; ++i) EXPECT_EQ(client.Read().body.size(), 10'000u);
  });
  EXPECT_EQ(calls, 100);
}

TEST(ServerConversation, LargeRequestBodiesArriveWhole) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetBody(ctx.PostBody()); },
                 .max_request_body_size = 10'000'000});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (size_t size : {1, 3'000, 4'096, 5'000, 65'536, 65'537, 2'000'000}) {
      std::string body;
      while (body.size() < size) absl::StrAppend(&body, body.size(), ",");
      body.resize(size);
      sim.Spawn([&, body] {
        EXPECT_EQ(client.Send(absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ",
                                           body.size(), "\r\n\r\n", body)),
                  Errc::kOk);
      });
      EXPECT_TRUE(client.Read().body == body) << size;
      sim.Spawn([&, body] {
        std::string message = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (size_t at = 0; at < body.size(); at += 7777) {
          std::string_view piece = std::string_view(body).substr(at, 7777);
          absl::StrAppend(&message, absl::Hex(piece.size()), "\r\n", piece, "\r\n");
        }
        EXPECT_EQ(client.Send(message + "0\r\n\r\n" + Get("/")), Errc::kOk);
      });
      EXPECT_TRUE(client.Read().body == body) << size;
      EXPECT_EQ(client.Read().body, "");
    }
  });
}

// --- What a handler writes --------------------------------------------------------------------

TEST(ServerConversation, NothingThatAHandlerSetsCanSplitAResponse) {
  const std::string evil = "a\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n";
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    ResponseHeader& header = ctx.response().header();
    header.Set("X-A", evil);
    header.Add("X-B", evil);
    header.Set(evil, "x");
    header.Set("Location", evil);
    header.SetServer(evil);
    header.SetContentEncoding(evil);
    ctx.SetContentType(evil);
    ctx.SetBody("end");
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 2; ++i) {
      WireResponse response = client.Ask(Get("/"));
      ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
      EXPECT_EQ(response.CountOf("X-Evil"), 0u);
      EXPECT_EQ(response.body, "end");
      EXPECT_EQ(client.buffered(), "");
    }
  });
}

TEST(ServerConversation, WhatFramesAResponseIsTheServersAlone) {
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    ResponseHeader& header = ctx.response().header();
    for (std::string_view name : {"Content-Length", "Transfer-Encoding", "Date", "Connection"}) {
      header.Set(name, name == "Content-Length" ? "1" : "chunked");
      header.Add(name, "99");
    }
    header.Set("Server", "mine");
    ctx.SetBody("hello");
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int i = 0; i < 2; ++i) {
      WireResponse response = client.Ask(Get("/"));
      ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
      EXPECT_EQ(response.body, "hello");
      EXPECT_EQ(response.CountOf("Content-Length"), 1u);
      EXPECT_EQ(response.CountOf("Transfer-Encoding"), 0u);
      EXPECT_EQ(response.CountOf("Date"), 1u);
      EXPECT_EQ(response.Field("Server"), "mine");
      EXPECT_EQ(response.CountOf("Server"), 1u);
    }
  });
}

TEST(ServerConversation, DateServerAndTypeCanBeLeftOut) {
  SimServer sim({.handler = Echo,
                 .no_default_server_header = true,
                 .no_default_date = true,
                 .no_default_content_type = true});
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(Get("/a")).head, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    WireResponse error = client.Ask("x\r\n\r\n");
    EXPECT_EQ(error.CountOf("Date") + error.CountOf("Server"), 0u);
  });
}

TEST(ServerConversation, TheServersNameIsSentAndCut) {
  SimServer sim({.handler = Echo, .name = std::string(300, 'n')});
  sim.Run([&] { EXPECT_EQ(sim.Dial().Ask(Get("/a")).Field("Server"), std::string(128, 'n')); });
}

// Nothing of a response may show up in the next one.
TEST(ServerConversation, ARequestLeavesNothingForTheNext) {
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    EXPECT_EQ(ctx.UserValue("v"), nullptr);
    if (ctx.Path() == "/1") {
      ctx.SetUserValue("v", 1);
      ctx.SetStatusCode(418);
      ctx.SetContentType("a/b");
      ctx.response().header().Set("X-A", "1");
      ctx.response().header().SetServer("other");
      ctx.SetBody("body");
      (void)ctx.PostArgs();
    } else {
      EXPECT_EQ(ctx.PostBody(), "");
      EXPECT_EQ(ctx.request().header().Peek("X-Q"), "");
    }
  }});
  sim.Run([&] {
    WireClient client = sim.Dial();
    (void)client.Send("POST /1 HTTP/1.1\r\nHost: h\r\nX-Q: 1\r\nContent-Length: 1\r\n\r\nx" +
                      Get("/2"));
    EXPECT_EQ(client.Read().status, 418);
    WireResponse response = client.Read();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.CountOf("X-A") + response.CountOf("Content-Type"), 0u);
    EXPECT_EQ(response.Field("Server"), "fasthttp");
  });
}

}  // namespace
}  // namespace fasthttp
