// Calls of a HostClient to a real Server, in memory and in virtual time.
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/status.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"

namespace fasthttp {
namespace {

using testing::SimServer;

HostClientOptions OptionsFor(SimServer& sim) {
  HostClientOptions options;
  options.addr = "backend.test";
  options.runtime = &sim.sim();
  options.dial = [&sim](std::string_view, absl::Time deadline) {
    return sim.listener().Dial(deadline);
  };
  return options;
}

void Echo(RequestCtx& ctx) {
  absl::Format(&ctx, "%s %s host=%s ua=%s type=%s body=%s", ctx.Method(), ctx.RequestURI(),
               ctx.request().header().Host(), ctx.request().header().UserAgent(),
               ctx.request().header().ContentType(), ctx.PostBody());
}

TEST(HostClientTest, GetOfAPath) {
  SimServer sim({.handler = Echo});
  HostClient client(OptionsFor(sim));
  sim.Run([&] {
    absl::StatusOr<Response> r = client.Get("/a?b=c");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), kStatusOK);
    EXPECT_EQ(r->Body(), "GET /a?b=c host=backend.test ua=fasthttp type= body=");
  });
}

TEST(HostClientTest, GetFromAPlainThread) {
  SimServer sim({.handler = Echo});
  HostClient client(OptionsFor(sim));
  absl::StatusOr<Response> r = client.Get("http://other.test:81/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "GET / host=other.test:81 ua=fasthttp type= body=");
}

TEST(HostClientTest, PostsOfAForm) {
  SimServer sim({.handler = Echo});
  HostClient client(OptionsFor(sim));
  Args form;
  form.Set("a", "1 2");
  absl::StatusOr<Response> r = client.Post("/p", form);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(),
            "POST /p host=backend.test ua=fasthttp type=application/x-www-form-urlencoded "
            "body=a=1+2");
}

TEST(HostClientTest, ConnectionsAreReused) {
  SimServer sim({.handler = Echo});
  HostClient client(OptionsFor(sim));
  sim.Run([&] {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.Get("/").ok());
  });
  EXPECT_EQ(client.Stats().dials, 1u);
  EXPECT_EQ(client.Stats().reused, 9u);
  EXPECT_EQ(client.ConnsCount(), 1u);
}

TEST(HostClientTest, ASlowHandlerIsATimeout) {
  SimServer sim({.handler = [](RequestCtx& ctx) {
    (void)Sleep(absl::Seconds(10));
    ctx.SetBodyString("late");
  }});
  HostClient client(OptionsFor(sim));
  absl::StatusOr<Response> r = client.GetTimeout("/", absl::Seconds(2));
  EXPECT_EQ(ErrcOf(r.status()), Errc::kTimeout);
  EXPECT_EQ(r.status().message(),
            "fasthttp: timeout: backend.test:80 (InmemoryListener), fresh connection; 0 "
            "connections, 0 idle, 0 calls waiting");
}

}  // namespace
}  // namespace fasthttp
