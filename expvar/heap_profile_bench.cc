// What a pair of new and delete costs, with //expvar:heap_profile (heap_profile_bench) and without
// (heap_plain_bench).
//
//   ./bazelw build --config=opt //expvar:heap_profile_bench //expvar:heap_plain_bench
//   benchmarks/count_instructions.py bazel-bin/expvar/heap_profile_bench

#include <new>

#include "benchmark/benchmark.h"
#include "testing/bench_rows.h"

namespace {

void NewAndDelete(benchmark::State& state, size_t size) {
  for (auto _ : state) {
    void* block = ::operator new(size);
    benchmark::DoNotOptimize(block);
    ::operator delete(block);
  }
}
BENCHMARK_CAPTURE(NewAndDelete, 64, 64)->Apply(fasthttptest::FixedIterations);
BENCHMARK_CAPTURE(NewAndDelete, 1K, 1024)->Apply(fasthttptest::FixedIterations);

// One in two is a sample, at the default period.
BENCHMARK_CAPTURE(NewAndDelete, 512K, 512 * 1024)->Apply(fasthttptest::FixedIterations);

}  // namespace
