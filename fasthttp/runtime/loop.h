// Loop: one event loop as a step machine, with leader hand-off.
//
// `Run` is `for (;;) Step();` and Step takes the events that are left of the batch, then one unit
// of work: a ready fiber, a due timer, a posted message, a queued task, a connection of the run
// queue, or a poll. (When it is stepped from outside, an event is a unit too.) Every cursor and
// every budget lives here and none on a stack. So Run may go on from any fiber: when a handler,
// called from Step, blocks, its stack is kept and another fiber runs the loop from exactly where it
// stands; when the handler is resumed and returns, its frame falls into its own Run and becomes the
// loop again. A suspension costs two switches; a handler that doesn't block costs none.
//
// Rules that keep this sound (checked where a check is cheap):
//  * User code is entered only from Step, once per stack. Wake, Cancel, Spawn, Notify and timers
//    only queue.
//  * Exactly one fiber of a loop is running; parked ones sit inside Step, blocked ones in Block.
//  * A fiber parks itself before it resumes another, and only in Step.
//
// Thread class: loop-confined, but for Post, PostWake and Stop, which are thread-safe.
#ifndef FASTHTTP_RUNTIME_LOOP_H_
#define FASTHTTP_RUNTIME_LOOP_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/context_alarm.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/fiber.h"
#include "fasthttp/runtime/poller.h"
#include "fasthttp/runtime/stack_pool.h"
#include "fasthttp/runtime/stack_trace.h"
#include "fasthttp/runtime/stop_group.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/runtime/task_cells.h"
#include "fasthttp/runtime/timer_wheel.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/runtime/wait.h"

namespace fasthttp {
class Runtime;
}

namespace fasthttp::runtime {

constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNoDeadline = INT64_MAX;

struct LoopOptions {
  // Usable bytes of a handler's stack; doubled under ASan and TSan. Virtual until touched.
  size_t stack_size = 256 * 1024;
  // The same of CallOnLargeStack.
  size_t large_stack_size = 8 << 20;
  // Handlers that may be blocked at once on this loop; servers answer 503 beyond it.
  uint32_t max_blocked = 32'768;
  // Stacks mapped at start.
  uint32_t premade_stacks = 64;
};

// Counters of a loop; single writer, read by its own thread.
struct LoopStats {
  uint64_t switches = 0;
  uint64_t fibers_created = 0;
  uint64_t blocks = 0;
  uint64_t polls = 0;
  uint64_t stale_events = 0;
  uint64_t stale_wakes = 0;
};

// What a loop has done and what it has, as of the last time that it polled. For other threads.
struct LoopReport {
  uint64_t busy_nanos = 0;  // That it did not sleep: at work, or ready to go on at once.
  uint64_t polls = 0;
  uint64_t switches = 0;
  uint64_t fibers = 0;     // With a stack each: what the loop runs on, blocked handlers, spares.
  uint64_t blocked = 0;    // Of these, blocked handlers and tasks.
  uint64_t endpoints = 0;  // Connections and listeners.
  uint64_t timers = 0;     // Of waits; not of those that their endpoint's timer sees to.
};

// xorshift32 (Marsaglia 2003); `state` is never 0. For fair choices, not for secrets.
inline uint32_t NextRandom(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}
// Called, if set, with the stack of a fiber that is about to make a call that may wait. For
// checks of tests (//testing:held_locks); set before any loop runs.
extern void (*before_block)(const Stack& stack);

class Loop {
 public:
  Loop(std::unique_ptr<Poller> poller, const LoopOptions& options, uint32_t index);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop whose driver this thread is; null on a plain thread.
  static Loop* Current();

  // The runtime that it is a part of; null for a loop on its own.
  Runtime* owner() const { return owner_; }
  void set_owner(Runtime* runtime) { owner_ = runtime; }
  // Before it runs.
  void set_stop_group(StopGroup* group) {
    stop_group_ = group;
    group->Add(*this);
  }

  // --- Driving --------------------------------------------------------------------------------

  // Runs until Stop(), from a thread of its own. Handlers never run on that thread's stack.
  void Run();

  // Takes one step and comes back: for a driver that steps several loops in one thread.
  // False once the loop has stopped.
  bool StepOnce();

  // Cancels every task with kDraining, waits for the blocked ones, then lets Run return: of a stop
  // group when all its loops have come that far.
  void Stop();

  // --- Time -----------------------------------------------------------------------------------

  // Monotonic nanoseconds of the current round: coarse, free.
  int64_t now() const { return now_; }
  int64_t FreshNow() {
    now_ = poller_->Now();
    tick_ = static_cast<uint32_t>((now_ - started_) / kMillisecond);
    return now_;
  }
  // Milliseconds since the loop was made, wrapping: the unit of the wheels.
  uint32_t tick() const { return tick_; }
  uint32_t TickAt(int64_t when) const;

  // --- Endpoints ------------------------------------------------------------------------------

  EndpointTable& endpoints() { return endpoints_; }
  Poller& poller() { return *poller_; }

  // Takes an endpoint for `conn`, which is then reported to `sink`. Null if memory is out.
  Endpoint* Open(Conn* conn, EventSink* sink) {
    Endpoint* endpoint = endpoints_.Take();
    if (endpoint == nullptr) return nullptr;
    endpoint->conn = conn;
    endpoint->sink = sink;
    endpoint->opened = tick();
    return endpoint;
  }
  // Gives the endpoint back after its Conn was closed; waits on it end.
  void Release(Endpoint& endpoint) {
    if (endpoint.waits != nullptr) EndWaits(endpoint);
    endpoint_timers_.Remove(endpoint.timer);
    endpoints_.Release(endpoint);
  }

  // Lazily kept timer of an endpoint: fires OnTimer at or after `due`; re-arming replaces.
  // Waits for the endpoint whose deadlines lie behind `due` have no timer of their own until then.
  void SetTimer(Endpoint& endpoint, uint32_t due_tick);
  void ClearTimer(Endpoint& endpoint);

  // A readiness notice that the loop gives itself. Fibers that wait for it are ready at once; what
  // is not waited for is dispatched in a later step.
  void Notice(uint32_t slot, uint32_t generation, uint8_t ready);
  // Queues a readiness notice for a later step.
  void QueueReady(uint32_t slot, uint32_t generation, uint8_t ready) {
    ready_events_.push_back({slot, generation, ready});
  }
  // The next round begins with a poll, whatever is pending: for who has used up its budget.
  void PollNextRound() { poll_next_ = true; }

  // --- Tasks ----------------------------------------------------------------------------------

  // Queues `task`, whose Run is called from a later step. Thread-safe.
  void Spawn(Task& task);

  // Ends the task's current wait, and all later ones at once, with `cause`; the contexts below it
  // end too. The first cause stays.
  void Cancel(Task& task, Errc cause);

  // Why a blocking call of the current task fails before it tries: its context is cancelled or its
  // deadline has passed. kOk otherwise.
  Errc CancelCause() const {
    Errc cause = current_task_->cancelled();
    if (cause != Errc::kOk) return cause;
    return current_task_->scope.deadline <= now_ ? current_task_->scope.timeout_cause : Errc::kOk;
  }

  // Brackets around user code. The task must stay alive in between.
  void BeginUser(Task& task) {
    FASTHTTP_DCHECK(current_task_ == nullptr, "user code entered twice on one stack");
    current_task_ = &task;
  }
  void EndUser() { current_task_ = nullptr; }
  // Calls `function` on a large stack, as a part of the current task. It may wait there. Its
  // exceptions come out. kOverloaded if there is no memory for the stack; then it was not called.
  Errc CallOnLargeStack(absl::FunctionRef<void()> function);

  Task* current_task() const { return current_task_; }
  bool in_user_code() const { return current_task_ != nullptr; }

  // --- Waiting (from user code only) ----------------------------------------------------------

  // Starts a wait of the running fiber; only Block ends it.
  void Prepare(Wait& wait) {
    Fiber& self = *running_;
    FASTHTTP_CHECK(in_user_code(), "a blocking call outside of a handler or task");
    wait.fiber = &self;
    self.wait = &wait;
    ++self.seq;
  }
  WakeToken TokenOf(const Wait& wait) const {
    return {const_cast<Loop*>(this), wait.fiber->index, wait.fiber->seq};
  }
  // Ends a prepared wait that Block was not called for; no effect on others.
  void Abandon(Wait& wait) {
    if (wait.fiber->wait == &wait) wait.fiber->wait = nullptr;
  }
  // Links a prepared wait to readiness of an endpoint.
  void LinkIo(Wait& wait, Endpoint& endpoint, uint8_t ready_mask) {
    FASTHTTP_DCHECK(wait.fiber != nullptr, "a wait is prepared before anything can fire it");
    wait.endpoint = &endpoint;
    wait.ready_mask = ready_mask;
    wait.next = endpoint.waits;
    endpoint.waits = &wait;
  }
  // Suspends until the wait fires, the deadline passes (kTimeout) or, if `cancellable`, the
  // current task is cancelled. Returns the cause.
  Errc Block(Wait& wait, int64_t deadline, bool cancellable = true);
  // Lets everything that is ready now go first.
  void Yield();
  void Fire(Wait& wait, Errc cause);

  // The number of handlers blocked now, and whether one more may: below max_blocked, and with a
  // stack for whoever goes on as the loop.
  uint32_t blocked() const { return blocked_; }
  bool may_block() {
    return blocked_ < options_.max_blocked &&
           (stacks_.HasFree() || !parked_.empty() || stacks_.HasRoom());
  }

  // --- Other threads --------------------------------------------------------------------------

  using Posted = void (*)(Loop& loop, void* pointer, uint64_t a, uint64_t b);
  // Calls `run` from a later step of this loop.
  void Post(Posted run, void* pointer, uint64_t a = 0, uint64_t b = 0);
  // True while a message waits to be taken; thread-safe, a hint.
  bool has_posted() const { return has_posted_.load(); }
  // Fires the wait that `token` names, if it is still the same one.
  static void PostWake(const WakeToken& token, Errc cause);

  // A number of the loop's own sequence: the same in each run of a simulation.
  uint32_t Draw() { return NextRandom(random_); }

  const LoopStats& stats() const { return stats_; }
  uint32_t index() const { return index_; }
  // Timers of waits and of contexts, armed now.
  size_t timers() const { return wait_timers_.size(); }

  // --- Being looked at ------------------------------------------------------------------------

  // For the watchdog, thread-safe: changes every round, and whether the loop sleeps in its poller.
  uint32_t heartbeat() const { return heartbeat_.load(std::memory_order_relaxed); }
  bool asleep() const { return asleep_.load(std::memory_order_relaxed); }
  // For signal handlers on the loop's thread.
  const Fiber* running() const { return running_; }
  // Appends one line for the loop and one for each fiber that runs or waits, with its stack if
  // asked for. From a step of this loop.
  void DumpFibers(std::string& out, bool stacks);

  size_t fibers_alive() const { return fibers_alive_; }
  size_t stack_slabs() const { return stacks_.slab_count(); }
  bool simulated() const { return simulated_; }
  TaskCells& task_cells() { return task_cells_; }

  // Calls `run(pointer)` about every 5 s while the loop was busy, and on until it returns false:
  // pools give memory back, a part each time. True: there is more to give.
  void AddTrimmer(bool (*run)(void*), void* pointer) { trimmers_.push_back({run, pointer}); }
  void RemoveTrimmer(void* pointer);

  // Calls `run(pointer, nanoseconds)` between two polls, at the end of what the first one brought,
  // with the time that this took. It must not block or queue anything.
  void AddWorkEnd(void (*run)(void*, int64_t), void* pointer) {
    work_ends_.push_back({run, pointer});
  }
  void RemoveWorkEnd(void* pointer);

  LoopReport Report() const;  // Thread-safe.

 private:
  friend class ContextAlarm;
  friend class StopGroup;

  struct Message {
    Posted run;
    void* pointer;
    uint64_t a;
    uint64_t b;
  };
  struct Callback {
    bool (*run)(void*);
    void* pointer;
  };

  struct WorkEnd {
    void (*run)(void*, int64_t);
    void* pointer;
  };
  // A LoopReport that its loop writes and others read.
  struct Published {
    std::atomic<uint64_t> busy{0}, polls{0}, switches{0}, fibers{0}, blocked{0}, endpoints{0},
        timers{0};
  };

  // Units of Step, in the order of a round.
  bool TakeEvent();
  bool TakeReadyFiber();
  bool TakeTimer();
  void TakeExpired();
  bool TakePosted();
  bool TakeReadyEvent();
  bool TakeTask();
  void NewRound();
  bool IsTimeToPoll();
  void Poll(bool pending);
  void TakeMessages();
  void EndWork();

  void Step();
  void Lead();
  void Dispatch(PollEvent event);
  static void Latch(Endpoint& endpoint, uint8_t ready) {
    endpoint.latched |= ready & (kReadable | kWritable | kHangup | kBroken);
  }
  bool FireWaits(Endpoint& endpoint, uint8_t ready);
  int64_t PollTimeout();
  void Decay();
  void Arm(ContextAlarm& alarm);
  void Disarm(ContextAlarm& alarm);
  void Unlink(ContextAlarm& alarm);
  Fiber* NewFiber();
  Fiber& TakeFiber(Stack stack, Fiber::Entry entry, void* argument);
  void AddFibers();
  Fiber* NextLeader(bool may_take_ready);
  Fiber* PopReady();
  Fiber** AnyReady();
  void PushReady(Fiber& fiber);
  void SwitchTo(Fiber& to);
  void Suspend(Fiber& next);
  void SuspendFor(Wait& wait, int64_t deadline, bool cancellable);
  void SuspendIn(ContextNode& context, Wait& wait, int64_t deadline);
  void ShowStack(Fiber& self);
  bool LeaveToEndpoint(const Wait& wait, int64_t deadline);
  void TimeWaits(Endpoint& endpoint);
  void End(Wait& wait, Errc cause);
  void EndWaits(Endpoint& endpoint);
  void CancelAll();
  static void FiberMain(void* loop);
  struct LargeCall;
  static void LargeCallMain(void* call);

  friend struct DebugTable;

  const LoopOptions options_;
  const uint32_t index_;
  Runtime* owner_ = nullptr;
  std::unique_ptr<Poller> poller_;
  const bool simulated_;
  int64_t started_ = 0;
  int64_t now_ = 0;
  uint32_t tick_ = 0;

  // The round: a cursor into the batch, and what was due or ready when the round began.
  std::array<PollEvent, 256> batch_;
  const PollEvent* batch_cursor_ = nullptr;
  const PollEvent* batch_end_ = nullptr;
  uint32_t round_ready_ = 0;
  uint32_t round_tasks_ = 0;
  size_t work_since_look_ = 0;
  size_t looks_ = 0;  // At the clock, since the last poll.

  Fiber thread_;  // The driver's own stack.
  Fiber* running_ = nullptr;
  Task* current_task_ = nullptr;  // Whose code is on the stack of running_; null: the loop's own.
  std::vector<std::unique_ptr<Fiber[]>> fiber_slabs_;
  std::vector<Fiber*> fibers_;  // By index.
  std::vector<Fiber*> free_fibers_;
  std::vector<Fiber*> parked_;  // LIFO: the hottest stack leads next.
  Fiber* ready_head_ = nullptr;
  Fiber** ready_tail_ = &ready_head_;
  uint32_t ready_count_ = 0;
  uint32_t blocked_ = 0;
  size_t fibers_alive_ = 0;
  Fiber* retired_by_ = nullptr;  // Set while the fiber switched to is to end.

  Task* tasks_head_ = nullptr;
  Task** tasks_tail_ = &tasks_head_;
  uint32_t task_count_ = 0;
  TaskCells task_cells_;

  // A ring would save the move; the vector is swapped when used up.
  std::vector<PollEvent> ready_events_;
  std::vector<PollEvent> ready_batch_;
  const PollEvent* ready_cursor_ = nullptr;  // In ready_batch_.
  bool poll_next_ = false;

  TimerWheel wait_timers_;
  TimerWheel endpoint_timers_;
  EndpointTable endpoints_;
  StackPool stacks_;
  StackPool large_stacks_;
  ContextAlarm* alarms_ = nullptr;
  int64_t next_decay_ = 0;
  bool busy_ = false;  // Something ran since the last decay.

  std::mutex posted_mutex_;
  std::vector<Message> posted_;  // Guarded by posted_mutex_.
  std::atomic<bool> has_posted_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<uint32_t> heartbeat_{0};
  std::atomic<uint32_t> posting_{0};  // Threads within Post.
  std::vector<Message> posted_batch_;
  const Message* posted_cursor_ = nullptr;  // In posted_batch_.

  uint32_t random_ = 1;

  bool single_step_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  StopGroup* stop_group_ = nullptr;
  bool idle_ = false;  // As its stop group has it.
  LoopStats stats_;
  std::vector<Callback> trimmers_;
  std::vector<WorkEnd> work_ends_;
  int64_t work_began_ = 0;  // When the last poll returned.
  Published published_;

  // A fiber that is switched to while these are set notes its stack and switches back.
  Fiber* tracer_ = nullptr;
  StackTrace* trace_ = nullptr;
  pid_t thread_id_ = 0;
  Loop* next_loop_ = nullptr;  // In DebugTable's list.
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_LOOP_H_
