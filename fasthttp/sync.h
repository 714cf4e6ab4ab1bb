// Synchronisation between handlers, tasks and threads: what to use in place of the std ones.
//
// A std::mutex, std::condition_variable or std::latch blocks the operating system's thread, and
// with it every handler of that loop, maybe the very one that would end the wait. These suspend the
// calling handler or task only. They work between handlers of one loop, of several loops, of
// several runtimes, and with plain threads (which do block).
//
// What holds for all of them:
//  * Waiting is first come, first served, and costs no allocation.
//  * A wait ends early, with a status, when the request or task that waits is cancelled or its
//    deadline passes; fasthttp::ErrcOf(status) tells the cause. It has taken nothing then: what was
//    about to be handed to it goes to the next in line. A cancelled task fails before it tries.
//  * Whoever was let in last may destroy the object at once, even if the call that let it in has
//    not returned on its own thread. Nobody else may be calling it or waiting.
//  * Errc::kOverloaded: the loop is out of memory for stacks, nothing was taken.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_SYNC_H_
#define FASTHTTP_SYNC_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp {

// Event: something that happens once, and that any number may wait for. It is never taken back; for
// what happens again and again use a Channel or a CondVar.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Lets go everyone who waits, now and later. The second time has no effect. Never blocks.
  void Set();

  // True once it is set; then what was written before Set() is visible. Not a licence to destroy
  // it: Set() may still be under way. Wait() is one.
  bool IsSet() const { return set_.load(std::memory_order_acquire); }

  // Suspends until it is set. OK at once if it is, even in a cancelled task: nothing is taken.
  absl::Status Wait();
  // The same; kTimeout when `timeout` has passed before.
  absl::Status WaitFor(absl::Duration timeout);

 private:
  absl::Status WaitUntil(int64_t deadline);

  std::mutex guard_;
  std::atomic<bool> set_{false};
  runtime::WaitList waiters_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_SYNC_H_
