// TransferRate: tells a slow peer from a dead or hostile one.
//
// Two limits for bytes that move in one direction: none moved for `stall`, or fewer than
// `min_rate` bytes a second over a whole `window`. A watch costs no timer: its owner asks when the
// next look is due.
//
// Thread class: loop-confined. Ticks are milliseconds that wrap (Loop::tick).
#ifndef FASTHTTP_TRANSFER_RATE_H_
#define FASTHTTP_TRANSFER_RATE_H_

#include <algorithm>
#include <cstdint>

namespace fasthttp {

struct TransferLimits {
  uint32_t stall_ms = 0;   // 0: off.
  uint32_t window_ms = 0;  // 0: off.
  uint64_t bytes_per_window = 0;
  uint32_t total_ms = 0;  // Absolute; 0: off.
};

class TransferRate {
 public:
  void Start(uint32_t tick) {
    started_ = last_ = window_ = tick;
    bytes_ = 0;
  }
  void Moved(uint32_t tick, uint64_t bytes) {
    last_ = tick;
    bytes_ += bytes;
  }

  // The last `ticks` don't count.
  void Skip(uint32_t ticks) {
    started_ += ticks;
    last_ += ticks;
    window_ += ticks;
  }

  // True if a limit is broken at `tick`. Begins a new window when one has been passed.
  bool TooSlow(uint32_t tick, const TransferLimits& limits) {
    if (limits.total_ms != 0 && tick - started_ >= limits.total_ms) return true;
    if (limits.stall_ms != 0 && tick - last_ >= limits.stall_ms) return true;
    if (limits.window_ms != 0 && tick - window_ >= limits.window_ms) {
      if (bytes_ < limits.bytes_per_window) return true;
      window_ = tick;
      bytes_ = 0;
    }
    return false;
  }

  // Ticks from `tick` to the next moment at which TooSlow may become true; UINT32_MAX: never.
  uint32_t NextLook(uint32_t tick, const TransferLimits& limits) const {
    uint32_t next = UINT32_MAX;
    if (limits.total_ms != 0) next = std::min(next, TicksUntil(started_ + limits.total_ms, tick));
    if (limits.stall_ms != 0) next = std::min(next, TicksUntil(last_ + limits.stall_ms, tick));
    if (limits.window_ms != 0) next = std::min(next, TicksUntil(window_ + limits.window_ms, tick));
    return next;
  }

  // Ticks from `now` to `due`; 0 if that has passed.
  static uint32_t TicksUntil(uint32_t due, uint32_t now) {
    int32_t ticks = static_cast<int32_t>(due - now);
    return ticks > 0 ? static_cast<uint32_t>(ticks) : 0;
  }

 private:
  uint32_t started_ = 0;
  uint32_t last_ = 0;
  uint32_t window_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace fasthttp

#endif  // FASTHTTP_TRANSFER_RATE_H_
