// SimServer: a Server on a SimRuntime, behind an in-memory listener, for tests of one server.
//
//   SimServer sim({.handler = Hello});
//   sim.Run([&] {
//     WireClient client = sim.Dial();
//     EXPECT_EQ(client.Ask(kGet).status, 200);
//     sim.Sleep(absl::Seconds(75));  // Virtual time.
//     EXPECT_EQ(client.ReadEnd(), Errc::kOk);
//   });
//
// Thread class: everything from the one thread that made it.
#ifndef TESTING_SIM_SERVER_H_
#define TESTING_SIM_SERVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "fasthttp/base/check.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/server.h"
#include "testing/sim_runtime.h"
#include "testing/wire_client.h"
#include "util/inmemory_listener.h"

namespace fasthttp::testing {

class SimServer {
 public:
  explicit SimServer(ServerSettings settings, const fasthttptest::SimOptions& options = {})
      : sim_(options), listener_(&sim_), server_(With(std::move(settings), sim_)) {
    Spawn([this] { (void)server_.Serve(listener_); });
    sim_.Settle();
  }
  ~SimServer() {
    listener_.Close();
    (void)server_.Shutdown(absl::ZeroDuration());
    FASTHTTP_CHECK(sim_.RunUntil([this] { return AllDone(); }), "a task of the test never ended");
  }

  fasthttptest::SimRuntime& sim() { return sim_; }
  Server& server() { return server_; }
  fasthttputil::InmemoryListener& listener() { return listener_; }

  // On a fiber; `f` may block.
  template <typename Function>
  void Run(Function&& f) {
    sim_.Run(std::forward<Function>(f));
  }
  // Beside whatever else happens, on loop `i`.
  void Spawn(std::function<void()> f, size_t i = 0) {
    tasks_.emplace_back(std::move(f));
    sim_.loop(i).Post([](runtime::Loop& loop, void* task, uint64_t,
                         uint64_t) { loop.Spawn(*static_cast<FunctionTask*>(task)); },
                      &tasks_.back());
  }
  bool AllDone() const {
    for (const FunctionTask& task : tasks_) {
      if (!task.done) return false;
    }
    return true;
  }

  // --- Within Run ---
  WireClient Dial() {
    absl::StatusOr<BlockingConn> conn = listener_.Dial();
    FASTHTTP_CHECK(conn.ok(), "the listener refused a dial");
    return WireClient(*std::move(conn));
  }
  void Sleep(absl::Duration duration) {
    Errc errc = runtime::SleepFor(*runtime::Loop::Current(), absl::ToInt64Nanoseconds(duration));
    FASTHTTP_CHECK(errc == Errc::kOk, "the test's own task was cancelled");
  }
  // Until nothing else can happen at this time.
  void Settle() { Sleep(absl::Milliseconds(1)); }

 private:
  class FunctionTask final : public runtime::Task {
   public:
    explicit FunctionTask(std::function<void()> f) : f_(std::move(f)) {}
    void Run(runtime::Loop&) override {
      f_();
      done = true;
    }
    bool done = false;

   private:
    std::function<void()> f_;
  };

  static ServerSettings With(ServerSettings settings, Runtime& runtime) {
    settings.runtime = &runtime;
    return settings;
  }

  fasthttptest::SimRuntime sim_;
  fasthttputil::InmemoryListener listener_;
  Server server_;
  std::deque<FunctionTask> tasks_;
};

}  // namespace fasthttp::testing

#endif  // TESTING_SIM_SERVER_H_
