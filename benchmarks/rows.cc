#include "benchmarks/rows.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmarks/instructions.h"
#include "testing/alloc_counter.h"

ABSL_FLAG(int, threads, 0, "event loops; 0: GOMAXPROCS, or one for each CPU");
ABSL_FLAG(std::string, benchmark_filter, ".", "regular expression of the names to run");
ABSL_FLAG(bool, benchmark_list_tests, false, "print the names and run nothing");
ABSL_FLAG(uint64_t, requests, 0, "operations of each row; 0: about a second's worth");
ABSL_FLAG(int64_t, warm_up, -1, "operations before those; negative: as the row has it");

namespace fasthttp::benchmarks {
namespace {

using testing_internal::Allocations;
using testing_internal::ProcessAllocations;

// As Go prints it: a figure below 1000 with one decimal.
std::string Nanoseconds(double ns) {
  return ns < 1000 ? absl::StrFormat("%.1f", ns) : absl::StrFormat("%.0f", ns);
}

void RunRow(const Row& row, Runtime& runtime, const InstructionCounter& counter) {
  const int64_t warm_up = absl::GetFlag(FLAGS_warm_up);
  const uint64_t fixed = absl::GetFlag(FLAGS_requests);
  const uint64_t operations = fixed != 0 ? fixed : row.operations;
  const std::unique_ptr<Subject> subject = row.prepare(runtime);
  subject->Run(warm_up >= 0 ? static_cast<uint64_t>(warm_up) : row.warm_up);

  const Allocations before = ProcessAllocations();
  const uint64_t instructions_before = counter.Read();
  const auto start = std::chrono::steady_clock::now();
  subject->Run(operations);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  const uint64_t instructions = counter.Read() - instructions_before;
  const Allocations after = ProcessAllocations();

  const std::string name =
      runtime.loops() == 1 ? row.name : absl::StrCat(row.name, "-", runtime.loops());
  const std::string instructions_per_op =
      counter.available() ? absl::StrCat(instructions / operations) : "-";
  absl::PrintF("Benchmark%-40s %10d %10s ns/op %7d B/op %6d allocs/op %8s instr/op\n", name,
               operations, Nanoseconds(took.count() / static_cast<double>(operations)),
               (after.bytes - before.bytes) / operations, (after.count - before.count) / operations,
               instructions_per_op);
  std::fflush(stdout);
}

}  // namespace

int RunRows(int argc, char** argv, const std::vector<Row>& rows) {
  absl::ParseCommandLine(argc, argv);
  const InstructionCounter counter;
  Runtime runtime({.threads = absl::GetFlag(FLAGS_threads)});
  const std::regex filter(absl::GetFlag(FLAGS_benchmark_filter));
  bool found = false;
  for (const Row& row : rows) {
    if (!std::regex_search(row.name, filter)) continue;
    found = true;
    if (absl::GetFlag(FLAGS_benchmark_list_tests)) {
      absl::PrintF("%s\n", row.name);
    } else {
      RunRow(row, runtime, counter);
    }
  }
  if (!found) absl::FPrintF(stderr, "no benchmark matches\n");
  return found ? 0 : 1;
}

void Fail(const std::string& why) {
  absl::FPrintF(stderr, "%s\n", why);
  std::abort();
}

}  // namespace fasthttp::benchmarks
