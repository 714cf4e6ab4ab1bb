// Turn: one exchange of a connection while it is under way, with everything that it needs.
//
// A turn exists from the first byte of a request to the end of its answer; an idle connection has
// none. It owns the RequestCtx, the block that holds the received head (which never moves once
// something points into it) and what is known of the body. The frame that called the handler owns
// the turn: after user code it re-reads only the turn, then turn->endpoint.
//
// A turn can part from its connection: when its answer has gone out although the handler still
// runs (it took too long), or has returned and left pins behind. Then the connection goes on with a
// new turn, and the old one is held by its ServerLoop until handler and pins are gone.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_TURN_H_
#define FASTHTTP_TURN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fasthttp/base/block_pool.h"
#include "fasthttp/exchange.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/request_stream.h"
#include "fasthttp/response_stream.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/runtime/wait.h"
#include "fasthttp/tls_state.h"
#include "fasthttp/transfer_rate.h"

namespace fasthttp {

class ServerLoop;

// What RequestCtx::Hijack was given.
struct HijackRequest {
  HijackHandler handler;
  bool no_response = false;
};

class Turn final : public runtime::Task, public Exchange {
 public:
  enum class Phase : uint8_t {
    kHead,  // The head is incomplete, or there is nothing yet.
    kBody,  // The head is complete, the body is not.
  };

  // Task: flushes finished answers of the connection and starts watching for its end.
  void BeforeSuspend() override;

  // Ends the request: what it used is reset; what was received behind it is kept.
  void EndRequest(uint32_t tick) {
    phase = Phase::kHead;
    continue_sent = false;
    progress = {};
    head_started = tick;
    ctx.Finish();
    if (head.field_capacity != http1::HeadData::kInlineFields) [[unlikely]]
      head.UseInlineFields();
    if (framing.kind == http1::Framing::kChunked) EndChunkedRequest();
  }

  // As a turn that never parted and never was pinned.
  void Restore() {
    fate = 0;
    limit = nullptr;
    hijack.reset();
    holders.store(1, std::memory_order_relaxed);
    conn_.reset();
  }

  // Answers about the connection are given from memory from now on: it may end first, and another
  // thread may ask.
  void RememberConn();

  // Exchange.
  Addr LocalAddr() const override;
  Addr RemoteAddr() const override;
  uint64_t ConnID() const override;
  uint64_t ConnRequestNum() const override;
  absl::Time ConnTime() const override;
  absl::Time RequestTime() const override;
  bool IsTLS() const override { return ctx.IsTLS(); }
  const fasthttp::TLSConnectionState* TLSState() const override;
  bool BeginLimit(TimeLimit& limit) override;
  bool EndLimit(TimeLimit& limit) override;
  BodyWriter& StartBodyStream() override;
  Errc SendEarlyHints() override;
  void Hijack(HijackHandler handler) override;
  void HijackSetNoResponse(bool no_response) override;
  bool Hijacked() const override { return hijack != nullptr && hijack->handler != nullptr; }
  void Pin() override;
  void Unpin() override;

  // Why nothing can be sent or received any more; kOk while it can.
  Errc LostConn() const {
    if (!(fate & (kGone | kParted))) return Errc::kOk;
    const Errc cause = cancelled();
    return cause != Errc::kOk ? cause : Errc::kClientGone;
  }

  // A body that is streamed has been read to its end.
  bool BodyDone() const { return !Is(kBodyStreams) || request_stream->done(); }

  // The handler's frame gives up its share. True if no pin is left.
  bool DropShare() {
    if (!Is(kPinned) || holders.fetch_sub(1, std::memory_order_acq_rel) == 1) return true;
    return false;
  }

  // The fields as the serializer takes them; valid until the next call.
  std::span<const http1::FieldView> ViewFields(const internal::FieldList& fields);

  // What sets it apart from the ordinary course.
  enum Fate : uint8_t {
    kGone = 1,          // The connection broke while the handler ran.
    kParted = 2,        // It has no connection any more.
    kPinned = 4,        // There have been pins.
    kStreams = 8,       // Its response is streamed.
    kHijacks = 16,      // Its connection is to be taken over; or there is a HijackRequest at least.
    kBodyStreams = 32,  // Its handler reads the body as it comes.
  };
  bool Is(Fate bit) const { return (fate & bit) != 0; }
  bool gone() const { return Is(kGone); }

  ServerLoop* server = nullptr;
  runtime::Endpoint* endpoint = nullptr;
  base::Block* block = nullptr;   // The head, and whatever was received with it.
  base::Block* chunks = nullptr;  // Raw chunked bytes behind what `block` holds.
  Turn* next = nullptr;           // In the pool, or among those held.

  Phase phase = Phase::kHead;
  bool continue_sent = false;  // 100 Continue went out.
  uint8_t fate = 0;            // Fate bits; 0 for nearly all.
  bool running = false;        // Of those held: the handler has not returned.
  uint32_t head_started = 0;   // Tick of the first byte.
  int64_t began = 0;           // When the head was complete: the loop's now().
  uint64_t body_left = 0;      // Of a body with a length.
  http1::Framing framing;
  http1::ParseProgress progress;
  http1::ChunkedDecoder decoder;
  TransferRate rate;
  std::string trailer_section;                  // With its padding once it is complete.
  std::unique_ptr<http1::Field[]> more_fields;  // When 64 were too few.
  std::vector<http1::FieldView> field_views;
  std::string server_and_date;       // Of a response that names its own server.
  TimeLimit* limit = nullptr;        // The earliest that is under way; on the handler's stack.
  std::atomic<uint32_t> holders{1};  // The handler's frame and the pins.
  Turn* previous = nullptr;          // Among those held.
  std::unique_ptr<ResponseStream> stream;         // Kept for the next response that is one.
  runtime::Wait* sending = nullptr;               // Fired when the out queue is empty.
  std::unique_ptr<RequestStream> request_stream;  // Kept for the next body that is streamed.
  runtime::Wait* receiving = nullptr;             // Fired when there may be more to read.
  std::unique_ptr<HijackRequest> hijack;
  http1::Head head;
  RequestCtx ctx;

 private:
  struct ConnFacts {
    Addr local, remote;
    uint64_t conn_id, request_number;
    absl::Time conn_time, request_time;
    std::optional<fasthttp::TLSConnectionState> tls;
  };

  void EndChunkedRequest();

  std::optional<ConnFacts> conn_;  // Once it was asked to remember.
};

}  // namespace fasthttp

#endif  // FASTHTTP_TURN_H_
