#include "expvar/cpu_profile.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "fasthttp/runtime/stack_trace.h"

namespace expvar {
namespace {

using fasthttp::runtime::StackTrace;

// Samples lie one behind the other: the number of addresses, then these. Zero: no sample yet.
using Word = std::atomic<uint64_t>;
constexpr size_t kWords = size_t{2} << 20;
constexpr size_t kBytes = kWords * sizeof(Word);

// What the signal handler uses. `inside` counts the threads in it: the words are given back when
// there are none, and no new one can see them.
constinit std::atomic<Word*> words{nullptr};
constinit std::atomic<size_t> used{0};
constinit std::atomic<uint64_t> dropped{0};
constinit std::atomic<int> inside{0};

constinit std::atomic<bool> busy{false};

struct ThreadTimer {
  pid_t thread;
  timer_t timer;
};
// These are the one's who has set `busy`.
std::vector<ThreadTimer>& timers = *new std::vector<ThreadTimer>;
int64_t start_nanos;
int64_t start_monotonic;

int64_t Now(clockid_t clock) {
  timespec now;
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void OnSignal(int, siginfo_t* info, void*) {
  const int saved = errno;
  inside.fetch_add(1);
  Word* const into = words.load();
  if (into != nullptr && info->si_code == SI_TIMER) {
    StackTrace trace;
    trace.Capture();
    const size_t at = used.fetch_add(trace.size + 1, std::memory_order_relaxed);
    if (trace.size == 0 || at + trace.size + 1 > kWords) {
      dropped.fetch_add(1, std::memory_order_relaxed);
    } else {
      for (size_t i = 0; i < trace.size; ++i) {
        into[at + 1 + i].store(reinterpret_cast<uintptr_t>(trace.frames[i]),
                               std::memory_order_relaxed);
      }
      into[at].store(trace.size, std::memory_order_relaxed);
    }
  }
  inside.fetch_sub(1);
  errno = saved;
}

bool TakeSignal() {
  struct sigaction action;
  if (::sigaction(SIGPROF, nullptr, &action) != 0) return false;
  if ((action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &OnSignal) return true;
  if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) return false;
  std::memset(&action, 0, sizeof action);
  action.sa_sigaction = &OnSignal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  return ::sigaction(SIGPROF, &action, nullptr) == 0;
}

// The kernel's number for the CPU clock of a thread: as pthread_getcpuclockid makes it.
clockid_t CpuClockOf(pid_t thread) {
  constexpr unsigned kPerThread = 4;
  constexpr unsigned kScheduled = 2;
  return static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | kPerThread | kScheduled);
}

// Nothing if the thread has ended.
void Sample(pid_t thread) {
  sigevent event;
  std::memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = thread;
  timer_t timer;
  if (::timer_create(CpuClockOf(thread), &event, &timer) != 0) return;
  itimerspec every;
  every.it_interval = every.it_value = {0, CpuProfile::kPeriodNanos};
  ::timer_settime(timer, 0, &every, nullptr);
  timers.push_back({thread, timer});
}

bool IsSampled(pid_t thread) {
  for (const ThreadTimer& timer : timers) {
    if (timer.thread == thread) return true;
  }
  return false;
}

void CollectInto(CpuProfile& profile, const Word* from) {
  std::vector<const void*> stack;
  for (size_t at = 0; at < kWords;) {
    const size_t size = from[at].load(std::memory_order_relaxed);
    if (size == 0) return;
    stack.clear();
    for (size_t i = 1; i <= size; ++i) {
      stack.push_back(reinterpret_cast<const void*>(
          static_cast<uintptr_t>(from[at + i].load(std::memory_order_relaxed))));
    }
    ++profile.stacks[stack];
    at += size + 1;
  }
}

}  // namespace

CpuProfiler::Outcome CpuProfiler::Begin() {
  if (busy.exchange(true)) return Outcome::kBusy;
  Outcome outcome = Outcome::kOk;
  void* room = MAP_FAILED;
  if (!TakeSignal()) {
    outcome = Outcome::kSignalTaken;
  } else if (room = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
             room == MAP_FAILED) {
    outcome = Outcome::kNoMemory;
  }
  if (outcome != Outcome::kOk) {
    busy.store(false);
    return outcome;
  }
  StackTrace().Capture();  // What the unwinder sets up at first use, it sets up now.
  used.store(0);
  dropped.store(0);
  start_nanos = Now(CLOCK_REALTIME);
  start_monotonic = Now(CLOCK_MONOTONIC);
  words.store(static_cast<Word*>(room));  // Zero pages are zero words.
  AddThreads();
  return Outcome::kOk;
}

void CpuProfiler::AddThreads() {
  DIR* threads = ::opendir("/proc/self/task");
  if (threads == nullptr) return;
  while (const dirent* entry = ::readdir(threads)) {
    pid_t thread;
    if (timers.size() == kMaxThreads) break;
    if (absl::SimpleAtoi(entry->d_name, &thread) && !IsSampled(thread)) Sample(thread);
  }
  ::closedir(threads);
}

CpuProfile CpuProfiler::End() {
  Word* const room = words.exchange(nullptr);
  for (const ThreadTimer& timer : timers) ::timer_delete(timer.timer);
  timers.clear();
  while (inside.load() != 0) ::sched_yield();
  CpuProfile profile;
  profile.start_nanos = start_nanos;
  profile.duration_nanos = Now(CLOCK_MONOTONIC) - start_monotonic;
  CollectInto(profile, room);
  profile.dropped = dropped.load();
  ::munmap(room, kBytes);
  busy.store(false);
  return profile;
}

}  // namespace expvar
