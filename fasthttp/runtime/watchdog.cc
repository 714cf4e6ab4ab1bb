#include "fasthttp/runtime/watchdog.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {
namespace {

thread_local Watchdog::Watched* this_thread = nullptr;

// A thread in an uninterruptible system call answers when that ends, which may be never.
constexpr int64_t kAnswerNanos = 200'000'000;

// The signal that asks a thread for its stack; 0 if all are taken.
int StackSignal(void (*handler)(int)) {
  static const int chosen = [handler] {
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
      struct sigaction action;
      if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
      std::memset(&action, 0, sizeof action);
      action.sa_handler = handler;
      action.sa_flags = SA_RESTART | SA_ONSTACK;
      if (::sigaction(signal, &action, nullptr) == 0) return signal;
    }
    return 0;
  }();
  return chosen;
}

// The number of the system call that the thread waits in, -1 if it runs or /proc does not tell.
int64_t SystemCallOf(pid_t thread) {
  long number = -1;
  const std::string path = absl::StrCat("/proc/self/task/", thread, "/syscall");
  if (std::FILE* file = std::fopen(path.c_str(), "re")) {
    if (std::fscanf(file, "%ld", &number) != 1) number = -1;
    std::fclose(file);
  }
  return number;
}

std::string TextOf(const StallReport& report, const StackTrace& trace) {
  std::string text = absl::StrFormat(
      "fasthttp: loop %d (thread %d) has been held for %.2f s by %s on fiber %d; every other "
      "connection of this loop waits.\n",
      report.loop, report.thread, absl::ToDoubleSeconds(report.stalled),
      report.in_handler ? "a handler" : "the loop itself", report.fiber);
  if (report.system_call == SYS_futex) {
    absl::StrAppend(&text,
                    "  It waits for a lock (futex): probably a std::mutex is held by another "
                    "handler, across a call that waits. Use fasthttp::Mutex there.\n");
  } else if (report.system_call >= 0) {
    absl::StrAppend(&text, "  It waits in system call ", report.system_call,
                    ": call what blocks the thread through Offload.\n");
  } else {
    absl::StrAppend(&text, "  It computes: call Yield now and then, or Offload it.\n");
  }
  trace.AppendTo(text);
  if (trace.size == 0) absl::StrAppend(&text, "    (the thread did not answer)\n");
  return text;
}

}  // namespace

// --- On the loop's thread ---------------------------------------------------------------------

Watchdog::Watched::Watched(Watchdog& watchdog, Loop& loop)
    : watchdog_(watchdog), loop_(loop), thread_(static_cast<pid_t>(::syscall(SYS_gettid))) {
  ::sem_init(&taken_, 0, 0);
  this_thread = this;
  sigset_t signal;
  sigemptyset(&signal);
  if (int number = StackSignal(&OnSignal); number != 0) sigaddset(&signal, number);
  ::pthread_sigmask(SIG_UNBLOCK, &signal, nullptr);
  std::lock_guard<std::mutex> lock(watchdog_.mutex_);
  watchdog_.watched_.push_back(this);
}

Watchdog::Watched::~Watched() {
  {
    std::lock_guard<std::mutex> lock(watchdog_.mutex_);
    std::erase(watchdog_.watched_, this);
  }
  this_thread = nullptr;
  ::sem_destroy(&taken_);
}

void Watchdog::Watched::OnSignal(int) {
  const int saved = errno;
  Watched* self = this_thread;
  int asked = kAsked;
  if (self != nullptr && self->capture_.load(std::memory_order_acquire) == kAsked) {
    self->trace_.Capture();
    self->fiber_ = self->loop_.running()->index;
    self->in_handler_ = self->loop_.in_user_code();
    if (self->capture_.compare_exchange_strong(asked, kTaken, std::memory_order_release)) {
      ::sem_post(&self->taken_);
    }
  }
  errno = saved;
}

// --- On the watchdog's thread -----------------------------------------------------------------

Watchdog::Watchdog(absl::Duration after, OnStall on_stall)
    : period_(std::max(after / kLooks, absl::Milliseconds(1))),
      on_stall_(std::move(on_stall)),
      thread_([this] { Watch(); }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void Watchdog::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_.wait_for(lock, absl::ToChronoNanoseconds(period_), [this] { return stopping_; })) {
    std::vector<StallReport> reports;
    for (Watched* watched : watched_) {
      // The lock keeps the loop's thread alive while it is asked.
      if (HasStalled(*watched)) reports.push_back(Examine(*watched));
    }
    if (reports.empty()) continue;
    lock.unlock();
    for (const StallReport& report : reports) Tell(report);
    lock.lock();
  }
}

bool Watchdog::HasStalled(Watched& watched) const {
  const uint32_t heartbeat = watched.loop_.heartbeat();
  if (watched.loop_.asleep() || heartbeat != watched.heartbeat_) {
    watched.heartbeat_ = heartbeat;
    watched.unchanged_ = 0;
    return false;
  }
  return ++watched.unchanged_ == kLooks;
}

StallReport Watchdog::Examine(Watched& watched) const {
  StallReport report;
  report.loop = watched.loop_.index();
  report.thread = watched.thread_;
  report.stalled = period_ * kLooks;
  report.system_call = SystemCallOf(watched.thread_);  // The signal will interrupt it.
  StackTrace trace;
  watched.capture_.store(Watched::kAsked, std::memory_order_release);
  const int signal = StackSignal(&Watched::OnSignal);
  if (signal != 0) ::syscall(SYS_tgkill, ::getpid(), watched.thread_, signal);
  timespec until;
  ::clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += kAnswerNanos;
  until.tv_sec += until.tv_nsec / 1'000'000'000;
  until.tv_nsec %= 1'000'000'000;
  while (signal != 0 && ::sem_timedwait(&watched.taken_, &until) != 0 && errno == EINTR) {
  }
  int asked = Watched::kAsked;
  if (!watched.capture_.compare_exchange_strong(asked, Watched::kIdle)) {
    trace = watched.trace_;
    report.fiber = watched.fiber_;
    report.in_handler = watched.in_handler_;
    watched.capture_.store(Watched::kIdle);
    while (::sem_trywait(&watched.taken_) == 0) {  // Posted after the time was up.
    }
  }
  for (size_t i = 0; i < trace.size; ++i) report.stack.push_back(NameOf(trace.frames[i]));
  report.text = TextOf(report, trace);
  return report;
}

void Watchdog::Tell(const StallReport& report) const {
  if (on_stall_) return on_stall_(report);
  if (::write(STDERR_FILENO, report.text.data(), report.text.size()) < 0) {
    // Nothing is left to report it to.
  }
}

}  // namespace fasthttp::runtime
