// SpawnedTask: a task made of a function, which frees itself when that has returned.
//
// Thread class: made on any thread; runs on the loop that it is spawned on.
#ifndef FASTHTTP_RUNTIME_SPAWNED_TASK_H_
#define FASTHTTP_RUNTIME_SPAWNED_TASK_H_

#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "fasthttp/runtime/task.h"

namespace fasthttp::runtime {

// Whom a spawned task tells how it ended.
class TaskOwner {
 public:
  // Called on the task's loop when the function is destroyed and the memory is given back. At most
  // one of the two is set.
  virtual void TaskEnded(absl::Status status, std::exception_ptr exception) = 0;

 protected:
  ~TaskOwner() = default;
};

class SpawnedTask : public Task {
 public:
  // What fits in here is recycled by the loop that it ends on.
  static constexpr size_t kCellBytes = 256;

  // `function` returns void or absl::Status. Its blocking calls are under `context`, which may be
  // null for the background.
  template <typename F>
  static SpawnedTask* Make(F&& function, TaskOwner& owner, ContextNode* context) {
    using Made = Of<std::decay_t<F>>;
    static_assert(alignof(Made) <= alignof(std::max_align_t));
    SpawnedTask* task = new (Allocate(sizeof(Made))) Made(std::forward<F>(function));
    task->recycled_ = sizeof(Made) <= kCellBytes;
    task->owner_ = &owner;
    task->Inherit(context);
    return task;
  }

  virtual ~SpawnedTask() = default;
  void Run(Loop& loop) final;

 private:
  template <typename F>
  class Of;

  static void* Allocate(size_t bytes);
  virtual absl::Status Call() = 0;

  TaskOwner* owner_ = nullptr;
  bool recycled_ = false;
};

template <typename F>
class SpawnedTask::Of final : public SpawnedTask {
 public:
  template <typename G>
  explicit Of(G&& function) : function_(std::forward<G>(function)) {}

 private:
  absl::Status Call() override {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      function_();
      return absl::OkStatus();
    } else {
      return function_();
    }
  }

  F function_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_SPAWNED_TASK_H_
