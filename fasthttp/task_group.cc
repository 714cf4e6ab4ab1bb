#include "fasthttp/task_group.h"

#include "fasthttp/base/check.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {
namespace {

using runtime::Loop;

// The loop whose user code calls; null on a plain thread.
Loop* CurrentLoop() {
  Loop* loop = Loop::Current();
  return loop != nullptr && loop->in_user_code() ? loop : nullptr;
}

}  // namespace

TaskGroup::TaskGroup()
    : context_(WithCancel()),
      runtime_(CurrentLoop() != nullptr ? *Runtime::Current() : Runtime::Default()),
      loop_(CurrentLoop()) {}

TaskGroup::TaskGroup(Runtime& runtime)
    : context_(WithCancel()), runtime_(runtime), loop_(nullptr) {}

TaskGroup::~TaskGroup() {
  Await(0, /*cancellable=*/false);
  if (exception_) runtime_.LostException(exception_);
}

void TaskGroup::SetLimit(size_t limit) {
  std::lock_guard<std::mutex> lock(mutex_);
  limit_ = limit;
}

bool TaskGroup::Enter() {
  for (;;) {
    absl::Status ended = context_.Err();
    size_t limit;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!ended.ok()) {
        if (first_.ok() && !exception_) first_ = std::move(ended);
        return false;
      }
      if (limit_ == 0 || running_ < limit_) {
        ++running_;
        return true;
      }
      limit = limit_;
    }
    ContextScope in_group(context_);
    Await(limit - 1, /*cancellable=*/true);
  }
}

void TaskGroup::Start(runtime::SpawnedTask& task) {
  if (loop_ != nullptr) return loop_->Spawn(task);
  size_t turn;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    turn = started_++;
  }
  runtime_.loop(turn % runtime_.loops()).Spawn(task);
}

void TaskGroup::TaskEnded(absl::Status status, std::exception_ptr exception) {
  const bool failed = !status.ok() || exception;
  // Before the count goes down: the group may be gone after that.
  if (failed) Fail(std::move(status), std::move(exception));
  runtime::WakeList woken;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    --running_;
    while (runtime::WaitNode* node = waiters_.PopClaimed()) woken.Add(*node);
  }
  woken.WakeAll();
}

void TaskGroup::Fail(absl::Status status, std::exception_ptr exception) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!first_.ok() || exception_) return;
    first_ = status;
    exception_ = std::move(exception);
  }
  context_.Cancel(status);
}

// A plain thread waits in a task, so that a simulated runtime is stepped meanwhile.
void TaskGroup::Await(size_t members, bool cancellable) {
  if (CurrentLoop() == nullptr) {
    return runtime_.Run([&] { Await(members, cancellable); });
  }
  for (Errc cause = Errc::kOk; cause == Errc::kOk;) {
    runtime::Waiter waiter;
    runtime::WaitNode node(&waiter);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (running_ <= members) return;
      waiters_.PushBack(node);
    }
    cause = waiter.Await(runtime::kNoDeadline, cancellable);
    std::lock_guard<std::mutex> lock(mutex_);
    waiters_.Remove(node);
    FASTHTTP_CHECK(cause != Errc::kOverloaded, "no stack left to wait for a task group");
  }
}

absl::Status TaskGroup::Wait() {
  Await(0, /*cancellable=*/false);
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  return first_;
}

}  // namespace fasthttp
