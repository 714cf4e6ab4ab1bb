// What looking costs: a name of an address, and a server's figures.
//
//   ./bazelw build --config=opt //expvar:debug_bench
//   bazel-bin/expvar/debug_bench

#include <cstdint>
#include <string>

#include "benchmark/benchmark.h"
#include "expvar/server_var.h"
#include "expvar/var.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/stack_trace.h"

// Where the linker puts the program's code.
extern "C" const char __executable_start;
extern "C" const char etext;

namespace expvar {
namespace {

// Another address each time: the symbolizer keeps those that it has seen.
void BM_NameOfAnAddress(benchmark::State& state) {
  const auto size = static_cast<uintptr_t>(&etext - &__executable_start);
  uintptr_t at = 0;
  for (auto _ : state) {
    at = (at + 40'009) % size;
    benchmark::DoNotOptimize(fasthttp::runtime::NameOf(&__executable_start + at));
  }
}
BENCHMARK(BM_NameOfAnAddress)->Unit(benchmark::kMicrosecond);

void BM_FiguresOfAServer(benchmark::State& state) {
  fasthttp::Runtime runtime({.threads = static_cast<int>(state.range(0))});
  fasthttp::Server server({.handler = [](fasthttp::RequestCtx&) {}, .runtime = &runtime});
  ServerVar shown("bench", server);
  std::string json;
  for (auto _ : state) {
    json.clear();
    AppendJSON(json, [](std::string_view name) { return name == "fasthttp"; });
  }
}
BENCHMARK(BM_FiguresOfAServer)->ArgName("loops")->Arg(1)->Arg(4)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace expvar
