// What a std-style handler costs beside a native one. One operation is a request all the way
// through the server, keep-alive, over the transport of the server benchmarks
// (benchmarks/README.md).
//
//   ./bazelw build --config=opt //adaptor:adaptor_bench
//   benchmarks/count_instructions.py bazel-bin/adaptor/adaptor_bench

#include <cstdlib>
#include <string_view>
#include <utility>

#include "adaptor/adaptor.h"
#include "benchmark/benchmark.h"
#include "benchmarks/server/fake_transport.h"
#include "fasthttp/fasthttp.h"
#include "testing/bench_rows.h"

namespace fasthttpadaptor {
namespace {

constexpr std::string_view kGet =
    "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\n"
    "User-Agent: aaa/bbb/ccc/ddd/eee Firefox Chrome MSIE Opera\r\n"
    "Referer: http://example.com/aaa?bbb=ccc\r\n"
    "Cookie: foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\n";
constexpr std::string_view kText = "Hello, world!";

void Serve(benchmark::State& state, fasthttp::RequestHandler handler) {
  static fasthttp::Runtime runtime({.threads = 1});
  fasthttp::Server server({.handler = std::move(handler), .runtime = &runtime});
  const uint64_t requests = state.max_iterations;
  fasthttp::benchmarks::FakeLoad load(kGet, requests, 10'000, 1, runtime.loops());
  bool served = false;
  for (auto _ : state) {
    // The first round serves them all.
    if (std::exchange(served, true)) continue;
    fasthttp::benchmarks::FakeListener listener(load);
    if (!server.Serve(listener).ok()) std::abort();
  }
  if (load.bytes_sent.load() < requests * kText.size()) std::abort();
}

void NativeHello(benchmark::State& state) {
  Serve(state, [](fasthttp::RequestCtx& ctx) { ctx.Success("text/plain", kText); });
}
BENCHMARK(NativeHello)->Apply(fasthttptest::FixedIterations);

void AdaptedHello(benchmark::State& state) {
  Serve(state, NewFastHTTPHandler([](ResponseWriter& w, const Request&) {
          w.Header().Set("Content-Type", "text/plain");
          (void)w.Write(kText);
        }));
}
BENCHMARK(AdaptedHello)->Apply(fasthttptest::FixedIterations);

// Each looks at the path and one field.
void NativeLook(benchmark::State& state) {
  Serve(state, [](fasthttp::RequestCtx& ctx) {
    if (ctx.Path() != "/foobar") return ctx.NotFound();
    if (ctx.request().header().Peek("Referer").empty()) return ctx.NotFound();
    ctx.Success("text/plain", kText);
  });
}
BENCHMARK(NativeLook)->Apply(fasthttptest::FixedIterations);

void AdaptedLook(benchmark::State& state) {
  Serve(state, NewFastHTTPHandler([](ResponseWriter& w, const Request& r) {
          if (r.url.path != "/foobar") return w.WriteHeader(404);
          if (r.header.Get("Referer").empty()) return w.WriteHeader(404);
          w.Header().Set("Content-Type", "text/plain");
          (void)w.Write(kText);
        }));
}
BENCHMARK(AdaptedLook)->Apply(fasthttptest::FixedIterations);

}  // namespace
}  // namespace fasthttpadaptor
