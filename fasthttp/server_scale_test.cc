// Very many handlers blocked at once, and handlers that never let go: what the others see of it.
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/stack_pool.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
// ThreadSanitizer knows 8,128 fibers.
constexpr size_t kBlocked = 2'000;
#else
constexpr bool kSanitized = false;
constexpr size_t kBlocked = 10'000;
#endif

namespace fasthttp {
namespace {

using testing::SimServer;
using testing::WireClient;

constexpr std::string_view kBlock = "GET /block HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kLight = "GET /light HTTP/1.1\r\nHost: a\r\n\r\n";

size_t ResidentKiB() {
  unsigned long total = 0;
  unsigned long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * 4;
}

TEST(ServerScale, TenThousandHandlersBlockBeyondThemAre503AndMemoryReturns) {
  size_t blocked = 0;
  ServerSettings settings;
  settings.handler = [&](RequestCtx& ctx) {
    if (ctx.Path() != "/block") return;
    ++blocked;
    EXPECT_TRUE(Sleep(absl::Minutes(5)).ok());
    --blocked;
  };
  settings.idle_timeout = absl::InfiniteDuration();
  // The client's fiber waits as well, and that of Serve.
  SimServer server(std::move(settings), {.max_blocked = kBlocked + 2});
  runtime::Loop& loop = server.sim().loop(0);
  size_t before = 0;
  size_t peak = 0;
  std::vector<WireClient> clients;
  server.Run([&] {
    for (size_t i = 0; i < kBlocked; ++i) clients.push_back(server.Dial());
    server.Settle();
    before = ResidentKiB();
    for (WireClient& client : clients) EXPECT_EQ(client.Send(kBlock), Errc::kOk);
    server.Settle();
    EXPECT_EQ(blocked, kBlocked);
    EXPECT_GE(loop.blocked(), kBlocked);
    peak = ResidentKiB();

    // One more is refused at once, light ones too: nobody knows yet whether they will block.
    WireClient one_more = server.Dial();
    EXPECT_EQ(one_more.Ask(kBlock).status, 503);
    WireClient light = server.Dial();
    EXPECT_EQ(light.Ask(kLight).status, 503);
    EXPECT_EQ(blocked, kBlocked);

    for (WireClient& client : clients) EXPECT_EQ(client.Read().status, 200);
    EXPECT_EQ(blocked, 0u);
    EXPECT_EQ(light.Ask(kLight).status, 200) << "there is room again";
  });
  clients.clear();
  server.sim().Advance(absl::Minutes(5));
  EXPECT_LE(loop.fibers_alive(), 3u);
  EXPECT_LE(loop.stack_slabs(), 4u);
  if (kSanitized) return;
  ::malloc_trim(0);  // What was freed is the C library's.
  // Both ends of the connections are in this process, and stack frames may be unoptimized.
  EXPECT_GT(peak, before + kBlocked * 4);
  EXPECT_LT(peak, before + kBlocked * 16);
  EXPECT_LT(ResidentKiB(), before + kBlocked * 1);
}

TEST(ServerScale, WithoutAStackForOneMoreARequestIs503) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need the address space";
  // One slab of 32 such stacks fits into the address space, two don't.
  constexpr size_t kHuge = size_t{1} << 41;
  if (runtime::StackPool(kHuge, 0).Allocate().bottom == nullptr) {
    GTEST_SKIP() << "this kernel does not lend so much (vm.overcommit_memory)";
  }
  size_t handled = 0;
  SimServer server({.handler =
                        [&](RequestCtx&) {
                          ++handled;
                          EXPECT_TRUE(Sleep(absl::Seconds(1)).ok()) << "it was let in";
                        }},
                   {.stack_size = kHuge});
  size_t ok = 0;
  size_t refused = 0;
  server.Run([&] {
    for (int round = 0; round < 2; ++round) {  // Refusing once is not refusing for ever.
      std::vector<WireClient> clients;
      for (int i = 0; i < 60; ++i) clients.push_back(server.Dial());
      for (WireClient& client : clients) EXPECT_EQ(client.Send(kBlock), Errc::kOk);
      for (WireClient& client : clients) {
        const int status = client.Read().status;
        ok += status == 200;
        refused += status == 503;
      }
    }
  });
  EXPECT_EQ(ok, handled);
  EXPECT_EQ(ok + refused, 120u);
  EXPECT_GE(ok, 2 * 25u);
  EXPECT_GE(refused, 2 * 25u);
}

// A hog computes in slices, and 1000 light requests have come behind it. Latency is counted in
// slices: how many the hog has done between the sending of a request and its handling. Returns the
// 99th percentile.
constexpr size_t kSlices = 200;

size_t P99BesideAHog(bool yields) {
  constexpr size_t kLights = 1'000;
  size_t slice = 0;
  std::vector<size_t> sent(kLights, 0);
  std::vector<size_t> latencies;
  SimServer server({.handler = [&](RequestCtx& ctx) {
    if (ctx.Path() != "/hog") {
      size_t light = 0;
      EXPECT_TRUE(absl::SimpleAtoi(ctx.Path().substr(1), &light));
      latencies.push_back(slice - sent.at(light));
      return;
    }
    while (slice < kSlices) {
      ++slice;
      if (yields) Yield();
    }
  }});
  server.Run([&] {
    std::vector<WireClient> clients;
    WireClient hog = server.Dial();
    for (size_t i = 0; i < kLights; ++i) clients.push_back(server.Dial());
    server.Settle();
    EXPECT_EQ(hog.Send("GET /hog HTTP/1.1\r\nHost: a\r\n\r\n"), Errc::kOk);
    for (size_t i = 0; i < kLights; ++i) {
      sent[i] = slice;
      EXPECT_EQ(clients[i].Send(absl::StrCat("GET /", i, " HTTP/1.1\r\nHost: a\r\n\r\n")),
                Errc::kOk);
    }
    EXPECT_EQ(hog.Read().status, 200);
    for (WireClient& client : clients) EXPECT_EQ(client.Read().status, 200);
  });
  EXPECT_EQ(latencies.size(), kLights);
  std::sort(latencies.begin(), latencies.end());
  return latencies.empty() ? kSlices : latencies[latencies.size() * 99 / 100];
}

TEST(ServerScale, AHogThatYieldsDelaysTheOthersByASliceOrTwo) {
  // Chaos cuts the sending and the receiving of each request into several steps.
  EXPECT_LE(P99BesideAHog(/*yields=*/true), base::chaos_enabled ? 100u : 2u);
}

TEST(ServerScale, AHogThatDoesNotDelaysThemAllTheWay) {
  if (base::chaos_enabled) GTEST_SKIP() << "the hog begins before the others have sent";
  EXPECT_EQ(P99BesideAHog(/*yields=*/false), kSlices);
}

}  // namespace
}  // namespace fasthttp
