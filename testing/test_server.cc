#include "testing/test_server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/response_reader.h"

namespace fasthttptest {
namespace {

using fasthttp::Errc;
using fasthttp::runtime::kNoDeadline;
using fasthttp::runtime::Loop;

constexpr absl::Duration kDrainLimit = absl::Seconds(5);
// Beyond the drain limit, for ending the waits that are left.
constexpr absl::Duration kStuckLimit = absl::Seconds(5);

// Connections are given back a moment after the call that closed them.
constexpr int kLeftoverLooks = 200;
constexpr absl::Duration kLeftoverPause = absl::Milliseconds(5);

void Report(const std::string& what) {
  if (testing::UnitTest::GetInstance()->current_test_info() != nullptr) {
    ADD_FAILURE() << what;
    return;
  }
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

// There is no way on: a handler that still runs may refer to what the test destroys.
[[noreturn]] void Die(const char* why) {
  std::fprintf(stderr, "TestServer: %s; the process ends\n", why);
  std::abort();
}

// Ends the process unless it is destroyed in time.
class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit)
      : thread_([this, limit] {
          std::unique_lock<std::mutex> lock(mutex_);
          if (!stop_.wait_for(lock, absl::ToChronoNanoseconds(limit),
                              [this] { return stopped_; })) {
            Die("a handler neither returns nor waits");
          }
        }) {}
  ~Watchdog() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    stop_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopped_ = false;
  std::thread thread_;
};

fasthttp::ServerSettings SettingsOf(fasthttp::RequestHandler handler) {
  fasthttp::ServerSettings settings;
  settings.handler = std::move(handler);
  return settings;
}

// What a runtime holds besides the calling fiber.
struct Leftovers {
  uint64_t connections = 0;
  uint64_t blocked = 0;
};

Leftovers Count(fasthttp::Runtime& runtime) {
  Leftovers found;
  for (size_t i = 0; i < runtime.loops(); ++i) {
    Loop& loop = runtime.loop(i);
    runtime.RunOn(loop, [&] {
      found.connections += loop.endpoints().in_use();
      found.blocked += loop.blocked();
    });
  }
  return found;
}

// On a fiber: sends the request and reads the answer.
Errc Exchange(fasthttputil::InmemoryListener& listener, std::string_view request,
              absl::Duration timeout, fasthttp::Response& response) {
  Loop& loop = *Loop::Current();
  const int64_t now = loop.FreshNow();
  const int64_t nanoseconds = std::max<int64_t>(0, absl::ToInt64Nanoseconds(timeout));
  const int64_t deadline = nanoseconds < kNoDeadline - now ? now + nanoseconds : kNoDeadline;
  fasthttp::BlockingConn conn;
  Errc errc =
      listener.DialOn(loop, fasthttp::Addr::Named("inmemory", "TestServer"), deadline, conn);
  if (errc != Errc::kOk) return errc;
  conn.SetDeadlineNanos(deadline, deadline);
  // A server that refuses a request need not read all of it: its answer counts then.
  const Errc sent = conn.Write(request);
  errc = ReadResponse(conn, RequestMethodOf(request), response);
  return errc != Errc::kOk && sent != Errc::kOk ? sent : errc;
}

}  // namespace

class TestServer::ServeTask final : public fasthttp::runtime::Task {
 public:
  explicit ServeTask(TestServer& server) : server_(server) {}
  void Run(Loop&) override {
    (void)server_.server_->Serve(*server_.listener_);
    ended_.CountDown();
  }
  void Await() { (void)ended_.Wait(*Loop::Current(), kNoDeadline, /*cancellable=*/false); }

 private:
  TestServer& server_;
  fasthttp::runtime::Latch ended_{1};
};

TestServer::TestServer(fasthttp::RequestHandler handler)
    : TestServer(SettingsOf(std::move(handler))) {}

TestServer::TestServer(fasthttp::ServerSettings settings)
    : owned_runtime_(settings.runtime != nullptr ? nullptr
                                                 : std::make_unique<fasthttp::Runtime>(
                                                       fasthttp::RuntimeOptions{.threads = 2})),
      runtime_(settings.runtime != nullptr ? settings.runtime : owned_runtime_.get()) {
  settings.runtime = runtime_;
  settings.drain_timeout = std::min(settings.drain_timeout, kDrainLimit);
  listener_ = std::make_unique<fasthttputil::InmemoryListener>(runtime_);
  server_ = std::make_unique<fasthttp::Server>(std::move(settings));
  fasthttp::HostClientOptions options;
  options.addr = "fasthttp.test";
  options.runtime = runtime_;
  options.dial = listener_->Dialer();
  client_ = std::make_unique<fasthttp::HostClient>(std::move(options));
  serving_ = std::make_unique<ServeTask>(*this);
  runtime_->RunOn(runtime_->loop(0), [this] { runtime_->loop(0).Spawn(*serving_); });
}

TestServer::~TestServer() {
  client_.reset();
  StopServing();
  server_.reset();
  listener_.reset();
  if (owned_runtime_ != nullptr) CheckLeftovers();
}

void TestServer::StopServing() {
  Watchdog watchdog(server_->settings().drain_timeout + kStuckLimit);
  absl::Status drained = server_->Shutdown();
  if (server_->GetOpenConnectionsCount() != 0)
    Die("a handler goes on although its waits were ended");
  runtime_->Run([this] { serving_->Await(); });
  if (drained.ok()) return;
  Report(
      "TestServer: a handler had not returned when the server was destroyed; its waits were "
      "ended");
}

void TestServer::CheckLeftovers() {
  Leftovers found = Count(*owned_runtime_);
  for (int i = 0; i < kLeftoverLooks && found.connections + found.blocked != 0; ++i) {
    (void)fasthttp::Sleep(kLeftoverPause);
    found = Count(*owned_runtime_);
  }
  if (found.connections + found.blocked == 0) return;
  // Somebody still holds a part of it: it stays.
  static std::atomic<fasthttp::Runtime*> kept;
  kept.store(owned_runtime_.release());
  Report(absl::StrCat("TestServer: left over: open connections: ", found.connections,
                      ", blocked fibers: ", found.blocked,
                      ". What Dial() returned must be closed before the TestServer goes"));
}

absl::StatusOr<fasthttp::Response> TestServer::Get(std::string_view target) {
  return Do(absl::StrCat("GET ", std::string(target), " HTTP/1.1\r\nHost: fasthttp.test\r\n\r\n"));
}

absl::StatusOr<fasthttp::Response> TestServer::Post(std::string_view target,
                                                    std::string_view content_type,
                                                    std::string_view body) {
  std::string request = "POST ";
  request.append(target).append(" HTTP/1.1\r\nHost: fasthttp.test\r\nContent-Type: ");
  request.append(content_type);
  absl::StrAppend(&request, "\r\nContent-Length: ", body.size(), "\r\n\r\n");
  request.append(body);
  return Do(request);
}

absl::StatusOr<fasthttp::Response> TestServer::Do(std::string_view raw_request) {
  fasthttp::Response response;
  Errc errc = Errc::kOk;
  runtime_->Run([&] { errc = Exchange(*listener_, raw_request, request_timeout_, response); });
  if (errc != Errc::kOk) return fasthttp::ToStatus(errc, "TestServer");
  return response;
}

absl::StatusOr<fasthttp::BlockingConn> TestServer::Dial() { return listener_->Dial(); }

}  // namespace fasthttptest
