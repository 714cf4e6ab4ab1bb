#include "fasthttp/event.h"

#include "fasthttp/error.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {

using runtime::Waiter;
using runtime::WaitNode;
using Guard = std::unique_lock<std::mutex>;

void Event::Set() {
  runtime::WakeList woken;
  {
    Guard guard(guard_);
    set_.store(true, std::memory_order_release);
    while (WaitNode* node = waiters_.PopClaimed()) woken.Add(*node);
  }
  woken.WakeAll();
}

absl::Status Event::Wait() { return WaitUntil(runtime::kNoDeadline); }

absl::Status Event::WaitFor(absl::Duration timeout) {
  return WaitUntil(Waiter::DeadlineIn(absl::ToInt64Nanoseconds(timeout)));
}

absl::Status Event::WaitUntil(int64_t deadline) {
  runtime::ChaosPoint();
  // Also if it is set: when the guard is free, Set() is through with this object.
  Guard guard(guard_);
  if (set_.load(std::memory_order_relaxed)) return absl::OkStatus();
  Waiter waiter;
  WaitNode node(&waiter);
  waiters_.PushBack(node);
  guard.unlock();
  Errc cause = waiter.Await(deadline);
  if (cause == Errc::kOk) return absl::OkStatus();
  guard.lock();
  waiters_.Remove(node);
  return set_.load(std::memory_order_relaxed) ? absl::OkStatus() : ToStatus(cause, "Event");
}

}  // namespace fasthttp
