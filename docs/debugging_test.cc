// The code blocks of debugging.md.
#include <string>

#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

std::string DumpOf(fasthttp::Runtime& runtime) {
  std::string dump;
  runtime.DumpFibers(dump);
  return dump;
}

TEST(DebuggingGuide, ADumpNamesTheLoops) {
  fasthttp::Runtime runtime({.threads = 2});
  const std::string dump = DumpOf(runtime);
  EXPECT_THAT(dump, testing::HasSubstr("loop 0: thread "));
  EXPECT_THAT(dump, testing::HasSubstr("loop 1: thread "));
}

}  // namespace
