// Fiber: one stack with a suspended computation, and the switch between two of them.
//
// A fiber belongs to one loop for life and never moves to another thread. It is a type-stable
// slot: loops keep fibers in an array that only grows, so that a wake-up posted by another thread
// can name {index, seq} and be found stale instead of dangling.
//
// Boost.Context makes the switch (15-20 ns) and stays private to fiber.cc. Around it this file
// keeps what belongs to a stack and not to a thread: errno, the C++ exception globals (without
// them a rethrow after a suspension delivers somebody else's exception), and the annotations of
// ASan and TSan.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_FIBER_H_
#define FASTHTTP_RUNTIME_FIBER_H_

#include <cstddef>
#include <cstdint>

#include "fasthttp/runtime/stack_pool.h"

namespace fasthttp::runtime {

class Task;
struct Wait;

class Fiber {
 public:
  // kCalling: its code goes on on a large stack.
  enum class State : uint8_t { kFree, kRunning, kParked, kBlocked, kReady, kCalling };

  using Entry = void (*)(void* argument);

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Makes this object stand for the thread's own stack, from which fibers are started.
  void AdoptThread();

  // Prepares `entry(argument)` to run on `stack` at the first switch to this fiber. When entry
  // returns, control goes to `*exit_to()`, which the entry must have set.
  void Start(Stack stack, Entry entry, void* argument);
  void set_exit_to(Fiber* fiber) { exit_to_ = fiber; }

  // Leaves `from` (the one that runs) and continues `to`. Returns when something switches back.
  static void Switch(Fiber& from, Fiber& to);

  // Takes the stack back after the entry has returned.
  Stack TakeStack();
  const Stack& stack() const { return stack_; }

  // Fields of the loop that owns the fiber.
  State state = State::kFree;
  bool on_large_stack = false;
  uint32_t index = 0;     // In the loop's array.
  uint32_t seq = 0;       // Counts the waits of this slot; a stale wake-up differs.
  Wait* wait = nullptr;   // The wait that it is blocked in.
  Task* task = nullptr;   // The task whose code is on this stack, while it is blocked.
  Fiber* next = nullptr;  // In the ready or the parked list.
  int64_t since = 0;      // When it was parked or blocked: for the decay of stacks, and dumps.

 private:
  friend struct DebugTable;
  struct Thread;
  struct Trampoline;
  static inline void Arrived(Fiber& self, Thread& thread);

  void* context_ = nullptr;  // boost::context::fiber, taken apart.
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  Fiber* exit_to_ = nullptr;
  Stack stack_;
  int saved_errno_ = 0;
  void* exceptions_[2] = {};
  void* fake_stack_ = nullptr;          // ASan
  const void* stack_bottom_ = nullptr;  // ASan
  size_t stack_bytes_ = 0;              // ASan
  void* tsan_ = nullptr;                // TSan
  bool own_tsan_ = false;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_FIBER_H_
