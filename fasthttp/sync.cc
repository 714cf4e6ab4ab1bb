#include "fasthttp/sync.h"

#include "fasthttp/base/check.h"
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

// --- Mutex ------------------------------------------------------------------------------------

void Mutex::LockContended() {
  Errc errc = LockUntil(kNoDeadline, /*cancellable=*/false);
  FASTHTTP_CHECK(errc == Errc::kOk, "no stack left to wait for a Mutex");
}

absl::Status Mutex::LockCancellable(absl::Duration timeout) {
  Errc errc = Waiter::CauseOnEntry();
  if (errc == Errc::kOk && (base::chaos_enabled || !TryLock())) {
    errc = LockUntil(DeadlineIn(timeout), /*cancellable=*/true);
  }
  return ToStatus(errc, "Mutex");
}

bool Mutex::TryLockFor(absl::Duration timeout) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return LockCancellable(timeout).ok();
}

void Mutex::AssertHeld() const {
  FASTHTTP_CHECK((state_.load(std::memory_order_relaxed) & kLocked) != 0, "a Mutex is not held");
}

Errc Mutex::LockUntil(int64_t deadline, bool cancellable) {
  runtime::ChaosPoint();
  Guard guard(guard_);
  if (TakeOrAnnounce()) return Errc::kOk;
  Waiter waiter;
  WaitNode node(&waiter);
  waiters_.PushBack(node);
  guard.unlock();
  Errc cause = waiter.Await(deadline, cancellable);
  if (cause == Errc::kOk) return cause;
  guard.lock();
  waiters_.Remove(node);
  if (waiters_.empty()) state_.fetch_and(~kWaiters, std::memory_order_relaxed);
  return cause;
}

// Under the guard: locks it, or sees to it that Unlock takes the guard too.
bool Mutex::TakeOrAnnounce() {
  for (;;) {
    if (TryLock()) return true;
    uint32_t locked = kLocked;
    if (state_.compare_exchange_strong(locked, kLocked | kWaiters, std::memory_order_relaxed) ||
        locked == (kLocked | kWaiters)) {
      return false;
    }
  }
}

void Mutex::UnlockContended() {
  for (;;) {
    AssertHeld();
    WaitNode* next;
    {
      Guard guard(guard_);
      next = waiters_.PopClaimed();
      if (waiters_.empty()) state_.fetch_and(~kWaiters, std::memory_order_relaxed);
    }
    if (next != nullptr) return next->waiter->Wake();  // It is locked all the time.
    // All have given up. Not under the guard: whoever locks it now may destroy it.
    uint32_t locked = kLocked;
    if (state_.compare_exchange_strong(locked, 0, std::memory_order_release,
                                       std::memory_order_relaxed)) {
      return;
    }
  }
}

// --- CondVar ----------------------------------------------------------------------------------

absl::Status CondVar::Wait(Mutex& mutex) {
  return ToStatus(WaitUntil(mutex, kNoDeadline), "CondVar");
}

absl::Status CondVar::WaitFor(Mutex& mutex, absl::Duration timeout) {
  return ToStatus(WaitUntil(mutex, DeadlineIn(timeout)), "CondVar");
}

absl::Status CondVar::Wait(Mutex& mutex, absl::FunctionRef<bool()> condition) {
  return WaitUntil(mutex, kNoDeadline, condition);
}

absl::Status CondVar::WaitFor(Mutex& mutex, absl::Duration timeout,
                              absl::FunctionRef<bool()> condition) {
  return WaitUntil(mutex, DeadlineIn(timeout), condition);
}

absl::Status CondVar::WaitUntil(Mutex& mutex, int64_t deadline,
                                absl::FunctionRef<bool()> condition) {
  while (!condition()) {
    Errc cause = WaitUntil(mutex, deadline);
    if (cause != Errc::kOk) return condition() ? absl::OkStatus() : ToStatus(cause, "CondVar");
  }
  return absl::OkStatus();
}

Errc CondVar::WaitUntil(Mutex& mutex, int64_t deadline) {
  mutex.AssertHeld();
  if (Errc cause = Waiter::CauseOnEntry(); cause != Errc::kOk) return cause;
  Waiter waiter;
  WaitNode node(&waiter);
  {
    Guard guard(guard_);
    waiters_.PushBack(node);
  }
  mutex.Unlock();
  Errc cause = waiter.Await(deadline);
  if (cause != Errc::kOk) {
    Guard guard(guard_);
    waiters_.Remove(node);
  }
  mutex.Lock();
  return cause;
}

void CondVar::Signal() {
  WaitNode* next;
  {
    Guard guard(guard_);
    next = waiters_.PopClaimed();
  }
  if (next != nullptr) next->waiter->Wake();
}

void CondVar::SignalAll() {
  WakeList woken;
  {
    Guard guard(guard_);
    while (WaitNode* node = waiters_.PopClaimed()) woken.Add(*node);
  }
  woken.WakeAll();
}

// --- Semaphore --------------------------------------------------------------------------------

struct Semaphore::Node : WaitNode {
  Node(Waiter* waiter, int64_t permits) : WaitNode(waiter), n(permits) {}
  const int64_t n;
};

Semaphore::Semaphore(int64_t permits) : available_(permits) {
  FASTHTTP_CHECK(permits >= 0, "a Semaphore with less than no permits");
}

absl::Status Semaphore::Acquire(int64_t n) {
  return ToStatus(Take(n, kNoDeadline, /*cancellable=*/true), "Semaphore");
}

absl::Status Semaphore::AcquireFor(absl::Duration timeout, int64_t n) {
  return ToStatus(Take(n, DeadlineIn(timeout), /*cancellable=*/true), "Semaphore");
}

bool Semaphore::TryAcquire(int64_t n) {
  Guard guard(guard_);
  return TakeNow(n);
}

void Semaphore::Release(int64_t n) { Give(n, INT64_MAX); }

int64_t Semaphore::available() const {
  Guard guard(guard_);
  return available_;
}

Errc Semaphore::Take(int64_t n, int64_t deadline, bool cancellable) {
  runtime::ChaosPoint();
  if (cancellable) {
    if (Errc cause = Waiter::CauseOnEntry(); cause != Errc::kOk) return cause;
  }
  Guard guard(guard_);
  if (TakeNow(n)) return Errc::kOk;
  Waiter waiter;
  Node node(&waiter, n);
  waiters_.PushBack(node);
  guard.unlock();
  Errc cause = waiter.Await(deadline, cancellable);
  if (cause == Errc::kOk) return cause;
  guard.lock();
  waiters_.Remove(node);
  WakeList woken;
  Grant(woken);  // Those behind may want less.
  guard.unlock();
  woken.WakeAll();
  return cause;
}

bool Semaphore::TakeNow(int64_t n) {
  FASTHTTP_CHECK(n >= 0, "less than no permits of a Semaphore");
  if (!waiters_.empty() || available_ < n) return false;
  available_ -= n;
  return true;
}

void Semaphore::Give(int64_t n, int64_t limit) {
  WakeList woken;
  {
    Guard guard(guard_);
    FASTHTTP_CHECK(n >= 0 && n <= limit - available_, "more was released than was ever held");
    available_ += n;
    Grant(woken);
  }
  woken.WakeAll();
}

// Under the guard: lets in whom the permits last for, in the order of arrival.
void Semaphore::Grant(WakeList& woken) {
  while (!waiters_.empty()) {
    Node& next = *static_cast<Node*>(waiters_.front());
    if (available_ < next.n) return;
    const int64_t n = next.n;
    if (!waiters_.ClaimFront()) continue;
    available_ -= n;
    woken.Add(next);
  }
}

// --- SharedMutex ------------------------------------------------------------------------------

void SharedMutex::LockAlways(int64_t permits) {
  Errc errc = permits_.Take(permits, kNoDeadline, /*cancellable=*/false);
  FASTHTTP_CHECK(errc == Errc::kOk, "no stack left to wait for a SharedMutex");
}

absl::Status SharedMutex::LockCancellable(absl::Duration timeout) {
  return ToStatus(permits_.Take(kAll, DeadlineIn(timeout), /*cancellable=*/true), "SharedMutex");
}

absl::Status SharedMutex::LockSharedCancellable(absl::Duration timeout) {
  return ToStatus(permits_.Take(1, DeadlineIn(timeout), /*cancellable=*/true), "SharedMutex");
}

// --- WaitGroup --------------------------------------------------------------------------------

void WaitGroup::Add(int64_t n) {
  WakeList woken;
  {
    Guard guard(guard_);
    count_ += n;
    FASTHTTP_CHECK(count_ >= 0, "the count of a WaitGroup is negative");
    while (WaitNode* node = count_ == 0 ? waiters_.PopClaimed() : nullptr) woken.Add(*node);
  }
  woken.WakeAll();
}

absl::Status WaitGroup::Wait() { return WaitUntil(kNoDeadline); }

absl::Status WaitGroup::WaitFor(absl::Duration timeout) { return WaitUntil(DeadlineIn(timeout)); }

absl::Status WaitGroup::WaitUntil(int64_t deadline) {
  runtime::ChaosPoint();
  if (Errc cause = Waiter::CauseOnEntry(); cause != Errc::kOk) return ToStatus(cause, "WaitGroup");
  Guard guard(guard_);
  if (count_ == 0) return absl::OkStatus();
  Waiter waiter;
  WaitNode node(&waiter);
  waiters_.PushBack(node);
  guard.unlock();
  Errc cause = waiter.Await(deadline);
  if (cause == Errc::kOk) return absl::OkStatus();
  guard.lock();
  waiters_.Remove(node);
  return ToStatus(cause, "WaitGroup");
}

}  // namespace fasthttp
