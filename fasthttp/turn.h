// Turn: one exchange of a connection while it is under way, with everything that it needs.
//
// A turn exists from the first byte of a request to the end of its answer; an idle connection has
// none. It owns the RequestCtx, the block that holds the received head (which never moves once
// something points into it) and what is known of the body. The frame that called the handler owns
// the turn: after user code it re-reads only the turn, then turn->endpoint.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_TURN_H_
#define FASTHTTP_TURN_H_

#include <cstdint>
#include <memory>
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
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/transfer_rate.h"

namespace fasthttp {

class ServerLoop;

class Turn final : public runtime::Task, public Exchange {
 public:
  enum class Phase : uint8_t {
    kHead,  // The head is incomplete, or there is nothing yet.
    kBody,  // The head is complete, the body is not.
  };

  // Task: flushes finished answers of the connection and starts watching for its end.
  void BeforeSuspend() override;

  // Exchange.
  Addr LocalAddr() const override;
  Addr RemoteAddr() const override;
  uint64_t ConnID() const override;
  uint64_t ConnRequestNum() const override;
  absl::Time ConnTime() const override;
  absl::Time RequestTime() const override;
  bool IsTLS() const override { return false; }

  // The fields as the serializer takes them; valid until the next call.
  std::span<const http1::FieldView> ViewFields(const internal::FieldList& fields);

  ServerLoop* server = nullptr;
  runtime::Endpoint* endpoint = nullptr;
  base::Block* block = nullptr;   // The head, and whatever was received with it.
  base::Block* chunks = nullptr;  // Raw chunked bytes behind what `block` holds.
  Turn* next = nullptr;           // In the pool.

  Phase phase = Phase::kHead;
  bool gone = false;           // The connection broke while the handler ran.
  bool continue_sent = false;  // 100 Continue went out.
  uint32_t head_started = 0;   // Tick of the first byte.
  uint32_t request_tick = 0;   // Tick at which the head was complete.
  uint64_t body_left = 0;      // Of a body with a length.
  http1::Framing framing;
  http1::ParseProgress progress;
  http1::ChunkedDecoder decoder;
  TransferRate rate;
  std::string trailer_section;                  // With its padding once it is complete.
  std::unique_ptr<http1::Field[]> more_fields;  // When 64 were too few.
  std::vector<http1::FieldView> field_views;
  std::string server_and_date;  // Of a response that names its own server.
  http1::Head head;
  RequestCtx ctx;
};

}  // namespace fasthttp

#endif  // FASTHTTP_TURN_H_
