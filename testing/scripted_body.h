// ScriptedBody: a BodyReader that gives what a test has written down.
//
// Thread class: thread-compatible.
#ifndef TESTING_SCRIPTED_BODY_H_
#define TESTING_SCRIPTED_BODY_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body_reader.h"
#include "fasthttp/error.h"
#include "fasthttp/task.h"

namespace fasthttp::testing {

// Gives `pieces`, one a Read after a wait, then an error or the end. `*live` counts such readers.
class ScriptedBody final : public BodyReader {
 public:
  ScriptedBody(std::vector<std::string> pieces, Errc end, int* live)
      : pieces_(std::move(pieces)), end_(end), live_(live) {
    ++*live_;
  }
  ~ScriptedBody() override { --*live_; }
  absl::StatusOr<size_t> Read(std::span<char> into) override {
    (void)Sleep(absl::Milliseconds(1));
    if (next_ == pieces_.size()) {
      if (end_ != Errc::kOk) return ToStatus(end_);
      return 0;
    }
    std::string& piece = pieces_[next_];
    const size_t n = std::min(into.size(), piece.size());
    std::copy_n(piece.begin(), n, into.begin());
    piece.erase(0, n);
    if (piece.empty()) ++next_;
    return n;
  }

 private:
  std::vector<std::string> pieces_;
  size_t next_ = 0;
  Errc end_;
  int* live_;
};

}  // namespace fasthttp::testing

#endif  // TESTING_SCRIPTED_BODY_H_
