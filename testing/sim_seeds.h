// SimSeedTest: a test that runs on simulated runtimes of 1, 2 and 4 loops, in a few orders of
// events.
//
//   class ServerUpload : public testing::SimSeedTest {};
//   INSTANTIATE_TEST_SUITE_P(Loops, ServerUpload, testing::kSimSeeds, testing::NameOfSimSeed);
//   TEST_P(ServerUpload, SomethingHolds) { SimServer sim(settings, Options()); ... }
//
// Thread class: values.
#ifndef TESTING_SIM_SEEDS_H_
#define TESTING_SIM_SEEDS_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp::testing {

struct SimSeed {
  size_t loops;
  uint64_t seed;

  friend std::ostream& operator<<(std::ostream& os, const SimSeed& s) {
    return os << s.loops << " loops, seed " << s.seed;
  }
};

inline const auto kSimSeeds =
    ::testing::Values(SimSeed{1, 1}, SimSeed{2, 2}, SimSeed{2, 3}, SimSeed{4, 4});

inline std::string NameOfSimSeed(const ::testing::TestParamInfo<SimSeed>& info) {
  return std::to_string(info.param.loops) + "_" + std::to_string(info.param.seed);
}

class SimSeedTest : public ::testing::TestWithParam<SimSeed> {
 protected:
  static fasthttptest::SimOptions Options() {
    return {.loops = GetParam().loops, .seed = GetParam().seed};
  }
};

}  // namespace fasthttp::testing

#endif  // TESTING_SIM_SEEDS_H_
