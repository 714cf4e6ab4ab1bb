#include "expvar/handler.h"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "expvar/var.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace expvar {
namespace {

using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;

Int hits("handler_test.hits");
bool broken = false;
Func fragile("handler_test.fragile", []() -> Value {
  if (broken) throw std::runtime_error("broken");
  return "whole";
});

void Handle(RequestCtx& ctx) {
  hits.Add(1);
  if (ctx.Path() == "/debug/vars") return ExpvarHandler(ctx);
  ctx.Success("text/plain", "ok\n");
}

TEST(ExpvarHandler, ShowsAllVariables) {
  TestServer server(Handle);
  absl::StatusOr<Response> r = server.Get("/debug/vars");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
  EXPECT_EQ(r->ContentType(), "application/json; charset=utf-8");
  std::string body(r->Body());
  EXPECT_EQ(body.substr(0, 14), "{\n\t\"cmdline\": ");
  EXPECT_NE(body.find("\n\t\"handler_test.hits\": 1"), body.npos) << body;
  EXPECT_NE(body.find("\n\t\"expvarHandlerCalls\": 1"), body.npos) << body;
  EXPECT_NE(body.find("\n\t\"memstats\": {\n\t\t\""), body.npos) << body;
}

TEST(ExpvarHandler, AFilterIsRefusedNotIgnored) {
  TestServer server(Handle);
  for (const char* target : {"/debug/vars?r=hits", "/debug/vars?r=", "/debug/vars?a=1&r"}) {
    absl::StatusOr<Response> r = server.Get(target);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 400) << target;
    EXPECT_NE(r->Body().find("not built in"), r->Body().npos);
    EXPECT_EQ(r->Body().find("cmdline"), r->Body().npos);
  }
  absl::StatusOr<Response> r = server.Get("/debug/vars?q=1");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
}

TEST(ExpvarHandler, AnExceptionOfAFuncIsA500) {
  TestServer server(Handle);
  broken = true;
  absl::StatusOr<Response> r = server.Get("/debug/vars");
  broken = false;
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 500);
  r = server.Get("/debug/vars");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
}

TEST(ExpvarHandler, WhileLoopsCount) {
  TestServer server(Handle);
  const int64_t before = hits.Value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 25; ++j) {
        absl::StatusOr<Response> r = server.Get(i == 0 ? "/debug/vars" : "/");
        EXPECT_TRUE(r.ok() && r->StatusCode() == 200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hits.Value(), before + 100);
}

}  // namespace
}  // namespace expvar
