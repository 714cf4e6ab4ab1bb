// What the rest takes for granted about the libraries it is built with.

#include <boost/context/fiber.hpp>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "benchmark/benchmark.h"
#include "gtest/gtest.h"

namespace {

// An Abseil built for an older standard has types of its own, and an ABI that does not fit ours.
static_assert(std::is_same_v<absl::string_view, std::string_view>);
static_assert(std::is_same_v<absl::optional<int>, std::optional<int>>);

TEST(ToolchainDeathTest, AbseilRefusesAbsurdTableSizes) {
  absl::flat_hash_map<int, int> table;
  EXPECT_DEATH(table.reserve(std::numeric_limits<size_t>::max()), "Hash table size overflow");
}

TEST(ToolchainTest, FibersSwitch) {
  int step = 0;
  boost::context::fiber fiber([&](boost::context::fiber&& caller) {
    step = 1;
    caller = std::move(caller).resume();
    step = 2;
    return std::move(caller);
  });
  fiber = std::move(fiber).resume();
  EXPECT_EQ(step, 1);
  fiber = std::move(fiber).resume();
  EXPECT_EQ(step, 2);
  EXPECT_FALSE(fiber);
}

TEST(ToolchainTest, BenchmarksRun) {
  int calls = 0;
  benchmark::RegisterBenchmark("calls", [&](benchmark::State& state) {
    for (auto _ : state) ++calls;
  })->Iterations(10);
  EXPECT_EQ(benchmark::RunSpecifiedBenchmarks(), 1u);
  EXPECT_GE(calls, 10);
}

}  // namespace
