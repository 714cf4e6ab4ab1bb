// The blocking forms, built once on the non-blocking core and the wait protocol.
//
// For code on a fiber: they suspend the task and not the loop, honour the task's cancellation and
// deadline, and `deadline` (loop nanoseconds) on top.
#ifndef FASTHTTP_RUNTIME_BLOCKING_H_
#define FASTHTTP_RUNTIME_BLOCKING_H_

#include <span>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

// Suspends until one of `ready` is reported at the endpoint. `moves_timer`: see Wait.
inline Errc AwaitReady(Loop& loop, Endpoint& endpoint, uint8_t ready, int64_t deadline,
                       bool moves_timer = false) {
  if (!endpoint.armed) {
    if (Errc errc = endpoint.conn->Arm(endpoint.token(loop)); errc != Errc::kOk) return errc;
    endpoint.armed = true;
  }
  // Bytes that came between the failed try and this line are latched by the poller, which reports
  // edges in a later step; a notice of this loop's own may fire the wait before Block, which sees
  // it.
  Wait wait;
  wait.moves_timer = moves_timer;
  loop.Prepare(wait);
  loop.LinkIo(wait, endpoint, ready | kHangup);
  return loop.Block(wait, deadline);
}

// Receives at least one byte; 0 is the end of the stream. Never kAgain.
IoResult Recv(Loop& loop, Endpoint& endpoint, std::span<char> into, int64_t deadline);

// Sends everything. After an error the connection is broken: a prefix may have gone out.
Errc SendAll(Loop& loop, Endpoint& endpoint, std::span<const char> bytes, int64_t deadline);

// Suspends for `nanoseconds`; kOk when they have passed.
Errc SleepFor(Loop& loop, int64_t nanoseconds);

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_BLOCKING_H_
