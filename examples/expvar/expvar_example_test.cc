// The program itself, asked in memory: its main gets another name.
#define main ExpvarMain
#include "examples/expvar/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/test_server.h"

// The other kinds of variables.
expvar::Float load("load");
expvar::String version("version");
expvar::Map statuses("statuses");
expvar::Func connections("connections", [] { return expvar::Value::Object{{"open", 3}}; });

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
  EXPECT_NE(body.find("\"connections\": {\n\t\t\"open\": 3\n\t}"), body.npos) << body;
}
