#include "fasthttp/runtime/fiber.h"

#include <cxxabi.h>

#include <boost/context/fiber.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "fasthttp/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define FASTHTTP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTHTTP_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FASTHTTP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FASTHTTP_TSAN 1
#endif
#endif

#ifdef FASTHTTP_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FASTHTTP_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace fasthttp::runtime {

// What the fibers of a thread share.
struct Fiber::Thread {
  Fiber* leaving = nullptr;  // Who switched away last.
  // The C++ runtime's and C's, kept here since it takes calls to ask.
  abi::__cxa_eh_globals* exceptions = nullptr;
  int* error = nullptr;

  // Compilers may keep the address of a thread_local across a call; a fiber never changes its
  // thread, but noinline keeps that true under SimRuntime's several loops as well.
  [[gnu::noinline]] static Thread& Current() {
    static constinit thread_local Thread thread;
    if (thread.error == nullptr) [[unlikely]] {
      thread.exceptions = abi::__cxa_get_globals();
      thread.error = &errno;
    }
    return thread;
  }
};

namespace {

namespace ctx = boost::context;

// A boost::context::fiber is one pointer; it is kept as such so that Boost stays in this file.
static_assert(sizeof(ctx::fiber) == sizeof(void*));

ctx::fiber Unpack(void*& from) {
  ctx::fiber fiber;
  std::memcpy(static_cast<void*>(&fiber), &from, sizeof from);
  from = nullptr;
  return fiber;
}

void Pack(ctx::fiber&& fiber, void*& into) {
  std::memcpy(&into, static_cast<void*>(&fiber), sizeof into);
  // The packed copy owns the handle now.
  new (&fiber) ctx::fiber();
}

// The stack lives in a StackPool, so Boost neither allocates nor frees.
struct BorrowedStack {
  ctx::stack_context allocate() { return {}; }
  void deallocate(ctx::stack_context&) noexcept {}
};

}  // namespace

struct Fiber::Trampoline {
  static ctx::fiber Run(Fiber& self, ctx::fiber&& from) {
    Thread& thread = Thread::Current();
    Pack(std::move(from), thread.leaving->context_);
    Arrived(self, thread);
    self.entry_(self.argument_);
    Fiber* to = self.exit_to_;
    FASTHTTP_CHECK(to != nullptr, "a fiber's entry returned without a successor");
    Thread::Current().leaving = &self;
#ifdef FASTHTTP_ASAN
    __sanitizer_start_switch_fiber(nullptr, to->stack_bottom_, to->stack_bytes_);
#endif
#ifdef FASTHTTP_TSAN
    __tsan_switch_to_fiber(to->tsan_, 0);
#endif
    return Unpack(to->context_);
  }
};

Fiber::~Fiber() {
#ifdef FASTHTTP_TSAN
  if (own_tsan_ && tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
#endif
}

void Fiber::AdoptThread() {
  state = State::kRunning;
#ifdef FASTHTTP_TSAN
  tsan_ = __tsan_get_current_fiber();
#endif
}

void Fiber::Start(Stack stack, Entry entry, void* argument) {
  stack_ = stack;
  entry_ = entry;
  argument_ = argument;
  exit_to_ = nullptr;
  std::memset(exceptions_, 0, sizeof exceptions_);
  saved_errno_ = 0;
  stack_bottom_ = stack.bottom;
  stack_bytes_ = stack.size;
#ifdef FASTHTTP_TSAN
  if (tsan_ == nullptr) {
    tsan_ = __tsan_create_fiber(0);
    own_tsan_ = true;
  }
#endif
  ctx::stack_context bounds;
  bounds.sp = stack.bottom + stack.size;
  bounds.size = stack.size;
  ctx::fiber fiber(std::allocator_arg, ctx::preallocated(bounds.sp, bounds.size, bounds),
                   BorrowedStack{},
                   [this](ctx::fiber&& from) { return Trampoline::Run(*this, std::move(from)); });
  Pack(std::move(fiber), context_);
}

[[gnu::noinline]] void Fiber::Switch(Fiber& from, Fiber& to) {
  Thread& here = Thread::Current();
  from.saved_errno_ = *here.error;
  std::memcpy(from.exceptions_, here.exceptions, sizeof from.exceptions_);
  here.leaving = &from;
#ifdef FASTHTTP_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_bottom_, to.stack_bytes_);
#endif
#ifdef FASTHTTP_TSAN
  // In the very function that jumps: an instrumented wrapper's exit would unwind the wrong stack.
  __tsan_switch_to_fiber(to.tsan_, 0);
#endif
  ctx::fiber came_from = Unpack(to.context_).resume();
  Thread& back = Thread::Current();
  Fiber* who = back.leaving;
  if (came_from) {
    Pack(std::move(came_from), who->context_);
  } else {
    who->state = State::kFree;
  }
  Arrived(from, back);
}

inline void Fiber::Arrived(Fiber& self, Thread& thread) {
#ifdef FASTHTTP_ASAN
  const void* bottom = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack_, &bottom, &bytes);
  Fiber* who = thread.leaving;
  if (who->stack_bottom_ == nullptr) {  // A thread's own stack: learn its bounds here.
    who->stack_bottom_ = bottom;
    who->stack_bytes_ = bytes;
  }
#endif
  std::memcpy(thread.exceptions, self.exceptions_, sizeof self.exceptions_);
  *thread.error = self.saved_errno_;
}

Stack Fiber::TakeStack() {
  FASTHTTP_CHECK(state == State::kFree && context_ == nullptr, "stack taken from a live fiber");
  return std::exchange(stack_, Stack{});
}

}  // namespace fasthttp::runtime
