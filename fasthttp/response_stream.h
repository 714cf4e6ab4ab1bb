// ResponseStream: the BodyWriter of a server's response (RFC 9112, sections 6 and 7).
//
// It frames what the handler writes and puts it into the connection's out queue, and waits where
// that is too full. One belongs to each Turn that has streamed a response, and is used again.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RESPONSE_STREAM_H_
#define FASTHTTP_RESPONSE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/byte_buffer.h"
#include "fasthttp/http1/serialize.h"

namespace fasthttp {

class OutQueue;
class Turn;

class ResponseStream final : public BodyWriter {
 public:
  explicit ResponseStream(Turn& turn) : turn_(turn) {}

  // Queues the head of the turn's response.
  void Start();
  // The handler has returned: queues the end of the body. False: what was sent is not a whole
  // response, and the connection has to be cut.
  bool Finish();
  void Abort() override { error_ = Errc::kProgramming; }

  // How the body is told from what follows it; decided with the head.
  struct Plan {
    http1::BodyHeader body = http1::BodyHeader::kNone;
    uint64_t length = 0;  // With kLength.
    bool sends = false;   // False: what is written is dropped.
    bool keep_alive = false;
  };
  bool keep_alive() const { return plan_.keep_alive; }
  // Set with the head.
  const Plan& plan() const { return plan_; }

 private:
  // Gathered before they become a chunk.
  static constexpr size_t kBufferSize = 4096;
  // Others have their turn after this many bytes that went out without a wait.
  static constexpr size_t kYieldBytes = 256 * 1024;

  Errc DoWrite(std::string_view bytes) override;
  Errc DoFlush() override;
  Errc QueuePiece(std::string_view bytes);
  void AppendPiece(OutQueue& out, std::string_view bytes);
  void AppendTrailers(OutQueue& out);
  Errc AwaitSent();
  uint64_t HeadPrint() const;

  Turn& turn_;
  Plan plan_;
  Errc error_ = Errc::kOk;  // Final.
  uint64_t head_print_ = 0;
  size_t sent_without_wait_ = 0;
  internal::ByteBuffer buffer_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_RESPONSE_STREAM_H_
