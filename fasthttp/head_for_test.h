// TestHead: a parsed head together with its bytes, for the tests of the message types.
#ifndef FASTHTTP_HEAD_FOR_TEST_H_
#define FASTHTTP_HEAD_FOR_TEST_H_

#include <string>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/head.h"

namespace fasthttp {

class TestHead {
 public:
  // `text` is a whole request head with its empty line.
  explicit TestHead(std::string_view text) : bytes_(text) {
    bytes_.append(http1::kPadding, '\0');
    http1::ParseProgress progress;
    Errc errc = http1::ParseRequestHead({bytes_.data(), text.size()}, {}, http1::Leniency::kStrict,
                                        progress, head_);
    FASTHTTP_CHECK(errc == Errc::kOk, "the test's head is malformed");
  }

  const http1::Head* head() const { return &head_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  http1::Head head_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_HEAD_FOR_TEST_H_
