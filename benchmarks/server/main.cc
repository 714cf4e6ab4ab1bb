// The server benchmarks of the original, under their names and doing the same work.
//
//   ./bazelw run --config=opt //benchmarks/server -- --threads=1 --benchmark_filter=ServerGet
//
// Columns: ns/op is wall time over all threads divided by the number of requests, as Go's
// RunParallel counts; B/op and allocs/op are everything that the process allocates, malloc and
// mmap; instr/op is user instructions ("-" without hardware counters). What one operation is, and
// what it must not skip: benchmarks/README.md.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/instructions.h"
#include "benchmarks/server/fake_transport.h"
#include "fasthttp/fasthttp.h"
#include "testing/alloc_counter.h"

ABSL_FLAG(int, threads, 1, "event loops, as GOMAXPROCS");
ABSL_FLAG(std::string, benchmark_filter, ".", "regular expression of the names to run");
ABSL_FLAG(uint64_t, requests, 0, "requests of each benchmark; 0: about a second's worth");

namespace fasthttp::benchmarks {
namespace {

using testing_internal::Allocations;
using testing_internal::ProcessAllocations;

constexpr std::string_view kGet =
    "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\n"
    "User-Agent: aaa/bbb/ccc/ddd/eee Firefox Chrome MSIE Opera\r\n"
    "Referer: http://example.com/aaa?bbb=ccc\r\n"
    "Cookie: foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\n";
constexpr std::string_view kPost =
    "POST /foobar?baz HTTP/1.1\r\nHost: google.com\r\nContent-Type: foo/bar\r\n"
    "Content-Length: 13\r\nUser-Agent: Opera Chrome MSIE Firefox and other/1.2.34\r\n"
    "Referer: http://google.com/aaaa/bbb/ccc\r\n"
    "Cookie: foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\nHello, world!";
constexpr std::string_view kShortGet = "GET /foo HTTP/1.1\r\nHost: google.com\r\n\r\n";
constexpr std::string_view kBody = "Hello, world!";
constexpr std::string_view kShortBody = "123";

struct Row {
  std::string name;
  std::string_view request;
  size_t clients;
  uint64_t per_conn;
  bool limited = false;  // By a TimeoutHandler, whose time is never over.
};

std::vector<Row> Rows() {
  size_t cpus = static_cast<size_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<Row> rows;
  for (auto [verb, request] : {std::pair("Get", kGet), std::pair("Post", kPost)}) {
    for (auto [label, n] : {std::pair("1", 1), {"2", 2}, {"10", 10}, {"10K", 10'000}}) {
      rows.push_back({absl::StrCat("Server", verb, label, "ReqPerConn"), request, cpus,
                      static_cast<uint64_t>(n)});
    }
  }
  for (auto [label, n] : {std::pair("1", 1), {"2", 2}, {"10", 10}, {"100", 100}}) {
    rows.push_back({absl::StrCat("ServerGet", label, "ReqPerConn10KClients"), kGet, 10'000,
                    static_cast<uint64_t>(n)});
  }
  rows.push_back({"ServerTimeoutError", kShortGet, 10, 1});
  rows.push_back({"ServerTimeoutHandler10KReqPerConn", kGet, cpus, 10'000, /*limited=*/true});
  return rows;
}

// Each loop counts into its own line, so that counting is not what is measured.
struct alignas(64) Served {
  std::atomic<uint64_t> count{0};
};

RequestHandler HandlerOf(const Row& row, std::vector<Served>& served) {
  auto count = [&served] {
    std::atomic<uint64_t>& mine = served[runtime::Loop::Current()->index()].count;
    mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  };
  const bool close = row.per_conn == 1;
  if (row.request == kShortGet) {
    // Every eighth is answered by TimeoutError, and its context used by another task afterwards.
    return [count, n = std::make_shared<std::atomic<uint64_t>>(0)](RequestCtx& ctx) {
      if (n->fetch_add(1, std::memory_order_relaxed) % 8 == 0) {
        ctx.TimeoutError("xxx");
        Spawn(Background(), [pin = ctx.Pin()] { pin->Success("foobar", kShortBody); });
      } else {
        ctx.Success("foobar", kShortBody);
      }
      count();
    };
  }
  if (row.limited) {
    Row unlimited = row;
    unlimited.limited = false;
    return TimeoutHandler(HandlerOf(unlimited, served), absl::Minutes(1), "timeout");
  }
  if (row.request == kGet) {
    return [close, count](RequestCtx& ctx) {
      if (!ctx.IsGet()) std::abort();
      ctx.Success("text/plain", kBody);
      if (close) ctx.SetConnectionClose();
      count();
    };
  }
  return [close, count](RequestCtx& ctx) {
    if (!ctx.IsPost() || ctx.PostBody() != kBody) std::abort();
    ctx.Success("text/plain", ctx.PostBody());
    if (close) ctx.SetConnectionClose();
    count();
  };
}

struct Cost {
  double ns = 0;
  Allocations allocations;
  uint64_t instructions = 0;
};

Cost Measure(const Row& row, uint64_t requests, Server& server, std::vector<Served>& served,
             const InstructionCounter& counter) {
  for (Served& s : served) s.count.store(0);
  FakeLoad load(row.request, requests, row.per_conn, row.clients, served.size());
  Allocations before = ProcessAllocations();
  uint64_t instructions = counter.Read();
  auto start = std::chrono::steady_clock::now();
  {
    FakeListener listener(load);
    if (!server.Serve(listener).ok()) std::abort();
  }
  Cost cost;
  cost.ns =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  cost.instructions = counter.Read() - instructions;
  Allocations after = ProcessAllocations();
  cost.allocations = {after.count - before.count, after.bytes - before.bytes};
  uint64_t total = 0;
  for (const Served& s : served) total += s.count.load();
  if (total != requests) {
    absl::FPrintF(stderr, "%s: served %d of %d\n", row.name, total, requests);
    std::abort();
  }
  const size_t body = row.request == kShortGet ? kShortBody.size() : kBody.size();
  if (load.bytes_sent.load() < requests * body) {
    absl::FPrintF(stderr, "%s: sent only %d bytes\n", row.name, load.bytes_sent.load());
    std::abort();
  }
  return cost;
}

void Run(const Row& row, Runtime& runtime, const InstructionCounter& counter) {
  std::vector<Served> served(runtime.loops());
  ServerSettings settings;
  settings.handler = HandlerOf(row, served);
  settings.runtime = &runtime;
  settings.concurrency = static_cast<uint32_t>(16 * row.clients);
  Server server(std::move(settings));
  uint64_t requests = std::max<uint64_t>(10 * row.clients * row.per_conn, 20'000);
  Cost cost = Measure(row, std::min<uint64_t>(requests, 1'000'000), server, served, counter);
  requests = absl::GetFlag(FLAGS_requests);
  if (requests == 0) requests = 2'000'000;
  cost = Measure(row, requests, server, served, counter);
  double n = static_cast<double>(requests);
  std::string instructions =
      counter.available()
          ? absl::StrFormat("%10.0f instr/op", static_cast<double>(cost.instructions) / n)
          : "         - instr/op";
  absl::PrintF("Benchmark%-36s %10d %10.1f ns/op %6d B/op %6d allocs/op %s\n",
               absl::StrCat(row.name, "-", runtime.loops()), requests, cost.ns / n,
               cost.allocations.bytes / requests, cost.allocations.count / requests, instructions);
  std::fflush(stdout);
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  using namespace fasthttp::benchmarks;
  absl::ParseCommandLine(argc, argv);
  InstructionCounter counter;
  fasthttp::Runtime runtime({.threads = absl::GetFlag(FLAGS_threads)});
  std::regex filter(absl::GetFlag(FLAGS_benchmark_filter));
  int run = 0;
  for (const Row& row : Rows()) {
    if (!std::regex_search(row.name, filter)) continue;
    Run(row, runtime, counter);
    ++run;
  }
  if (run == 0) absl::FPrintF(stderr, "no benchmark matches\n");
  return run == 0;
}
