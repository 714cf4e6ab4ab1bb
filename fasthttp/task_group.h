// TaskGroup: functions that run side by side, and are all over when it is.
//
//   std::string user, order;                       // outlive the group
//   fasthttp::TaskGroup group;
//   group.Go([&] { return Fetch(users, user); });
//   group.Go([&] { return Fetch(orders, order); });
//   if (absl::Status s = group.Wait(); !s.ok()) ...  // the first error; it cancelled the other
//
// Members run as tasks: each may wait without holding a thread, none runs on the caller's stack,
// which they may refer to since the group waits for them, at the latest in its destructor.
//
// Where. A group that is made in a handler or task runs its members on that loop: side by side in
// their waits, one at a time in their computing, so they need no locks between each other. A group
// of a given Runtime, or made on a plain thread (then: of the default runtime), deals its members
// to all loops. For parallel computing use Offload in the members.
//
// How it ends. Members are under a Context of the group, below the current one of its maker, as of
// the group's making. The first member that returns an error, or throws, ends it: the waits of the
// others fail with kCancelled, and what has not started never does. When the maker's Context ends,
// the members' do too. An exception comes out of Wait().
//
// When not to use it: for tasks that outlive the function that starts them (Spawn).
//
// Thread class: thread-safe, so that members may Go more members. Wait, and the end of the group,
// are for its maker.
#ifndef FASTHTTP_TASK_GROUP_H_
#define FASTHTTP_TASK_GROUP_H_

#include <cstddef>
#include <exception>
#include <mutex>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "fasthttp/context.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/spawned_task.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp {

class TaskGroup final : private runtime::TaskOwner {
 public:
  TaskGroup();
  explicit TaskGroup(Runtime& runtime);
  // Waits for the members. An error that nobody has asked for is dropped; an exception goes to
  // RuntimeOptions::on_lost_exception.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // At most `limit` members run at once from now on, those that run aside: Go waits for one to
  // end. 0, the default: any number. A member that Goes members may wait for ever for itself.
  void SetLimit(size_t limit);

  // Starts `f`, which returns void or absl::Status, as a member. If the group has ended, or ends
  // while this waits for the limit, `f` is destroyed and never called.
  template <typename F>
  void Go(F&& f) {
    using Result = std::invoke_result_t<std::decay_t<F>&>;
    static_assert(std::is_void_v<Result> || std::is_convertible_v<Result, absl::Status>,
                  "a member of a TaskGroup returns void or absl::Status");
    if (!Enter()) return;
    auto member = [this, f = std::decay_t<F>(std::forward<F>(f))]() mutable -> absl::Status {
      if (absl::Status ended = context_.Err(); !ended.ok()) return ended;
      if constexpr (std::is_void_v<Result>) {
        f();
        return absl::OkStatus();
      } else {
        return f();
      }
    };
    Start(*runtime::SpawnedTask::Make(std::move(member), *this, ContextAccess::Node(context_)));
  }

  // Waits until no member is left. The first error in time; if there is none but the maker's
  // Context has ended and kept a member from starting, why that ended; else OK. Waits to the end
  // also when the caller is cancelled: the members then end soon. May be called again, and Go after
  // it, as long as it returns OK.
  absl::Status Wait();

  // Ends the group: what runs is cancelled with kCancelled, what has not started never does.
  void Cancel() { context_.Cancel(); }

  // What the members are under.
  const Context& context() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return context_; }

 private:
  bool Enter();
  void Start(runtime::SpawnedTask& task);
  void TaskEnded(absl::Status status, std::exception_ptr exception) override;
  void Fail(absl::Status status, std::exception_ptr exception);
  // Suspends until at most `members` are left, or ended if that may end it.
  void Await(size_t members, bool cancellable);

  const CancelContext context_;
  Runtime& runtime_;
  runtime::Loop* const loop_;  // Null: all of the runtime's in turn.

  std::mutex mutex_;  // Guards what follows.
  size_t running_ = 0;
  size_t limit_ = 0;
  size_t started_ = 0;
  absl::Status first_;
  std::exception_ptr exception_;
  runtime::WaitList waiters_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_TASK_GROUP_H_
