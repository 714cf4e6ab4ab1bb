// Ten handlers that wait and one that stops in the debugger: what fibers_gdb_test looks at.
#include <signal.h>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"

namespace {

[[gnu::noinline]] void WaitForTheBackend(fasthttp::runtime::Loop& loop) {
  (void)fasthttp::runtime::SleepFor(loop, 3600 * fasthttp::runtime::kSecond);
  asm volatile("");  // No tail call: the frame is looked for.
}

[[gnu::noinline]] void StopHere() { ::raise(SIGTRAP); }

}  // namespace

int main() {
  fasthttp::runtime::TaskList tasks;
  fasthttp::Runtime runtime({.threads = 2, .stall_warning = absl::ZeroDuration()});
  for (size_t i = 0; i < 2; ++i) {
    runtime.RunOn(runtime.loop(i), [&] {
      fasthttp::runtime::Loop& loop = *fasthttp::runtime::Loop::Current();
      for (int n = 0; n < 5; ++n) tasks.Spawn(loop, [](auto& here) { WaitForTheBackend(here); });
      (void)fasthttp::runtime::SleepFor(loop, 10 * fasthttp::runtime::kMillisecond);
    });
  }
  runtime.RunOn(runtime.loop(1), [] { StopHere(); });
}
