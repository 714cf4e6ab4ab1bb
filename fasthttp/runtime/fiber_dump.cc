// Loop::DumpFibers: what every fiber of a loop does, in words.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {
namespace {

constexpr std::array<std::string_view, 6> kStates = {"free",    "running", "parked",
                                                     "blocked", "ready",   "on a large stack"};

std::string_view NameOfState(Fiber::State state) { return kStates[static_cast<size_t>(state)]; }

double Seconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / kSecond; }

void AppendWait(const Wait& wait, int64_t now, std::string& out) {
  if (wait.endpoint != nullptr) {
    const char* what = wait.ready_mask & kReadable   ? "to read from"
                       : wait.ready_mask & kWritable ? "to write to"
                                                     : "for the end of";
    absl::StrAppend(&out, ", waits ", what, " connection ", wait.endpoint->slot);
  }
  if (wait.deadline != kNoDeadline) {
    absl::StrAppendFormat(&out, ", at most %.3f s more", Seconds(wait.deadline - now));
  }
}

}  // namespace

void Loop::DumpFibers(std::string& out, bool stacks) {
  std::array<size_t, kStates.size()> count = {};
  for (Fiber* fiber : fibers_) ++count[static_cast<size_t>(fiber->state)];
  absl::StrAppendFormat(&out, "loop %d: thread %d, stacks of %d bytes", index_, thread_id_,
                        stacks_.stack_size());
  for (size_t state = 1; state < count.size(); ++state) {
    absl::StrAppend(&out, ", ", count[state], " ", kStates[state]);
  }
  out += '\n';
  for (Fiber* fiber : fibers_) {
    if (fiber->state == Fiber::State::kFree || fiber->state == Fiber::State::kParked) continue;
    absl::StrAppend(&out, "  fiber ", fiber->index, ": ", NameOfState(fiber->state));
    // Only these sit in Suspend, where they show their stack on request.
    const bool waits =
        fiber->state == Fiber::State::kBlocked || fiber->state == Fiber::State::kReady;
    if (waits) absl::StrAppendFormat(&out, " for %.3f s", Seconds(now_ - fiber->since));
    if (waits && fiber->wait != nullptr) AppendWait(*fiber->wait, now_, out);
    if (fiber->task != nullptr && fiber->task->cancelled() != Errc::kOk) out += ", cancelled";
    out += '\n';
    if (!stacks) continue;
    StackTrace trace;
    if (waits) {
      trace_ = &trace;
      tracer_ = running_;
      Fiber::Switch(*running_, *fiber);
    } else if (fiber == running_) {
      trace.Capture();
    }
    trace.AppendTo(out);
  }
}

// On a suspended fiber, for one that dumps; nothing else of the loop may change.
void Loop::ShowStack(Fiber& self) {
  Fiber* tracer = std::exchange(tracer_, nullptr);
  trace_->Capture();
  Fiber::Switch(self, *tracer);
}

}  // namespace fasthttp::runtime
