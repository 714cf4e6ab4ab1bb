#include "fasthttp/request_stream.h"

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/server_conn.h"
#include "fasthttp/server_loop.h"
#include "fasthttp/turn.h"

namespace fasthttp {

void RequestStream::Start() {
  error_ = Errc::kOk;
  done_ = false;
  left_at_ = turn_.server->loop().tick();
  read_without_wait_ = 0;
  dropped_ = 0;
}

int64_t RequestStream::Size() const {
  if (turn_.framing.kind != http1::Framing::kLength) return -1;
  return static_cast<int64_t>(turn_.body_left);
}

absl::StatusOr<size_t> RequestStream::Read(std::span<char> into) {
  if (error_ == Errc::kOk && !done_ && !into.empty()) {
    runtime::Loop& loop = turn_.server->loop();
    size_t n = 0;
    turn_.rate.Skip(loop.tick() - left_at_);
    const Errc errc = TryRead(into, &n);
    left_at_ = loop.tick();
    if (errc == Errc::kOk) return n;
    return ToStatus(errc, "RequestBodyStream");
  }
  if (error_ != Errc::kOk) return ToStatus(error_, "RequestBodyStream");
  return 0;
}

Errc RequestStream::TryRead(std::span<char> into, size_t* n) {
  runtime::Loop& loop = turn_.server->loop();
  Errc cause = loop.CancelCause();
  if (cause != Errc::kOk) return cause;
  if (read_without_wait_ >= kYieldBytes || base::ChaosStrikes()) {
    read_without_wait_ = 0;
    loop.Yield();
  }
  for (;;) {
    if (Errc lost = turn_.LostConn(); lost != Errc::kOk) return lost;
    Errc errc = ServerConn(*turn_.server, *turn_.endpoint).TakeBody(turn_, into, n);
    if (errc == Errc::kOk) {
      done_ = *n == 0;
      read_without_wait_ += *n;
      return Errc::kOk;
    }
    if (HttpStatusOf(errc) == 0) {
      ServerConn(*turn_.server, *turn_.endpoint).LoseClient(turn_);
      return error_ = Errc::kClientGone;
    }
    if (errc != Errc::kNeedMore) return error_ = errc;
    // Tried once more after waking: what has come wins over a deadline of the same moment.
    if (cause != Errc::kOk) return cause;
    if (turn_.rate.TooSlow(loop.tick(), turn_.server->limits().body)) {
      return error_ = Errc::kBodyTimeout;
    }
    cause = AwaitBytes();
  }
}

// kOk: something may have come, or it is time to look at the rate. Woken by WakeStreams.
Errc RequestStream::AwaitBytes() {
  runtime::Loop& loop = turn_.server->loop();
  FASTHTTP_CHECK(turn_.receiving == nullptr, "two tasks read one request body");
  read_without_wait_ = 0;
  const uint32_t look = turn_.rate.NextLook(loop.tick(), turn_.server->limits().body);
  const int64_t until = look == UINT32_MAX ? runtime::kNoDeadline
                                           : loop.now() + int64_t{look} * runtime::kMillisecond;
  runtime::Wait wait;
  loop.Prepare(wait);
  turn_.receiving = &wait;
  // The task may be another one than the handler's own.
  if (loop.current_task() != &turn_) turn_.BeforeSuspend();
  Errc cause = loop.Block(wait, until);
  turn_.receiving = nullptr;
  return cause == Errc::kTimeout ? loop.CancelCause() : cause;
}

}  // namespace fasthttp
