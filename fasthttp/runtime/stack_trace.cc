#include "fasthttp/runtime/stack_trace.h"

#include <unwind.h>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_format.h"

namespace fasthttp::runtime {
namespace {

// Not backtrace(3): its first call loads a library.
_Unwind_Reason_Code AddFrame(_Unwind_Context* context, void* argument) {
  auto& trace = *static_cast<StackTrace*>(argument);
  int interrupted = 0;
  auto pc = static_cast<uintptr_t>(_Unwind_GetIPInfo(context, &interrupted));
  if (pc == 0) return _URC_END_OF_STACK;
  // What a signal interrupted: the handler's own frames so far are no part of it.
  if (interrupted != 0) trace.size = 0;
  if (trace.size == StackTrace::kMaxFrames) return _URC_END_OF_STACK;
  // A return address may belong to the next function already.
  trace.frames[trace.size++] = reinterpret_cast<void*>(interrupted != 0 ? pc : pc - 1);
  return _URC_NO_REASON;
}

}  // namespace

[[gnu::noinline]] void StackTrace::Capture() {
  size = 0;
  _Unwind_Backtrace(&AddFrame, this);
}

void StackTrace::AppendTo(std::string& out) const {
  for (size_t i = 0; i < size; ++i)
    absl::StrAppendFormat(&out, "    @ %p %s\n", frames[i], NameOf(frames[i]));
}

std::string NameOf(const void* pc) {
  char name[512];
  return absl::Symbolize(pc, name, sizeof name) ? name : "?";
}

}  // namespace fasthttp::runtime
