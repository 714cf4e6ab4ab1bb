#include "fasthttp/runtime/offload.h"

#include <cstdint>
#include <utility>

#include "fasthttp/base/check.h"

namespace fasthttp::runtime {
namespace {

// Under simulation there are no other threads: the function is a step of the loop.
class InlineJob final : public Task {
 public:
  InlineJob(absl::FunctionRef<void()> function, std::exception_ptr& exception, WakeToken waiter)
      : function_(function), exception_(exception), waiter_(waiter) {}
  void Run(Loop&) override {
    try {
      function_();
    } catch (...) {
      exception_ = std::current_exception();
    }
    Loop::PostWake(waiter_, Errc::kOk);
  }

 private:
  absl::FunctionRef<void()> function_;
  std::exception_ptr& exception_;
  WakeToken waiter_;
};

}  // namespace

OffloadPool::OffloadPool(size_t threads, size_t queue_limit)
    : max_threads_(threads), queue_limit_(queue_limit) {}

OffloadPool::~OffloadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void OffloadPool::Run(Loop& loop, absl::FunctionRef<void()> function) {
  if (loop.simulated()) {
    Errc errc = RunInline(loop, function);
    FASTHTTP_CHECK(errc == Errc::kOk, "no stack left to wait for an offloaded call");
    return;
  }
  Job job(function);
  Wait wait;
  loop.Prepare(wait);
  job.waiter = loop.TokenOf(wait);
  bool submitted = Submit(job, SIZE_MAX);
  FASTHTTP_CHECK(submitted, "Offload on a runtime that is being destroyed");
  if (loop.Block(wait, kNoDeadline, /*cancellable=*/false) != Errc::kOk) AwaitEnd(loop, job);
  if (job.exception) std::rethrow_exception(std::exchange(job.exception, nullptr));
}

Errc OffloadPool::TryRun(Loop& loop, absl::FunctionRef<void()> function) {
  if (Errc cause = loop.CancelCause(); cause != Errc::kOk) return cause;
  if (loop.simulated()) return RunInline(loop, function);
  Job job(function);
  Wait wait;
  loop.Prepare(wait);
  job.waiter = loop.TokenOf(wait);
  if (!Submit(job, queue_limit_)) {
    loop.Fire(wait, Errc::kOverloaded);
    return loop.Block(wait, kNoDeadline, /*cancellable=*/false);
  }
  const Errc cause = loop.Block(wait, kNoDeadline);
  if (cause != Errc::kOk) {
    if (Withdraw(job)) return cause;
    AwaitEnd(loop, job);
  }
  if (job.exception) std::rethrow_exception(std::exchange(job.exception, nullptr));
  return Errc::kOk;
}

// The job refers to this stack, so even a loop that is out of stacks waits for it, then in place.
void OffloadPool::AwaitEnd(Loop& loop, Job& job) {
  Errc cause;
  do {
    Wait wait;
    loop.Prepare(wait);
    if (!AwaitAgain(job, loop.TokenOf(wait))) loop.Fire(wait, Errc::kOk);
    cause = loop.Block(wait, kNoDeadline, /*cancellable=*/false);
  } while (cause != Errc::kOk);
}

Errc OffloadPool::RunInline(Loop& loop, absl::FunctionRef<void()> function) {
  std::exception_ptr exception;
  Wait wait;
  loop.Prepare(wait);
  InlineJob job(function, exception, loop.TokenOf(wait));
  loop.Spawn(job);
  Errc cause = loop.Block(wait, kNoDeadline, /*cancellable=*/false);
  if (exception) std::rethrow_exception(std::exchange(exception, nullptr));
  return cause;
}

bool OffloadPool::Submit(Job& job, size_t limit) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (queued_ >= limit || stopping_) return false;
    *tail_ = &job;
    tail_ = &job.next;
    ++queued_;
    if (idle_ < queued_ && threads_.size() < max_threads_) {
      threads_.emplace_back([this] { Work(); });
    }
  }
  work_.notify_one();
  return true;
}

bool OffloadPool::Withdraw(Job& job) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (job.state != Job::kQueued) return false;
  Job** at = &head_;
  while (*at != &job) at = &(*at)->next;
  *at = job.next;
  if (tail_ == &job.next) tail_ = at;
  --queued_;
  return true;
}

bool OffloadPool::AwaitAgain(Job& job, const WakeToken& waiter) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (job.state == Job::kDone) return false;
  job.waiter = waiter;
  return true;
}

void OffloadPool::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return head_ != nullptr || stopping_; });
    --idle_;
    if (head_ == nullptr) return;
    Job& job = *head_;
    head_ = job.next;
    if (head_ == nullptr) tail_ = &head_;
    --queued_;
    job.state = Job::kStarted;
    lock.unlock();
    try {
      job.function();
    } catch (...) {
      job.exception = std::current_exception();
    }
    lock.lock();
    job.state = Job::kDone;
    // Under the lock: after it the caller may see kDone and leave with the job.
    Loop::PostWake(job.waiter, Errc::kOk);
  }
}

}  // namespace fasthttp::runtime
