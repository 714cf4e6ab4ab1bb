// Calls of Client and HostClient to a real Server: in memory and in virtual time, and over sockets
// with several loops and threads at once.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/client.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/server.h"
#include "fasthttp/status.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using testing::SimServer;

template <typename Options>
Options OptionsFor(SimServer& sim) {
  Options options;
  options.runtime = &sim.sim();
  options.dial = [&sim](std::string_view, absl::Time deadline) {
    return sim.listener().Dial(deadline);
  };
  return options;
}

HostClientOptions HostOptionsFor(SimServer& sim) {
  auto options = OptionsFor<HostClientOptions>(sim);
  options.addr = "backend.test";
  return options;
}

// Tells what it got: "POST /p host=h type=t body=b".
void Echo(RequestCtx& ctx) {
  absl::Format(&ctx, "%s %s host=%s", ctx.Method(), ctx.RequestURI(),
               ctx.request().header().Host());
  for (const char* name : {"Content-Type", "Authorization", "Cookie"}) {
    std::string_view value = ctx.request().header().Peek(name);
    if (!value.empty()) absl::Format(&ctx, " %s=%s", name, value);
  }
  if (!ctx.PostBody().empty()) absl::Format(&ctx, " body=%s", ctx.PostBody());
}

// --- HostClient -------------------------------------------------------------------------------

TEST(HostClientTest, GetOfAPath) {
  SimServer sim({.handler = Echo});
  HostClient client(HostOptionsFor(sim));
  sim.Run([&] {
    absl::StatusOr<Response> r = client.Get("/a?b=c");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), kStatusOK);
    EXPECT_EQ(r->Body(), "GET /a?b=c host=backend.test");
  });
}

TEST(HostClientTest, GetFromAPlainThread) {
  SimServer sim({.handler = Echo});
  HostClient client(HostOptionsFor(sim));
  absl::StatusOr<Response> r = client.Get("http://other.test:81/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "GET / host=other.test:81");
}

TEST(HostClientTest, Posts) {
  SimServer sim({.handler = Echo});
  HostClient client(HostOptionsFor(sim));
  Args form;
  form.Set("a", "1 2");
  absl::StatusOr<Response> r = client.Post("/p", form);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(),
            "POST /p host=backend.test Content-Type=application/x-www-form-urlencoded body=a=1+2");
  r = client.Post("/q", "a/b", "content");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "POST /q host=backend.test Content-Type=a/b body=content");
}

TEST(HostClientTest, AnErrorStatusIsAResponse) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.NotFound(); }});
  HostClient client(HostOptionsFor(sim));
  absl::StatusOr<Response> r = client.Get("/");
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->StatusCode(), kStatusNotFound);
}

// It is reported while the call waits, together with the response, and only once.
TEST(HostClientTest, AnEndRightBehindTheResponseIsNoticed) {
  SimServer sim({.handler = Echo});
  HostClientOptions options = HostOptionsFor(sim);
  options.dial = [](std::string_view, absl::Time) -> absl::StatusOr<BlockingConn> {
    fasthttputil::PipeConns pipe;
    auto server = std::make_shared<BlockingConn>(std::move(pipe.conn2()));
    Spawn([server] {
      char request[1024];
      (void)server->Read(request);
      (void)server->Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      server->Close();
    });
    return std::move(pipe.conn1());
  };
  HostClient client(std::move(options));
  sim.Run([&] { EXPECT_TRUE(client.Get("/").ok()); });
  sim.sim().Settle();
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST(HostClientTest, ConnectionsAreReused) {
  SimServer sim({.handler = Echo});
  HostClient client(HostOptionsFor(sim));
  sim.Run([&] {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.Get("/").ok());
  });
  EXPECT_EQ(client.Stats().dials, 1u);
  EXPECT_EQ(client.Stats().reused, 9u);
  EXPECT_EQ(client.Stats().calls, 10u);
  EXPECT_EQ(client.ConnsCount(), 1u);
}

TEST(HostClientTest, LargeBodiesGoBothWays) {
  SimServer sim({.handler = [](RequestCtx& ctx) { ctx.SetBody(ctx.PostBody()); }});
  HostClient client(HostOptionsFor(sim));
  std::string body(3'000'000, 'x');
  for (size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<Response> r = client.Post("/", "a/b", body);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_TRUE(r->Body() == body);
  }
  EXPECT_EQ(client.Stats().dials, 1u);
}

// As a gateway does with the request that its handler got.
TEST(HostClientTest, AReceivedRequestIsPassedOnAsItCame) {
  SimServer sim({.handler = Echo});
  HostClient client(HostOptionsFor(sim));
  const std::string raw =
      "POST //a/../%7e?q HTTP/1.1\r\nHost: front.test\r\nContent-Length: 1\r\n\r\n";
  const std::string padded = raw + std::string(http1::kPadding, '\0');
  http1::Head head;
  http1::ParseProgress progress;
  ASSERT_EQ(http1::ParseRequestHead({padded.data(), raw.size()}, {}, http1::Leniency::kStrict,
                                    progress, head),
            Errc::kOk);
  Request received;
  received.Bind(&head, false);
  received.SetBodyRaw("b");
  Response response;
  ASSERT_TRUE(client.Do(received, response).ok());
  EXPECT_EQ(response.Body(),
            "POST //a/../%7e?q host=front.test Content-Type=application/octet-stream body=b");
}

// --- Time and cancellation --------------------------------------------------------------------

void Never(RequestCtx& ctx) {
  (void)Sleep(absl::Hours(1));
  ctx.SetBodyString("late");
}

class DeadlineTest : public ::testing::Test {
 protected:
  int64_t Elapsed() { return (sim_.sim().NowNanos() - start_) / runtime::kMillisecond; }

  SimServer sim_{{.handler = Never, .drain_timeout = absl::ZeroDuration()}};
  HostClientOptions options_ = HostOptionsFor(sim_);
  int64_t start_ = sim_.sim().NowNanos();
};

TEST_F(DeadlineTest, OfTheCall) {
  HostClient client(std::move(options_));
  absl::StatusOr<Response> r = client.GetTimeout("/", absl::Seconds(2));
  EXPECT_EQ(ErrcOf(r.status()), Errc::kTimeout);
  EXPECT_EQ(r.status().message(),
            "fasthttp: timeout: backend.test:80 (InmemoryListener), fresh connection; 0 "
            "connections, 0 idle, 0 calls waiting");
  EXPECT_EQ(Elapsed(), 2000);
  r = client.GetDeadline("/", sim_.sim().Now() + absl::Seconds(3));
  EXPECT_EQ(ErrcOf(r.status()), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 5000);
}

TEST_F(DeadlineTest, OfTheRequest) {
  HostClient client(std::move(options_));
  Request request;
  request.SetTimeout(absl::Seconds(3));
  Response response;
  EXPECT_EQ(ErrcOf(client.Do(request, response)), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 3000);
}

TEST_F(DeadlineTest, OfTheClientIsAMinute) {
  HostClient client(std::move(options_));
  EXPECT_EQ(ErrcOf(client.Get("/").status()), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 60'000);
}

TEST_F(DeadlineTest, OfReading) {
  options_.read_timeout = absl::Seconds(4);
  HostClient client(std::move(options_));
  EXPECT_EQ(ErrcOf(client.Get("/").status()), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 4000);
}

TEST_F(DeadlineTest, OfWriting) {
  options_.write_timeout = absl::Seconds(4);
  BlockingConn other;
  options_.dial = [&](std::string_view, absl::Time) -> absl::StatusOr<BlockingConn> {
    // Nobody reads at the other end.
    fasthttputil::PipeConns pipe;
    other = std::move(pipe.conn2());
    return std::move(pipe.conn1());
  };
  {
    HostClient client(std::move(options_));
    EXPECT_EQ(ErrcOf(client.Post("/", "a/b", std::string(1'000'000, 'x')).status()),
              Errc::kTimeout);
    EXPECT_EQ(Elapsed(), 4000);
  }
  sim_.Run([&] { other.Close(); });
}

TEST_F(DeadlineTest, OfDialling) {
  options_.dial = [this](std::string_view, absl::Time deadline) -> absl::StatusOr<BlockingConn> {
    (void)Sleep(deadline - sim_.sim().Now());
    return ToStatus(Errc::kDialTimeout);
  };
  HostClient client(std::move(options_));
  EXPECT_EQ(ErrcOf(client.Get("/").status()), Errc::kDialTimeout);
  EXPECT_EQ(Elapsed(), 5000);
  // The call's own comes first.
  EXPECT_EQ(ErrcOf(client.GetTimeout("/", absl::Seconds(2)).status()), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 7000);
}

TEST_F(DeadlineTest, ThatHasPassedSendsNothing) {
  HostClient client(std::move(options_));
  EXPECT_EQ(ErrcOf(client.GetTimeout("/", absl::ZeroDuration()).status()), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(client.GetDeadline("/", absl::UnixEpoch()).status()), Errc::kTimeout);
  EXPECT_EQ(client.Stats().dials, 0u);
}

TEST_F(DeadlineTest, OneForAllRetries) {
  // Each attempt takes a second and ends without a word.
  options_.dial = [](std::string_view, absl::Time) -> absl::StatusOr<BlockingConn> {
    fasthttputil::PipeConns pipe;
    (void)Sleep(absl::Seconds(1));
    return std::move(pipe.conn1());  // The other end is closed.
  };
  HostClient client(std::move(options_));
  EXPECT_EQ(ErrcOf(client.GetTimeout("/", absl::Milliseconds(2500)).status()), Errc::kTimeout);
  EXPECT_EQ(Elapsed(), 3000);
}

TEST_F(DeadlineTest, ACancelledTaskEndsItsCall) {
  HostClient client(std::move(options_));
  Errc errc = Errc::kOk;
  runtime::Task* task = nullptr;
  sim_.Spawn([&] {
    task = runtime::Loop::Current()->current_task();
    errc = ErrcOf(client.Get("/").status());
    // And does not begin another.
    EXPECT_EQ(ErrcOf(client.Get("/").status()), Errc::kCancelled);
  });
  sim_.sim().Advance(absl::Seconds(1));
  ASSERT_NE(task, nullptr);
  sim_.Run([&] { runtime::Loop::Current()->Cancel(*task, Errc::kCancelled); });
  sim_.sim().Settle();
  EXPECT_EQ(errc, Errc::kCancelled);
  EXPECT_EQ(Elapsed(), 1000);
  EXPECT_EQ(client.ConnsCount(), 0u);
  EXPECT_EQ(client.Stats().dials, 1u);
}

// --- Client -----------------------------------------------------------------------------------

TEST(ClientTest, EachHostHasItsPool) {
  SimServer sim({.handler = Echo});
  Client client(OptionsFor<ClientOptions>(sim));
  sim.Run([&] {
    for (const char* url :
         {"http://a.test/", "http://b.test/", "http://A.test:80/x", "http://a.test:81/"}) {
      absl::StatusOr<Response> r = client.Get(url);
      ASSERT_TRUE(r.ok()) << r.status();
    }
  });
  EXPECT_EQ(client.HostsCount(), 3u);
  EXPECT_EQ(client.ConnsCount(), 3u);
  EXPECT_EQ(client.IdleConnsCount(), 3u);
  client.CloseIdleConnections();
  EXPECT_EQ(client.ConnsCount(), 0u);
}

// The host of the call before is told from others by a few words, whatever their sizes.
TEST(ClientTest, HostsThatDifferInOneByteAreNotMixedUp) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    absl::Format(&ctx, "%s %d", ctx.request().header().Host(), ctx.ConnID());
  }});
  for (size_t size = 1; size <= 64; size += size < 40 ? 1 : 12) {
    for (size_t at = 0; at < size; ++at) {
      std::vector<std::string> hosts(3, std::string(size, 'a'));
      hosts[1][at] = 'b';
      hosts[2].push_back('a');
      std::vector<std::string> dialled;
      std::string conns[3];  // Of the hosts.
      auto options = OptionsFor<ClientOptions>(sim);
      options.dial = [&](std::string_view address, absl::Time deadline) {
        dialled.emplace_back(address);
        return sim.listener().Dial(deadline);
      };
      Client client(std::move(options));
      auto call = [&](size_t i, std::string_view spelling, std::string_view port) {
        absl::StatusOr<Response> r = client.Get(absl::StrCat("http://", spelling, port, "/"));
        ASSERT_TRUE(r.ok()) << r.status();
        const std::string_view body = r->Body();
        if (conns[i].empty()) conns[i] = std::string(body.substr(body.find(' ')));
        ASSERT_EQ(body, absl::StrCat(hosts[i], port, conns[i]));
      };
      sim.Run([&] {
        for (const char* port : {"", ":80"}) {
          for (size_t i : {0, 1, 0, 0, 1, 1, 2, 0, 2, 1}) {
            call(i, hosts[i], port);
            call(i, absl::AsciiStrToUpper(hosts[i]), port);
          }
        }
      });
      ASSERT_FALSE(HasFailure());
      for (std::string& host : hosts) host += ":80";
      ASSERT_EQ(dialled, hosts);
      ASSERT_TRUE(conns[0] != conns[1] && conns[0] != conns[2] && conns[1] != conns[2]);
    }
  }
}

TEST(ClientTest, HostsAreForgotten) {
  SimServer sim({.handler = Echo});
  Client client(OptionsFor<ClientOptions>(sim));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.Get(absl::StrCat("http://host", i, ".test/")).ok());
  }
  EXPECT_EQ(client.HostsCount(), 100u);
  sim.sim().Advance(absl::Seconds(40));
  EXPECT_EQ(client.HostsCount(), 0u);
  EXPECT_TRUE(client.Get("http://host1.test/").ok());
}

TEST(ClientTest, BadUrls) {
  SimServer sim({.handler = Echo});
  Client client(OptionsFor<ClientOptions>(sim));
  EXPECT_EQ(ErrcOf(client.Get("/path").status()), Errc::kMissingHost);
  EXPECT_EQ(ErrcOf(client.Get("ftp://a.test/").status()), Errc::kUnsupported);
  EXPECT_EQ(ErrcOf(client.Get("http://a,b/").status()), Errc::kBadHost);
  EXPECT_EQ(ErrcOf(client.Get("http://a:x/").status()), Errc::kBadHost);
  EXPECT_EQ(ErrcOf(client.Get("").status()), Errc::kMissingHost);
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST(ClientTest, ConfigureClientChangesOneHost) {
  SimServer sim({.handler = Echo});
  auto options = OptionsFor<ClientOptions>(sim);
  options.max_conns_per_host = 7;
  options.configure_client = [](HostClientOptions& host) -> absl::Status {
    EXPECT_EQ(host.max_conns, 7u);
    if (host.addr == "bad.test") return ToStatus(Errc::kPermission, "not this one");
    host.name = "special";
    return absl::OkStatus();
  };
  Client client(std::move(options));
  EXPECT_EQ(ErrcOf(client.Get("http://bad.test/").status()), Errc::kPermission);
  EXPECT_TRUE(client.Get("http://good.test/").ok());
}

TEST(ClientTest, FromTwoLoopsAndThreadsInVirtualTime) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SimServer sim({.handler = Echo}, {.loops = 2, .seed = seed});
    auto options = OptionsFor<ClientOptions>(sim);
    options.max_conns_per_host = 2;
    Client client(std::move(options));
    int served = 0;
    for (size_t i = 0; i < 40; ++i) {
      sim.Spawn(
          [&, i] {
            absl::StatusOr<Response> r = client.Get(absl::StrCat("http://h", i % 3, ".test/"));
            EXPECT_TRUE(r.ok()) << r.status();
            served += r.ok();
          },
          i % 2);
    }
    ASSERT_TRUE(sim.sim().RunUntil([&] { return sim.server().Stats().requests == 40; }));
    sim.sim().Settle();
    EXPECT_EQ(served, 40);
    EXPECT_LE(client.ConnsCount(), 6u);
  }
}

// --- Redirects --------------------------------------------------------------------------------

// "/301/to" redirects with that code to what the query says; everything else echoes.
void Redirector(RequestCtx& ctx) {
  const std::string path(ctx.Path());
  if (path.size() < 4 || path[1] != '3') return Echo(ctx);
  ctx.SetStatusCode(std::stoi(path.substr(1, 3)));
  const std::string_view to = ctx.QueryArgs().Peek("to");
  if (!to.empty()) ctx.response().header().Set("Location", to);
}

class RedirectTest : public ::testing::Test {
 protected:
  std::string Body(const absl::StatusOr<Response>& r) {
    return r.ok() ? std::string(r->Body()) : std::string(ErrcName(ErrcOf(r.status())));
  }
  std::string Do(Request& request, int max_redirects = kDefaultMaxRedirects) {
    Response response;
    absl::Status status = client_.DoRedirects(request, response, max_redirects);
    return status.ok() ? std::string(response.Body()) : std::string(ErrcName(ErrcOf(status)));
  }

  SimServer sim_{{.handler = Redirector}};
  Client client_{OptionsFor<ClientOptions>(sim_)};
};

TEST_F(RedirectTest, RelativeAndAbsoluteTargets) {
  EXPECT_EQ(Body(client_.Get("http://a.test/302/x?to=/y?z")), "GET /y?z host=a.test");
  EXPECT_EQ(Body(client_.Get("http://a.test/302/x?to=../y")), "GET /y host=a.test");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=//b.test:8/y")), "GET /y host=b.test:8");
  EXPECT_EQ(Body(client_.Get("http://a.test/307?to=http://b.test")), "GET / host=b.test");
}

TEST_F(RedirectTest, DoHandsThemOut) {
  Request request;
  request.SetRequestURI("http://a.test/302?to=/y");
  Response response;
  ASSERT_TRUE(client_.Do(request, response).ok());
  EXPECT_EQ(response.StatusCode(), 302);
}

TEST_F(RedirectTest, MethodsAndContent) {
  const std::string kept = "POST /y host=a.test Content-Type=a/b body=c";
  for (auto [code, want] : std::vector<std::pair<int, std::string>>{{301, "GET /y host=a.test"},
                                                                    {302, "GET /y host=a.test"},
                                                                    {303, "GET /y host=a.test"},
                                                                    {307, kept},
                                                                    {308, kept}}) {
    EXPECT_EQ(Body(client_.Post(absl::StrCat("http://a.test/", code, "?to=/y"), "a/b", "c")), want)
        << code;
  }
  Request put;
  put.header().SetMethod("PUT");
  put.header().SetContentType("a/b");
  put.SetBody("c");
  put.SetRequestURI("http://a.test/302?to=/y");
  EXPECT_EQ(Do(put), "PUT /y host=a.test Content-Type=a/b body=c");
  put.SetRequestURI("http://a.test/303?to=/y");
  EXPECT_EQ(Do(put), "GET /y host=a.test");
  EXPECT_EQ(put.header().Method(), "PUT");  // The caller's request is as it was.
  EXPECT_EQ(put.RequestURI(), "http://a.test/303?to=/y");
}

TEST_F(RedirectTest, CredentialsStayWithTheOrigin) {
  auto with_credentials = [this](std::string_view url) {
    Request request;
    request.SetRequestURI(url);
    request.header().Set("Authorization", "secret");
    request.header().SetCookie("a", "b");
    return Do(request);
  };
  const std::string kept = " Authorization=secret Cookie=a=b";
  EXPECT_EQ(with_credentials("http://a.test/302?to=/y"), "GET /y host=a.test" + kept);
  EXPECT_EQ(with_credentials("http://a.test/302?to=http://a.test:80/y"),
            "GET /y host=a.test:80" + kept);
  for (const char* other : {"http://b.test/y", "http://a.test:81/y", "http://x.a.test/y",
                            "http://eviLa.test/y", "http://a.test.evil/y"}) {
    const std::string answer = with_credentials(absl::StrCat("http://a.test/302?to=", other));
    EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("Cookie"), std::string::npos) << answer;
  }
  // There and back again: what was dropped stays so.
  EXPECT_EQ(with_credentials("http://a.test/302?to=http://b.test/302?to=http://a.test/y"),
            "GET /y host=a.test");
}

TEST_F(RedirectTest, UserAndPasswordStayToo) {
  EXPECT_EQ(Body(client_.Get("http://u:p@a.test/302?to=/y")),
            "GET /y host=a.test Authorization=Basic dTpw");
  EXPECT_EQ(Body(client_.Get("http://u:p@a.test/302?to=http://b.test/y")), "GET /y host=b.test");
  // Those that a server invents are nobody's.
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=http://v:w@b.test/y")), "GET /y host=b.test");
}

TEST_F(RedirectTest, Errors) {
  EXPECT_EQ(Body(client_.Get("http://a.test/302")), "MissingLocation");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=ftp://b.test/")), "RedirectToDifferentScheme");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=javascript:x")), "RedirectToDifferentScheme");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=HTTP:y")), "BadUri");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=:y")), "BadUri");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=http://b%20c/")), "BadHost");
  EXPECT_EQ(Body(client_.Get("http://a.test/302?to=https://a.test/")), "Unsupported");
}

TEST_F(RedirectTest, TheirNumberIsBounded) {
  int served = 0;
  SimServer sim({.handler = [&](RequestCtx& ctx) {
    ++served;
    ctx.SetStatusCode(302);
    ctx.response().header().Set("Location", "/again");
  }});
  Client client(OptionsFor<ClientOptions>(sim));
  EXPECT_EQ(Body(client.Get("http://a.test/")), "TooManyRedirects");
  EXPECT_EQ(served, 17);
  Request request;
  request.SetRequestURI("http://a.test/");
  Response response;
  served = 0;
  EXPECT_EQ(ErrcOf(client.DoRedirects(request, response, 0)), Errc::kTooManyRedirects);
  EXPECT_EQ(served, 1);
}

TEST_F(RedirectTest, AHostClientStaysWithItsHost) {
  HostClient client(HostOptionsFor(sim_));
  EXPECT_EQ(Body(client.Get("/302?to=/y")), "GET /y host=backend.test");
  EXPECT_EQ(Body(client.Get("/302?to=http://backend.test/y")), "GET /y host=backend.test");
  EXPECT_EQ(Body(client.Get("/302?to=http://b.test/y")), "RedirectToDifferentHost");
  EXPECT_EQ(Body(client.Get("/302?to=https://backend.test/y")), "RedirectToDifferentScheme");
}

// --- Over sockets, from everywhere at once ----------------------------------------------------

TEST(ClientSocketTest, ThreadsAndHandlersShareOneClient) {
  Runtime runtime({.threads = 4});
  Server back({.handler = Echo, .runtime = &runtime});
  absl::StatusOr<Addr> addr = back.Start("127.0.0.1:0");
  ASSERT_TRUE(addr.ok()) << addr.status();
  HostClient client({.addr = addr->ToString(), .runtime = &runtime, .max_conns = 3});
  std::atomic<int> served{0};
  auto call = [&](int n) {
    for (int i = 0; i < n; ++i) {
      absl::StatusOr<Response> r = client.Get("/x");
      EXPECT_TRUE(r.ok()) << r.status();
      EXPECT_EQ(client.ConnsCount() <= 3, true);
      served += r.ok() && r->Body().substr(0, 7) == "GET /x ";
    }
  };
  Server front({.handler =
                    [&](RequestCtx& ctx) {
                      call(5);
                      ctx.SetBodyString("done");
                    },
                .runtime = &runtime});
  absl::StatusOr<Addr> front_addr = front.Start("127.0.0.1:0");
  ASSERT_TRUE(front_addr.ok()) << front_addr.status();
  const std::string url = absl::StrCat("http://", front_addr->ToString(), "/");
  Client outer({.runtime = &runtime});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { call(50); });
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        absl::StatusOr<Response> r = outer.Get(url);
        EXPECT_TRUE(r.ok()) << r.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), 4 * 50 + 4 * 10 * 5);
  EXPECT_EQ(client.Stats().pending, 0u);
  EXPECT_EQ(client.Stats().waiting, 0u);
}

TEST(ClientSocketTest, PackageFunctionsUseTheDefaultClient) {
  Server back({.handler = Echo});
  absl::StatusOr<Addr> addr = back.Start("127.0.0.1:0");
  ASSERT_TRUE(addr.ok()) << addr.status();
  const std::string url = absl::StrCat("http://", addr->ToString(), "/p");
  const std::string host = addr->ToString();
  absl::StatusOr<Response> r = GetTimeout(url, absl::Seconds(10));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), absl::StrCat("GET /p host=", host));
  r = Get(url);
  ASSERT_TRUE(r.ok()) << r.status();
  r = GetDeadline(url, absl::Now() + absl::Seconds(10));
  ASSERT_TRUE(r.ok()) << r.status();
  r = Post(url, "a/b", "c");
  ASSERT_TRUE(r.ok()) << r.status();
  Request request;
  request.SetRequestURI(url);
  Response response;
  EXPECT_TRUE(Do(request, response).ok());
  EXPECT_TRUE(DoTimeout(request, response, absl::Seconds(10)).ok());
  EXPECT_TRUE(DoDeadline(request, response, absl::Now() + absl::Seconds(10)).ok());
  EXPECT_TRUE(DoRedirects(request, response).ok());
  EXPECT_EQ(DefaultClient().HostsCount(), 1u);
  DefaultClient().CloseIdleConnections();
}

TEST(ClientSocketTest, AResponseNamesTheEndsOfItsConnection) {
  Runtime runtime({.threads = 1});
  Server server({.handler =
                     [](RequestCtx& ctx) {
                       EXPECT_EQ(ctx.response().RemoteAddr(), Addr());
                       absl::Format(&ctx, "%s %s", ctx.RemoteAddr().ToString(),
                                    ctx.LocalAddr().ToString());
                     },
                 .runtime = &runtime});
  // A socket's path is shorter than a test's folder may be.
  const std::string path = absl::StrCat("unix:/tmp/fasthttp-ends-", ::getpid(), ".sock");
  for (const std::string& listen : {std::string("127.0.0.1:0"), path}) {
    absl::StatusOr<Addr> addr = server.Start(listen);
    ASSERT_TRUE(addr.ok()) << addr.status();
    const bool tcp = addr->is_ipv4();
    HostClient client({.addr = tcp ? addr->ToString() : listen, .runtime = &runtime});
    absl::StatusOr<Response> r = client.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->RemoteAddr().network(), tcp ? "tcp" : "unix");
    EXPECT_EQ(r->RemoteAddr().ToString(), addr->ToString());
    EXPECT_EQ(r->Body(), absl::StrCat(r->LocalAddr().ToString(), " ", addr->ToString()));
    Response copy;
    r->CopyTo(copy);
    r->Reset();
    EXPECT_EQ(r->RemoteAddr(), Addr());
    EXPECT_EQ(copy.RemoteAddr(), *addr);
  }
}

// A handler that ends the process in the middle of its own calls.
TEST(ClientSocketDeathTest, ExitDuringACall) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the leak check at exit does not look at the stacks of suspended fibers";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static Server back([](RequestCtx& ctx) {
          if (ctx.Path() == "/exit") std::exit(3);
          (void)Sleep(absl::Hours(1));
        });
        absl::StatusOr<Addr> addr = back.Start("127.0.0.1:0");
        static HostClient host(addr->ToString());
        static Client client;
        std::thread([] { (void)host.Get("/"); }).detach();
        while (host.PendingRequests() == 0) std::this_thread::yield();
        (void)client.Get(absl::StrCat("http://", addr->ToString(), "/exit"));
      },
      ::testing::ExitedWithCode(3), "");
}

TEST(ClientSocketTest, NobodyListens) {
  Runtime runtime({.threads = 1});
  std::string address;
  {
    Server server({.handler = Echo, .runtime = &runtime});
    absl::StatusOr<Addr> addr = server.Start("127.0.0.1:0");
    ASSERT_TRUE(addr.ok());
    address = addr->ToString();
  }
  HostClient client({.addr = address, .runtime = &runtime});
  absl::StatusOr<Response> r = client.Get("/");
  EXPECT_EQ(ErrcOf(r.status()), Errc::kConnectionRefused);
  EXPECT_NE(r.status().message().find(address + ", dialling"), std::string::npos);
}

}  // namespace
}  // namespace fasthttp
