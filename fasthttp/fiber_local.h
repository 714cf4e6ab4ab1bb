// FiberLocal<T>: a variable that each request, task and plain thread has for itself.
//
// In place of thread_local, which handlers of one loop share: they take turns on its thread, and
// another one's value shows up after any call that waits.
//
//   fasthttp::FiberLocal<std::string> trace_id;   // of static storage duration
//   *trace_id = "4711";                            // this request's
//
// Each starts with T{}, made at the first use. It goes with its request or task, when that ends, on
// its loop; of a plain thread with the thread. The destructor of T must not wait. A function that
// is run elsewhere for its caller (Runtime::Run, RunOnLargeStack) sees the caller's value. A task
// that is spawned starts anew; pass on what it needs, or use a Context value.
//
// When not to use it: for more than a few variables, since they are searched one by one.
//
// Thread class: thread-safe; the values are each their task's own.
#ifndef FASTHTTP_FIBER_LOCAL_H_
#define FASTHTTP_FIBER_LOCAL_H_

#include <cstdint>

#include "fasthttp/runtime/task.h"

namespace fasthttp {
namespace internal {

uint64_t NewFiberLocalKey();

}  // namespace internal

template <typename T>
class FiberLocal {
 public:
  FiberLocal() = default;
  FiberLocal(const FiberLocal&) = delete;
  FiberLocal& operator=(const FiberLocal&) = delete;

  T& operator*() { return Get(); }
  T* operator->() { return &Get(); }

  // Valid until the request or task ends.
  T& Get() {
    runtime::Task& task = runtime::CurrentTask();
    for (runtime::TaskLocal* local = task.locals; local != nullptr; local = local->next) {
      if (local->key == key_) return static_cast<Local*>(local)->value;
    }
    auto* local = new Local;
    local->key = key_;
    local->next = task.locals;
    task.SetLocals(local);
    return local->value;
  }

 private:
  struct Local final : runtime::TaskLocal {
    T value{};
  };

  const uint64_t key_ = internal::NewFiberLocalKey();
};

}  // namespace fasthttp

#endif  // FASTHTTP_FIBER_LOCAL_H_
