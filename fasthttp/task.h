// Sleep, Yield and Offload: waiting and working inside a handler without stalling anything else.
//
// Each works in a handler, in a function run by Runtime::Run and on a plain thread, and each ends
// early when the current request is cancelled: its client has gone (Errc::kClientGone) or the
// server cuts it off (Errc::kDraining). fasthttp::ErrcOf(status) tells which.
//
// Hold no std::mutex across these calls: the next handler that wants it runs on the same thread and
// would wait for ever.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TASK_H_
#define FASTHTTP_TASK_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace fasthttp {

// Suspends the caller for `duration`, in steps of a millisecond. OK when it has passed; at once for
// zero or less.
absl::Status Sleep(absl::Duration duration);

// Lets everything else that is ready on this loop go first: for handlers that compute for long.
void Yield();

// Calls `f` on a helper thread and suspends the caller until it has returned: for code that blocks
// the thread (files, a database driver, getaddrinfo) or computes for long. `f` may refer to the
// caller's stack. Once started it is awaited to its end; while it waits for a helper thread a
// cancellation ends the call and `f` never runs. kOverloaded: too many calls wait
// (RuntimeOptions::offload_queue). An exception of `f` comes out of Offload. On a plain thread it
// is a plain call.
[[nodiscard]] absl::Status TryOffload(absl::FunctionRef<void()> f);

// The same for callers that treat overload and cancellation alike: whether `f` ran.
bool Offload(absl::FunctionRef<void()> f);

}  // namespace fasthttp

#endif  // FASTHTTP_TASK_H_
