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

#include <cstddef>
#include <cstdint>
#include <span>

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

}  // namespace fasthttp

#endif  // FASTHTTP_BODY_READER_H_
