// Rows: benchmarks that print a line each, in the format of `go test -bench -benchmem`.
//
// A suite lists its rows and hands them to RunRows, which is the rest of its main(). Each row is
// prepared, warmed up and run once. Columns: ns/op is wall time over all threads divided by the
// operations, as Go's RunParallel counts; B/op and allocs/op are everything that the process
// allocates, malloc and mmap; instr/op is user instructions, "-" without hardware counters.
//
// Flags: --threads (0: GOMAXPROCS, or the number of CPUs), --benchmark_filter,
// --benchmark_list_tests, --requests and --warm_up, which fix the number of operations so that two
// runs of different length can be counted under valgrind.
#ifndef FASTHTTP_BENCHMARKS_ROWS_H_
#define FASTHTTP_BENCHMARKS_ROWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fasthttp/runtime/runtime.h"

namespace fasthttp::benchmarks {

// What a row measures, ready to run.
class Subject {
 public:
  virtual ~Subject() = default;
  // Performs exactly `operations` and ends the process with a sentence if one was not done.
  virtual void Run(uint64_t operations) = 0;
};

struct Row {
  std::string name;     // Without "Benchmark" and the number of threads.
  uint64_t warm_up;     // Operations before the measured ones, on the same subject.
  uint64_t operations;  // About a second's worth.
  std::function<std::unique_ptr<Subject>(Runtime&)> prepare;
};

// Parses the flags and runs the rows that the filter matches. Returns the exit status: 1 if there
// are none.
int RunRows(int argc, char** argv, const std::vector<Row>& rows);

// Ends the process.
[[noreturn]] void Fail(const std::string& why);

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_ROWS_H_
