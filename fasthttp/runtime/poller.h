// Poller: where a loop's events and time come from.
//
// Implementations: PollerEpoll (the default) and the one inside SimRuntime. All code takes its
// time from the loop, which takes it from here, so that virtual time reaches everything.
//
// Thread class: loop-confined, except Wake(), which any thread may call.
#ifndef FASTHTTP_RUNTIME_POLLER_H_
#define FASTHTTP_RUNTIME_POLLER_H_

#include <cstdint>
#include <span>

#include "fasthttp/base/errc.h"

namespace fasthttp::runtime {

struct PollEvent {
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint8_t ready = 0;  // Ready bits.
};

class Poller {
 public:
  virtual ~Poller() = default;

  // Waits up to `timeout_ns` (0: only looks; INT64_MAX: for ever) and returns how many events it
  // wrote. May return early with none.
  virtual int Poll(std::span<PollEvent> events, int64_t timeout_ns) = 0;

  // Makes a Poll that waits, or the next one, return at once.
  virtual void Wake() = 0;

  // Reports every edge of `fd` with this slot and generation until the fd is closed.
  virtual Errc Add(int fd, uint32_t slot, uint32_t generation) = 0;

  // Stops reporting an fd that stays open.
  virtual void Remove(int fd) = 0;

  // Monotonic nanoseconds.
  virtual int64_t Now() = 0;

  // True if one test thread steps the loop: nothing may wait on another thread then.
  virtual bool simulated() const { return false; }
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_POLLER_H_
