#include "fasthttp/sync.h"

#include "fasthttp/error.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {
namespace {

using runtime::kNoDeadline;
using runtime::Waiter;
using runtime::WaitNode;
using runtime::WakeList;

using Guard = std::unique_lock<std::mutex>;

int64_t DeadlineIn(absl::Duration timeout) {
  return Waiter::DeadlineIn(absl::ToInt64Nanoseconds(timeout));
}

}  // namespace

// --- Event ------------------------------------------------------------------------------------

void Event::Set() {
  WakeList woken;
  {
    Guard guard(guard_);
    set_.store(true, std::memory_order_release);
    while (WaitNode* node = waiters_.PopClaimed()) woken.Add(*node);
  }
  woken.WakeAll();
}

absl::Status Event::Wait() { return WaitUntil(kNoDeadline); }

absl::Status Event::WaitFor(absl::Duration timeout) { return WaitUntil(DeadlineIn(timeout)); }

absl::Status Event::WaitUntil(int64_t deadline) {
  runtime::ChaosPoint();
  Waiter waiter;
  WaitNode node(&waiter);
  {
    // Also if it is set: when the guard is free, Set() is through with this object.
    Guard guard(guard_);
    if (set_.load(std::memory_order_relaxed)) return absl::OkStatus();
    waiters_.PushBack(node);
  }
  Errc cause = waiter.Await(deadline);
  if (cause == Errc::kOk) return absl::OkStatus();
  Guard guard(guard_);
  waiters_.Remove(node);
  return set_.load(std::memory_order_relaxed) ? absl::OkStatus() : ToStatus(cause, "Event");
}

}  // namespace fasthttp
