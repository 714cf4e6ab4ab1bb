// Task: a piece of user code under way: the handler of a request, or a spawned function.
//
// A fiber serves many tasks in turn, so whatever belongs to "the current request" hangs on the
// task and not on the fiber or the thread: its cancellation, its deadline. The loop knows the
// current task while user code runs, and forgets it when that suspends or ends.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_TASK_H_
#define FASTHTTP_RUNTIME_TASK_H_

#include <cstdint>

#include "fasthttp/base/errc.h"

namespace fasthttp::runtime {

class Loop;
struct Wait;

class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Called before the task's stack is left for the first time in a wait: finished output must not
  // be held back by a suspended handler. Must not block.
  virtual void BeforeSuspend() {}

  // Spawned tasks: the code itself. Called from Step.
  virtual void Run(Loop&) {}

  // Why blocking calls of this task end at once; kOk while it is not cancelled.
  Errc cancel_cause = Errc::kOk;
  // The wait that it is blocked in, if that may be cancelled. One at most: a task is one stack.
  Wait* wait = nullptr;
  // Blocking calls of this task end with kTimeout at this time (loop nanoseconds).
  int64_t deadline = INT64_MAX;
  Task* next = nullptr;  // In the loop's queue of spawned tasks.

 protected:
  ~Task() = default;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_TASK_H_
