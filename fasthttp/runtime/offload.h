// OffloadPool: a few helper threads for work that blocks the operating system or burns CPU.
//
// A handler that calls into the disk, a database driver or a compressor would stall its loop;
// Offload moves that call to a helper thread and suspends only the handler.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_OFFLOAD_H_
#define FASTHTTP_RUNTIME_OFFLOAD_H_

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

class OffloadPool {
 public:
  // Threads start when work comes and no started one is free.
  OffloadPool(size_t threads, size_t queue_limit);
  // Waits for what runs; nothing may be queued any more.
  ~OffloadPool();
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  // Runs `function` on a helper thread and suspends the calling fiber until it has returned, so it
  // may refer to the caller's stack. Neither a cancellation nor the queue limit keeps it from
  // running. An exception of `function` comes out of this call.
  void Run(Loop& loop, absl::FunctionRef<void()> function);

  // The same, but kOverloaded if the queue is full, and a cancellation or deadline of the task
  // while it is queued unlinks it: it never runs then, and the cause is returned.
  Errc TryRun(Loop& loop, absl::FunctionRef<void()> function);

 private:
  struct Job {
    explicit Job(absl::FunctionRef<void()> f) : function(f) {}
    absl::FunctionRef<void()> function;
    std::exception_ptr exception;
    WakeToken waiter;
    enum { kQueued, kStarted, kDone } state = kQueued;
    Job* next = nullptr;
  };

  Errc RunInline(Loop& loop, absl::FunctionRef<void()> function);
  void AwaitEnd(Loop& loop, Job& job);
  void AwaitWorker();
  bool Submit(Job& job, size_t limit);
  bool Withdraw(Job& job);
  // False if the job is done and there is nothing to wait for.
  bool AwaitAgain(Job& job, const WakeToken& waiter);
  void Work();

  const size_t max_threads_;
  const size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable work_;
  Job* head_ = nullptr;
  Job** tail_ = &head_;
  size_t queued_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_OFFLOAD_H_
