// Waiter: one suspended fiber or blocked plain thread, as synchronisation objects see it.
//
// It lies on the waiting stack. Any number of objects, on any thread, may know it; each must Claim
// it before it hands something over, and exactly one Claim of a Waiter is won. Its deadline and its
// cancellation claim it too. So a lock, a permit or a value is either handed over and received, or
// neither: one atomic decides.
//
//   waiting:  Waiter waiter; WaitNode node(&waiter); ... list it under the object's guard ...
//             Errc cause = waiter.Await();   // kOk: somebody has claimed it and has woken it.
//   waking:   if (waiter.Claim()) { ... hand over ...; waiter.Wake(); }
//
// Between Claim and Wake the waiter stays, whatever its deadline, so what lies beside it on its
// stack may be written. Do little there: it may be spinning. After Wake it may be gone.
//
// The fiber side is the wait protocol of wait.h: Await is a Loop::Block, Wake is a Fire on the own
// loop and a PostWake from everywhere else. A plain thread sleeps on a futex.
//
// Thread class: Claim, Wake and Cancel are thread-safe, the rest is for the stack that made it.
#ifndef FASTHTTP_RUNTIME_WAITER_H_
#define FASTHTTP_RUNTIME_WAITER_H_

#include <atomic>
#include <cstdint>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp::runtime {

class Waiter {
 public:
  // For the calling fiber, or the calling thread if it isn't a loop's. From here to Await nothing
  // else may be waited for.
  Waiter();
  // Await need not have been called, if no Claim can have been won.
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // True for the first caller. It must call Wake, soon.
  bool Claim() {
    uint32_t expected = kWaiting;
    return state_.compare_exchange_strong(expected, kClaimed, std::memory_order_acq_rel,
                                          std::memory_order_relaxed);
  }
  // Lets the waiter go on; only after a won Claim. It may be gone when this returns.
  void Wake();
  // Claim and Wake for whoever ends the wait: Await returns `cause`. False if it was claimed.
  bool Cancel(Errc cause);

  // Suspends until it is woken (kOk), `deadline` (nanoseconds of Now(), kTimeout) or, if
  // `cancellable`, until the current task is cancelled or its deadline passes. Once only.
  // kOverloaded if the loop is out of stacks; then, too, nothing was handed over.
  Errc Await(int64_t deadline = kNoDeadline, bool cancellable = true);

  // Whose list the claimed node was in, for those who wait in several; null until then.
  WaitNode* claimed_node = nullptr;

  // Why a blocking call of this task or thread must fail before it tries: it is cancelled or its
  // deadline has passed. kOk otherwise.
  static Errc CauseOnEntry();

  // The clock of deadlines: the current loop's, CLOCK_MONOTONIC on a plain thread.
  static int64_t Now();
  // The deadline that lies `nanoseconds` ahead; kNoDeadline if that is beyond all time.
  static int64_t DeadlineIn(int64_t nanoseconds);

 private:
  enum : uint32_t { kWaiting, kClaimed, kWoken };

  Errc AwaitOnThread(int64_t deadline, bool cancellable);
  void AwaitHandOver() const;

  std::atomic<uint32_t> state_{kWaiting};
  Errc cause_ = Errc::kOk;
  Loop* const loop_;  // Null: a plain thread.
  Wait wait_;
  WakeToken token_;
};

// Where a blocking call could suspend: in chaos mode it now and then does.
void ChaosYield();
inline void ChaosPoint() {
  if (base::ChaosStrikes()) ChaosYield();
}

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_WAITER_H_
