#include "testing/sim_runtime.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "fasthttp/base/check.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/poller.h"

namespace fasthttptest {
namespace {

constexpr int64_t kNever = INT64_MAX;
constexpr int64_t kStart = 86'400 * fasthttp::runtime::kSecond;

fasthttp::RuntimeOptions Convert(const SimOptions& options) {
  fasthttp::RuntimeOptions runtime;
  runtime.stack_size = options.stack_size;
  runtime.max_blocked = options.max_blocked;
  return runtime;
}

}  // namespace

// Never waits: a Poll that would marks its loop as idle until then, and the next call, made when
// the loop is stepped again, stands for the return from it.
class SimRuntime::SimPoller final : public fasthttp::runtime::Poller {
 public:
  explicit SimPoller(const SimRuntime& sim) : sim_(sim) {}

  int Poll(std::span<fasthttp::runtime::PollEvent>, int64_t timeout_ns) override {
    waiting_ = !waiting_ && timeout_ns != 0;
    idle_until_ = !waiting_                          ? 0
                  : timeout_ns >= kNever - sim_.now_ ? kNever
                                                     : sim_.now_ + timeout_ns;
    return 0;
  }
  void Wake() override { idle_until_ = 0; }
  fasthttp::Errc Add(int, uint32_t, uint32_t) override { return fasthttp::Errc::kUnsupported; }
  void Remove(int) override {}
  int64_t Now() override { return sim_.now_; }
  bool simulated() const override { return true; }

  int64_t idle_until() const { return idle_until_; }

 private:
  const SimRuntime& sim_;
  bool waiting_ = false;
  int64_t idle_until_ = 0;
};

SimRuntime::SimRuntime(const SimOptions& options)
    : Runtime(Simulated{}, Convert(options)), now_(kStart), random_(options.seed) {
  for (size_t i = 0; i < options.loops; ++i) {
    auto poller = std::make_unique<SimPoller>(*this);
    pollers_.push_back(poller.get());
    AddLoop(std::move(poller));
  }
  clock_before_ = fasthttp::runtime::SetThreadClock(pollers_[0]);
}

SimRuntime::~SimRuntime() {
  fasthttp::runtime::SetThreadClock(clock_before_);
  StopLoops();
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < loops(); ++i) more |= loop(i).StepOnce();
  }
}

bool SimRuntime::Step() {
  if (StepReady()) return true;
  int64_t due = NextDue();
  if (due == kNever) return false;
  now_ = std::max(now_, due);
  return StepReady();
}

bool SimRuntime::RunUntil(absl::FunctionRef<bool()> predicate, absl::Duration limit) {
  const int64_t end = now_ + absl::ToInt64Nanoseconds(limit);
  while (!predicate()) {
    if (now_ > end || !Step()) return false;
  }
  return true;
}

void SimRuntime::Advance(absl::Duration duration) {
  const int64_t end = now_ + absl::ToInt64Nanoseconds(duration);
  for (;;) {
    while (StepReady()) {
    }
    int64_t due = NextDue();
    if (due > end) break;
    now_ = std::max(now_, due);
  }
  now_ = end;
}

void SimRuntime::AwaitOnThread(bool* done) {
  while (!*done) {
    FASTHTTP_CHECK(Step(),
                   "SimRuntime: deadlock: every loop is idle, no timer is armed, and the call that "
                   "the test waits for has not returned");
  }
}

bool SimRuntime::StepReady() {
  ready_.clear();
  for (size_t i = 0; i < pollers_.size(); ++i) {
    if (pollers_[i]->idle_until() <= now_ || loop(i).has_posted()) ready_.push_back(i);
  }
  if (ready_.empty()) return false;
  ++steps_;
  loop(ready_[random_() % ready_.size()]).StepOnce();
  return true;
}

int64_t SimRuntime::NextDue() const {
  int64_t due = kNever;
  for (const SimPoller* poller : pollers_) due = std::min(due, poller->idle_until());
  return due;
}

}  // namespace fasthttptest
