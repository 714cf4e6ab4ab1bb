// Runtime: the event loops that servers, clients and in-memory listeners run on.
//
// Most programs never name it: everything uses the process-wide default, which starts its threads
// at first use and lives until the process ends. Make one of your own to bound its threads or
// memory, or to have a test take everything down again.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_RUNTIME_H_
#define FASTHTTP_RUNTIME_RUNTIME_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/offload.h"
#include "fasthttp/runtime/watchdog.h"

namespace fasthttp {

struct RuntimeOptions {
  // Event loops, each with a thread. 0: the environment variable GOMAXPROCS if it is a number of
  // 1 to 1024, else one for each CPU this process may use.
  int threads = 0;
  // CPUs that the loops are pinned to: loop i to cpus[i % size]. Empty: not pinned. With threads =
  // 0 one loop for each. Numbers as in /proc/cpuinfo; see Runtime::Check.
  std::vector<int> cpus = {};
  // Usable bytes of the stack of a handler; only touched pages cost memory. A handler that needs
  // more than this overflows into a guard and the process ends by SIGSEGV, with a sentence.
  size_t stack_size = 256 * 1024;
  // The same of RunOnLargeStack. For scale: std::regex (libstdc++ 12) matches "(a|b)*" with 340
  // bytes on 256 KiB and with 11,000 on 8 MiB.
  size_t large_stack_size = 8 << 20;
  // Handlers that may be blocked at once, over all loops: a server answers 503 to requests beyond
  // it, at once. A blocked handler holds 4 to 8 KiB of stack, its request block and context.
  uint32_t max_blocked = 65'536;
  // Called with an exception that leaves a function given to Spawn, or a member of a TaskGroup that
  // nobody waits for, on its loop; it must not block. Default: one line on stderr.
  std::function<void(const std::exception_ptr&)> on_lost_exception = {};
  // Helper threads of Offload, and how many calls may wait for one before kOverloaded.
  int offload_threads = 8;
  size_t offload_queue = 1024;
  // A loop that is held for this long by one piece of code, so that none of its other connections
  // moves, is reported once, with the stack of what holds it. 0 or InfiniteDuration: off, and no
  // watchdog thread.
  absl::Duration stall_warning = absl::Seconds(1);
  // Gets the reports, on the watchdog's thread. nullptr: they go to stderr.
  std::function<void(const StallReport&)> on_stall = nullptr;
  // Handlers of SIGSEGV and SIGBUS name a stack overflow before the earlier handler, or the
  // default, goes on with it. Off: they stay as they are.
  bool explain_stack_overflow = true;
};

class Runtime {
 public:
  // The options must pass Check.
  explicit Runtime(const RuntimeOptions& options = {});

  // kOk if a Runtime can be made with these, for options that come from a user: kUnsupported for a
  // CPU that this process may not run on, kProgramming for a negative number or a stack under
  // 16 KiB.
  static Errc Check(const RuntimeOptions& options);

  // Cancels whatever is still blocked (Errc::kDraining), on all loops, waits for it and for every
  // spawned task, and joins the threads.
  // Servers and clients on it must be gone. Never from one of its own handlers.
  virtual ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // The process-wide one; never destroyed, so that exit() from a handler is safe.
  static Runtime& Default();

  // Calls `function` as a task on one of the loops, where it may block without holding a thread,
  // and returns when it has ended. A thread keeps its loop from call to call. Called on a fiber of
  // this runtime it is a plain call. An exception of `function` comes out of this call.
  void Run(absl::FunctionRef<void()> function);

  // The same on a given loop.
  void RunOn(runtime::Loop& loop, absl::FunctionRef<void()> function);

  // The loop that Run uses: the caller's own if it is one of these, or the thread's.
  runtime::Loop& home();

  size_t loops() const { return loops_.size(); }
  runtime::Loop& loop(size_t i);
  runtime::OffloadPool& offload() { return offload_; }

  // Hands an exception that nobody waits for to RuntimeOptions::on_lost_exception.
  void LostException(const std::exception_ptr& exception) const;
  // Appends a text of what every fiber does: blocked since when, on what, until when; with `stacks`
  // also where in the code, which takes about a millisecond a fiber. A loop that does not answer
  // within a second is said to be stalled. From a plain thread or a fiber of any runtime.
  void DumpFibers(std::string& out, bool stacks = true);

  // One report for each loop, without asking the loops: stalled ones are no problem.
  std::vector<runtime::LoopReport> Report() const;

  // The runtime that owns the loop this thread runs; null on a plain thread.
  static Runtime* Current();

 protected:
  // For SimRuntime: loops that somebody else steps.
  struct Simulated {};
  Runtime(Simulated, const RuntimeOptions& options);
  void AddLoop(std::unique_ptr<runtime::Poller> poller);
  // The loops stop when none of them has anything left to do.
  void StopLoops();
  // Suspends the calling plain thread until `*done`, which a loop sets under `mutex`.
  virtual void AwaitOnThread(bool* done);

  std::mutex mutex_;
  std::condition_variable done_;

 private:
  void Start();
  void Pin(size_t loop) const;
  void RunLoop(runtime::Loop& loop);

  const RuntimeOptions options_;
  runtime::StopGroup stop_group_;
  std::vector<std::unique_ptr<runtime::Loop>> loops_;
  std::once_flag started_;
  std::unique_ptr<runtime::Watchdog> watchdog_;
  std::vector<std::thread> threads_;
  runtime::OffloadPool offload_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_RUNTIME_RUNTIME_H_
