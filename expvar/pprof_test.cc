#include "expvar/pprof.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "expvar/heap_profile.h"
#include "expvar/profile_reader.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

[[gnu::noinline]] void PprofTestBurn() {
  // Under ThreadSanitizer signals are delivered at calls that it knows.
  for (int i = 0; i < 20'000; ++i) {
    void* volatile block = std::malloc(16);  // Else the pair is optimised away.
    std::free(block);
  }
}

namespace expvar {
namespace {

using fasthttp::RequestCtx;
using fasthttp::Response;
using fasthttptest::TestServer;

void Handle(RequestCtx& ctx) {
  if (ctx.Path() == "/burn") return PprofTestBurn();
  if (ctx.Path() == "/wait") return (void)fasthttp::Sleep(absl::Seconds(20));
  PprofHandler(ctx);
}

std::string Get(TestServer& server, std::string_view target) {
  absl::StatusOr<Response> r = server.Get(target);
  EXPECT_TRUE(r.ok()) << target << " " << r.status();
  return r.ok() ? absl::StrCat(r->StatusCode(), " ", r->Body()) : "";
}

TEST(Pprof, PathsAreExact) {
  TestServer server(Handle);
  for (const char* target :
       {"/debug/pprof", "/debug/pprof/cmdline/", "/debug/pprof/cmdlines", "/debug/pprof/cmd",
        "/debug/pprof/profile/", "/debug/pprof/fibers/", "/debug/pprof/buildinfo/x",
        "/debug/pprofs/cmdline", "/debug/pprof.cmdline", "/debug", "/", "/x/debug/pprof/cmdline",
        "/debug/pprof/CMDLINE", "/debug/pprof/index", "/debug/pprof/../vars"}) {
    EXPECT_EQ(Get(server, target), "404 Not Found") << target;
  }
  for (const char* name :
       {"heap", "allocs", "trace", "goroutine", "threadcreate", "block", "mutex"}) {
    const std::string answer = Get(server, absl::StrCat("/debug/pprof/", name));
    EXPECT_EQ(answer.substr(0, 4), "404 ") << name;
    EXPECT_NE(answer, "404 Not Found") << name;  // It says why.
  }
  const std::string heap = Get(server, "/debug/pprof/heap");
  EXPECT_EQ(heap, HeapProfiler::kAvailable ? "404 not sampled: link //expvar:heap_profile"
                                           : "404 not sampled: a sanitizer owns operator new");
}

TEST(Pprof, IndexCommandLineAndBuild) {
  TestServer server(Handle);
  absl::StatusOr<Response> r = server.Get("/debug/pprof/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->ContentType(), "text/html; charset=utf-8");
  EXPECT_EQ(r->header().Peek("X-Content-Type-Options"), "nosniff");
  EXPECT_NE(r->Body().find("href=\"profile?seconds=5\""), r->Body().npos);
  EXPECT_NE(Get(server, "/debug/pprof/cmdline").find("pprof_test"), std::string::npos);
  const std::string build = Get(server, "/debug/pprof/buildinfo");
  EXPECT_NE(build.find("compiler\t"), build.npos) << build;
  EXPECT_NE(build.find("C++ 202002"), build.npos) << build;
}

TEST(Pprof, SymbolsOfAddresses) {
  TestServer server(Handle);
  const std::string address = absl::StrFormat("0x%x", reinterpret_cast<uintptr_t>(&PprofTestBurn));
  const std::string expected = absl::StrCat("num_symbols: 1\n", address, " PprofTestBurn()\n");
  EXPECT_EQ(Get(server, absl::StrCat("/debug/pprof/symbol?", address)),
            absl::StrCat("200 ", expected));
  EXPECT_EQ(Get(server, "/debug/pprof/symbol"), "200 num_symbols: 1\n");
  EXPECT_EQ(Get(server, "/debug/pprof/symbol?zz+0x+-1+0x11111111111111111+0x1"),
            "200 num_symbols: 1\n0x1 ?\n");
  absl::StatusOr<Response> r =
      server.Post("/debug/pprof/symbol", "text/plain", absl::StrCat(address, "+"));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), expected);
  // More than there may be.
  std::string many;
  for (int i = 0; i < kMaxSymbols + 10; ++i) absl::StrAppend(&many, "0x1+");
  r = server.Post("/debug/pprof/symbol", "text/plain", many);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(std::count(r->Body().begin(), r->Body().end(), '\n'), kMaxSymbols + 1);
}

TEST(Pprof, SecondsAreBounded) {
  TestServer server(Handle);
  for (const char* seconds : {"0", "121", "-1", "x", "", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(Get(server, absl::StrCat("/debug/pprof/profile?seconds=", seconds)),
              "400 seconds: a number from 1 to 120")
        << seconds;
  }
}

TEST(Pprof, AProfileNamesWhatComputes) {
  TestServer server(Handle);
  std::atomic<bool> done{false};
  std::thread load([&] {
    while (!done.load()) EXPECT_TRUE(server.Get("/burn").ok());
  });
  bool seen = false;
  for (int tries = 0; tries < 20 && !seen; ++tries) {
    absl::StatusOr<Response> r = server.Get("/debug/pprof/profile?seconds=1");
    ASSERT_TRUE(r.ok()) << r.status();
    ASSERT_EQ(r->StatusCode(), 200) << r->Body();
    EXPECT_EQ(r->ContentType(), "application/octet-stream");
    const ReadProfile profile(r->Body());
    ASSERT_TRUE(profile.ok);
    EXPECT_GE(profile.duration_nanos, 1'000'000'000u);
    for (const ReadProfile::Sample& sample : profile.samples) {
      ASSERT_FALSE(sample.functions.empty());
      for (size_t i = 0; i + 1 < sample.functions.size(); ++i) {
        // The handler, on its fiber, and its caller.
        seen |= sample.functions[i].find("PprofTestBurn") != std::string::npos;
      }
    }
  }
  EXPECT_TRUE(seen);
  done.store(true);
  load.join();
}

TEST(Pprof, OneProfileAtATimeAndAClientThatLeavesEndsIt) {
  TestServer server(Handle);
  std::string answer;
  // If the short one comes first, the long one is refused: then once more.
  for (int tries = 0; tries < 20 && answer.substr(0, 3) != "503"; ++tries) {
    absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
    ASSERT_TRUE(conn.ok()) << conn.status();
    ASSERT_EQ(conn->Write("GET /debug/pprof/profile?seconds=120 HTTP/1.1\r\nHost: h\r\n\r\n"),
              fasthttp::Errc::kOk);
    ASSERT_TRUE(fasthttp::Sleep(absl::Milliseconds(20)).ok());
    answer = Get(server, "/debug/pprof/profile?seconds=1");
    conn->Close();
  }
  EXPECT_EQ(answer, "503 another profile is being taken");
  do {
    answer = Get(server, "/debug/pprof/profile?seconds=1");
  } while (answer.substr(0, 3) == "503");
  EXPECT_EQ(answer.substr(0, 4), "200 ");
}

TEST(Pprof, FibersShowWhoWaits) {
  TestServer server(Handle);
  absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  ASSERT_EQ(conn->Write("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"), fasthttp::Errc::kOk);
  std::string dump;
  do {
    dump = Get(server, "/debug/pprof/fibers");
  } while (dump.find(", at most 19.") == dump.npos);  // Of its 20 s.
  EXPECT_EQ(dump.find("    @ 0x"), dump.npos) << dump;
  dump = Get(server, "/debug/pprof/fibers?stacks=1");
  EXPECT_NE(dump.find("    @ 0x"), dump.npos) << dump;
  EXPECT_NE(dump.find("expvar::(anonymous namespace)::Handle"), dump.npos) << dump;
  conn->Close();
}

}  // namespace
}  // namespace expvar
