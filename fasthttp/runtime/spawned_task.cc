#include "fasthttp/runtime/spawned_task.h"

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

void* SpawnedTask::Allocate(size_t bytes) {
  if (bytes > kCellBytes) return ::operator new(bytes);
  Loop* loop = Loop::Current();
  return loop == nullptr ? ::operator new(kCellBytes) : loop->task_cells().Take();
}

void SpawnedTask::Run(Loop& loop) {
  absl::Status status;
  std::exception_ptr exception;
  try {
    status = Call();
  } catch (...) {
    exception = std::current_exception();
  }
  EndTask(/*end_context=*/false);
  TaskOwner& owner = *owner_;
  const bool recycled = recycled_;
  this->~SpawnedTask();
  recycled ? loop.task_cells().Give(this) : ::operator delete(this);
  owner.TaskEnded(std::move(status), std::move(exception));
}

}  // namespace fasthttp::runtime
