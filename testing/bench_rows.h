// FixedIterations: rows of a benchmark that can be run a given number of times.
//
//   BENCHMARK(ParseUint)->Apply(fasthttptest::FixedIterations);
//
// With BENCH_ITERATIONS=n in the environment a row runs n times, else as long as the benchmark
// library likes. Two runs of different length under an instruction counter give the cost of one
// operation without what surrounds it: benchmarks/count_instructions.py does that for all rows.
//
// Thread class: thread-safe.
#ifndef TESTING_BENCH_ROWS_H_
#define TESTING_BENCH_ROWS_H_

#include <cstdlib>

#include "benchmark/benchmark.h"

namespace fasthttptest {

inline void FixedIterations(benchmark::internal::Benchmark* row) {
  const char* text = std::getenv("BENCH_ITERATIONS");
  const long iterations = text != nullptr ? std::atol(text) : 0;
  if (iterations > 0) row->Iterations(iterations);
}

}  // namespace fasthttptest

#endif  // TESTING_BENCH_ROWS_H_
