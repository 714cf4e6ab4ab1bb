#include "fasthttp/runtime/loop.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/debug_table.h"
#include "fasthttp/runtime/fork_guard.h"

namespace fasthttp::runtime {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStackFactor = 2;
#else
constexpr size_t kStackFactor = 1;
#endif

constexpr int64_t kDecayPeriod = 5 * kSecond;
constexpr int64_t kDecayPause = 20 * kMillisecond;
constexpr size_t kDecayBatch = 64;  // Giving a touched stack back takes about 9 us.

// While local notices are pending, a system call per round would cost more than the round: the loop
// looks at the clock after some work, and polls if that took long; after some looks in any case.
constexpr size_t kWorkBetweenLooks = 16;  // Events, fibers, tasks and rounds.
constexpr uint32_t kLooksWithoutPoll = 8;
constexpr int64_t kTimeWithoutPoll = 20 * kMicrosecond;

thread_local Loop* current_loop = nullptr;

class ScopedCurrent {
 public:
  explicit ScopedCurrent(Loop* loop) : before_(std::exchange(current_loop, loop)) {}
  ~ScopedCurrent() { current_loop = before_; }

 private:
  Loop* before_;
};

// A context ends a fiber's wait as any other thread does.
class WaitHook final : public ContextHook {
 public:
  explicit WaitHook(const WakeToken& token) : token_(token) {}
  void OnCancel(Errc cause) override { Loop::PostWake(token_, cause); }

 private:
  const WakeToken token_;
};

template <typename Node>
Node& Containing(TimerNode& timer, size_t offset) {
  return *reinterpret_cast<Node*>(reinterpret_cast<char*>(&timer) - offset);
}

}  // namespace

void (*before_block)(const Stack& stack) = nullptr;

Loop::Loop(std::unique_ptr<Poller> poller, const LoopOptions& options, uint32_t index)
    : options_(options),
      index_(index),
      poller_(std::move(poller)),
      simulated_(poller_->simulated()),
      stacks_(options.stack_size * kStackFactor, options.premade_stacks),
      large_stacks_(options.large_stack_size * kStackFactor, 0) {
  started_ = now_ = work_began_ = poller_->Now();
  next_decay_ = now_ + kDecayPeriod;
  ready_events_.reserve(batch_.size());
  ready_batch_.reserve(batch_.size());
  ready_cursor_ = ready_batch_.data();
  parked_.reserve(64);
  DebugTable::Add(*this);
}

Loop::~Loop() {
  FASTHTTP_CHECK(running_ == nullptr || stopped_, "a loop was destroyed while it runs");
  // A message may have ended what kept this loop alive before its sender has returned from Post.
  while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  while (alarms_ != nullptr) {
    if (ContextAlarm* alarm = alarms_; !alarm->End(Errc::kDraining, now_)) Disarm(*alarm);
  }
  DebugTable::Remove(*this);
}

[[gnu::noinline]] Loop* Loop::Current() { return current_loop; }

// --- Driving ----------------------------------------------------------------------------------

void Loop::Run() {
  ScopedCurrent current(this);
  thread_id_ = static_cast<pid_t>(::syscall(SYS_gettid));
  thread_.AdoptThread();
  running_ = &thread_;
  Fiber* first = NewFiber();
  FASTHTTP_CHECK(first != nullptr, "no memory for the first stack of a loop");
  SwitchTo(*first);
}

bool Loop::StepOnce() {
  if (stopped_) return false;
  ScopedCurrent current(this);
  single_step_ = true;
  Fiber* leader = running_;
  if (leader == nullptr) {
    thread_.AdoptThread();
    leader = NewFiber();
    FASTHTTP_CHECK(leader != nullptr, "no memory for the first stack of a loop");
  }
  running_ = &thread_;
  SwitchTo(*leader);
  return !stopped_;
}

void Loop::Stop() {
  Post(
      [](Loop& loop, void*, uint64_t, uint64_t) {
        loop.stopping_ = true;
        loop.CancelAll();
      },
      nullptr);
}

void Loop::FiberMain(void* argument) {
  Loop& loop = *static_cast<Loop*>(argument);
  loop.Lead();
  // This stack ends: a retired one returns to the leader, at the stop the next one unwinds.
  Fiber& self = *loop.running_;
  Fiber* next = std::exchange(loop.retired_by_, nullptr);
  if (next == nullptr) {
    next = &loop.thread_;
    if (!loop.parked_.empty()) {
      next = loop.parked_.back();
      loop.parked_.pop_back();
    }
  }
  --loop.fibers_alive_;
  self.set_exit_to(next);
  next->state = Fiber::State::kRunning;
  loop.running_ = next;
}

void Loop::Lead() {
  while (!stopped_ && retired_by_ == nullptr) {
    Step();
    if (single_step_ && retired_by_ == nullptr && !stopped_) {
      // The driver finds the leader here again.
      Fiber& self = *running_;
      Fiber::Switch(self, thread_);
    }
  }
}

// A part of Lead: a loop whose steps are small takes many.
[[gnu::always_inline]] inline void Loop::Step() {
  // One after the other: no event ends a loop or retires its fiber.
  while (TakeEvent()) {
    if (single_step_) return;
  }
  if (TakeReadyFiber() || TakeTimer() || TakePosted() || TakeReadyEvent() || TakeTask()) return;
  NewRound();
}

bool Loop::TakeEvent() {
  if (batch_cursor_ == batch_end_) return false;
  Dispatch(*batch_cursor_++);
  return true;
}

bool Loop::TakeReadyFiber() {
  if (round_ready_ == 0) return false;
  Fiber* fiber = PopReady();
  Fiber& self = *running_;
  self.state = Fiber::State::kParked;
  self.since = now_;
  parked_.push_back(&self);
  SwitchTo(*fiber);
  return true;
}

bool Loop::TakeTimer() {
  if (!wait_timers_.HasExpired() && !endpoint_timers_.HasExpired()) [[likely]]
    return false;
  TakeExpired();
  return true;
}

void Loop::TakeExpired() {
  if (TimerNode* timer = wait_timers_.PopExpired()) {
    Wait& wait = Containing<Wait>(*timer, offsetof(Wait, timer));
    if (wait.deadline > now_) {  // It lies beyond the wheel's reach.
      wait_timers_.Add(wait.timer, TickAt(wait.deadline));
    } else if (wait.fiber == nullptr) {
      (void)static_cast<ContextAlarm&>(wait).End(wait.timeout_cause, now_);
    } else {
      Fire(wait, wait.timeout_cause);
    }
  } else {
    Endpoint& endpoint =
        Containing<Endpoint>(*endpoint_timers_.PopExpired(), offsetof(Endpoint, timer));
    TimeWaits(endpoint);
    endpoint.sink->OnTimer(endpoint);
  }
}

bool Loop::TakePosted() {
  if (posted_cursor_ == std::to_address(posted_batch_.end())) return false;
  const Message message = *posted_cursor_++;
  message.run(*this, message.pointer, message.a, message.b);
  return true;
}

bool Loop::TakeReadyEvent() {
  if (ready_cursor_ == std::to_address(ready_batch_.end())) return false;
  Dispatch(*ready_cursor_++);
  return true;
}

bool Loop::TakeTask() {
  if (round_tasks_ == 0 || tasks_head_ == nullptr) return false;
  --round_tasks_;
  --task_count_;
  Task* task = tasks_head_;
  tasks_head_ = task->next;
  if (tasks_head_ == nullptr) tasks_tail_ = &tasks_head_;
  task->next = nullptr;
  BeginUser(*task);
  task->Run(*this);
  EndUser();
  return true;
}

// Most rounds have only what the loop left itself in the one before.
inline void Loop::NewRound() {
  RefuseAfterFork();  // A child that returned from its handler.
  heartbeat_.store(heartbeat_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const bool pending = ready_head_ != nullptr || !ready_events_.empty() || tasks_head_ != nullptr;
  busy_ |= pending;
  if (idle_ && pending) [[unlikely]]
    stop_group_->Busy(*this);
  if (!pending || poll_next_ || IsTimeToPoll()) {
    Poll(pending);
    if (stopped_) return;
  }
  if (has_posted_.load(std::memory_order_relaxed)) TakeMessages();
  ready_batch_.clear();
  ready_batch_.swap(ready_events_);
  ready_cursor_ = ready_batch_.data();
  round_ready_ = ready_count_;
  round_tasks_ = task_count_;
}

inline bool Loop::IsTimeToPoll() {
  work_since_look_ += 1 + ready_events_.size() + ready_count_ + task_count_;
  if (work_since_look_ < kWorkBetweenLooks) return false;
  work_since_look_ = 0;
  return ++looks_ == kLooksWithoutPoll || FreshNow() - work_began_ >= kTimeWithoutPoll;
}

[[gnu::noinline]] void Loop::Poll(bool pending) {
  work_since_look_ = looks_ = 0;
  poll_next_ = false;
  if (stopping_ && blocked_ == 0 && !pending && !has_posted_.load()) {
    stopped_ = stop_group_ == nullptr || stop_group_->Idle(*this);
    if (stopped_) return;
  }
  if (!pending) {
    FreshNow();
    EndWork();
  }
  int64_t timeout = pending ? 0 : PollTimeout();
  const bool may_sleep = timeout != 0;
  if (may_sleep) {
    // seq_cst on both sides: either we see the message, or its sender sees us asleep.
    asleep_.store(true);
    if (has_posted_.load()) timeout = 0;
  }
  ++stats_.polls;
  batch_cursor_ = batch_.data();
  batch_end_ = batch_cursor_ + poller_->Poll(batch_, timeout);
  if (may_sleep) asleep_.store(false);
  FreshNow();
  if (pending) EndWork();
  work_began_ = now_;
  wait_timers_.Advance(tick_);
  endpoint_timers_.Advance(tick_);
  const bool events = batch_cursor_ != batch_end_;
  if (idle_ && events) stop_group_->Busy(*this);
  busy_ |= events;
  if (now_ >= next_decay_) Decay();
}

[[gnu::noinline]] void Loop::TakeMessages() {
  if (idle_) stop_group_->Busy(*this);
  posted_batch_.clear();
  std::lock_guard<std::mutex> lock(posted_mutex_);
  has_posted_.store(false);
  posted_batch_.swap(posted_);
  posted_cursor_ = posted_batch_.data();
}

void Loop::EndWork() {
  const int64_t took = now_ - work_began_;
  for (const WorkEnd& end : work_ends_) end.run(end.pointer, took);
  auto set = [](std::atomic<uint64_t>& at, uint64_t value) {
    at.store(value, std::memory_order_relaxed);
  };
  set(published_.busy,
      published_.busy.load(std::memory_order_relaxed) + static_cast<uint64_t>(took));
  set(published_.polls, stats_.polls);
  set(published_.switches, stats_.switches);
  set(published_.fibers, fibers_alive_);
  set(published_.blocked, blocked_);
  set(published_.endpoints, endpoints_.in_use());
  set(published_.timers, wait_timers_.size());
}

LoopReport Loop::Report() const {
  auto get = [](const std::atomic<uint64_t>& at) { return at.load(std::memory_order_relaxed); };
  return {.busy_nanos = get(published_.busy),
          .polls = get(published_.polls),
          .switches = get(published_.switches),
          .fibers = get(published_.fibers),
          .blocked = get(published_.blocked),
          .endpoints = get(published_.endpoints),
          .timers = get(published_.timers)};
}

void Loop::Dispatch(PollEvent event) {
  Endpoint* endpoint = endpoints_.Find(event.slot, event.generation);
  if (endpoint == nullptr) {
    ++stats_.stale_events;
    return;
  }
  Latch(*endpoint, event.ready);
  if (endpoint->waits != nullptr && FireWaits(*endpoint, event.ready)) {
    return endpoint->sink->OnReadyBesides(*endpoint, event.ready);
  }
  endpoint->sink->OnReady(*endpoint, event.ready);
}

// False if nobody waits for this.
[[gnu::noinline]] bool Loop::FireWaits(Endpoint& endpoint, uint8_t ready) {
  bool fired = false;
  for (Wait** at = &endpoint.waits; *at != nullptr;) {
    Wait& wait = **at;
    if (wait.ready_mask & ready) {
      *at = wait.next;
      wait.endpoint = nullptr;
      End(wait, Errc::kOk);
      fired = true;
    } else {
      at = &wait.next;
    }
  }
  return fired;
}

void Loop::Notice(uint32_t slot, uint32_t generation, uint8_t ready) {
  Endpoint* endpoint = endpoints_.Find(slot, generation);
  if (endpoint != nullptr && endpoint->waits != nullptr && FireWaits(*endpoint, ready)) {
    Latch(*endpoint, ready);
    endpoint->sink->OnReadyBesides(*endpoint, ready);
  } else {
    QueueReady(slot, generation, ready);
  }
}

int64_t Loop::PollTimeout() {
  constexpr uint32_t kFar = 1u << 24;
  uint32_t ticks = std::min(wait_timers_.TicksToNext(kFar), endpoint_timers_.TicksToNext(kFar));
  int64_t timeout = kNoDeadline;
  if (ticks < kFar) {
    // The wheels stand where the round began; FreshNow may have moved the clock since.
    int64_t ahead = static_cast<int32_t>(wait_timers_.now() + ticks - tick());
    timeout = std::max<int64_t>(ahead * kMillisecond - (now_ - started_) % kMillisecond, 0);
  }
  if (busy_) timeout = std::min(timeout, std::max<int64_t>(next_decay_ - now_, 0));
  return timeout;
}

uint32_t Loop::TickAt(int64_t when) const {
  constexpr int64_t kFarthest = kMillisecond << 30;  // The wheel compares within 2^31 ticks.
  const int64_t ahead = std::min(when, now_ + kFarthest) - started_;
  return static_cast<uint32_t>((ahead + kMillisecond - 1) / kMillisecond);
}

// --- Fibers -----------------------------------------------------------------------------------

Fiber* Loop::NewFiber() {
  Stack stack = stacks_.Allocate();
  return stack.bottom == nullptr ? nullptr : &TakeFiber(stack, &FiberMain, this);
}

Fiber& Loop::TakeFiber(Stack stack, Fiber::Entry entry, void* argument) {
  if (free_fibers_.empty()) AddFibers();
  Fiber* fiber = free_fibers_.back();
  free_fibers_.pop_back();
  ++stats_.fibers_created;
  ++fibers_alive_;
  fiber->Start(stack, entry, argument);
  return *fiber;
}

struct Loop::LargeCall {
  Loop& loop;
  Fiber& caller;
  absl::FunctionRef<void()> function;
  std::exception_ptr exception;
};

// The caller's frame stays in user code and this one is in it too, but one of them runs at a time.
Errc Loop::CallOnLargeStack(absl::FunctionRef<void()> function) {
  Fiber& self = *running_;
  FASTHTTP_CHECK(in_user_code(), "a large stack outside of a handler or task");
  if (self.on_large_stack) {
    function();
    return Errc::kOk;
  }
  Stack stack = large_stacks_.Allocate();
  if (stack.bottom == nullptr) return Errc::kOverloaded;
  LargeCall call = {*this, self, function, nullptr};
  Fiber& fiber = TakeFiber(stack, &LargeCallMain, &call);
  fiber.on_large_stack = true;
  self.state = Fiber::State::kCalling;
  SwitchTo(fiber);
  while (tracer_ != nullptr) ShowStack(self);
  fiber.on_large_stack = false;
  large_stacks_.Free(fiber.TakeStack());
  free_fibers_.push_back(&fiber);
  busy_ = true;  // The next decay gives its pages back.
  if (call.exception) std::rethrow_exception(std::exchange(call.exception, nullptr));
  return Errc::kOk;
}

void Loop::LargeCallMain(void* argument) {
  LargeCall& call = *static_cast<LargeCall*>(argument);
  Loop& loop = call.loop;
  try {
    call.function();
  } catch (...) {
    call.exception = std::current_exception();
  }
  --loop.fibers_alive_;
  loop.running_->set_exit_to(&call.caller);
  call.caller.state = Fiber::State::kRunning;
  loop.running_ = &call.caller;
}

// Fibers are for ever. One by one they would pin a page each among what a burst frees.
void Loop::AddFibers() {
  constexpr size_t kFibers = 64;
  fiber_slabs_.push_back(std::make_unique<Fiber[]>(kFibers));
  for (size_t i = 0; i < kFibers; ++i) {
    Fiber& fiber = fiber_slabs_.back()[i];
    fiber.index = static_cast<uint32_t>(fibers_.size());
    fibers_.push_back(&fiber);
  }
  free_fibers_.insert(free_fibers_.end(), fibers_.rbegin(), fibers_.rbegin() + kFibers);
}

// One of those that were ready when the round began; there is one.
inline Fiber* Loop::PopReady() {
  FASTHTTP_DCHECK(round_ready_ != 0 && ready_head_ != nullptr, "no fiber is ready");
  Fiber** const at = base::chaos_enabled ? AnyReady() : &ready_head_;
  Fiber* const fiber = *at;
  *at = fiber->next;
  if (*at == nullptr) ready_tail_ = at;
  --ready_count_;
  --round_ready_;
  return fiber;
}

[[gnu::noinline]] Fiber** Loop::AnyReady() {
  Fiber** at = &ready_head_;
  for (uint32_t skip = base::ChaosRandom() % std::min(round_ready_, 16u); skip != 0; --skip) {
    at = &(*at)->next;
  }
  return at;
}

void Loop::PushReady(Fiber& fiber) {
  fiber.state = Fiber::State::kReady;
  fiber.next = nullptr;
  *ready_tail_ = &fiber;
  ready_tail_ = &fiber.next;
  ++ready_count_;
}

// A blocked fiber jumps straight to the next ready one while the round lasts: measured, this saves
// a third of the switches of handlers that wait several times.
Fiber* Loop::NextLeader(bool may_take_ready) {
  if (may_take_ready && round_ready_ != 0) return PopReady();
  if (parked_.empty()) return NewFiber();
  Fiber* fiber = parked_.back();
  parked_.pop_back();
  return fiber;
}

void Loop::SwitchTo(Fiber& to) {
  Fiber& from = *running_;
  running_ = &to;
  to.state = Fiber::State::kRunning;
  if (&from != &thread_) ++stats_.switches;
  Fiber::Switch(from, to);
}

void Loop::Decay() {
  bool more = false;
  if (parked_.size() > 1) {
    size_t cold = 0;
    while (cold < parked_.size() && parked_[cold]->since <= now_ - kDecayPeriod) ++cold;
    size_t count = std::min({(cold + 1) / 2, parked_.size() - 1, kDecayBatch});
    more = count == kDecayBatch;
    std::vector<Fiber*> retired(parked_.begin(), parked_.begin() + static_cast<ptrdiff_t>(count));
    parked_.erase(parked_.begin(), parked_.begin() + static_cast<ptrdiff_t>(count));
    for (Fiber* fiber : retired) {
      retired_by_ = running_;
      SwitchTo(*fiber);
      stacks_.Free(fiber->TakeStack());
      free_fibers_.push_back(fiber);
    }
  }
  stacks_.Trim();
  large_stacks_.Trim();
  next_decay_ = now_ + (more ? kDecayPause : kDecayPeriod);
  busy_ = parked_.size() > 1;
  if (more) return;
  endpoints_.Trim();
  busy_ |= task_cells_.Trim();
  for (const Callback& trimmer : trimmers_) busy_ |= trimmer.run(trimmer.pointer);
}

void Loop::RemoveTrimmer(void* pointer) {
  std::erase_if(trimmers_, [pointer](const Callback& c) { return c.pointer == pointer; });
}

void Loop::RemoveWorkEnd(void* pointer) {
  std::erase_if(work_ends_, [pointer](const WorkEnd& e) { return e.pointer == pointer; });
}

// --- Endpoints and tasks ----------------------------------------------------------------------

void Loop::SetTimer(Endpoint& endpoint, uint32_t due_tick) {
  ClearTimer(endpoint);
  endpoint_timers_.Add(endpoint.timer, due_tick);
}

void Loop::ClearTimer(Endpoint& endpoint) {
  endpoint_timers_.Remove(endpoint.timer);
  TimeWaits(endpoint);
}

void Loop::Spawn(Task& task) {
  if (Current() != this) {
    return Post([](Loop& to, void* t, uint64_t, uint64_t) { to.Spawn(*static_cast<Task*>(t)); },
                &task);
  }
  task.next = nullptr;
  *tasks_tail_ = &task;
  tasks_tail_ = &task.next;
  ++task_count_;
}

void Loop::Cancel(Task& task, Errc cause) {
  if (!task.Cancel(cause) || task.wait == nullptr) return;
  // Not if it is in a scope that its cancellation does not reach.
  if (Errc seen = task.cancelled(); seen != Errc::kOk) Fire(*task.wait, seen);
}

void Loop::CancelAll() {
  for (Fiber* fiber : fibers_) {
    if (fiber->state == Fiber::State::kBlocked && fiber->task != nullptr) {
      Cancel(*fiber->task, Errc::kDraining);
      if (fiber->task->wait != nullptr) Fire(*fiber->task->wait, Errc::kDraining);
    }
  }
}

void Loop::Arm(ContextAlarm& alarm) {
  alarm.next_ = alarms_;
  if (alarms_ != nullptr) alarms_->previous_ = &alarm;
  alarms_ = &alarm;
  wait_timers_.Add(alarm.timer, TickAt(alarm.deadline));
}

void Loop::Unlink(ContextAlarm& alarm) {
  wait_timers_.Remove(alarm.timer);
  if (alarm.next_ != nullptr) alarm.next_->previous_ = alarm.previous_;
  (alarm.previous_ != nullptr ? alarm.previous_->next_ : alarms_) = alarm.next_;
}

void Loop::Disarm(ContextAlarm& alarm) {
  Unlink(alarm);
  // Release, on its thread, may be in the middle of unlocking.
  {
    std::lock_guard<std::mutex> lock(alarm.mutex_);
  }
  delete &alarm;
}

// --- Waiting ----------------------------------------------------------------------------------

Errc Loop::Block(Wait& wait, int64_t deadline, bool cancellable) {
  Fiber& self = *running_;
  RefuseAfterFork();
  if (before_block != nullptr) before_block(self.stack());
  Task* task = current_task_;
  if (stopping_) Cancel(*task, Errc::kDraining);  // And what it waits for on other loops.
  if (cancellable) {
    Errc cancelled = stopping_ ? Errc::kDraining : task->cancelled();
    if (cancelled != Errc::kOk) Fire(wait, cancelled);
    if (task->scope.deadline < deadline) {
      deadline = task->scope.deadline;
      wait.timeout_cause = task->scope.timeout_cause;
    }
  }
  if (deadline <= now_) Fire(wait, wait.timeout_cause);
  if (!wait.fired) {
    task->BeforeSuspend();  // May learn that the task is cancelled.
    if (cancellable && task->cancelled() != Errc::kOk) Fire(wait, task->cancelled());
  }
  if (cancellable && task->scope.context != nullptr) [[unlikely]] {
    SuspendIn(*task->scope.context, wait, deadline);
  } else {
    SuspendFor(wait, deadline, cancellable);
  }
  self.wait = nullptr;
  return wait.cause;
}

// The same in a context, which may end the wait.
[[gnu::noinline]] void Loop::SuspendIn(ContextNode& context, Wait& wait, int64_t deadline) {
  WaitHook hook(TokenOf(wait));
  Errc cause = wait.fired ? Errc::kOk : context.Hook(hook);
  if (cause != Errc::kOk) Fire(wait, cause);
  SuspendFor(wait, deadline, /*cancellable=*/true);
  context.Unhook(hook);
}

inline void Loop::SuspendFor(Wait& wait, int64_t deadline, bool cancellable) {
  if (wait.fired) return;
  Fiber* next = NextLeader(true);
  if (next == nullptr) return Fire(wait, Errc::kOverloaded);
  Fiber& self = *running_;
  Task* task = current_task_;
  if (deadline != kNoDeadline && !LeaveToEndpoint(wait, deadline)) {
    wait_timers_.Add(wait.timer, TickAt(deadline));
  }
  wait.deadline = deadline;
  if (cancellable) task->wait = &wait;
  ++blocked_;
  ++stats_.blocks;
  self.state = Fiber::State::kBlocked;
  Suspend(*next);
  --blocked_;
  task->wait = nullptr;
}

// Nearly every wait ends long before its deadline. While the endpoint has a timer, for instance
// that of an idle connection, which expires before, there is none to arm and disarm.
inline bool Loop::LeaveToEndpoint(const Wait& wait, int64_t deadline) {
  Endpoint* const endpoint = wait.endpoint;
  if (endpoint == nullptr || !endpoint->timer.armed()) return false;
  const int64_t ahead = static_cast<int32_t>(endpoint->timer.due - tick_);
  if (ahead * kMillisecond <= deadline - now_) return true;
  if (wait.moves_timer) SetTimer(*endpoint, TickAt(deadline));
  return wait.moves_timer;
}

// When the endpoint's timer has expired or goes.
void Loop::TimeWaits(Endpoint& endpoint) {
  for (Wait* wait = endpoint.waits; wait != nullptr;) {
    Wait* next = wait->next;
    if (wait->deadline <= now_) {
      Fire(*wait, wait->timeout_cause);
    } else if (wait->deadline != kNoDeadline && !wait->timer.armed()) {
      wait_timers_.Add(wait->timer, TickAt(wait->deadline));
    }
    wait = next;
  }
}

void Loop::Yield() {
  FASTHTTP_CHECK(in_user_code(), "a blocking call outside of a handler or task");
  RefuseAfterFork();
  if (before_block != nullptr) before_block(running_->stack());
  current_task_->BeforeSuspend();
  Fiber* next = NextLeader(false);
  if (next == nullptr) return;
  ++blocked_;
  PushReady(*running_);
  Suspend(*next);
  --blocked_;
}

void Loop::Suspend(Fiber& next) {
  Fiber& self = *running_;
  self.task = std::exchange(current_task_, nullptr);
  self.since = now_;
  SwitchTo(next);
  while (tracer_ != nullptr) ShowStack(self);
  current_task_ = std::exchange(self.task, nullptr);
}

void Loop::Fire(Wait& wait, Errc cause) {
  if (wait.fired) return;
  if (Endpoint* const endpoint = std::exchange(wait.endpoint, nullptr)) {
    Wait** at = &endpoint->waits;
    while (*at != &wait) at = &(*at)->next;
    *at = wait.next;
  }
  End(wait, cause);
}

// Of a wait that has not fired and is in no endpoint's list.
inline void Loop::End(Wait& wait, Errc cause) {
  FASTHTTP_DCHECK(!wait.fired, "a wait ended twice");
  wait.fired = true;
  wait.cause = cause;
  wait_timers_.Remove(wait.timer);
  if (wait.fiber->state == Fiber::State::kBlocked) PushReady(*wait.fiber);
}

void Loop::EndWaits(Endpoint& endpoint) {
  while (endpoint.waits != nullptr) Fire(*endpoint.waits, Errc::kConnectionClosed);
}

// --- Other threads ----------------------------------------------------------------------------

void Loop::Post(Posted run, void* pointer, uint64_t a, uint64_t b) {
  posting_.fetch_add(1, std::memory_order_relaxed);
  {
    std::lock_guard<std::mutex> lock(posted_mutex_);
    posted_.push_back({run, pointer, a, b});
    has_posted_.store(true);
  }
  if (asleep_.load()) poller_->Wake();
  posting_.fetch_sub(1, std::memory_order_release);
}

void Loop::PostWake(const WakeToken& token, Errc cause) {
  token.loop->Post(
      [](Loop& loop, void*, uint64_t fiber_and_cause, uint64_t seq) {
        Fiber& fiber = *loop.fibers_[static_cast<uint32_t>(fiber_and_cause)];
        if (fiber.wait != nullptr && fiber.seq == seq) {
          loop.Fire(*fiber.wait, static_cast<Errc>(fiber_and_cause >> 32));
        } else {
          ++loop.stats_.stale_wakes;
        }
      },
      nullptr, token.fiber | uint64_t{static_cast<uint16_t>(cause)} << 32, token.seq);
}

}  // namespace fasthttp::runtime

namespace fasthttp {

void ReadyToken::Notify(uint8_t ready) const {
  if (runtime::current_loop == loop) return loop->Notice(slot, generation, ready);
  loop->Post(
      [](runtime::Loop& to, void*, uint64_t name, uint64_t bits) {
        to.QueueReady(static_cast<uint32_t>(name), static_cast<uint32_t>(name >> 32),
                      static_cast<uint8_t>(bits));
      },
      nullptr, slot | uint64_t{generation} << 32, ready);
}

}  // namespace fasthttp
