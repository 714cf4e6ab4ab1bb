// What a server holds for very many idle connections, more than a process may have descriptors.
//
//   idle:in_memory --conns=1000000 --settle=12
//
// The connections are objects that carry one request at a time, and none of the kernel's; their own
// memory is there before the first look at VmRSS. Each has one request answered, then idles; then
// all of them have one at once (the burst), and idle again; then all end. Prints, for each moment,
// bytes of VmRSS per connection over what there was before, and the time of the two rounds.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fasthttp/base/check.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/transport.h"

ABSL_FLAG(uint32_t, conns, 1'000'000, "connections");
ABSL_FLAG(double, settle, 12, "seconds of rest before a look");

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

// Its peer sends a whole request or its end; what is sent to it counts as read.
class IdleConn final : public Conn {
 public:
  IoResult TryRecv(std::span<char> into) override {
    if (!has_request_) return ended_ ? IoResult::Bytes(0) : IoResult::Error(Errc::kAgain);
    has_request_ = false;
    FASTHTTP_CHECK(into.size() >= kRequest.size(), "the server reads a request at once");
    std::memcpy(into.data(), kRequest.data(), kRequest.size());
    return IoResult::Bytes(kRequest.size());
  }
  IoResult TrySend(std::span<const iovec> from) override {
    size_t n = 0;
    for (const iovec& piece : from) n += piece.iov_len;
    return IoResult::Bytes(n);
  }
  Errc Arm(const ReadyToken& token) override {
    token_ = token;
    return Errc::kOk;
  }
  void ShutdownWrite() override {}
  bool HasUnread() override { return has_request_; }
  void Close(bool) override { open_ = false; }
  Addr LocalAddr() const override { return Addr::Named("memory", "idle"); }
  Addr RemoteAddr() const override { return LocalAddr(); }

  void SendRequest() {
    FASTHTTP_CHECK(open_, "the server has closed a connection");
    has_request_ = true;
    token_.Notify(kReadable);
  }
  void End() {
    ended_ = true;
    token_.Notify(kReadable | kHangup);
  }

 private:
  ReadyToken token_;
  bool has_request_ = true;  // The first one comes with the connection.
  bool ended_ = false;
  bool open_ = true;
};

// Hands out `conns`, then waits to be closed.
class IdleListener final : public Listener {
 public:
  IdleListener(IdleConn* conns, uint32_t count) : next_(conns), end_(conns + count) {}

  Errc TryAccept(Accepted& into) override {
    if (next_ == end_) return closed_.load() ? Errc::kListenerClosed : Errc::kAgain;
    into.conn = next_++;
    return Errc::kOk;
  }
  Errc Arm(const ReadyToken& token) override {
    token_ = token;
    token_.Notify(kReadable);
    return Errc::kOk;
  }
  void Disarm(const ReadyToken&) override {}
  void Close() override {
    if (!closed_.exchange(true)) token_.Notify(kReadable);
  }
  Addr address() const override { return Addr::Named("memory", "idle"); }
  bool one_loop() const override { return true; }

 private:
  IdleConn* next_;
  IdleConn* const end_;
  ReadyToken token_;
  std::atomic<bool> closed_{false};
};

int64_t ResidentBytes() {
  int64_t size, resident;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

int Main() {
  const uint32_t count = absl::GetFlag(FLAGS_conns);
  const auto conns = std::make_unique<IdleConn[]>(count);
  std::atomic<uint64_t> served{0};

  Runtime runtime({.threads = 1});
  ServerSettings settings;
  settings.runtime = &runtime;
  settings.concurrency = count;
  settings.idle_timeout = absl::Hours(1);
  settings.handler = [&served](RequestCtx& ctx) {
    ctx.Success("text/plain", "Hello, World!");
    served.fetch_add(1, std::memory_order_relaxed);
  };
  Server server(std::move(settings));

  const auto look = [&](const char* moment, int64_t before) {
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_settle)));
    const double bytes = static_cast<double>(ResidentBytes() - before) / count;
    absl::PrintF("%s %.1f\n", moment, bytes);
    std::fflush(stdout);
  };
  const auto await = [](const auto& done) {
    while (!done()) absl::SleepFor(absl::Milliseconds(1));
  };
  // On the loop whose connections they are, a thousand at a time.
  const auto each = [&](auto action) {
    for (uint32_t from = 0; from < count; from += 1000) {
      runtime.Run([&] {
        for (uint32_t i = from; i < std::min(from + 1000, count); ++i) action(conns[i]);
      });
    }
  };
  const auto round = [&](const char* name, auto start) {
    const absl::Time from = absl::Now();
    const uint64_t wanted = served.load() + count;
    start();
    await([&] { return served.load() == wanted; });
    absl::PrintF("%s_seconds %.2f\n", name, absl::ToDoubleSeconds(absl::Now() - from));
  };

  const int64_t before = ResidentBytes();
  round("accept", [&] {
    FASTHTTP_CHECK(server.Start(std::make_unique<IdleListener>(conns.get(), count)).ok(),
                   "Start failed");
  });
  look("idle", before);
  round("burst", [&] { each([](IdleConn& conn) { conn.SendRequest(); }); });
  look("idle_after_burst", before);
  each([](IdleConn& conn) { conn.End(); });
  await([&] { return server.GetOpenConnectionsCount() == 0; });
  look("closed", before);
  FASTHTTP_CHECK(server.Shutdown().ok(), "Shutdown failed");
  return 0;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return fasthttp::benchmarks::Main();
}
