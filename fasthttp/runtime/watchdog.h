// Watchdog: finds loops that stand still, and says which code holds them.
//
// A handler that computes for long, or waits for something that only a thread may wait for, stalls
// every connection of its loop, and nothing shows it but the latency of the others. The watchdog is
// a thread that looks at each loop four times in `after`. A loop that has neither polled nor slept
// in poll meanwhile has stalled: its thread gets a signal, whose handler notes the stack, and one
// report is made for the whole stall. Reports go to `on_stall`, or without one to stderr.
//
// A loop pays one relaxed store a round. A process that was stopped as a whole (SIGSTOP, a
// debugger) is not reported: the watchdog's own looks count, not the time.
//
// The signal is the highest real-time one that nobody handles when the first watchdog starts. As
// with any signal, calls that the kernel does not restart (usleep, poll) end with EINTR.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_WATCHDOG_H_
#define FASTHTTP_RUNTIME_WATCHDOG_H_

#include <semaphore.h>
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/runtime/stack_trace.h"

namespace fasthttp {

struct StallReport {
  size_t loop = 0;          // Its number in the runtime.
  pid_t thread = 0;         // As top and gdb show it.
  uint32_t fiber = 0;       // As Runtime::DumpFibers shows it.
  absl::Duration stalled;   // At least so long.
  bool in_handler = false;  // User code runs, not the loop itself.
  // The system call that it waits in; -1 if it computes, or if the kernel does not tell.
  int64_t system_call = -1;
  // What holds the loop: function names, innermost first. Empty if the thread did not answer.
  std::vector<std::string> stack;
  // All of it as text, several lines, with what it probably means.
  std::string text;
};

namespace runtime {

class Loop;

class Watchdog {
 public:
  // On the watchdog's thread. It may block; stalls that begin meanwhile are reported later.
  using OnStall = std::function<void(const StallReport&)>;

  Watchdog(absl::Duration after, OnStall on_stall);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Made on a loop's thread around Loop::Run.
  class Watched {
   public:
    Watched(Watchdog& watchdog, Loop& loop);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    friend class Watchdog;
    static void OnSignal(int);

    Watchdog& watchdog_;
    Loop& loop_;
    const pid_t thread_;
    uint32_t heartbeat_ = 0;  // As last seen.
    int unchanged_ = 0;       // Looks since then.

    // What the signal handler notes, and that it has.
    enum Capture : int { kIdle, kAsked, kTaken };
    std::atomic<int> capture_{kIdle};
    sem_t taken_;
    StackTrace trace_;
    uint32_t fiber_ = 0;
    bool in_handler_ = false;
  };

 private:
  static constexpr int kLooks = 4;

  void Watch();
  bool HasStalled(Watched& watched) const;
  StallReport Examine(Watched& watched) const;
  void Tell(const StallReport& report) const;

  const absl::Duration period_;
  const OnStall on_stall_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;          // Guarded by mutex_.
  std::vector<Watched*> watched_;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace runtime
}  // namespace fasthttp

#endif  // FASTHTTP_RUNTIME_WATCHDOG_H_
