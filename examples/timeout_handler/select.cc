// The same limit for a handler that waits for several things at once: a slow calculation, the end
// of its own request, or ten seconds.
//
//   curl -i localhost:8080/?ms=100     200 after a tenth of a second
//   curl -i localhost:8080/?ms=5000    408 after two seconds; the end of the request came first
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "fasthttp/fasthttp.h"

void Calculate(fasthttp::RequestCtx& ctx) {
  const auto ms = static_cast<int64_t>(ctx.QueryArgs().GetUint("ms").value_or(0));
  auto results = std::make_shared<fasthttp::Channel<int64_t>>(1);
  fasthttp::Spawn([results, ms] {
    if (!fasthttp::Sleep(absl::Milliseconds(ms)).ok()) return;  // It ends with the request.
    (void)results->TrySend(6 * 7);
  });
  std::optional<int64_t> result;
  const fasthttp::Context context = fasthttp::CurrentContext();
  absl::StatusOr<size_t> first =
      fasthttp::Select(fasthttp::OnRecv(*results, result), fasthttp::OnEvent(context.Done()),
                       fasthttp::After(absl::Seconds(10)));
  if (!result) {
    absl::Status why = first.ok() ? context.Err() : first.status();
    absl::FPrintF(stderr, "no result: %s\n", why.ToString());
    return;
  }
  absl::Format(&ctx, "%d\n", *result);
}

int main() {
  fasthttp::RequestHandler limited =
      fasthttp::TimeoutHandler(Calculate, absl::Seconds(2), "timeout");
  return fasthttp::ListenAndServe(":8080", std::move(limited)).ok() ? 0 : 1;
}
