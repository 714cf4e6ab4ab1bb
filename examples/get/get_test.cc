// The program itself, asking a server on a real socket: its main gets another name.
#define main GetMain
#include "examples/get/main.cc"
#undef main

#include <cstdlib>

#include "absl/strings/match.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"

namespace {

void Answer(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/missing") return ctx.NotFound();
  if (ctx.Path() == "/moved") return ctx.Redirect("/here", fasthttp::kStatusFound);
  if (ctx.Path() == "/slow") (void)fasthttp::Sleep(absl::Seconds(60));
  absl::Format(&ctx, "%s %s [%s] %s", ctx.Method(), ctx.Path(),
               ctx.request().header().Peek("X-Test"), ctx.PostBody());
}

struct Outcome {
  int exit = -1;
  std::string out;
  std::string err;
};

Outcome Get(const std::vector<std::string_view>& arguments) {
  Outcome outcome;
  char* out_bytes = nullptr;
  char* err_bytes = nullptr;
  size_t out_size = 0;
  size_t err_size = 0;
  std::FILE* out = ::open_memstream(&out_bytes, &out_size);
  std::FILE* err = ::open_memstream(&err_bytes, &err_size);
  outcome.exit = Run(arguments, out, err);
  std::fclose(out);
  std::fclose(err);
  outcome.out.assign(out_bytes, out_size);
  outcome.err.assign(err_bytes, err_size);
  std::free(out_bytes);
  std::free(err_bytes);
  return outcome;
}

class GetTest : public testing::Test {
 protected:
  GetTest() : server_({.handler = Answer}) {
    absl::StatusOr<fasthttp::Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) host_ = address->ToString();
  }
  ~GetTest() override { (void)server_.Shutdown(absl::ZeroDuration()); }

  std::string Url(std::string_view path) const { return absl::StrCat("http://", host_, path); }

  fasthttp::Server server_;
  std::string host_;
};

TEST_F(GetTest, PrintsTheBody) {
  Outcome o = Get({Url("/a")});
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_EQ(o.out, "GET /a [] ");
  EXPECT_EQ(o.err, "");
  o = Get({"--header=X-Test: one: two", "--data=a=b", "--timeout=30s", Url("/a")});
  EXPECT_EQ(o.out, "POST /a [one: two] a=b");
  EXPECT_EQ(Get({Url("/moved")}).out, "GET /here [] ");
  o = Get({Url("/missing")});
  EXPECT_EQ(o.exit, 0) << "an answer is an answer";
}

TEST_F(GetTest, PrintsTheErrorAndFails) {
  Outcome o = Get({"--timeout=20ms", Url("/slow")});
  EXPECT_EQ(o.exit, 1);
  EXPECT_EQ(o.out, "");
  EXPECT_TRUE(absl::StartsWith(o.err, "get: fasthttp: timeout: ")) << o.err;
  o = Get({"http://127.0.0.1:1/"});
  EXPECT_EQ(o.exit, 1);
  EXPECT_TRUE(absl::StrContains(o.err, "connection refused")) << o.err;
  EXPECT_EQ(Get({"http://[::1/"}).exit, 1);
  EXPECT_EQ(Get({"ftp://example.com/"}).exit, 1);
}

TEST_F(GetTest, ExplainsItsUsage) {
  const std::string url = Url("/a");
  for (const std::vector<std::string_view>& arguments :
       std::vector<std::vector<std::string_view>>{{},
                                                  {url, url},
                                                  {"--what=x", url},
                                                  {"--timeout=-1s", url},
                                                  {"--timeout=soon", url},
                                                  {"--header=Novalue", url},
                                                  {"--header=:x", url},
                                                  {"--connections=0", url},
                                                  {"--connections=1025", url},
                                                  {"--requests=0", url},
                                                  {"--requests=-5", url}}) {
    Outcome o = Get(arguments);
    EXPECT_EQ(o.exit, 2);
    EXPECT_TRUE(absl::StrContains(o.err, "usage: get")) << o.err;
    EXPECT_EQ(o.out, "");
  }
}

TEST_F(GetTest, IsASmallLoadTool) {
  Outcome o = Get({"--connections=4", "--requests=200", Url("/a")});
  EXPECT_EQ(o.exit, 0) << o.out;
  EXPECT_TRUE(absl::StartsWith(o.out, "200 responses on 4 connections and ")) << o.out;
  EXPECT_TRUE(absl::StrContains(o.out, "\n200: 200\n")) << o.out;
  EXPECT_TRUE(absl::StrContains(o.out, "\np99.9 ")) << o.out;
  EXPECT_LE(server_.Stats().connections_accepted, 4u);
  o = Get({"--connections=2", "--requests=10", "http://127.0.0.1:1/"});
  EXPECT_EQ(o.exit, 1);
  EXPECT_TRUE(absl::StrContains(o.out, "\nconnection refused: 10\n")) << o.out;
}

}  // namespace
