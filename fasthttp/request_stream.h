// RequestStream: the BodyReader of a server's request.
//
// Bytes come from the connection's blocks, or straight from the transport into the caller's memory,
// never beyond the body. One belongs to each Turn that has streamed a request, and is used again.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_REQUEST_STREAM_H_
#define FASTHTTP_REQUEST_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body_reader.h"

namespace fasthttp {

class Turn;

class RequestStream final : public BodyReader {
 public:
  // What a handler leaves unread is dropped up to this, to keep the connection.
  static constexpr uint64_t kMaxDropped = 256 * 1024;

  explicit RequestStream(Turn& turn) : turn_(turn) {}

  // The head of a request with a body is complete.
  void Start();

  absl::StatusOr<size_t> Read(std::span<char> into) override;
  int64_t Size() const override;

  // The body was read to its end, trailers included.
  bool done() const { return done_; }
  // What was wrong with it, for good.
  Errc error() const { return error_; }
  // False once too much was dropped.
  bool CountDropped(size_t n) { return (dropped_ += n) <= kMaxDropped; }

 private:
  // Others have their turn after this many bytes that came without a wait.
  static constexpr size_t kYieldBytes = 256 * 1024;

  Errc TryRead(std::span<char> into, size_t* n);
  Errc AwaitBytes();

  Turn& turn_;
  Errc error_ = Errc::kOk;
  bool done_ = false;
  uint32_t left_at_ =
      0;  // Tick of the last call's end: what lies between calls is not the client's.
  size_t read_without_wait_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace fasthttp

#endif  // FASTHTTP_REQUEST_STREAM_H_
