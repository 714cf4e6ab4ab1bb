#include <cstdio>
#include <cstdlib>

#include "fasthttp/base/chaos.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

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
    std::printf("SKIPPED: every test skipped itself\n");
  }
  return status;
}
