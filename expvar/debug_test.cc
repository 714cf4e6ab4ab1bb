#include "expvar/debug.h"

#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace expvar {
namespace {

using fasthttp::Response;
using fasthttptest::TestServer;

TEST(DebugHandler, ServesEachPathExactly) {
  TestServer server(DebugHandler);
  for (auto [target, type] : {std::pair("/debug/", "text/html; charset=utf-8"),
                              {"/debug/vars", "application/json; charset=utf-8"},
                              {"/debug/metrics", "text/plain; version=0.0.4; charset=utf-8"},
                              {"/debug/pprof/", "text/html; charset=utf-8"}}) {
    absl::StatusOr<Response> r = server.Get(target);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 200) << target;
    EXPECT_EQ(r->ContentType(), type);
    EXPECT_FALSE(r->Body().empty());
  }
  for (const char* target : {"/debug", "/debug/vars/", "/debug/varsx", "/debug/metrics/", "/",
                             "/debug/x", "/vars", "/debug/pprof"}) {
    absl::StatusOr<Response> r = server.Get(target);
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 404) << target;
  }
}

// What the page may do is bounded twice: by its policy, and by how it is written.
TEST(DebugHandler, ThePageRunsNothingButItsOwnScript) {
  TestServer server(DebugHandler);
  absl::StatusOr<Response> r = server.Get("/debug/");
  ASSERT_TRUE(r.ok()) << r.status();
  const std::string policy(r->header().Peek("Content-Security-Policy"));
  EXPECT_TRUE(absl::StartsWith(policy, "default-src 'none'; script-src 'sha256-")) << policy;
  for (const char* part : {"; style-src 'sha256-", "; connect-src 'self'", "; base-uri 'none'",
                           "; form-action 'none'", "; frame-ancestors 'none'"}) {
    EXPECT_TRUE(absl::StrContains(policy, part)) << policy;
  }
  for (const char* part : {"unsafe", "http", "*"}) EXPECT_FALSE(absl::StrContains(policy, part));
  const std::string page(r->Body());
  EXPECT_TRUE(absl::StartsWith(page, "<!doctype html>"));
  EXPECT_TRUE(absl::EndsWith(page, "</html>\n"));
  for (const char* part : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                           "eval(", "Function(", "https://", "src=", "@import", "url("}) {
    EXPECT_FALSE(absl::StrContains(page, part)) << part;
  }
}

}  // namespace
}  // namespace expvar
