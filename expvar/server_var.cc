#include "expvar/server_var.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "fasthttp/base/check.h"
#include "fasthttp/runtime/runtime.h"

namespace expvar {
namespace {

double Seconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

Value LatencyOf(const fasthttp::LatencyStats& latency) {
  Value::Histogram histogram = {{}, {latency.counts.begin(), latency.counts.end()}, 0};
  // Divided, not multiplied: each is the double that is written so.
  for (int64_t bound : latency.kBounds)
    histogram.bounds.push_back(static_cast<double>(bound) / 1e9);
  histogram.sum = Seconds(latency.total_nanos);
  return histogram;
}

Value LoopsOf(const fasthttp::Runtime& runtime) {
  Value::ByLabel loops = {"loop", {}};
  for (const fasthttp::runtime::LoopReport& loop : runtime.Report()) {
    loops.members.emplace_back(absl::StrCat(loops.members.size()),
                               Value::Object{{"busy_seconds_total", Seconds(loop.busy_nanos)},
                                             {"polls_total", loop.polls},
                                             {"switches_total", loop.switches},
                                             {"fibers", loop.fibers},
                                             {"fibers_blocked", loop.blocked},
                                             {"endpoints", loop.endpoints},
                                             {"timers", loop.timers}});
  }
  return loops;
}

Value FiguresOf(const fasthttp::Server& server) {
  const fasthttp::ServerStats stats = server.Stats();
  static constexpr const char* kClasses[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  Value::ByLabel responses = {"class", {}};
  for (size_t i = 0; i < stats.responses.size(); ++i) {
    responses.members.emplace_back(kClasses[i], stats.responses[i]);
  }
  const fasthttp::Runtime* runtime = server.settings().runtime;
  return Value::Object{
      {"requests_total", stats.requests},
      {"responses_total", std::move(responses)},
      {"latency_seconds", LatencyOf(stats.latency)},
      {"errors_total", stats.errors},
      {"timeouts_total", stats.timeouts},
      {"requests_held", stats.requests_held},
      {"connections_accepted_total", stats.connections_accepted},
      {"connections_rejected_total", stats.connections_rejected},
      {"connections_open", stats.connections_open},
      {"connections_hijacked", stats.connections_hijacked},
      {"received_bytes_total", stats.bytes_received},
      {"sent_bytes_total", stats.bytes_sent},
      {"blocks_in_use", stats.blocks_in_use},
      {"contexts", stats.turns},
      {"contexts_spare", stats.turns_spare},
      {"loops", LoopsOf(runtime != nullptr ? *runtime : fasthttp::Runtime::Default())}};
}

struct Entry {
  const fasthttp::Server* server;
  Where where;
};

struct Servers {
  absl::Mutex mutex;
  std::map<std::string, Entry, std::less<>> entries ABSL_GUARDED_BY(mutex);
};

// Never destroyed, as the variable.
Servers& All() {
  static Servers* const servers = [] {
    auto* made = new Servers;
    // The lock keeps a server alive while it is looked at; Stats() waits for nobody.
    static Func variable("fasthttp", [made]() -> Value {
      Value::ByLabel all = {"server", {}};
      absl::MutexLock lock(&made->mutex);
      for (const auto& [name, entry] : made->entries) {
        all.members.emplace_back(name, FiguresOf(*entry.server));
      }
      return all;
    });
    return made;
  }();
  return *servers;
}

}  // namespace

ServerVar::ServerVar(std::string_view name, const fasthttp::Server& server, Where where)
    : name_(name) {
  Servers& all = All();
  absl::MutexLock lock(&all.mutex);
  auto [it, added] = all.entries.try_emplace(name_, Entry{&server, where});
  if (added) return;
  const std::string message =
      absl::StrCat("a second expvar::ServerVar is called \"", name_, "\"; the first is at ",
                   it->second.where.file, ":", it->second.where.line);
  fasthttp::base::CheckFailed(where.file, where.line, message.c_str());
}

ServerVar::~ServerVar() {
  Servers& all = All();
  absl::MutexLock lock(&all.mutex);
  all.entries.erase(all.entries.find(name_));
}

}  // namespace expvar
