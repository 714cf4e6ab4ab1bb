// The code blocks of timeouts.md and races.md.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/notification.h"
#include "fasthttp/context.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace {

absl::Duration backend_takes;
int undone = 0;

absl::Status AskBackend() { return fasthttp::Sleep(backend_takes); }
absl::Status UndoAtBackend() {
  absl::Status s = fasthttp::Sleep(absl::Seconds(1));
  undone += s.ok();
  return s;
}

void Quote(fasthttp::RequestCtx& ctx) {
  fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Milliseconds(300));
  absl::Status s = AskBackend();
  if (fasthttp::ErrcOf(s) == fasthttp::Errc::kTimeout) return ctx.SetBodyString("no quote today");
  if (!s.ok()) return ctx.Error("backend", fasthttp::GatewayStatus(s));
  ctx.SetBodyString("quote");
}

void Save(fasthttp::RequestCtx& ctx) {
  absl::Status s = AskBackend();
  fasthttp::ContextScope cleanup = fasthttp::WithoutCancel();
  if (!s.ok()) s.Update(UndoAtBackend());  // Not cancelled, even if the client is gone.
  if (!s.ok()) return ctx.Error(s);
}

TEST(TimeoutsGuide, ALimitForOneCall) {
  fasthttptest::SimRuntime sim;
  fasthttptest::TestServer server(fasthttp::ServerSettings{.handler = Quote, .runtime = &sim});
  for (auto [takes, answer] :
       {std::pair(absl::Milliseconds(299), "quote"), {absl::Milliseconds(301), "no quote today"}}) {
    backend_takes = takes;
    absl::StatusOr<fasthttp::Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), answer);
  }
}

TEST(TimeoutsGuide, Cleanup) {
  fasthttptest::SimRuntime sim;
  backend_takes = absl::Hours(1);
  undone = 0;
  {
    fasthttptest::TestServer server(fasthttp::ServerSettings{
        .handler = fasthttp::TimeoutHandler(Save, absl::Seconds(2), "timeout"), .runtime = &sim});
    absl::StatusOr<fasthttp::Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 408);
  }
  EXPECT_EQ(undone, 1);
}

// A thread with a queue.
class Worker {
 public:
  Worker() : thread_([this] { Work(); }) {}
  ~Worker() { Stop(); }
  void Enqueue(absl::AnyInvocable<void()> job) {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
    ready_.notify_one();
  }
  void Store(std::string_view path, std::string_view body) {
    stored = std::string(path) + " " + std::string(body);
  }
  void Stop() {
    if (!thread_.joinable()) return;
    Enqueue(nullptr);
    thread_.join();
  }
  std::string stored;

 private:
  void Work() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      ready_.wait(lock, [this] { return !jobs_.empty(); });
      absl::AnyInvocable<void()> job = std::move(jobs_.front());
      jobs_.erase(jobs_.begin());
      lock.unlock();
      if (!job) return;
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<absl::AnyInvocable<void()>> jobs_;
  std::thread thread_;
};

Worker& archive = *new Worker;
Worker& workers = *new Worker;

void Upload(fasthttp::RequestCtx& ctx) {
  archive.Enqueue([pin = ctx.Pin()] { archive.Store(pin->Path(), pin->PostBody()); });
  ctx.SetStatusCode(fasthttp::kStatusAccepted);
}

void Quick(fasthttp::RequestCtx& ctx) {
  auto finished = std::make_shared<fasthttp::Event>();
  workers.Enqueue([pin = ctx.Pin(), finished] {
    pin->SetBodyString("computed");
    finished->Set();
  });
  if (!finished->WaitFor(absl::Milliseconds(100)).ok()) {
    ctx.TimeoutError("too slow");  // From here on the response is the worker's.
  }
}

TEST(RacesGuide, APinnedRequestIsUsedByAnotherThread) {
  {
    fasthttptest::TestServer server(Upload);
    absl::StatusOr<fasthttp::Response> r = server.Post("/file", "text/plain", "content");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 202);
  }
  archive.Stop();
  EXPECT_EQ(archive.stored, "/file content");
}

TEST(RacesGuide, AWorkerThatIsTooSlowIsNotWaitedFor) {
  absl::Notification go_on;
  {
    fasthttptest::TestServer server(Quick);
    workers.Enqueue([&] { go_on.WaitForNotification(); });
    absl::StatusOr<fasthttp::Response> r = server.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->StatusCode(), 408);
    EXPECT_EQ(r->Body(), "too slow");
    go_on.Notify();
  }
  workers.Stop();
}

}  // namespace
