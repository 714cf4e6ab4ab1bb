// The program before it was moved: its main gets another name.
#define main BeforeMain
#include "examples/text/before.cc"
#undef main

#include <sstream>

#include "gtest/gtest.h"

TEST(Text, Before) {
  std::istringstream in("hello\n\nworld\n");
  std::ostringstream out;
  std::streambuf* cin = std::cin.rdbuf(in.rdbuf());
  std::streambuf* cout = std::cout.rdbuf(out.rdbuf());
  BeforeMain();
  std::cin.rdbuf(cin);
  std::cout.rdbuf(cout);
  EXPECT_EQ(out.str(), "ehllo\n\ndlorw\n");
}
