// StackTrace: the return addresses of a stack, and their names.
//
// Capture is made for signal handlers: it neither allocates nor locks. Naming reads the program's
// symbol table and is slow (some 50 us a frame in a small program); do it on another thread.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_RUNTIME_STACK_TRACE_H_
#define FASTHTTP_RUNTIME_STACK_TRACE_H_

#include <array>
#include <cstddef>
#include <string>

namespace fasthttp::runtime {

struct StackTrace {
  static constexpr size_t kMaxFrames = 64;

  std::array<void*, kMaxFrames> frames;  // Innermost first.
  size_t size = 0;

  // The stack of the caller. In a signal handler: of the code that was interrupted.
  // Async-signal-safe.
  void Capture();

  // One line a frame: "    @ 0x55d0c0ffee00 Compute()".
  void AppendTo(std::string& out) const;
};

// What the program calls the function around `pc`, or "?".
std::string NameOf(const void* pc);

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_STACK_TRACE_H_
