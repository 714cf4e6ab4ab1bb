#include "fasthttp/task.h"

#include <thread>

#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {
namespace {

// The loop whose user code calls; null on a plain thread.
runtime::Loop* CurrentLoop() {
  runtime::Loop* loop = runtime::Loop::Current();
  return loop != nullptr && loop->in_user_code() ? loop : nullptr;
}

Errc SleepOnThread(int64_t nanoseconds) {
  if (Errc cause = runtime::CancelCause(); cause != Errc::kOk) return cause;
  const int64_t until = runtime::DeadlineIn(nanoseconds);
  if (nanoseconds <= 0) return Errc::kOk;
  const bool whole = until <= runtime::CurrentTask().scope.deadline;
  runtime::Waiter waiter;
  Errc cause = waiter.Await(until);
  return cause == Errc::kTimeout && whole ? Errc::kOk : cause;
}

class NobodyWaits final : public runtime::TaskOwner {
 public:
  void TaskEnded(absl::Status, std::exception_ptr exception) override {
    if (exception) Runtime::Current()->LostException(exception);
  }
};

}  // namespace

absl::Status Sleep(absl::Duration duration) {
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  runtime::Loop* loop = CurrentLoop();
  Errc errc = loop == nullptr ? SleepOnThread(nanoseconds) : runtime::SleepFor(*loop, nanoseconds);
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "Sleep");
}

void Yield() {
  if (runtime::Loop* loop = CurrentLoop()) {
    loop->Yield();
  } else {
    std::this_thread::yield();
  }
}

void Offload(absl::FunctionRef<void()> f) {
  runtime::Loop* loop = CurrentLoop();
  if (loop == nullptr) return f();
  Runtime::Current()->offload().Run(*loop, f);
}

absl::Status TryOffload(absl::FunctionRef<void()> f) {
  runtime::Loop* loop = CurrentLoop();
  Errc errc = runtime::CancelCause();
  if (loop != nullptr) {
    errc = Runtime::Current()->offload().TryRun(*loop, f);
  } else if (errc == Errc::kOk) {
    f();
  }
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "TryOffload");
}

absl::Status RunOnLargeStack(absl::FunctionRef<void()> f) {
  runtime::Loop* loop = CurrentLoop();
  if (loop == nullptr) {
    f();
    return absl::OkStatus();
  }
  return ToStatus(loop->CallOnLargeStack(f), "RunOnLargeStack");
}

namespace internal {

runtime::TaskOwner& Nobody() {
  static constinit NobodyWaits nobody;
  return nobody;
}

void Start(runtime::SpawnedTask& task) {
  runtime::Loop* loop = CurrentLoop();
  (loop != nullptr ? *loop : Runtime::Default().home()).Spawn(task);
}

}  // namespace internal
}  // namespace fasthttp
