// What an update costs: alone, and with other threads that update the same variable.
#include <string>

#include "benchmark/benchmark.h"
#include "expvar/var.h"

namespace expvar {
namespace {

Int number("bench.int");
Float level("bench.float");
Map map("bench.map");

void BM_IntAdd(benchmark::State& state) {
  for (auto _ : state) number.Add(1);
}
BENCHMARK(BM_IntAdd)->ThreadRange(1, 4)->UseRealTime();

void BM_FloatAdd(benchmark::State& state) {
  for (auto _ : state) level.Add(1);
}
BENCHMARK(BM_FloatAdd)->ThreadRange(1, 4)->UseRealTime();

Float gauge("bench.gauge");  // Nobody adds.

void BM_FloatSet(benchmark::State& state) {
  for (auto _ : state) gauge.Set(1);
}
BENCHMARK(BM_FloatSet)->ThreadRange(1, 4)->UseRealTime();

void BM_FloatSetOfASum(benchmark::State& state) {
  for (auto _ : state) level.Set(1);
}
BENCHMARK(BM_FloatSetOfASum)->ThreadRange(1, 4)->UseRealTime();

void BM_MapAdd(benchmark::State& state) {
  for (auto _ : state) map.Add("key", 1);
}
BENCHMARK(BM_MapAdd)->ThreadRange(1, 4)->UseRealTime();

void BM_IntValue(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(number.Value());
}
BENCHMARK(BM_IntValue);

void BM_AppendJSON(benchmark::State& state) {
  std::string json;
  for (auto _ : state) {
    json.clear();
    AppendJSON(json);
  }
}
BENCHMARK(BM_AppendJSON);

}  // namespace
}  // namespace expvar
