#include "fasthttp/runtime/task.h"

#include <time.h>

#include <utility>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {
namespace {

thread_local Poller* thread_clock = nullptr;

class ThreadTask final : public Task {
 public:
  ThreadTask() { plain_thread_ = true; }
};

}  // namespace

void Task::Inherit(ContextNode* parent) {
  if (parent == nullptr) return;
  parent->Ref();
  own_ = parent;
  inherited_ = used_ = true;
  scope = {parent, parent->deadline(), parent->timeout_cause()};
}

bool Task::Cancel(Errc cause) {
  if (cancel_cause_ != Errc::kOk) return false;
  cancel_cause_ = cause;
  used_ = true;
  if (own_ != nullptr && !inherited_) own_->Cancel(cause, ClockNow());
  return true;
}

void Task::MakeContext() {
  if (plain_thread_) return;
  ContextNode* parent = std::exchange(own_, nullptr);
  own_ = ContextNode::WithCancel(parent, scope.deadline, scope.timeout_cause);
  ContextNode::Unref(parent);
  inherited_ = false;
  used_ = true;
  scope.context = own_;
  if (cancel_cause_ != Errc::kOk) own_->Cancel(cancel_cause_, ClockNow());
}

void Task::DropState(bool end_context) {
  while (locals != nullptr) delete std::exchange(locals, locals->next);
  ContextNode* own = std::exchange(own_, nullptr);
  if (own != nullptr && end_context) own->Cancel(Errc::kCancelled, ClockNow());
  ContextNode::Unref(own);
  inherited_ = used_ = false;
  cancel_cause_ = Errc::kOk;
  scope = {};
}

Task& CurrentTask() {
  Loop* loop = Loop::Current();
  if (loop != nullptr && loop->in_user_code()) return *loop->current_task();
  static thread_local ThreadTask thread_task;
  return thread_task;
}

Errc CancelCause() {
  Loop* loop = Loop::Current();
  if (loop != nullptr && loop->in_user_code()) return loop->CancelCause();
  const Task& task = CurrentTask();
  Errc cause = task.cancelled();
  if (cause != Errc::kOk || task.scope.deadline == kNoDeadline) return cause;
  return task.scope.deadline <= ClockNow() ? task.scope.timeout_cause : Errc::kOk;
}

int64_t ClockNow() {
  if (Loop* loop = Loop::Current()) return loop->FreshNow();
  if (thread_clock != nullptr) return thread_clock->Now();
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

int64_t DeadlineIn(int64_t nanoseconds) {
  int64_t now = ClockNow();
  return nanoseconds >= kNoDeadline - now ? kNoDeadline : now + nanoseconds;
}

bool ClockIsSimulated() {
  Loop* loop = Loop::Current();
  return loop != nullptr ? loop->simulated() : thread_clock != nullptr;
}

void SetThreadClock(Poller* clock) { thread_clock = clock; }

}  // namespace fasthttp::runtime
