// The code blocks of blocking.md.
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace {

fasthttp::Mutex mutex;
std::string cached ABSL_GUARDED_BY(mutex);

void Cached(fasthttp::RequestCtx& ctx) {
  fasthttp::MutexLock lock(mutex);  // Others wait here, and their loops go on.
  if (cached.empty()) {
    if (absl::Status s = fasthttp::Sleep(absl::Milliseconds(20)); !s.ok()) return ctx.Error(s);
    cached = "expensive";
  }
  ctx.SetBodyString(cached);
}

fasthttp::Semaphore backend(2);  // At most two calls at once.

void Bounded(fasthttp::RequestCtx& ctx) {
  if (absl::Status s = backend.AcquireFor(absl::Seconds(1)); !s.ok()) return ctx.Error(s);
  (void)fasthttp::Sleep(absl::Milliseconds(5));
  backend.Release();
}

fasthttp::Channel<int> numbers(4);
fasthttp::Event stop;

int SumUntilStopped() {
  int sum = 0;
  for (;;) {
    std::optional<int> number;
    absl::StatusOr<size_t> first =
        fasthttp::Select(fasthttp::OnRecv(numbers, number), fasthttp::OnEvent(stop),
                         fasthttp::After(absl::Seconds(1)));
    if (!first.ok() || *first != 0 || !number) return sum;
    sum += *number;
  }
}

TEST(BlockingGuide, ALockAcrossAWait) {
  fasthttptest::TestServer server(Cached);
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<fasthttp::Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), "expensive");
  }
}

TEST(BlockingGuide, APermitInTimeOrAnError) {
  fasthttptest::SimRuntime sim;
  fasthttptest::TestServer server(fasthttp::ServerSettings{.handler = Bounded, .runtime = &sim});
  absl::StatusOr<fasthttp::Response> r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusOK);
  ASSERT_TRUE(backend.TryAcquire(2));
  r = server.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), fasthttp::kStatusGatewayTimeout);
  backend.Release(2);
}

TEST(BlockingGuide, SelectOverChannelEventAndTime) {
  fasthttptest::SimRuntime sim;
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(numbers.TrySend(i));
  sim.Run([] { EXPECT_EQ(SumUntilStopped(), 10); });  // Nothing comes for a second.
  stop.Set();
  sim.Run([] { EXPECT_EQ(SumUntilStopped(), 0); });
}

}  // namespace
