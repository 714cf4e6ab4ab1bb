#include "fasthttp/runtime/fork_guard.h"

#include <pthread.h>

namespace fasthttp::runtime {

std::atomic<bool> in_forked_child{false};

void WatchForks() {
  static const int registered = ::pthread_atfork(
      nullptr, nullptr, [] { in_forked_child.store(true, std::memory_order_relaxed); });
  static_cast<void>(registered);
}

}  // namespace fasthttp::runtime
