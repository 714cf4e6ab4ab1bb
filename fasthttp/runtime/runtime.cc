#include "fasthttp/runtime/runtime.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"
#include "fasthttp/runtime/fork_guard.h"
#include "fasthttp/runtime/poller_epoll.h"
#include "fasthttp/runtime/stack_overflow.h"

namespace fasthttp {
namespace {

using runtime::Loop;

int DefaultThreads() {
  int threads;
  const char* wanted = std::getenv("GOMAXPROCS");
  if (wanted != nullptr && absl::SimpleAtoi(wanted, &threads) && threads >= 1 && threads <= 1024) {
    return threads;
  }
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0) {
    return CPU_COUNT(&cpus);
  }
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

runtime::LoopOptions LoopOptionsOf(const RuntimeOptions& options, size_t loops) {
  runtime::LoopOptions loop;
  loop.stack_size = options.stack_size;
  loop.large_stack_size = options.large_stack_size;
  loop.max_blocked = std::max<uint32_t>(1, options.max_blocked / static_cast<uint32_t>(loops));
  return loop;
}

// A function run as a task, for a caller that waits elsewhere and goes on with what it left in its
// locals.
class CalledTask final : public runtime::Task {
 public:
  CalledTask(absl::FunctionRef<void()> function, absl::FunctionRef<void()> finished)
      : caller_(runtime::CurrentTask()), function_(function), finished_(finished) {
    Inherit(caller_.CurrentContext());
    SetLocals(caller_.locals);
  }

  void Run(Loop&) override {
    try {
      function_();
    } catch (...) {
      exception_ = std::current_exception();
    }
    left_ = std::exchange(locals, nullptr);
    EndTask(/*end_context=*/false);
    finished_();  // The caller may be gone with this object from here on.
  }

  // By the caller, once that is finished.
  void GoOn() {
    caller_.SetLocals(left_);
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  Task& caller_;
  absl::FunctionRef<void()> function_;
  absl::FunctionRef<void()> finished_;
  runtime::TaskLocal* left_ = nullptr;
  std::exception_ptr exception_;
};

}  // namespace

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      offload_(static_cast<size_t>(std::max(1, options.offload_threads)), options.offload_queue) {
  runtime::WatchForks();
  FASTHTTP_CHECK(Check(options) == Errc::kOk,
                 "RuntimeOptions: a CPU that this process may not use, a negative number, or a "
                 "stack under 16 KiB (see Runtime::Check)");
  size_t count = options.threads > 0     ? static_cast<size_t>(options.threads)
                 : !options.cpus.empty() ? options.cpus.size()
                                         : static_cast<size_t>(DefaultThreads());
  for (size_t i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<Loop>(std::make_unique<runtime::PollerEpoll>(),
                                            LoopOptionsOf(options, count),
                                            static_cast<uint32_t>(i)));
    loops_.back()->set_owner(this);
    loops_.back()->set_stop_group(&stop_group_);
  }
}

Runtime::Runtime(Simulated, const RuntimeOptions& options) : options_(options), offload_(1, 1) {}

Errc Runtime::Check(const RuntimeOptions& options) {
  constexpr size_t kLeastStack = 16 * 1024;
  if (options.threads < 0 || options.offload_threads < 0 || options.stack_size < kLeastStack ||
      options.large_stack_size < kLeastStack) {
    return Errc::kProgramming;
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu : options.cpus) {
    if (cpu < 0) return Errc::kProgramming;
    if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &allowed)) return Errc::kUnsupported;
  }
  return Errc::kOk;
}

Runtime::~Runtime() {
  FASTHTTP_CHECK(Loop::Current() == nullptr, "a runtime was destroyed by one of its own handlers");
  if (!threads_.empty()) {
    runtime::RefuseAfterFork();  // There is nobody to join.
    StopLoops();
  }
  for (std::thread& thread : threads_) thread.join();
}

Runtime& Runtime::Default() {
  static Runtime* const runtime = new Runtime();
  return *runtime;
}

Runtime* Runtime::Current() {
  Loop* loop = Loop::Current();
  return loop == nullptr ? nullptr : loop->owner();
}

Loop& Runtime::loop(size_t i) {
  Start();
  return *loops_[i];
}

void Runtime::AddLoop(std::unique_ptr<runtime::Poller> poller) {
  loops_.push_back(std::make_unique<Loop>(std::move(poller), LoopOptionsOf(options_, 1),
                                          static_cast<uint32_t>(loops_.size())));
  loops_.back()->set_owner(this);
  loops_.back()->set_stop_group(&stop_group_);
}

void Runtime::StopLoops() {
  for (auto& loop : loops_) loop->Stop();
}

void Runtime::Start() {
  runtime::RefuseAfterFork();
  std::call_once(started_, [this] {
    if (loops_[0]->simulated()) return;
    if (options_.explain_stack_overflow) runtime::ExplainStackOverflows();
    // Signals are the application's: its own threads take them. What a thread brings upon itself
    // stays deliverable, else the kernel would kill past every handler.
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
      sigdelset(&blocked, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (options_.stall_warning > absl::ZeroDuration() &&
        options_.stall_warning < absl::InfiniteDuration()) {
      watchdog_ = std::make_unique<runtime::Watchdog>(options_.stall_warning, options_.on_stall);
    }
    for (auto& loop : loops_) {
      threads_.emplace_back([this, loop = loop.get()] { RunLoop(*loop); });
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

// A CPU that was taken offline since Check leaves the loop where it is.
void Runtime::Pin(size_t loop) const {
  if (options_.cpus.empty()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(options_.cpus[loop % options_.cpus.size()], &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

void Runtime::RunLoop(Loop& loop) {
  runtime::SignalStack signal_stack;
  std::optional<runtime::Watchdog::Watched> watched;
  if (watchdog_ != nullptr) watched.emplace(*watchdog_, loop);
  Pin(loop.index());
  loop.Run();
}

Loop& Runtime::home() {
  static std::atomic<size_t> threads_seen{0};
  static thread_local size_t sticky = threads_seen.fetch_add(1, std::memory_order_relaxed);
  Loop* here = Loop::Current();
  return here != nullptr && here->owner() == this ? *here : loop(sticky % loops_.size());
}

void Runtime::Run(absl::FunctionRef<void()> function) { RunOn(home(), function); }

void Runtime::RunOn(Loop& target, absl::FunctionRef<void()> function) {
  Start();
  Loop* here = Loop::Current();
  if (here == &target && here->in_user_code()) return function();
  if (here != nullptr && here->in_user_code()) {
    runtime::Wait wait;
    here->Prepare(wait);
    runtime::WakeToken token = here->TokenOf(wait);
    bool done = false;
    auto finished = [this, &token, &done] {
      std::lock_guard<std::mutex> lock(mutex_);
      done = true;
      done_.notify_all();
      Loop::PostWake(token, Errc::kOk);
    };
    CalledTask task(function, finished);
    target.Spawn(task);
    // The task refers to this frame: a loop that is out of stacks waits for it in place.
    (void)here->Block(wait, runtime::kNoDeadline, /*cancellable=*/false);
    AwaitOnThread(&done);
    return task.GoOn();
  }
  FASTHTTP_CHECK(here == nullptr || here->simulated(),
                 "a blocking call outside of a handler or task");
  bool done = false;
  auto finished = [this, &done] {
    // Under the lock: the caller's frame goes when it sees `done`.
    std::lock_guard<std::mutex> lock(mutex_);
    done = true;
    done_.notify_all();
  };
  CalledTask task(function, finished);
  target.Spawn(task);
  AwaitOnThread(&done);
  task.GoOn();
}

void Runtime::LostException(const std::exception_ptr& exception) const {
  if (options_.on_lost_exception) return options_.on_lost_exception(exception);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fasthttp: an exception left a task: %s\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "fasthttp: an unknown exception left a task\n");
  }
}

void Runtime::DumpFibers(std::string& out, bool stacks) {
  // Shared with the loops: one that is stalled may come to it after the call has returned.
  struct Dump {
    std::mutex mutex;
    std::condition_variable told;
    std::vector<std::optional<std::string>> parts;
    size_t missing;
    runtime::WakeToken waiter;
  };
  Start();
  Loop* here = Loop::Current();
  const bool on_fiber = here != nullptr && here->in_user_code();
  if (loops_[0]->simulated()) {
    for (auto& loop : loops_) RunOn(*loop, [&] { loop->DumpFibers(out, stacks); });
    return;
  }
  auto dump = std::make_shared<Dump>();
  dump->parts.resize(loops_.size());
  dump->missing = loops_.size();
  runtime::Wait wait;
  if (on_fiber) {
    here->Prepare(wait);
    dump->waiter = here->TokenOf(wait);
  }
  for (auto& loop : loops_) {
    loop->Post(
        [](Loop& to, void* shared, uint64_t with_stacks, uint64_t) {
          std::unique_ptr<std::shared_ptr<Dump>> owned(static_cast<std::shared_ptr<Dump>*>(shared));
          Dump& into = **owned;
          std::string part;
          to.DumpFibers(part, with_stacks != 0);
          std::lock_guard<std::mutex> lock(into.mutex);
          into.parts[to.index()] = std::move(part);
          if (--into.missing != 0) return;
          into.told.notify_all();
          if (into.waiter.loop != nullptr) Loop::PostWake(into.waiter, Errc::kOk);
        },
        new std::shared_ptr<Dump>(dump), stacks);
  }
  if (on_fiber) {
    (void)here->Block(wait, here->FreshNow() + runtime::kSecond, /*cancellable=*/false);
  }
  std::unique_lock<std::mutex> lock(dump->mutex);
  if (!on_fiber) {
    dump->told.wait_for(lock, std::chrono::seconds(1), [&] { return dump->missing == 0; });
  }
  for (size_t i = 0; i < dump->parts.size(); ++i) {
    absl::StrAppend(&out, dump->parts[i] ? *dump->parts[i]
                                         : absl::StrCat("loop ", i, ": stalled, no answer\n"));
  }
}

std::vector<runtime::LoopReport> Runtime::Report() const {
  std::vector<runtime::LoopReport> reports;
  for (const auto& loop : loops_) reports.push_back(loop->Report());
  return reports;
}

void Runtime::AwaitOnThread(bool* done) {
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [done] { return *done; });
}

}  // namespace fasthttp
