// Sleep, Yield, Offload, Spawn: waiting and working inside a handler without stalling anything
// else. For parallel work with results see fasthttp/task_group.h.
//
// Each works in a handler, in a spawned task, in a function run by Runtime::Run and on a plain
// thread, and each wait ends early when the current Context does (fasthttp/context.h): the client
// of the request has gone (Errc::kClientGone), a deadline has passed (Errc::kTimeout), the server
// cuts it off (Errc::kDraining). fasthttp::ErrcOf(status) tells which.
//
// Hold no std::mutex across these calls: the next handler that wants it runs on the same thread and
// would wait for ever.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TASK_H_
#define FASTHTTP_TASK_H_

#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/context.h"
#include "fasthttp/runtime/spawned_task.h"

namespace fasthttp {

// Suspends the caller for `duration`, in steps of a millisecond. OK when it has passed; for zero or
// less it only looks whether the current Context has ended.
absl::Status Sleep(absl::Duration duration);

// Lets everything else that is ready on this loop go first: for handlers that compute for long.
void Yield();

// Calls `f` on a helper thread and suspends the caller until it has returned: for code that blocks
// the thread (files, a database driver, getaddrinfo) or computes for long. `f` may refer to the
// caller's stack. It runs in any case, also when the request has been cancelled meanwhile. An
// exception of `f` comes out of Offload. On a plain thread it is a plain call.
void Offload(absl::FunctionRef<void()> f);

// The same for work that is not worth waiting for: kOverloaded if too many calls wait for a helper
// thread (RuntimeOptions::offload_queue), and the cause if the request is cancelled before `f` has
// started. In both cases `f` never runs; once started it is awaited to its end.
[[nodiscard]] absl::Status TryOffload(absl::FunctionRef<void()> f);

// Calls `f` on a stack of RuntimeOptions::large_stack_size (8 MiB), as a part of the calling
// handler: for code that recurses deeply, such as std::regex or a parser of nested data. `f` may
// wait and may refer to the caller's stack; what it throws comes out of here. Stacks are kept for
// the next call; pages that were touched go back to the system after a while. kOverloaded if there
// is no memory for one: then `f` did not run. Within itself, and on a plain thread, it is a plain
// call.
[[nodiscard]] absl::Status RunOnLargeStack(absl::FunctionRef<void()> f);

// Starts `f` as a task of its own, which nobody waits for, and returns at once; `f` is called
// later, on the same loop, so it shares its thread with the caller. From a plain thread: on a loop
// of the default runtime. `f` returns void and may capture by value only what outlives it: the
// caller's stack does not. (Use a TaskGroup where it should.) Functions of up to about 100 bytes
// cost no allocation in the steady state.
//
// The task inherits the current Context. That of a request ends when the request is done, so a task
// that shall go on is started under another one:
//
//   fasthttp::Spawn(fasthttp::WithoutCancel(), [entry] { WriteAuditLog(entry); });
//
// A task always runs, even if its Context has ended; its blocking calls fail at once then. The end
// of its runtime cancels it with kDraining and waits for it. An exception that leaves `f` goes to
// RuntimeOptions::on_lost_exception.
template <typename F>
void Spawn(F&& f);
template <typename F>
void Spawn(const Context& context, F&& f);

// --- Implementation ---------------------------------------------------------------------------

namespace internal {

runtime::TaskOwner& Nobody();
void Start(runtime::SpawnedTask& task);

}  // namespace internal

template <typename F>
void Spawn(F&& f) {
  static_assert(std::is_void_v<std::invoke_result_t<std::decay_t<F>&>>,
                "nobody would look at the result; use a TaskGroup");
  internal::Start(*runtime::SpawnedTask::Make(std::forward<F>(f), internal::Nobody(),
                                              runtime::CurrentTask().CurrentContext()));
}

template <typename F>
void Spawn(const Context& context, F&& f) {
  static_assert(std::is_void_v<std::invoke_result_t<std::decay_t<F>&>>,
                "nobody would look at the result; use a TaskGroup");
  internal::Start(*runtime::SpawnedTask::Make(std::forward<F>(f), internal::Nobody(),
                                              ContextAccess::Node(context)));
}

}  // namespace fasthttp

#endif  // FASTHTTP_TASK_H_
