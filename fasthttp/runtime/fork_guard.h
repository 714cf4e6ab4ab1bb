// After fork() a child has the loops' memory and none of their threads, and shares their epoll
// instances with the parent: whatever it does with them is wrong. So it may exec or exit; any other
// use ends it with a sentence.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_FORK_GUARD_H_
#define FASTHTTP_RUNTIME_FORK_GUARD_H_

#include <atomic>

#include "fasthttp/base/check.h"

namespace fasthttp::runtime {

extern std::atomic<bool> in_forked_child;

// Every fork() from now on makes its child a forked one.
void WatchForks();

inline void RefuseAfterFork() {
  FASTHTTP_CHECK(!in_forked_child.load(std::memory_order_relaxed),
                 "a fasthttp runtime was used after fork(): its threads exist in the parent only; "
                 "exec a new program, or fork before the first use");
}

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_FORK_GUARD_H_
