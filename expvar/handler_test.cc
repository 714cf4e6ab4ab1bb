#include "expvar/handler.h"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
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

std::string Vars(TestServer& server, std::string_view query) {
  absl::StatusOr<Response> r = server.Get(absl::StrCat("/debug/vars?", query));
  EXPECT_TRUE(r.ok()) << r.status();
  if (!r.ok()) return "";
  return absl::StrCat(r->StatusCode(), " ", r->Body());
}

TEST(ExpvarHandler, ARegexpSelects) {
  TestServer server(Handle);
  broken = true;  // Unwanted functions are not called.
  hits.Set(6);
  EXPECT_EQ(Vars(server, "r=^handler_test.hits$"), "200 {\n\t\"handler_test.hits\": 7\n}\n");
  EXPECT_EQ(Vars(server, "r=r_test%5C.h.ts%7Cnone"), "200 {\n\t\"handler_test.hits\": 8\n}\n");
  EXPECT_EQ(Vars(server, "r=nothing+is+called+this"), "200 {\n}\n");
  broken = false;
  const std::string all = Vars(server, "");
  for (std::string_view query : {"r=", "r", "r=.", "q=hits"}) {
    const std::string same = Vars(server, query);
    EXPECT_EQ(same.substr(0, 60), all.substr(0, 60)) << query;
    EXPECT_NE(same.find("\"memstats\""), same.npos) << query;
  }
}

TEST(ExpvarHandler, ABadRegexpIsAnswered400AndCounted) {
  TestServer server(Handle);
  const int64_t before = std::stoll(Vars(server, "r=^expvarRegexpErrors$").substr(29));
  int64_t bad = 0;
  auto refused = [&](std::string_view pattern, std::string_view why) {
    ++bad;
    const std::string got = Vars(server, absl::StrCat("r=", pattern));
    EXPECT_EQ(got.substr(0, 28), "400 the query argument \"r\": ") << got;
    EXPECT_NE(got.find(why), got.npos) << got;
    EXPECT_EQ(got.find("cmdline"), got.npos);
  };
  refused("(", "missing ): (");
  refused("%5B", "missing ]");
  refused("a**", "bad repetition operator: **");
  refused("%5C8", "invalid escape sequence");  // A back reference.
  refused("(%3F=a)", "invalid perl operator: (?=");
  refused("%FF", "invalid UTF-8");
  refused("a%7B1001%7D", "invalid repetition size");
  refused("((((a%7B100%7D)%7B100%7D)%7B100%7D)%7B100%7D)", "");
  refused("(%5CpL%7B200%7D)%7B5%7D", "too large");
  refused(std::string(kMaxRegexpSize + 1, 'a'), "more than 256 bytes");
  EXPECT_EQ(std::stoll(Vars(server, "r=^expvarRegexpErrors$").substr(29)), before + bad);
  EXPECT_EQ(Vars(server, absl::StrCat("r=", std::string(kMaxRegexpSize, 'a'))), "200 {\n}\n");
}

// Expressions that take exponential time where matching backtracks, and what nests deeply, on a
// name that nearly matches.
TEST(ExpvarHandler, HostileRegexpsAreHarmless) {
  static Int victim("handler_test." + std::string(200, 'a') + "!");
  TestServer server(Handle);
  for (std::string_view pattern :
       {"(a%2B)%2B$", "(a%7Caa)%2B$", "(.*a)%7B20%7D$", "^(([a-z])%2B.)%2B[A-Z]([a-z])%2B$"}) {
    EXPECT_EQ(Vars(server, absl::StrCat("r=", pattern)).substr(0, 4), "200 ") << pattern;
  }
  const std::string deep = std::string(127, '(') + "a" + std::string(127, ')');
  EXPECT_EQ(Vars(server, absl::StrCat("r=", deep)).substr(0, 4), "200 ");
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
