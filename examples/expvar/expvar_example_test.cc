// The program itself, asked in memory: its main gets another name.
#define main ExpvarMain
#include "examples/expvar/main.cc"
#undef main

#include "absl/strings/match.h"
#include "expvar/pprof.h"
#include "expvar/prometheus.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

// The other kinds of variables.
expvar::Float load("load");
expvar::String version("version");
expvar::Map statuses("statuses");
expvar::Func queues("queues",
                    [] { return expvar::Value::ByLabel{"queue", {{"mail", 3}, {"print", 0}}}; });

TEST(Expvar, ShowsWhatWasCounted) {
  fasthttptest::TestServer server(Handle);
  ASSERT_TRUE(server.Get("/").ok());
  load.Set(0.75);
  version.Set("1.2");
  statuses.Add("200", 1);
  absl::StatusOr<fasthttp::Response> r = server.Get("/debug/vars");
  ASSERT_TRUE(r.ok()) << r.status();
  std::string body(r->Body());
  EXPECT_NE(body.find("\"hits\": 2,\n"), body.npos) << body;
  EXPECT_NE(body.find("\"load\": 0.75,\n"), body.npos) << body;
  EXPECT_NE(body.find("\"version\": \"1.2\"\n"), body.npos) << body;
  EXPECT_NE(body.find("\"statuses\": {\n\t\t\"200\": 1\n\t}"), body.npos) << body;
  EXPECT_NE(body.find("\"queues\": {\n\t\t\"mail\": 3,\n\t\t\"print\": 0\n\t}"), body.npos) << body;
}

void Inside(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/metrics") return expvar::PrometheusHandler(ctx);
  if (absl::StartsWith(ctx.Path(), "/debug/pprof/")) return expvar::PprofHandler(ctx);
  ctx.NotFound();
}

TEST(Expvar, ForPrometheusAndPprofAlone) {
  fasthttptest::TestServer server(Inside);
  absl::StatusOr<fasthttp::Response> r = server.Get("/metrics");
  ASSERT_TRUE(r.ok()) << r.status();
  std::string body(r->Body());
  EXPECT_NE(body.find("\nqueues{queue=\"mail\"} 3\n"), body.npos) << body;
  r = server.Get("/debug/pprof/cmdline");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
}
