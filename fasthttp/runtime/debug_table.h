// DebugTable: where a debugger finds the fibers of a process, also in a program without debug
// information and in a core dump. fibers_gdb.py reads it.
//
// The table is the symbol `fasthttp_debug_table`: the head of the list of loops and the offsets of
// the members that matter. A member that is added goes to the end and raises the version.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_DEBUG_TABLE_H_
#define FASTHTTP_RUNTIME_DEBUG_TABLE_H_

#include <cstdint>

namespace fasthttp::runtime {

class Loop;

struct DebugTable {
  uint32_t version;
  uint32_t loop_next;
  uint32_t loop_index;
  uint32_t loop_thread;
  uint32_t loop_now;
  uint32_t loop_fibers;  // Pointers to the first Fiber* and behind the last one.
  uint32_t fiber_state;  // One byte: Fiber::State.
  uint32_t fiber_index;
  uint32_t fiber_task;
  uint32_t fiber_since;
  uint32_t fiber_context;  // The suspended fiber's stack pointer, below its saved registers.
  uint32_t fiber_stack;    // Lowest byte, size.
  Loop* first_loop;

  static void Add(Loop& loop);
  static void Remove(Loop& loop);
  static constexpr DebugTable Make();
};

}  // namespace fasthttp::runtime

extern "C" fasthttp::runtime::DebugTable fasthttp_debug_table;

#endif  // FASTHTTP_RUNTIME_DEBUG_TABLE_H_
