// Bodies that a reader or a function makes when the handler has returned, and early hints.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/scripted_body.h"
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using http1::MethodId;
using testing::ScriptedBody;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target, std::string_view lines = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", lines, "\r\n");
}

// The connection was cut: what came last is no clean end.
bool IsCut(Errc errc) { return errc == Errc::kConnectionReset; }

class ServerBodySource : public testing::SimSeedTest {};

INSTANTIATE_TEST_SUITE_P(Loops, ServerBodySource, testing::kSimSeeds, testing::NameOfSimSeed);

// --- The original's forms ---------------------------------------------------------------------

TEST_P(ServerBodySource, AReaderMakesTheBody) {
  int live = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       auto reader = [&](std::vector<std::string> pieces, Errc end = Errc::kOk) {
                         return std::make_unique<ScriptedBody>(std::move(pieces), end, &live);
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

TEST_P(ServerBodySource, AReaderThatFailsHalfwayOrEndsEarlyIsCut) {
  int live = 0;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       const bool sized = ctx.Path() == "/short";
                       ctx.SetBodyStream(
                           std::make_unique<ScriptedBody>(std::vector<std::string>{"ab"},
                                                          sized ? Errc::kOk : Errc::kIo, &live),
                           sized ? 3 : -1);
                     }},
                Options());
  sim.Run([&] {
    for (std::string_view path : {"/short", "/fails"}) {
      WireClient client = sim.Dial();
      (void)client.Send(Get(path));
      EXPECT_TRUE(IsCut(client.UntilTheEnd())) << path;
    }
  });
  EXPECT_EQ(live, 0);
}

TEST_P(ServerBodySource, AFunctionMakesTheBodyWhenTheHandlerHasReturned) {
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
    WireClient other = sim.Dial();
    (void)other.Send(Get("/throws"));
    EXPECT_TRUE(IsCut(other.UntilTheEnd()));
  });
}

TEST_P(ServerBodySource, EarlyHintsAreTheLinksSoFar) {
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

TEST(ServerBodySources, AHandlerWithoutAServerGathersItsBody) {
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

}  // namespace
}  // namespace fasthttp
