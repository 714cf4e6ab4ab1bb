// Pins on other threads: contexts that outlive their handlers by the hundred thousand, and the pair
// of tests that shows what happens with a pin and without.
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/timeout_handler.h"
#include "gtest/gtest.h"
#include "testing/wire_client.h"

#if defined(__has_feature)
#define FASTHTTP_HAS_FEATURE(x) __has_feature(x)
#else
#define FASTHTTP_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || FASTHTTP_HAS_FEATURE(thread_sanitizer)
#define FASTHTTP_TSAN 1
#elif defined(__SANITIZE_ADDRESS__) || FASTHTTP_HAS_FEATURE(address_sanitizer)
#define FASTHTTP_ASAN 1
#endif

namespace fasthttp {
namespace {

using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\nUser-Agent: ", target, "\r\n\r\n");
}

WireClient DialTo(const Addr& address) {
  absl::StatusOr<BlockingConn> conn = Dial(address.ToString(), absl::Now() + absl::Seconds(60));
  if (!conn.ok()) {
    ADD_FAILURE() << conn.status();
    return {};
  }
  return WireClient(*std::move(conn));
}

// Threads that use contexts after, or while, their handlers return.
class Holders {
 public:
  Holders() {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~Holders() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // `whole`: the response too is the holder's.
  void Hold(RequestPin pin, std::string_view expected, bool whole) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      held_.push_back({std::move(pin), std::string(expected), whole});
    }
    ready_.notify_one();
  }
  uint64_t used() const { return used_.load(); }

 private:
  struct Held {
    RequestPin pin;
    std::string expected;
    bool whole;
  };

  void Work() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      ready_.wait(lock, [this] { return stop_ || !held_.empty(); });
      if (held_.empty()) return;
      Held held = std::move(held_.front());
      held_.pop_front();
      lock.unlock();
      if (held.pin->UserAgent() != held.expected) std::abort();
      if (held.pin->RemoteAddr().port() == 0) std::abort();
      if (held.whole) {
        held.pin->SetBody("written behind the handler's back");
        held.pin->SetStatusCode(500);
      }
      ++used_;
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Held> held_;
  bool stop_ = false;
  std::atomic<uint64_t> used_{0};
  std::vector<std::thread> threads_;
};

size_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long size = 0, resident = 0;
  if (file == nullptr || std::fscanf(file, "%ld %ld", &size, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<size_t>(resident) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// FASTHTTP_PIN_REQUESTS=1000000 for the long run.
int Requests() {
#if defined(FASTHTTP_TSAN)
  int requests = 20'000;
#elif defined(FASTHTTP_ASAN)
  int requests = 50'000;
#else
  int requests = 100'000;
#endif
  const char* wanted = std::getenv("FASTHTTP_PIN_REQUESTS");
  if (wanted != nullptr) (void)absl::SimpleAtoi(wanted, &requests);
  return requests;
}

TEST(ServerPin, ContextsOutliveTheirHandlersAndNothingIsLostOrKept) {
  Holders holders;
  Runtime runtime({.threads = 2});
  auto handle = [&](RequestCtx& ctx) {
    const std::string_view kind = ctx.Path();
    ctx.SetBody(kind);
    if (kind == "/timeout-error") {
      holders.Hold(ctx.Pin(), kind, /*whole=*/false);
      ctx.TimeoutError("answered");
    }
    if (kind == "/whole") {
      RequestPin pin = ctx.Pin();
      ctx.TimeoutError("answered");
      holders.Hold(std::move(pin), kind, /*whole=*/true);
    }
    if (kind == "/pinned") holders.Hold(ctx.Pin(), kind, /*whole=*/false);
    if (kind == "/dropped") (void)ctx.Pin();
    if (kind == "/late") {
      holders.Hold(ctx.Pin(), kind, /*whole=*/false);
      (void)Sleep(absl::Hours(1));
      ctx.SetBody("late");
    }
  };
  ServerSettings settings;
  settings.runtime = &runtime;
  settings.handler = [plain = RequestHandler(handle),
                      limited = TimeoutHandler(handle, absl::Milliseconds(2), "answered")](
                         RequestCtx& ctx) { ctx.Path() == "/late" ? limited(ctx) : plain(ctx); };
  Server server(std::move(settings));
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok()) << address.status();

  constexpr int kBatch = 64;
  constexpr std::string_view kKinds[] = {"/timeout-error", "/whole", "/pinned", "/dropped"};
  std::string batch;
  for (int i = 0; i < kBatch; ++i) {
    batch += Get(i == 31 ? "/late" : i % 4 == 1 ? kKinds[i / 4 % 4] : "/plain");
  }
  const int batches = Requests() / kBatch;
  [[maybe_unused]] size_t resident_early = 0;
  WireClient client = DialTo(*address);
  for (int b = 0; b < batches; ++b) {
    if (b == batches / 5) resident_early = ResidentBytes();
    if (b % 100 == 99) client = DialTo(*address);
    ASSERT_EQ(client.Send(batch), Errc::kOk);
    for (int i = 0; i < kBatch; ++i) {
      const WireResponse response = client.Read();
      ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
      const std::string_view kind = i == 31 ? "/late" : i % 4 == 1 ? kKinds[i / 4 % 4] : "/plain";
      const bool prepared = kind == "/late" || kind == "/timeout-error" || kind == "/whole";
      ASSERT_EQ(response.body, prepared ? "answered" : kind);
      ASSERT_EQ(response.status, prepared ? 408 : 200);
    }
  }
  EXPECT_TRUE(server.Shutdown(absl::Seconds(60)).ok());
  EXPECT_EQ(server.Stats().requests_held, 0u);
  EXPECT_EQ(server.Stats().requests, static_cast<uint64_t>(batches) * kBatch);
  EXPECT_EQ(holders.used(), static_cast<uint64_t>(batches) * (kBatch / 4 * 3 / 4 + 1));
#if !defined(FASTHTTP_TSAN) && !defined(FASTHTTP_ASAN)
  EXPECT_LT(ResidentBytes(), resident_early + (8u << 20));
#endif
}

// A handler hands its context to a thread, with a pin or without; the thread uses it while the
// server goes on. Ends the process.
[[noreturn]] void HandToThread(bool pinned) {
  static std::atomic<bool> done{false};
  static std::thread thread;
  Runtime runtime({.threads = 1});
  ServerSettings settings;
  settings.runtime = &runtime;
  settings.handler = [pinned](RequestCtx& ctx) {
    if (ctx.Path() != "/hand") return;
    RequestPin pin;
    if (pinned) pin = ctx.Pin();
    ctx.TimeoutError("timeout");  // The response is the thread's.
    thread = std::thread([&ctx, pin = std::move(pin)] {
      int sum = 0;
      for (int i = 0; i < 20'000 && !done.load(std::memory_order_relaxed); ++i) {
        sum += ctx.response().StatusCode();
        ctx.SetStatusCode(200 + i % 7);
        if (i % 16 == 0) ::usleep(50);
      }
      if (sum == 0) std::abort();
    });
  };
  {
    Server server(std::move(settings));
    absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
    if (!address.ok()) std::abort();
    WireClient client = DialTo(*address);
    if (client.Ask(Get("/hand")).status != 408) std::abort();
    for (int i = 0; i < 200; ++i) {
      if (client.Ask(Get("/next")).status != 200) std::abort();
      ::usleep(100);  // The connection is idle, and gives its memory back.
    }
    ::usleep(20'000);
    done = true;
    thread.join();
  }
  std::exit(0);
}

TEST(ServerPinDeathTest, AContextWithAPinIsTheThreads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(HandToThread(/*pinned=*/true), ::testing::ExitedWithCode(0), "");
}

#if defined(FASTHTTP_TSAN) || defined(FASTHTTP_ASAN)
TEST(ServerPinDeathTest, AContextWithoutAPinIsReported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(HandToThread(/*pinned=*/false), "data race|use-after-poison");
}
#endif

}  // namespace
}  // namespace fasthttp
