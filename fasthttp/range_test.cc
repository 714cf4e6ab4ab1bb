#include "fasthttp/range.h"

#include <string>

#include "fasthttp/error.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

std::string Read(std::string_view value, uint64_t size) {
  ByteRange range;
  Errc errc = ParseByteRange(value, size, range);
  if (errc != Errc::kOk) return std::string(ErrcName(errc));
  return std::to_string(range.start) + "-" + std::to_string(range.end);
}

TEST(Range, Reads) {
  EXPECT_EQ(Read("bytes=0-0", 10), "0-0");
  EXPECT_EQ(Read("bytes=2-5", 10), "2-5");
  EXPECT_EQ(Read("bytes=5-", 10), "5-9");
  EXPECT_EQ(Read("bytes=-3", 10), "7-9");
  EXPECT_EQ(Read("bytes=-30", 10), "0-9");
  EXPECT_EQ(Read("bytes=5-500", 10), "5-9");
  EXPECT_EQ(Read("Bytes= 1-2", 10), "1-2");
  EXPECT_EQ(Read("bytes=0-99999999999999999999999", 10), "0-9");
}

TEST(Range, Unsatisfiable) {
  EXPECT_EQ(Read("bytes=10-", 10), "BadRange");
  EXPECT_EQ(Read("bytes=10-20", 10), "BadRange");
  EXPECT_EQ(Read("bytes=0-", 0), "BadRange");
  EXPECT_EQ(Read("bytes=-5", 0), "BadRange");
  EXPECT_EQ(Read("bytes=-0", 10), "BadRange");
  EXPECT_EQ(Read("bytes=99999999999999999999999-", 10), "BadRange");
  EXPECT_EQ(HttpStatusOf(ParseByteRange("bytes=10-", 10).status()), 416);
}

TEST(Range, MalformedIsToBeIgnored) {
  for (std::string_view bad :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1",
        "bytes=+1-2", "bytes=1--2", "bytes=0x1-2"}) {
    EXPECT_EQ(Read(bad, 10), "BadNumber") << bad;
  }
  EXPECT_EQ(Read({}, 10), "BadNumber");
}

}  // namespace
}  // namespace fasthttp
