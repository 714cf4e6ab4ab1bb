#include "fasthttp/runtime/blocking.h"

#include "fasthttp/base/chaos.h"

namespace fasthttp::runtime {

IoResult Recv(Loop& loop, Endpoint& endpoint, std::span<char> into, int64_t deadline) {
  if (Errc cause = loop.CancelCause(); cause != Errc::kOk) return IoResult::Error(cause);
  const uint32_t generation = endpoint.generation;
  if (base::ChaosStrikes()) loop.Yield();
  for (Errc cause = Errc::kOk;;) {
    // Closed by another fiber while this one waited or yielded.
    if (endpoint.generation != generation) return IoResult::Error(Errc::kConnectionClosed);
    IoResult result = endpoint.conn->TryRecv(into);
    if (!result.again()) return result;
    // The operation was tried once more after waking: it wins over a deadline of that moment.
    if (cause != Errc::kOk) return IoResult::Error(cause);
    cause = AwaitReady(loop, endpoint, kReadable, deadline);
  }
}

Errc SendAll(Loop& loop, Endpoint& endpoint, std::span<const char> bytes, int64_t deadline) {
  if (Errc cause = loop.CancelCause(); cause != Errc::kOk) return cause;
  const uint32_t generation = endpoint.generation;
  if (base::ChaosStrikes()) loop.Yield();
  Errc cause = Errc::kOk;
  while (!bytes.empty()) {
    if (endpoint.generation != generation) return Errc::kConnectionClosed;
    iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
    IoResult result = endpoint.conn->TrySend({&piece, 1});
    if (result.ok()) {
      bytes = bytes.subspan(result.bytes());
      continue;
    }
    if (!result.again()) return result.errc();
    if (cause != Errc::kOk) return cause;
    cause = AwaitReady(loop, endpoint, kWritable, deadline);
  }
  return Errc::kOk;
}

Errc SleepFor(Loop& loop, int64_t nanoseconds) {
  const int64_t until = DeadlineIn(nanoseconds);
  if (nanoseconds <= 0) {
    if (base::ChaosStrikes()) loop.Yield();
    return loop.CancelCause();
  }
  const int64_t deadline = loop.current_task()->scope.deadline;
  Wait wait;
  loop.Prepare(wait);
  Errc cause = loop.Block(wait, until);
  return cause == Errc::kTimeout && until <= deadline ? Errc::kOk : cause;
}

}  // namespace fasthttp::runtime
