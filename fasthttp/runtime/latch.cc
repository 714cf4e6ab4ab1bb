#include "fasthttp/runtime/latch.h"

namespace fasthttp::runtime {

void Latch::CountDown() {
  // Under the lock: a waiter that sees zero may end the latch's life.
  std::lock_guard<std::mutex> lock(mutex_);
  if (--count_ != 0) return;
  for (const WakeToken& waiter : waiters_) Loop::PostWake(waiter, Errc::kOk);
}

Errc Latch::Wait(Loop& loop, int64_t deadline, bool cancellable) {
  runtime::Wait wait;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (count_ == 0) return Errc::kOk;
    loop.Prepare(wait);
    waiters_.push_back(loop.TokenOf(wait));
  }
  Errc cause = loop.Block(wait, deadline, cancellable);
  std::lock_guard<std::mutex> lock(mutex_);
  return count_ == 0 ? Errc::kOk : cause;
}

}  // namespace fasthttp::runtime
