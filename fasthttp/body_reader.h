// BodyReader: the body of a message that is read while it comes.
//
// It stands on both sides. A handler of a server with `stream_request_body` reads its request from
// one; and a response may get its body from one (Response::SetBodyStream), which a program then
// implements, for instance over a file or over another connection:
//
//   class Numbers final : public fasthttp::BodyReader {
//    public:
//     absl::StatusOr<size_t> Read(std::span<char> into) override {
//       if (next_ == 10) return 0;
//       into[0] = static_cast<char>('0' + next_++);
//       return 1;
//     }
//
//    private:
//     int next_ = 0;
//   };
//
// Thread class: thread-compatible; that of a server's request is loop-confined.
#ifndef FASTHTTP_BODY_READER_H_
#define FASTHTTP_BODY_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace fasthttp {

class BodyReader {
 public:
  BodyReader() = default;
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  // Also ends a body that was not read to its end. The library destroys readers that it was given
  // when their message is sent, replaced or dropped.
  virtual ~BodyReader() = default;

  // Reads at least one byte and at most into.size() (> 0) of them; 0 is the clean end of the body,
  // and stays so. May suspend the caller. After an error there is no more to come.
  virtual absl::StatusOr<size_t> Read(std::span<char> into) = 0;

  // The bytes that are left, if that is known; -1 if not.
  virtual int64_t Size() const { return -1; }
};

// Bytes in memory as a BodyReader. They stay the caller's to keep.
class BytesReader final : public BodyReader {
 public:
  explicit BytesReader(std::string_view bytes = {}) : left_(bytes) {}

  absl::StatusOr<size_t> Read(std::span<char> into) override {
    const size_t n = std::min(into.size(), left_.size());
    if (n != 0) std::memcpy(into.data(), left_.data(), n);
    left_.remove_prefix(n);
    return n;
  }
  int64_t Size() const override { return static_cast<int64_t>(left_.size()); }

  // Begins with other bytes.
  void Reset(std::string_view bytes) { left_ = bytes; }

 private:
  std::string_view left_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_BODY_READER_H_
