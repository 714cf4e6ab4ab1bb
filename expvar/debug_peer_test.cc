// What the debug handlers serve, read by other people's programs: curl, Go's pprof, a browser.
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "expvar/debug.h"
#include "expvar/heap_profile.h"
#include "expvar/server_var.h"
#include "expvar/var.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"

[[gnu::noinline]] void DebugPeerBurn() {
  for (int i = 0; i < 20'000; ++i) {
    void* volatile block = std::malloc(16);  // Else the pair is optimised away.
    std::free(block);
  }
}

[[gnu::noinline]] std::string DebugPeerText() { return std::string(1 << 20, 'x'); }

namespace expvar {
namespace {

using fasthttp::testing::OutputOf;

// Would be markup, if anything made markup of it.
String hostile_value("peer.hostile");
Int hostile_name("<img src=x onerror=document.title='broken-in'>");
Int hits("peer.hits");

class DebugPeer : public ::testing::Test {
 protected:
  DebugPeer()
      : runtime_({.threads = 2}),
        server_(fasthttp::ServerSettings{.handler =
                                             [](fasthttp::RequestCtx& ctx) {
                                               if (ctx.Path() != "/burn") return DebugHandler(ctx);
                                               hits.Add(1);
                                               DebugPeerBurn();
                                               (void)DebugPeerText();
                                             },
                                         .runtime = &runtime_}),
        shown_("<b>api</b>", server_) {
    absl::StatusOr<fasthttp::Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) url_ = absl::StrCat("http://", address->ToString());
    load_ = std::thread([this] {
      fasthttp::Client client;
      while (!done_.load()) EXPECT_TRUE(client.Get(absl::StrCat(url_, "/burn")).ok());
    });
  }
  ~DebugPeer() override {
    done_.store(true);
    load_.join();
  }

  fasthttp::Runtime runtime_;
  fasthttp::Server server_;
  ServerVar shown_;
  std::string url_;
  std::atomic<bool> done_{false};
  std::thread load_;
};

TEST_F(DebugPeer, CurlReadsVarsAndMetrics) {
  SKIP_WITHOUT("curl");
  const std::string curl = "curl --silent --show-error --max-time 60 --noproxy '*' ";
  const std::string vars = OutputOf(absl::StrCat(curl, "-i ", url_, "/debug/vars?r=peer"));
  EXPECT_TRUE(absl::StartsWith(vars, "HTTP/1.1 200 OK\r\n")) << vars;
  EXPECT_TRUE(absl::StrContains(vars, "{\n\t\"peer.hits\": ")) << vars;
  EXPECT_FALSE(absl::StrContains(vars, "cmdline"));
  const std::string metrics = OutputOf(absl::StrCat(curl, url_, "/debug/metrics"));
  EXPECT_TRUE(absl::StrContains(metrics, "\n# TYPE fasthttp_requests_total counter\n")) << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, "fasthttp_requests_total{server=\"<b>api</b>\"} "));
  const std::string bad = OutputOf(absl::StrCat(curl, "-i -g '", url_, "/debug/vars?r=('"));
  EXPECT_TRUE(absl::StartsWith(bad, "HTTP/1.1 400 Bad Request\r\n")) << bad;
}

TEST_F(DebugPeer, PromtoolReadsTheTextFormat) {
  SKIP_WITHOUT("promtool");
  const std::string output =
      OutputOf(absl::StrCat("curl --silent --max-time 60 --noproxy '*' ", url_,
                            "/debug/metrics | promtool check metrics; echo status $?"));
  // 3: it reads all, and finds names that it would write otherwise.
  EXPECT_TRUE(absl::EndsWith(output, "status 0\n") || absl::EndsWith(output, "status 3\n"))
      << output;
  EXPECT_FALSE(absl::StrContains(output, "error")) << output;
}

// The reference reader of OpenMetrics is Python's client library.
TEST_F(DebugPeer, PythonReadsOpenMetrics) {
  SKIP_WITHOUT("/usr/bin/python3");
  const fasthttp::testing::Directory directory;
  const std::string script = directory.Write("read.py", R"(
import sys
import urllib.request
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    sys.exit("no prometheus_client")
request = urllib.request.Request(sys.argv[1], headers={
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(request, timeout=60) as response:
    print(response.headers["Content-Type"])
    families = list(text_string_to_metric_families(response.read().decode()))
for family in families:
    if family.name in ("fasthttp_requests", "fasthttp_latency_seconds", "peer_hits"):
        print(family.name, family.type, len(family.samples))
)");
  const std::string output =
      OutputOf(absl::StrCat("/usr/bin/python3 ", script, " ", url_, "/debug/metrics"));
  if (absl::StartsWith(output, "no prometheus_client")) {
    GTEST_SKIP() << "python3-prometheus-client is not installed";
  }
  EXPECT_EQ(output,
            "application/openmetrics-text; version=1.0.0; charset=utf-8\n"
            "fasthttp_latency_seconds histogram 22\n"
            "fasthttp_requests counter 1\n"
            "peer_hits unknown 1\n");
}

// Over HTTP, as its users call it; the output names the function and its share.
TEST_F(DebugPeer, GoToolPprofNamesTheHotFunction) {
  SKIP_WITHOUT("go");
  const char* tmp = std::getenv("TEST_TMPDIR");
  std::string top;
  for (int i = 0; i < 5 && !absl::StrContains(top, "DebugPeerBurn"); ++i) {
    top = OutputOf(absl::StrCat("HOME=", tmp, " PPROF_TMPDIR=", tmp, " GOFLAGS=-mod=mod",
                                " go tool pprof -top -cum '", url_,
                                "/debug/pprof/profile?seconds=2'"));
  }
  EXPECT_TRUE(absl::StrContains(top, "DebugPeerBurn")) << top;
  EXPECT_TRUE(absl::StrContains(top, "Type: cpu")) << top;
  EXPECT_TRUE(absl::StrContains(top, "Duration: 2")) << top;
}

TEST_F(DebugPeer, GoToolPprofNamesWhoAllocates) {
  SKIP_WITHOUT("go");
  if (!HeapProfiler::kAvailable) GTEST_SKIP() << "a sanitizer owns operator new";
  std::vector<std::string> kept;
  for (int i = 0; i < 30; ++i) kept.push_back(DebugPeerText());
  const char* tmp = std::getenv("TEST_TMPDIR");
  auto top = [&](std::string_view profile) {
    return OutputOf(absl::StrCat("HOME=", tmp, " PPROF_TMPDIR=", tmp, " GOFLAGS=-mod=mod",
                                 " go tool pprof -top -cum '", url_, "/debug/pprof/",
                                 absl::string_view(profile.data(), profile.size()), "'"));
  };
  const std::string live = top("heap");
  EXPECT_TRUE(absl::StrContains(live, "Type: inuse_space")) << live;
  EXPECT_TRUE(absl::StrContains(live, "DebugPeerText")) << live;
  const std::string all = top("allocs");
  EXPECT_TRUE(absl::StrContains(all, "Type: alloc_space")) << all;
  EXPECT_TRUE(absl::StrContains(all, "DebugPeerText")) << all;
}

TEST_F(DebugPeer, ABrowserShowsLiveFiguresAndNoMarkupOfOurs) {
  SKIP_WITHOUT("chromium");
  hostile_value.Set("<script>document.title='broken-in'</script>");
  const char* tmp = std::getenv("TEST_TMPDIR");
  const std::string dom = OutputOf(absl::StrCat(
      "HOME=", tmp, " timeout 100 chromium --headless --no-sandbox --disable-gpu --disable-quic",
      " --disable-dev-shm-usage --no-first-run --disable-background-networking",
      " --disable-component-update --disable-sync --enable-logging=stderr --user-data-dir=", tmp,
      "/chromium --virtual-time-budget=6000 --dump-dom ", url_, "/debug/"));
  EXPECT_TRUE(absl::StrContains(dom, "live, every second")) << dom;
  EXPECT_TRUE(absl::StrContains(dom, "Server &lt;b&gt;api&lt;/b&gt;")) << dom;
  EXPECT_TRUE(absl::StrContains(dom, "&lt;img src=x")) << dom;
  EXPECT_TRUE(absl::StrContains(dom, "&lt;script&gt;document.title")) << dom;
  EXPECT_FALSE(absl::StrContains(dom, "<img")) << dom;
  EXPECT_TRUE(absl::StrContains(dom, "debug_peer_test")) << dom;
  EXPECT_TRUE(absl::StrContains(dom, " d=\"M")) << dom;  // A trace is drawn: figures have changed.
  EXPECT_TRUE(absl::StrContains(dom, "<h3>Latency of ")) << dom;
  for (const char* complaint : {"CONSOLE", "Uncaught", "Refused to", "<title>broken-in"}) {
    EXPECT_FALSE(absl::StrContains(dom, complaint)) << dom;
  }
}

}  // namespace
}  // namespace expvar
