#include "fasthttp/task.h"

#include <thread>

#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp {
namespace {

// The loop whose user code calls; null on a plain thread.
runtime::Loop* CurrentLoop() {
  runtime::Loop* loop = runtime::Loop::Current();
  return loop != nullptr && loop->in_user_code() ? loop : nullptr;
}

}  // namespace

absl::Status Sleep(absl::Duration duration) {
  runtime::Loop* loop = CurrentLoop();
  if (loop == nullptr) {
    absl::SleepFor(duration);
    return absl::OkStatus();
  }
  Errc errc = runtime::SleepFor(*loop, absl::ToInt64Nanoseconds(duration));
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
  if (loop == nullptr) {
    f();
    return absl::OkStatus();
  }
  Errc errc = Runtime::Current()->offload().TryRun(*loop, f);
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "TryOffload");
}

}  // namespace fasthttp
