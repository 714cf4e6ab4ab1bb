// Task: a piece of user code under way: the handler of a request, or a spawned function.
//
// A fiber serves many tasks in turn, so whatever belongs to "the current request" hangs on the
// task and not on the fiber or the thread: its context, its deadline, its locals. The loop knows
// the current task while user code runs, and forgets it when that suspends or ends.
//
// A context costs nothing until somebody asks for it: until then the task is cancelled by a field.
// OwnContext() makes the node, which is cancelled with the task from then on.
//
// Thread class: loop-confined. A plain thread has a task of its own, see CurrentTask().
#ifndef FASTHTTP_RUNTIME_TASK_H_
#define FASTHTTP_RUNTIME_TASK_H_

#include <cstdint>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/context_node.h"

namespace fasthttp::runtime {

class Loop;
class Poller;
struct Wait;

// A value that a task has under a key (FiberLocal).
struct TaskLocal {
  virtual ~TaskLocal() = default;
  uint64_t key = 0;
  TaskLocal* next = nullptr;
};

// What a scope changes, and puts back.
struct TaskScope {
  ContextNode* context = nullptr;               // Null: the task's own, which nobody has asked for.
  int64_t deadline = ContextNode::kNoDeadline;  // Loop nanoseconds.
  Errc timeout_cause = Errc::kTimeout;          // What blocking calls end with at the deadline.
};

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

  // Why blocking calls of this task end at once, as its current context has it; kOk while it is not
  // cancelled. Its deadline is another matter: see Loop::CancelCause.
  Errc cancelled() const {
    if (scope.context == nullptr) [[likely]]
      return cancel_cause_;
    Errc cause = scope.context->cancelled();
    return cause == Errc::kOk && inherited_ ? cancel_cause_ : cause;
  }

  // The node of the current context. Made at the first call; for a plain thread null if it is under
  // no scope.
  ContextNode* CurrentContext() {
    if (scope.context == nullptr || (inherited_ && scope.context == own_)) MakeContext();
    return scope.context;
  }

  // Before it runs: its context lies below `parent`'s, or has the background's deadline if null.
  void Inherit(ContextNode* parent);

  // The user code has ended: its context too, with kCancelled if `end_context`, and its locals are
  // gone. The task is as new.
  void EndTask(bool end_context) {
    // A scope that was not put back must not hold for the next request.
    if (used_ || scope.context != nullptr) [[unlikely]]
      DropState(end_context);
    scope.deadline = ContextNode::kNoDeadline;
  }
  void SetLocals(TaskLocal* list) {
    locals = list;
    used_ = true;
  }

  TaskScope scope;
  // The wait that it is blocked in, if that may be cancelled. One at most: a task is one stack.
  Wait* wait = nullptr;
  Task* next = nullptr;         // In the loop's queue of spawned tasks.
  TaskLocal* locals = nullptr;  // To be changed by SetLocals.

 protected:
  ~Task() {
    if (own_ != nullptr || locals != nullptr) DropState(/*end_context=*/false);
  }

  bool plain_thread_ = false;

 private:
  friend class Loop;

  // False if it was cancelled before: the first cause stays.
  bool Cancel(Errc cause);
  void MakeContext();
  void DropState(bool end_context);

  Errc cancel_cause_ = Errc::kOk;
  bool inherited_ = false;      // own_ is its parent's, nobody has asked for one of its own.
  bool used_ = false;           // It has a context, locals or a cause, which EndTask is to drop.
  ContextNode* own_ = nullptr;  // The outermost context; referenced.
};

// The task whose code runs: on a fiber the handler's or spawned one, elsewhere the thread's own.
Task& CurrentTask();

// Why a blocking call of the caller fails before it tries; kOk if it may.
Errc CancelCause();

// Nanoseconds of the clock that deadlines of the caller are in: of its loop, or the monotonic one;
// on a thread that drives a simulation the virtual one.
int64_t ClockNow();
// What lies `nanoseconds` ahead of it; kNoDeadline if that is beyond all time.
int64_t DeadlineIn(int64_t nanoseconds);

// True if that clock is virtual.
bool ClockIsSimulated();

// Makes `clock` the one of the calling thread, off its loops; null takes that back. For those who
// drive simulated loops.
void SetThreadClock(Poller* clock);

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_TASK_H_
