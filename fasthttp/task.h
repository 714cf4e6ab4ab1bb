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
// caller's stack. It runs in any case, also when the request has been cancelled meanwhile. An
// exception of `f` comes out of Offload. On a plain thread it is a plain call.
void Offload(absl::FunctionRef<void()> f);

// The same for work that is not worth waiting for: kOverloaded if too many calls wait for a helper
// thread (RuntimeOptions::offload_queue), and the cause if the request is cancelled before `f` has
// started. In both cases `f` never runs; once started it is awaited to its end.
[[nodiscard]] absl::Status TryOffload(absl::FunctionRef<void()> f);

}  // namespace fasthttp

#endif  // FASTHTTP_TASK_H_
