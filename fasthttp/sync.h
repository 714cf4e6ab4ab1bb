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

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/channel.h"  // IWYU pragma: export
#include "fasthttp/event.h"    // IWYU pragma: export
#include "fasthttp/runtime/wait_list.h"
#include "fasthttp/select.h"  // IWYU pragma: export

namespace fasthttp {

// Mutex: mutual exclusion that may be held across a call that waits.
//
// Free, it is one compare-and-swap to lock and one to unlock. Contended, it is handed over in the
// order of arrival, so nobody starves, and every hand-over suspends somebody: keep sections short,
// and where nothing inside waits std::mutex is as good.
//
// Not recursive. Unlock belongs to whoever holds it; a fiber may unlock what another has locked.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Suspends until it holds the mutex, whatever happens to the request meanwhile: it has no status
  // to give, so that MutexLock and std::lock_guard can't be fooled. Ends the process if the loop is
  // out of memory for stacks.
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (base::chaos_enabled || !TryLock()) LockContended();
  }
  // The same for waits that end with the request's cancellation or after `timeout`. The mutex is
  // held if and only if it returns OK; clang's thread safety analysis can't know: AssertHeld.
  [[nodiscard]] absl::Status LockCancellable(absl::Duration timeout = absl::InfiniteDuration());
  // The same as a bool, which clang understands.
  [[nodiscard]] bool TryLockFor(absl::Duration timeout) ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  [[nodiscard]] bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    uint32_t expected = 0;
    return state_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  // Never blocks. Ends the process if it is not locked.
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    uint32_t expected = kLocked;
    if (!state_.compare_exchange_strong(expected, 0, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      UnlockContended();
    }
  }
  // Ends the process if nobody holds it.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK();

  // For std::lock_guard, std::unique_lock and std::scoped_lock.
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { Lock(); }
  bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return TryLock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { Unlock(); }

 private:
  // kWaiters is set while the list is not empty, and only together with kLocked.
  static constexpr uint32_t kLocked = 1;
  static constexpr uint32_t kWaiters = 2;

  void LockContended();
  Errc LockUntil(int64_t deadline, bool cancellable);
  bool TakeOrAnnounce();
  void UnlockContended();

  std::atomic<uint32_t> state_{0};
  std::mutex guard_;
  runtime::WaitList waiters_;
};

// Holds a Mutex for the time of a scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// CondVar: waits for a condition on what a Mutex guards. The condition is the caller's; use the
// forms with a predicate, which check it in every order of events. Where one side hands values to
// another, a Channel is simpler.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  // Gives up `mutex`, which the caller holds, suspends until it is signalled, and locks it again:
  // it is held afterwards whatever the status says. OK is a signal, never a spurious wake-up; but
  // others may have run between the signal and the lock.
  absl::Status Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status WaitFor(Mutex& mutex, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Waits until `condition`, called with `mutex` held, is true: OK if and only if it is.
  absl::Status Wait(Mutex& mutex, absl::FunctionRef<bool()> condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status WaitFor(Mutex& mutex, absl::Duration timeout, absl::FunctionRef<bool()> condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Lets go the one who has waited longest, or everyone. Never blocks; with or without the mutex.
  void Signal();
  void SignalAll();

 private:
  Errc WaitUntil(Mutex& mutex, int64_t deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status WaitUntil(Mutex& mutex, int64_t deadline, absl::FunctionRef<bool()> condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  std::mutex guard_;
  runtime::WaitList waiters_;
};

// Semaphore: a number of permits, for "at most n at once". Strictly first come, first served: who
// wants many permits is not overtaken by those who want few.
class Semaphore {
 public:
  explicit Semaphore(int64_t permits);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Takes `n` permits at once, n >= 0; suspends until it can.
  [[nodiscard]] absl::Status Acquire(int64_t n = 1);
  [[nodiscard]] absl::Status AcquireFor(absl::Duration timeout, int64_t n = 1);
  // Takes them if they are there and nobody waits.
  [[nodiscard]] bool TryAcquire(int64_t n = 1);
  // Gives `n` permits, n >= 0, acquired or new ones. Never blocks. Ends the process if there would
  // be more than 2^63 - 1.
  void Release(int64_t n = 1);

  // Those that nobody holds now.
  int64_t available() const;

 private:
  friend class SharedMutex;
  struct Node;

  Errc Take(int64_t n, int64_t deadline, bool cancellable);
  bool TakeNow(int64_t n);
  void Give(int64_t n, int64_t limit);
  void Grant(runtime::WakeList& woken);

  mutable std::mutex guard_;
  int64_t available_;
  runtime::WaitList waiters_;
};

// SharedMutex: one writer or many readers. For data that is read often, across calls that wait; it
// costs more than a Mutex to lock. In the order of arrival: a waiting writer holds up the readers
// behind it, so a reader must not lock it again for reading.
class ABSL_LOCKABLE SharedMutex {
 public:
  SharedMutex() : permits_(kAll) {}
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  // As those of Mutex; the shared ones let in each other.
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { LockAlways(kAll); }
  [[nodiscard]] absl::Status LockCancellable(absl::Duration timeout = absl::InfiniteDuration());
  [[nodiscard]] bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return permits_.TryAcquire(kAll);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { permits_.Give(kAll, kAll); }
  void LockShared() ABSL_SHARED_LOCK_FUNCTION() { LockAlways(1); }
  [[nodiscard]] absl::Status LockSharedCancellable(
      absl::Duration timeout = absl::InfiniteDuration());
  [[nodiscard]] bool TryLockShared() ABSL_SHARED_TRYLOCK_FUNCTION(true) {
    return permits_.TryAcquire(1);
  }
  void UnlockShared() ABSL_UNLOCK_FUNCTION() { permits_.Give(1, kAll); }

  // For std::lock_guard, std::unique_lock and std::shared_lock.
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { Lock(); }
  bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return TryLock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { Unlock(); }
  void lock_shared() ABSL_SHARED_LOCK_FUNCTION() { LockShared(); }
  bool try_lock_shared() ABSL_SHARED_TRYLOCK_FUNCTION(true) { return TryLockShared(); }
  void unlock_shared() ABSL_UNLOCK_FUNCTION() { UnlockShared(); }

 private:
  // A writer takes all permits, a reader one.
  static constexpr int64_t kAll = int64_t{1} << 32;
  void LockAlways(int64_t permits);

  Semaphore permits_;
};

// WaitGroup: waits until a number of pieces of work has been done. For work that may fail, or that
// shall be cancelled together, use a TaskGroup.
//
// Add before the work is started, not in it: Wait lets go whenever the count is zero.
class WaitGroup {
 public:
  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;

  // Adds `n`, which may be negative. Never blocks. Ends the process if the count gets negative.
  void Add(int64_t n);
  void Done() { Add(-1); }

  // Suspends until the count is zero.
  absl::Status Wait();
  absl::Status WaitFor(absl::Duration timeout);

 private:
  absl::Status WaitUntil(int64_t deadline);

  std::mutex guard_;
  int64_t count_ = 0;
  runtime::WaitList waiters_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_SYNC_H_
