// SimRuntime: a Runtime whose loops are stepped by the test's own thread, in virtual time.
//
// Which loop steps next is drawn from a seeded generator, so one seed gives one interleaving and
// many seeds give many. Time stands still while any loop has something to do, and jumps to the
// next timer when none has: a test of a ten-second timeout takes no time, and never flakes.
//
//   fasthttptest::SimRuntime sim({.loops = 2, .seed = 7});
//   sim.Run([&] { ... handlers, dials, sleeps ... });      // steps the loops until it returns
//   EXPECT_TRUE(sim.RunUntil([&] { return done; }));
//
// Transports: in-memory ones only. A socket cannot be armed here: Arm answers kUnsupported.
// Offload runs inline, as a step of the loop.
//
// Deadlines of Contexts that the test's thread makes are in virtual time too. Its own waits,
// outside of Run, are real.
//
// Use it for everything that is about timeouts, pools, shutdown and interleavings. Don't use it to
// find data races: there is one thread (see the tsan config and real runtimes for those).
//
// Thread class: everything from the one thread that made it.
#ifndef FASTHTTP_TESTING_SIM_RUNTIME_H_
#define FASTHTTP_TESTING_SIM_RUNTIME_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttptest {

struct SimOptions {
  size_t loops = 1;
  uint64_t seed = 1;
  // Handlers that may be blocked at once on each loop, and the bytes of a stack.
  uint32_t max_blocked = 65'536;
  size_t stack_size = 256 * 1024;
};

class SimRuntime final : public fasthttp::Runtime {
 public:
  explicit SimRuntime(const SimOptions& options = {});

  // Cancels what is still blocked (kDraining) and steps until the last task has ended.
  ~SimRuntime() override;

  // Virtual time: of the monotonic clock that loops see, and as the wall clock that deadlines of
  // the public API are given in. Starts at one day after the epoch.
  int64_t NowNanos() const { return now_; }
  absl::Time Now() const { return absl::FromUnixNanos(now_); }

  // Lets one loop take one step, drawn from those that have something to do; if none has, time
  // jumps to the next timer first. False if nothing will ever happen again: every loop is idle and
  // no timer is armed.
  bool Step();

  // Steps until `predicate` holds. False if that never happens: deadlock, or `limit` of virtual
  // time has passed.
  bool RunUntil(absl::FunctionRef<bool()> predicate, absl::Duration limit = absl::Hours(1));

  // Lets exactly `duration` pass and does whatever is due in it, then everything that follows from
  // that without more time passing.
  void Advance(absl::Duration duration);

  // Steps until every loop is idle; no time passes.
  void Settle() { Advance(absl::ZeroDuration()); }

  uint64_t steps() const { return steps_; }

 private:
  class SimPoller;

  // Run() and RunOn() of the test's thread. A deadlock ends the process with a sentence: the
  // caller's frame is in use by a task that will never end.
  void AwaitOnThread(bool* done) override;

  // Steps a loop that can go on at the present time; false if all are idle.
  bool StepReady();
  // When the first idle loop wants to go on; INT64_MAX for never.
  int64_t NextDue() const;

  int64_t now_;
  uint64_t steps_ = 0;
  std::mt19937_64 random_;
  std::vector<SimPoller*> pollers_;  // Owned by the loops.
  fasthttp::runtime::Poller* clock_before_ = nullptr;
  std::vector<size_t> ready_;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_SIM_RUNTIME_H_
