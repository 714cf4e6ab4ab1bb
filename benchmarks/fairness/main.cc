// What blocked and greedy handlers cost the others, and what very many of them cost in memory.
//
//   ./bazelw run --config=opt //benchmarks/fairness -- --mode=latency
//   ./bazelw run --config=opt //benchmarks/fairness -- --mode=burst --guard=install
//
// Prints Markdown. What is measured and how: benchmarks/README.md.

#include <malloc.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmarks/server/fake_transport.h"
#include "benchmarks/tcp/load.h"
#include "fasthttp/base/check.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/stack_pool.h"

ABSL_FLAG(std::string, mode, "latency", "latency or burst");
ABSL_FLAG(int, rounds, 5, "latency: rounds, in each of which every scenario runs once");
ABSL_FLAG(double, seconds, 2, "latency: seconds of each run");
ABSL_FLAG(int, rate, 2'000, "latency: light requests a second");
ABSL_FLAG(size_t, blocked, 10'000, "latency: blocked handlers of the scenario with them");
ABSL_FLAG(size_t, burst, 30'000, "burst: handlers blocked at once");
ABSL_FLAG(size_t, max_blocked, 0, "burst: RuntimeOptions::max_blocked; 0: room for all");
ABSL_FLAG(std::string, guard, "install", "burst: install (Linux 6.13) or mprotect");

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kLight = "GET /light HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kSleep = "GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kBlock = "GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr absl::Duration kHogWork = absl::Milliseconds(20);
constexpr absl::Duration kHogSlice = absl::Microseconds(100);

void Compute(absl::Duration duration) {
  const int64_t end = NowNanos() + absl::ToInt64Nanoseconds(duration);
  while (NowNanos() < end) {
  }
}

// The server under test: one loop.
class Subject {
 public:
  // `hold`: how long /block blocks.
  Subject(uint32_t max_blocked, absl::Duration hold)
      : hold_(hold),
        runtime_({.threads = 1, .max_blocked = max_blocked, .stall_warning = absl::ZeroDuration()}),
        server_(Settings()) {
    absl::StatusOr<Addr> address = server_.Start("127.0.0.1:0");
    FASTHTTP_CHECK(address.ok(), "cannot listen on the loopback address");
    port_ = address->port();
  }

  uint16_t port() const { return port_; }
  Server& server() { return server_; }
  size_t blocked() const { return blocked_.load(); }
  void WaitUntilBlocked(size_t wanted, absl::Duration limit) {
    const int64_t end = NowNanos() + absl::ToInt64Nanoseconds(limit);
    while (blocked() != wanted && NowNanos() < end) absl::SleepFor(absl::Milliseconds(1));
  }

 private:
  ServerSettings Settings() {
    ServerSettings settings;
    settings.runtime = &runtime_;
    settings.handler = [this](RequestCtx& ctx) { Handle(ctx); };
    // The fake clients' end is there with the request.
    settings.half_close = HalfClose::kServe;
    settings.idle_timeout = absl::InfiniteDuration();
    return settings;
  }

  void Handle(RequestCtx& ctx) {
    const std::string_view path = ctx.Path();
    if (path == "/sleep") (void)Sleep(absl::Milliseconds(10));
    if (path == "/hog") Compute(kHogWork);
    if (path == "/polite") {
      for (absl::Duration done; done < kHogWork; done += kHogSlice) {
        Compute(kHogSlice);
        Yield();
      }
    }
    if (path == "/block") {
      blocked_.fetch_add(1);
      (void)Sleep(hold_);
      blocked_.fetch_sub(1);
    }
  }

  const absl::Duration hold_;
  std::atomic<size_t> blocked_{0};
  Runtime runtime_;
  Server server_;
  uint16_t port_ = 0;
};

// Connections without system calls or buffers of their own, each with one GET /block.
class Crowd {
 public:
  Crowd(Subject& subject, size_t size)
      : load_(kBlock, size, 1, size, 1),
        listener_(load_),
        thread_([this, &subject] { (void)subject.server().Serve(listener_); }) {}
  ~Crowd() { thread_.join(); }

 private:
  FakeLoad load_;
  FakeListener listener_;
  std::thread thread_;
};

// One connection that asks for the same again and again, until it is destroyed.
class Asker {
 public:
  Asker(const Subject& subject, std::string_view path, absl::Duration pause)
      : thread_([this, port = subject.port(), pause,
                 request = absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n")] {
          const int fd = ConnectTo(port);
          while (!stop_.load()) {
            char response[1024];
            FASTHTTP_CHECK(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0 &&
                               ::recv(fd, response, sizeof response, 0) > 0,
                           "the server under test is gone");
            absl::SleepFor(pause);
          }
          ::close(fd);
        }) {}
  ~Asker() {
    stop_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// --- Latency ----------------------------------------------------------------------------------

struct Scenario {
  const char* name;
  int sleeper = -1;
  std::string_view hog = "";
  size_t blocked = 0;
  std::vector<double> p50 = {};
  std::vector<double> p99 = {};
  std::vector<double> p999 = {};
  std::vector<double> ratio = {};  // Of the p99 to that of the first scenario in the same round.
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

Latencies RunScenario(const Scenario& scenario) {
  Subject subject(65'536, absl::Hours(1));
  std::optional<Crowd> crowd;
  if (scenario.blocked != 0) {
    crowd.emplace(subject, scenario.blocked);
    subject.WaitUntilBlocked(scenario.blocked, absl::Seconds(60));
    FASTHTTP_CHECK(subject.blocked() == scenario.blocked, "not all handlers could be blocked");
  }
  std::optional<Asker> hog;
  if (!scenario.hog.empty()) hog.emplace(subject, scenario.hog, absl::Milliseconds(80));
  LoadOptions load;
  load.port = subject.port();
  load.request = kLight;
  load.rate = absl::GetFlag(FLAGS_rate);
  load.seconds = absl::GetFlag(FLAGS_seconds);
  load.other_at = scenario.sleeper;
  load.other = kSleep;
  Latencies latencies = RunLoad(load).latencies;
  hog.reset();
  (void)subject.server().Shutdown(absl::ZeroDuration());
  return latencies;
}

void MeasureLatency() {
  const size_t blocked = absl::GetFlag(FLAGS_blocked);
  const std::string blocked_name = absl::StrCat(blocked, " handlers blocked");
  std::vector<Scenario> scenarios = {
      {.name = "light requests alone"},
      {.name = "1 % of the handlers sleep 10 ms", .sleeper = 7},
      {.name = blocked_name.c_str(), .blocked = blocked},
      {.name = "a hog: 20 ms of computing in 100, Yield each 0.1 ms", .hog = "/polite"},
      {.name = "the same hog without Yield", .hog = "/hog"},
  };
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (Scenario& scenario : scenarios) {
      const Latencies latencies = RunScenario(scenario);
      scenario.p50.push_back(latencies.Microseconds(0.5));
      scenario.p99.push_back(latencies.Microseconds(0.99));
      scenario.p999.push_back(latencies.Microseconds(0.999));
      scenario.ratio.push_back(scenario.p99.back() / scenarios[0].p99.back());
    }
  }
  std::printf("| beside the light requests | p50 µs | p99 µs | p99.9 µs | p99, ratio to alone |\n");
  std::printf("|---|---|---|---|---|\n");
  for (const Scenario& s : scenarios) {
    std::printf("| %s | %.0f | %.0f | %.0f | %.2f |\n", s.name, Median(s.p50), Median(s.p99),
                Median(s.p999), Median(s.ratio));
  }
}

// --- Memory -----------------------------------------------------------------------------------

// A figure of /proc/self/status, in kB.
size_t StatusFigure(const char* name) {
  size_t value = 0;
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  const std::string format = absl::StrCat(name, ": %zu");
  for (char line[256]; std::fgets(line, sizeof line, file) != nullptr;) {
    if (std::sscanf(line, format.c_str(), &value) == 1) break;
  }
  std::fclose(file);
  return value;
}

size_t Mappings() {
  size_t lines = 0;
  std::FILE* file = std::fopen("/proc/self/maps", "re");
  if (file == nullptr) return 0;
  for (int c; (c = std::fgetc(file)) != EOF;) lines += c == '\n';
  std::fclose(file);
  return lines;
}

void PrintMemory(const char* when, const Subject& subject) {
  std::printf("| %s | %zu | %.1f | %zu |\n", when, subject.blocked(),
              static_cast<double>(StatusFigure("VmRSS")) / 1024, Mappings());
}

void MeasureBurst() {
  if (absl::GetFlag(FLAGS_guard) == "mprotect") runtime::StackPool::DisableGuardInstallForTest();
  const size_t burst = absl::GetFlag(FLAGS_burst);
  size_t max_blocked = absl::GetFlag(FLAGS_max_blocked);
  if (max_blocked == 0) max_blocked = burst + 64;
  const absl::Duration hold = absl::Seconds(10);
  Subject subject(static_cast<uint32_t>(max_blocked), hold);
  std::printf("| when | blocked | RSS MiB | mappings |\n|---|---|---|---|\n");
  PrintMemory("before", subject);
  {
    Crowd crowd(subject, burst);
    subject.WaitUntilBlocked(burst, hold / 2);
    PrintMemory("during", subject);
    subject.WaitUntilBlocked(0, 2 * hold);
  }
  PrintMemory("all answered", subject);
  for (int seconds : {15, 60}) {
    absl::SleepFor(absl::Seconds(seconds == 15 ? 15 : 45));
    PrintMemory(absl::StrCat(seconds, " s later").c_str(), subject);
  }
  const int64_t start = NowNanos();
  ::malloc_trim(0);
  const int64_t took = NowNanos() - start;
  PrintMemory("what malloc kept, given back", subject);
  const ServerStats stats = subject.server().Stats();
  std::printf("\n%u of %u requests were answered 503. malloc_trim took %.1f ms.\n",
              static_cast<unsigned>(stats.errors), static_cast<unsigned>(stats.requests),
              static_cast<double>(took) / 1e6);
}

void PrintMachine() {
  utsname name;
  ::uname(&name);
  std::printf("%s %s, %u CPUs, vm.max_map_count ", name.sysname, name.release,
              std::thread::hardware_concurrency());
  size_t mappings = 0;
  if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re")) {
    if (std::fscanf(file, "%zu", &mappings) != 1) mappings = 0;
    std::fclose(file);
  }
  std::printf("%zu\n\n", mappings);
}

int Main() {
  PrintMachine();
  const std::string mode = absl::GetFlag(FLAGS_mode);
  if (mode == "latency") {
    MeasureLatency();
  } else if (mode == "burst") {
    MeasureBurst();
  } else {
    std::fprintf(stderr, "--mode is latency or burst\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return fasthttp::benchmarks::Main();
}
