// Wait: the one protocol by which a fiber waits for I/O, a timer, a cancellation or another thread.
//
// A Wait lies on the blocked stack and is linked into everything that may end it; its deadline may
// be seen to by the timer of the endpoint that it waits for. The first cause
// to fire wins, unlinks the others at once, and makes the fiber ready; later ones find nothing.
// Firing happens on the owner loop's thread only. Other threads never touch a Wait: they post
// {fiber index, seq, cause} (a WakeToken), and a stale seq is dropped. Posts are handled in
// Loop::Step, that is after the fiber has switched out, so no wake-up can be lost in between.
//
// On entry a cancelled task fails before it tries; on waking the operation tries once more, and a
// completed operation wins over a deadline or cancellation of the same moment.
#ifndef FASTHTTP_RUNTIME_WAIT_H_
#define FASTHTTP_RUNTIME_WAIT_H_

#include <cstdint>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/timer_wheel.h"

namespace fasthttp::runtime {

struct Endpoint;
class Fiber;
class Loop;

struct Wait {
  Fiber* fiber = nullptr;
  Errc cause = Errc::kOk;  // kOk: what was waited for has happened.
  bool fired = false;
  Errc timeout_cause = Errc::kTimeout;  // What the deadline fires it with.
  uint8_t ready_mask = 0;               // I/O: the Ready bits that fire it.
  Endpoint* endpoint = nullptr;         // I/O: whose list it is in.
  Wait* next = nullptr;                 // I/O: in that list.
  // I/O: may have the endpoint's timer expire earlier than it was set to. For sinks whose OnTimer
  // looks whether it is time and sets it anew.
  bool moves_timer = false;
  TimerNode timer;               // Not armed while the endpoint's sees to the deadline.
  int64_t deadline = INT64_MAX;  // Loop nanoseconds.
};

// Names a wait for other threads. Copyable; harmless when the wait is long over.
struct WakeToken {
  Loop* loop = nullptr;
  uint32_t fiber = 0;
  uint32_t seq = 0;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_WAIT_H_
