// CpuProfiler: notes where the threads of this process spend their CPU time.
//
// Each thread gets a timer on its own CPU clock, whose signal (SIGPROF) notes the stack that it
// interrupts: of a handler on its fiber as of any other code. Threads that use no CPU cost and show
// nothing. While it runs, 100 times a second of CPU time a thread pays some 10 to 50 us: about
// 0.5 %. While none runs, nothing.
//
// System calls that the kernel does not restart (usleep, poll in a thread of one's own) may end
// with EINTR meanwhile. After the first profile SIGPROF keeps a handler, since one may still be
// under way.
//
// When not to use it: beside another profiler of the process that uses SIGPROF (kSignalTaken).
//
// Thread class: thread-safe; one profile at a time in a process.
#ifndef FASTHTTP_EXPVAR_CPU_PROFILE_H_
#define FASTHTTP_EXPVAR_CPU_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace expvar {

struct CpuProfile {
  // Stacks, innermost address first, and how often each was met.
  std::map<std::vector<const void*>, uint64_t> stacks;
  // Samples for which there was no room (16 MiB, about 80,000 stacks).
  uint64_t dropped = 0;
  int64_t start_nanos = 0;     // Since the epoch.
  int64_t duration_nanos = 0;  // Of time, not CPU time.

  static constexpr int64_t kPeriodNanos = 10'000'000;  // CPU time between two samples of a thread.
};

class CpuProfiler {
 public:
  enum class Outcome {
    kOk,
    kBusy,         // Another profile is being taken.
    kSignalTaken,  // Somebody else handles SIGPROF.
    kNoMemory,
  };

  // Begins to sample the threads that there are. After kOk, End must be called.
  static Outcome Begin();
  // Samples threads too that were started since. About 10 us a thread; at most kMaxThreads.
  static void AddThreads();
  static CpuProfile End();

  static constexpr size_t kMaxThreads = 4096;
};

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_CPU_PROFILE_H_
