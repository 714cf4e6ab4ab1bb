#include "testing/held_locks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/stack_trace.h"

namespace fasthttptest {
namespace {

using fasthttp::runtime::Loop;
using fasthttp::runtime::Stack;
using fasthttp::runtime::StackTrace;

struct HeldLock {
  const void* lock;
  const void* frame;  // On the stack of who took it.
  StackTrace taken;
};

constexpr size_t kMaxHeld = 32;
thread_local HeldLock held[kMaxHeld];
thread_local size_t held_count = 0;

[[maybe_unused]] void Taken(const void* lock, const void* frame) {
  const Loop* loop = Loop::Current();
  if (loop == nullptr || held_count == kMaxHeld) return;
  HeldLock& taken = held[held_count++];
  taken.lock = lock;
  taken.frame = frame;
  taken.taken.size = 0;
  if (loop->in_user_code()) taken.taken.Capture();
}

[[maybe_unused]] void Given(const void* lock) {
  for (size_t i = held_count; i-- > 0;) {
    if (held[i].lock != lock) continue;
    held[i] = held[--held_count];
    return;
  }
}

void CheckNoneHeld(const Stack& stack) {
  for (size_t i = 0; i < held_count; ++i) {
    if (!stack.Holds(held[i].frame)) continue;
    std::string text =
        "fasthttp: a mutex is held across a call that may wait: the next handler that wants it "
        "stops its loop for ever. Unlock it first, or use fasthttp::Mutex.\n  It was locked at\n";
    held[i].taken.AppendTo(text);
    text += "  and the call is\n";
    StackTrace here;
    here.Capture();
    here.AppendTo(text);
    std::fputs(text.c_str(), stderr);
    std::abort();
  }
}

[[maybe_unused]] const bool installed = [] {
  if (kHeldLocksAvailable) fasthttp::runtime::before_block = &CheckNoneHeld;
  return true;
}();

}  // namespace
}  // namespace fasthttptest

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

// Each calls the next definition of its name, which is the C library's.
#define NEXT(name) \
  static const auto next = reinterpret_cast<decltype(&name)>(::dlsym(RTLD_NEXT, #name))

#define TAKES(name, Lock)                                                   \
  extern "C" int name(Lock* lock) noexcept {                                \
    NEXT(name);                                                             \
    const int result = next(lock);                                          \
    if (result == 0) fasthttptest::Taken(lock, __builtin_frame_address(0)); \
    return result;                                                          \
  }

#define TAKES_IN_TIME(name, Lock)                                           \
  extern "C" int name(Lock* lock, const timespec* until) noexcept {         \
    NEXT(name);                                                             \
    const int result = next(lock, until);                                   \
    if (result == 0) fasthttptest::Taken(lock, __builtin_frame_address(0)); \
    return result;                                                          \
  }

#define GIVES(name, Lock)                    \
  extern "C" int name(Lock* lock) noexcept { \
    NEXT(name);                              \
    fasthttptest::Given(lock);               \
    return next(lock);                       \
  }

TAKES(pthread_mutex_lock, pthread_mutex_t)
TAKES(pthread_mutex_trylock, pthread_mutex_t)
TAKES_IN_TIME(pthread_mutex_timedlock, pthread_mutex_t)
GIVES(pthread_mutex_unlock, pthread_mutex_t)
TAKES(pthread_rwlock_rdlock, pthread_rwlock_t)
TAKES(pthread_rwlock_tryrdlock, pthread_rwlock_t)
TAKES_IN_TIME(pthread_rwlock_timedrdlock, pthread_rwlock_t)
TAKES(pthread_rwlock_wrlock, pthread_rwlock_t)
TAKES(pthread_rwlock_trywrlock, pthread_rwlock_t)
TAKES_IN_TIME(pthread_rwlock_timedwrlock, pthread_rwlock_t)
GIVES(pthread_rwlock_unlock, pthread_rwlock_t)

extern "C" int pthread_mutex_clocklock(pthread_mutex_t* lock, clockid_t clock,
                                       const timespec* until) noexcept {
  NEXT(pthread_mutex_clocklock);
  const int result = next(lock, clock, until);
  if (result == 0) fasthttptest::Taken(lock, __builtin_frame_address(0));
  return result;
}

#endif
