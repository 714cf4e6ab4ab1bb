// Event: something that happens once, and that any number may wait for.
//
// It is never taken back: for what happens again and again use a Channel or a CondVar. What holds
// for all synchronisation objects stands in fasthttp/sync.h.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EVENT_H_
#define FASTHTTP_EVENT_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp {

class SelectCase;

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
  friend class SelectCase;
  absl::Status WaitUntil(int64_t deadline);

  std::mutex guard_;
  std::atomic<bool> set_{false};
  runtime::WaitList waiters_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_EVENT_H_
