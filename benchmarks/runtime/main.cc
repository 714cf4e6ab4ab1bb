// What waiting costs: switches, suspensions, spawning, wake-ups and synchronisation.
//
//   ./bazelw run --config=opt //benchmarks/runtime -- --benchmark_filter=Mutex
//
// Columns: ns per operation, and instr/op where there are hardware counters. --iterations=N fixes
// the number of operations, for valgrind. What one operation is: benchmarks/README.md.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "benchmark/benchmark.h"
#include "benchmarks/instructions.h"
#include "fasthttp/context.h"
#include "fasthttp/runtime/fiber.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/stack_pool.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/runtime/waiter.h"
#include "fasthttp/sync.h"
#include "fasthttp/task.h"
#include "fasthttp/task_group.h"

namespace fasthttp::benchmarks {
namespace {

using benchmark::State;
using runtime::Fiber;
using runtime::Loop;
using runtime::Task;
using runtime::Waiter;

const InstructionCounter* instructions = nullptr;

// Counts the instructions of its life as those of the state's operations.
class Count {
 public:
  explicit Count(State& state) : state_(state), start_(instructions->Read()) {}
  ~Count() {
    if (!instructions->available()) return;
    state_.counters["instr/op"] = static_cast<double>(instructions->Read() - start_) /
                                  static_cast<double>(state_.iterations());
  }

 private:
  State& state_;
  const uint64_t start_;
};

// Two loops that live as long as the program.
Runtime& Loops() {
  static Runtime* const runtime = new Runtime({.threads = 2});
  return *runtime;
}

// Runs `body` as a task of the first loop: there the state counts.
void OnLoop(const std::function<void(Loop&)>& body) {
  Loop& loop = Loops().loop(0);
  Loops().RunOn(loop, [&] { body(loop); });
}

class FunctionTask final : public Task {
 public:
  explicit FunctionTask(std::function<void(Loop&)> function) : function_(std::move(function)) {}
  void Run(Loop& loop) override { function_(loop); }

 private:
  std::function<void(Loop&)> function_;
};

// Runs `other` beside the caller on `loop`, and waits for its end in the destructor.
class Beside {
 public:
  Beside(Loop& loop, std::function<void()> other)
      : task_([this, other = std::move(other)](Loop&) {
          other();
          done_.Set();
        }) {
    loop.Post([](Loop& to, void* task, uint64_t, uint64_t) { to.Spawn(*static_cast<Task*>(task)); },
              static_cast<Task*>(&task_));
  }
  ~Beside() {
    if (!done_.Wait().ok()) std::abort();
  }

 private:
  Event done_;
  FunctionTask task_;
};

// --- Fibers -----------------------------------------------------------------------------------

void Switch(State& state) {
  struct Pair {
    runtime::StackPool pool{256 * 1024, 32};
    Fiber main;
    Fiber other;
    bool stop = false;
  } pair;
  pair.main.AdoptThread();
  pair.other.Start(
      pair.pool.Allocate(),
      [](void* argument) {
        Pair& p = *static_cast<Pair*>(argument);
        while (!p.stop) Fiber::Switch(p.other, p.main);
        p.other.set_exit_to(&p.main);
      },
      &pair);
  {
    Count count(state);
    while (state.KeepRunningBatch(2)) Fiber::Switch(pair.main, pair.other);
  }
  pair.stop = true;
  Fiber::Switch(pair.main, pair.other);
  pair.pool.Free(pair.other.TakeStack());
}

// As many handlers as the range says are blocked; all are woken, and block again.
void BlockAndResume(State& state) {
  const int64_t n = state.range(0);
  OnLoop([&](Loop& loop) {
    std::vector<Waiter*> waiting(static_cast<size_t>(n));
    int64_t blocked = 0;
    bool stop = false;
    std::vector<std::unique_ptr<FunctionTask>> tasks;
    WaitGroup all;
    all.Add(n);
    for (Waiter*& slot : waiting) {
      tasks.push_back(std::make_unique<FunctionTask>([&](Loop&) {
        while (!stop) {
          Waiter waiter;
          slot = &waiter;
          ++blocked;
          if (waiter.Await() != Errc::kOk) std::abort();
        }
        all.Done();
      }));
      loop.Spawn(*tasks.back());
    }
    auto wake_all = [&] {
      blocked = 0;
      for (Waiter* waiter : waiting) {
        if (!waiter->Claim()) std::abort();
        waiter->Wake();
      }
    };
    while (blocked != n) loop.Yield();
    {
      Count count(state);
      while (state.KeepRunningBatch(n)) {
        wake_all();
        while (blocked != n) loop.Yield();
      }
    }
    stop = true;
    wake_all();
    if (!all.Wait().ok()) std::abort();
  });
}

void YieldAlone(State& state) {
  OnLoop([&](Loop& loop) {
    Count count(state);
    for (auto _ : state) loop.Yield();
  });
}

// Tasks in batches of 64, to their end; in the second form each takes a stack of the pool.
void SpawnTasks(State& state, bool block) {
  OnLoop([&](Loop& loop) {
    constexpr int kBatch = 64;
    int done = 0;
    std::vector<std::unique_ptr<FunctionTask>> tasks;
    for (int i = 0; i < kBatch; ++i) {
      tasks.push_back(std::make_unique<FunctionTask>([&, block](Loop& here) {
        if (block) here.Yield();
        ++done;
      }));
    }
    Count count(state);
    while (state.KeepRunningBatch(kBatch)) {
      done = 0;
      for (auto& task : tasks) loop.Spawn(*task);
      while (done != kBatch) loop.Yield();
    }
  });
}
void Spawn(State& state) { SpawnTasks(state, false); }
void SpawnAndBlock(State& state) { SpawnTasks(state, true); }

// The public form, in recycled memory, with a function of 48 bytes.
void SpawnFunction(State& state) {
  OnLoop([&](Loop& loop) {
    constexpr int kBatch = 64;
    int done = 0;
    std::array<uint64_t, 5> captured = {1};
    Count count(state);
    while (state.KeepRunningBatch(kBatch)) {
      done = 0;
      for (int i = 0; i < kBatch; ++i) {
        fasthttp::Spawn([&done, captured] { done += captured[0]; });
      }
      while (done != kBatch) loop.Yield();
    }
  });
}

// A group of four members that don't wait, from its making to its end.
void TaskGroupOfFour(State& state) {
  OnLoop([&](Loop&) {
    Count count(state);
    for (auto _ : state) {
      TaskGroup group;
      for (int i = 0; i < 4; ++i) group.Go([] { return absl::OkStatus(); });
      if (!group.Wait().ok()) std::abort();
    }
  });
}

void ScopeWithTimeout(State& state) {
  OnLoop([&](Loop&) {
    Count count(state);
    for (auto _ : state) {
      ContextScope limit = WithTimeout(absl::Seconds(1));
      benchmark::ClobberMemory();
    }
  });
}

// --- Hand-over --------------------------------------------------------------------------------

// Back and forth between two tasks: one operation is one wake-up.
void PingPong(State& state, size_t other_loop) {
  OnLoop([&](Loop&) {
    Channel<int> there;
    Channel<int> back;
    Beside other(Loops().loop(other_loop), [&] {
      while (there.Recv().ok()) {
        if (!back.Send(1).ok()) std::abort();
      }
    });
    {
      Count count(state);
      while (state.KeepRunningBatch(2)) {
        if (!there.Send(1).ok() || !back.Recv().ok()) std::abort();
      }
    }
    there.Close();
  });
}
void WakeSameLoop(State& state) { PingPong(state, 0); }
void WakeOtherLoop(State& state) { PingPong(state, 1); }

void MutexUncontended(State& state) {
  OnLoop([&](Loop&) {
    Mutex mutex;
    Count count(state);
    for (auto _ : state) {
      mutex.Lock();
      benchmark::ClobberMemory();
      mutex.Unlock();
    }
  });
}

void StdMutexUncontended(State& state) {
  OnLoop([&](Loop&) {
    std::mutex mutex;
    Count count(state);
    for (auto _ : state) {
      mutex.lock();
      benchmark::ClobberMemory();
      mutex.unlock();
    }
  });
}

// Two tasks that always want it: each operation is a hand-over.
void MutexContended(State& state, size_t other_loop) {
  OnLoop([&](Loop&) {
    Mutex mutex;
    std::atomic<bool> stop{false};
    Beside other(Loops().loop(other_loop), [&] {
      while (!stop.load(std::memory_order_relaxed)) {
        MutexLock lock(mutex);
        Loop::Current()->Yield();
      }
    });
    {
      Count count(state);
      for (auto _ : state) {
        MutexLock lock(mutex);
        Loop::Current()->Yield();
      }
    }
    stop = true;
  });
}
void MutexHandOver(State& state) { MutexContended(state, 0); }
void MutexHandOverOtherLoop(State& state) { MutexContended(state, 1); }

void SharedMutexRead(State& state) {
  OnLoop([&](Loop&) {
    SharedMutex mutex;
    Count count(state);
    for (auto _ : state) {
      mutex.LockShared();
      mutex.UnlockShared();
    }
  });
}

void SemaphoreUncontended(State& state) {
  OnLoop([&](Loop&) {
    Semaphore semaphore(1);
    Count count(state);
    for (auto _ : state) {
      if (!semaphore.Acquire().ok()) std::abort();
      semaphore.Release();
    }
  });
}

// Into the buffer and out of it, by one task.
void ChannelBuffered(State& state) {
  OnLoop([&](Loop&) {
    Channel<uint64_t> channel(64);
    Count count(state);
    for (auto _ : state) {
      if (!channel.Send(uint64_t{1}).ok()) std::abort();
      benchmark::DoNotOptimize(channel.Recv());
    }
  });
}

// From a task to another through a buffer of 64; an operation is a value.
void ChannelStream(State& state, size_t other_loop) {
  OnLoop([&](Loop&) {
    Channel<uint64_t> channel(64);
    Beside other(Loops().loop(other_loop), [&] {
      while (channel.Recv().ok()) {
      }
    });
    {
      Count count(state);
      for (auto _ : state) {
        if (!channel.Send(uint64_t{1}).ok()) std::abort();
      }
    }
    channel.Close();
  });
}
void ChannelStreamSameLoop(State& state) { ChannelStream(state, 0); }
void ChannelStreamOtherLoop(State& state) { ChannelStream(state, 1); }

void SelectReady(State& state) {
  OnLoop([&](Loop&) {
    Channel<uint64_t> full(1);
    Channel<uint64_t> empty(1);
    Event never;
    std::optional<uint64_t> a;
    std::optional<uint64_t> b;
    Count count(state);
    for (auto _ : state) {
      (void)!full.TrySend(uint64_t{1});
      benchmark::DoNotOptimize(Select(OnRecv(empty, a), OnRecv(full, b), OnEvent(never)));
    }
  });
}

void Register(int64_t iterations) {
  auto add = [iterations](const char* name, void (*function)(State&)) {
    benchmark::internal::Benchmark* row = benchmark::RegisterBenchmark(name, function);
    row->UseRealTime();
    if (iterations != 0) row->Iterations(iterations);
    return row;
  };
  add("Switch", Switch);
  add("Yield", YieldAlone);
  add("BlockAndResume", BlockAndResume)->Arg(1)->Arg(64)->Arg(1'000)->Arg(10'000);
  add("Spawn", Spawn);
  add("SpawnAndBlock", SpawnAndBlock);
  add("SpawnFunction", SpawnFunction);
  add("TaskGroupOfFour", TaskGroupOfFour);
  add("ScopeWithTimeout", ScopeWithTimeout);
  add("WakeSameLoop", WakeSameLoop);
  add("WakeOtherLoop", WakeOtherLoop);
  add("MutexUncontended", MutexUncontended);
  add("StdMutexUncontended", StdMutexUncontended);
  add("MutexHandOver", MutexHandOver);
  add("MutexHandOverOtherLoop", MutexHandOverOtherLoop);
  add("SharedMutexRead", SharedMutexRead);
  add("SemaphoreUncontended", SemaphoreUncontended);
  add("ChannelBuffered", ChannelBuffered);
  add("ChannelStreamSameLoop", ChannelStreamSameLoop);
  add("ChannelStreamOtherLoop", ChannelStreamOtherLoop);
  add("SelectReady", SelectReady);
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  fasthttp::benchmarks::InstructionCounter counter;
  fasthttp::benchmarks::instructions = &counter;
  int64_t iterations = 0;
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (!absl::ConsumePrefix(&argument, "--iterations=") ||
        !absl::SimpleAtoi(argument, &iterations) || iterations <= 0) {
      return benchmark::ReportUnrecognizedArguments(argc, argv), 1;
    }
  }
  fasthttp::benchmarks::Register(iterations);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
