#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fasthttp/base/chaos.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

const char* FirstSkipReason(const testing::UnitTest& tests) {
  for (int i = 0; i < tests.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *tests.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestResult& result = *suite.GetTestInfo(j)->result();
      for (int k = 0; k < result.total_part_count(); ++k) {
        if (result.GetTestPartResult(k).skipped()) return result.GetTestPartResult(k).message();
      }
    }
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (const char* seed = std::getenv("FASTHTTP_CHAOS"); seed != nullptr && *seed != '\0') {
    fasthttp::base::EnableChaos(std::strtoull(seed, nullptr, 10));
    std::printf("Chaos mode: FASTHTTP_CHAOS=%llu\n", std::strtoull(seed, nullptr, 10));
  }
  const int status = RUN_ALL_TESTS();
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  if (tests.skipped_test_count() > 0 && tests.skipped_test_count() == tests.test_to_run_count()) {
    // bazelw counts a target that says so as neither passed nor failed.
    const char* reason = FirstSkipReason(tests);
    std::printf("SKIPPED: %.*s\n", static_cast<int>(std::strcspn(reason, "\n")), reason);
  }
  return status;
}
