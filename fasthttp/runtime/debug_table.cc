#include "fasthttp/runtime/debug_table.h"

#include <cstddef>
#include <mutex>

#include "fasthttp/runtime/loop.h"

// Neither class has bases or virtual functions: every compiler lays them out plainly.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace fasthttp::runtime {
namespace {

// No destructor: handlers may call exit().
constinit std::mutex loops_mutex;

}  // namespace

constexpr DebugTable DebugTable::Make() {
  return {
      .version = 1,
      .loop_next = offsetof(Loop, next_loop_),
      .loop_index = offsetof(Loop, index_),
      .loop_thread = offsetof(Loop, thread_id_),
      .loop_now = offsetof(Loop, now_),
      .loop_fibers = offsetof(Loop, fibers_),
      .fiber_state = offsetof(Fiber, state),
      .fiber_index = offsetof(Fiber, index),
      .fiber_task = offsetof(Fiber, task),
      .fiber_since = offsetof(Fiber, since),
      .fiber_context = offsetof(Fiber, context_),
      .fiber_stack = offsetof(Fiber, stack_),
      .first_loop = nullptr,
  };
}

void DebugTable::Add(Loop& loop) {
  std::lock_guard<std::mutex> lock(loops_mutex);
  loop.next_loop_ = fasthttp_debug_table.first_loop;
  fasthttp_debug_table.first_loop = &loop;
}

void DebugTable::Remove(Loop& loop) {
  std::lock_guard<std::mutex> lock(loops_mutex);
  Loop** at = &fasthttp_debug_table.first_loop;
  while (*at != &loop) at = &(*at)->next_loop_;
  *at = loop.next_loop_;
}

}  // namespace fasthttp::runtime

constinit fasthttp::runtime::DebugTable fasthttp_debug_table =
    fasthttp::runtime::DebugTable::Make();
