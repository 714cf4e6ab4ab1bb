// Latch: counts down to zero once; fibers wait for that.
//
// Thread class: thread-safe. Lives until every waiter has returned and every counter has counted.
#ifndef FASTHTTP_RUNTIME_LATCH_H_
#define FASTHTTP_RUNTIME_LATCH_H_

#include <cstddef>
#include <mutex>
#include <vector>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

class Latch {
 public:
  explicit Latch(size_t count) : count_(count) {}
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  void CountDown();

  // On a fiber: suspends until zero is reached (kOk), or what ends the wait before.
  Errc Wait(Loop& loop, int64_t deadline, bool cancellable = true);

 private:
  std::mutex mutex_;
  size_t count_;
  std::vector<WakeToken> waiters_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_LATCH_H_
