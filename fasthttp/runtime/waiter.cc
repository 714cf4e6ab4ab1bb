#include "fasthttp/runtime/waiter.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "fasthttp/base/check.h"

namespace fasthttp::runtime {
namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

// False when `deadline` has passed. May return early otherwise.
bool FutexWait(const std::atomic<uint32_t>& word, uint32_t value, int64_t deadline) {
  timespec until;
  until.tv_sec = std::max<int64_t>(deadline, 0) / kSecond;
  until.tv_nsec = std::max<int64_t>(deadline, 0) % kSecond;
  long result =
      ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                deadline == kNoDeadline ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

void FutexWake(const std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX);
}

class ThreadHook final : public ContextHook {
 public:
  explicit ThreadHook(Waiter& waiter) : waiter_(waiter) {}
  void OnCancel(Errc cause) override { (void)waiter_.Cancel(cause); }

 private:
  Waiter& waiter_;
};

}  // namespace

Waiter::Waiter() : loop_(Loop::Current()) {
  if (loop_ == nullptr) return;
  loop_->Prepare(wait_);
  token_ = loop_->TokenOf(wait_);
}

Waiter::~Waiter() {
  if (loop_ != nullptr) loop_->Abandon(wait_);
}

void Waiter::Wake() {
  if (loop_ == nullptr) {
    state_.store(kWoken, std::memory_order_release);
    // The thread may have left by now. Then this wakes nobody, or somebody who looks again.
    FutexWake(state_);
    return;
  }
  if (Loop::Current() == loop_) {
    state_.store(kWoken, std::memory_order_relaxed);
    loop_->Fire(wait_, Errc::kOk);
    return;
  }
  // The fiber waits for the store even if the message is handled before: so the loop lives until
  // the post is done with it.
  Loop::PostWake(token_, Errc::kOk);
  state_.store(kWoken, std::memory_order_release);
}

bool Waiter::Cancel(Errc cause) {
  if (!Claim()) return false;
  cause_ = cause;
  Wake();
  return true;
}

Errc Waiter::Await(int64_t deadline, bool cancellable) {
  if (loop_ == nullptr) return AwaitOnThread(deadline, cancellable);
  Errc cause = loop_->Block(wait_, deadline, cancellable);
  if (cause != Errc::kOk && Claim()) return cause;
  AwaitHandOver();
  return cause_;
}

Errc Waiter::AwaitOnThread(int64_t deadline, bool cancellable) {
  Task& task = CurrentTask();
  ContextNode* context = cancellable ? task.scope.context : nullptr;
  ThreadHook hook(*this);
  Errc timeout = Errc::kTimeout;
  if (context != nullptr) {
    Errc cause = context->Hook(hook);
    if (cause != Errc::kOk && Claim()) return cause;
    if (task.scope.deadline < deadline) {
      deadline = task.scope.deadline;
      timeout = task.scope.timeout_cause;
    }
  }
  uint32_t state;
  while ((state = state_.load(std::memory_order_acquire)) != kWoken) {
    if (FutexWait(state_, state, deadline)) continue;
    if (Claim()) {
      cause_ = timeout;
      break;
    }
    deadline = kNoDeadline;
  }
  // From here on nobody is about to cancel it.
  if (context != nullptr) context->Unhook(hook);
  return cause_;
}

// A claimed waiter is woken within a few instructions, so a loop spins for that: it can't suspend
// when it is out of stacks.
void Waiter::AwaitHandOver() const {
  for (int spins = 0; state_.load(std::memory_order_acquire) != kWoken; ++spins) {
    if (spins >= 100) ::sched_yield();
  }
}

Errc Waiter::CauseOnEntry() {
  Loop* loop = Loop::Current();
  FASTHTTP_CHECK(loop == nullptr || loop->in_user_code(),
                 "a blocking call outside of a handler or task");
  return CancelCause();
}

int64_t Waiter::Now() { return ClockNow(); }

int64_t Waiter::DeadlineIn(int64_t nanoseconds) { return runtime::DeadlineIn(nanoseconds); }

void ChaosYield() {
  Loop* loop = Loop::Current();
  if (loop == nullptr) {
    ::sched_yield();
  } else if (loop->in_user_code()) {
    loop->Yield();
  }
}

// --- WaitList ---------------------------------------------------------------------------------

void WaitList::PushBack(WaitNode& node) {
  node.linked = true;
  node.prev = tail_;
  node.next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = &node;
  tail_ = &node;
}

void WaitList::Remove(WaitNode& node) {
  if (!node.linked) return;
  node.linked = false;
  (node.prev == nullptr ? head_ : node.prev->next) = node.next;
  (node.next == nullptr ? tail_ : node.next->prev) = node.prev;
}

bool WaitList::ClaimFront() {
  WaitNode& node = *head_;
  Remove(node);
  // A waiter that is not claimed here may leave as soon as it finds its node unlinked.
  if (!node.waiter->Claim()) return false;
  node.waiter->claimed_node = &node;
  return true;
}

WaitNode* WaitList::PopClaimed() {
  while (head_ != nullptr) {
    WaitNode* node = head_;
    if (ClaimFront()) return node;
  }
  return nullptr;
}

void WakeList::Add(WaitNode& node) {
  node.next = nullptr;
  *tail_ = &node;
  tail_ = &node.next;
}

void WakeList::WakeAll() {
  for (WaitNode* node = head_; node != nullptr;) {
    WaitNode* next = node->next;  // The node goes with its waiter.
    node->waiter->Wake();
    node = next;
  }
}

}  // namespace fasthttp::runtime
