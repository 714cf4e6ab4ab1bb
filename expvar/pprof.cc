#include "expvar/pprof.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "expvar/cpu_profile.h"
#include "expvar/heap_profile.h"
#include "expvar/profile_proto.h"
#include "expvar/var.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/stack_trace.h"
#include "fasthttp/status.h"
#include "fasthttp/task.h"

namespace expvar {

// Null unless the program links //expvar:heap_profile.
[[gnu::weak]] HeapProfile TakeHeapProfile();

namespace {

using fasthttp::RequestCtx;

constexpr std::string_view kPrefix = "/debug/pprof/";
constexpr std::string_view kText = "text/plain; charset=utf-8";

void Answer(RequestCtx& ctx, std::string_view type, std::string body) {
  ctx.SetContentType(type);
  // Browsers shall neither guess a type nor keep it.
  ctx.response().header().Set("X-Content-Type-Options", "nosniff");
  ctx.response().header().Set("Cache-Control", "no-store");
  ctx.response().SetBodyOwned(std::move(body));
}

void AnswerProfile(RequestCtx& ctx, std::string_view name, std::string profile) {
  Answer(ctx, "application/octet-stream", std::move(profile));
  ctx.response().header().Set(
      "Content-Disposition",
      absl::StrCat("attachment; filename=\"", absl::string_view(name.data(), name.size()), "\""));
}

void Index(RequestCtx& ctx) {
  Answer(ctx, "text/html; charset=utf-8",
         "<!doctype html>\n<html lang=\"en\"><title>pprof</title>\n<h1>pprof</h1>\n<ul>\n"
         "<li><a href=\"cmdline\">cmdline</a>\n"
         "<li><a href=\"profile?seconds=5\">profile</a>: CPU, 5 seconds\n"
         "<li><a href=\"heap\">heap</a>, <a href=\"allocs\">allocs</a>: allocations, sampled\n"
         "<li><a href=\"fibers\">fibers</a>, <a href=\"fibers?stacks=1\">with stacks</a>\n"
         "<li><a href=\"symbol\">symbol</a>\n"
         "<li><a href=\"buildinfo\">buildinfo</a>\n</ul></html>\n");
}

void CommandLine(RequestCtx& ctx) {
  std::string line;
  auto append = [&](std::string_view, const Value& arguments) {
    for (const Value& argument : std::get<Value::Array>(arguments.variant())) {
      if (!line.empty()) line += '\0';
      line += std::get<std::string>(argument.variant());
    }
  };
  Do(append, [](std::string_view name) { return name == "cmdline"; });
  Answer(ctx, kText, std::move(line));
}

// The argument "seconds"; 0 if it is none that is allowed.
int SecondsOf(const RequestCtx& ctx) {
  if (!ctx.QueryArgs().Has("seconds")) return kDefaultProfileSeconds;
  const absl::StatusOr<uint64_t> seconds = ctx.QueryArgs().GetUint("seconds");
  return seconds.ok() && *seconds <= kMaxProfileSeconds ? static_cast<int>(*seconds) : 0;
}

void Unavailable(RequestCtx& ctx, std::string_view why) {
  ctx.Error(why, fasthttp::kStatusServiceUnavailable);
  ctx.response().header().Set("Retry-After", "30");
}

void Profile(RequestCtx& ctx) {
  const int seconds = SecondsOf(ctx);
  if (seconds == 0) {
    return ctx.Error(absl::StrCat("seconds: a number from 1 to ", kMaxProfileSeconds),
                     fasthttp::kStatusBadRequest);
  }
  switch (CpuProfiler::Begin()) {
    case CpuProfiler::Outcome::kOk:
      break;
    case CpuProfiler::Outcome::kBusy:
      return Unavailable(ctx, "another profile is being taken");
    case CpuProfiler::Outcome::kSignalTaken:
      return Unavailable(ctx, "the program handles SIGPROF itself");
    case CpuProfiler::Outcome::kNoMemory:
      return Unavailable(ctx, "no memory for a profile");
  }
  // In pieces, for threads that start meanwhile.
  absl::Status status;
  for (int i = 0; i < 4 * seconds && status.ok(); ++i) {
    status = fasthttp::Sleep(absl::Milliseconds(250));
    CpuProfiler::AddThreads();
  }
  std::string profile;
  fasthttp::Offload([&] {
    const CpuProfile taken = CpuProfiler::End();
    if (status.ok()) AppendProfileProto(profile, taken);
  });
  if (!status.ok()) return ctx.Error(status);
  AnswerProfile(ctx, "profile", std::move(profile));
}

void Absent(RequestCtx& ctx, std::string_view why) { ctx.Error(why, fasthttp::kStatusNotFound); }

void Heap(RequestCtx& ctx, std::string_view name, HeapView view) {
  if (!HeapProfiler::kAvailable) return Absent(ctx, "not sampled: a sanitizer owns operator new");
  if (TakeHeapProfile == nullptr) return Absent(ctx, "not sampled: link //expvar:heap_profile");
  std::string profile;
  fasthttp::Offload([&] { AppendProfileProto(profile, TakeHeapProfile(), view); });
  AnswerProfile(ctx, name, std::move(profile));
}

void Fibers(RequestCtx& ctx) {
  std::string dump;
  fasthttp::Runtime::Current()->DumpFibers(dump, ctx.QueryArgs().Peek("stacks") == "1");
  Answer(ctx, kText, std::move(dump));
}

// As the tools of gperftools ask: "0x1234+0x5678" in the query or the body.
void Symbol(RequestCtx& ctx) {
  std::string_view asked = ctx.IsPost() ? ctx.PostBody() : ctx.URI().QueryString();
  std::string answer = "num_symbols: 1\n";
  fasthttp::Offload([&] {
    for (int n = 0; n < kMaxSymbols && !asked.empty(); ++n) {
      const size_t end = std::min(asked.find('+'), asked.size());
      std::string_view word = asked.substr(0, end);
      asked.remove_prefix(std::min(end + 1, asked.size()));
      if (word.substr(0, 2) == "0x") word.remove_prefix(2);
      uint64_t address;
      const auto result = std::from_chars(word.data(), word.data() + word.size(), address, 16);
      if (result.ec != std::errc() || result.ptr != word.data() + word.size()) continue;
      // What lies at the address is not read: only the symbol table is.
      absl::StrAppendFormat(&answer, "0x%x %s\n", address,
                            fasthttp::runtime::NameOf(reinterpret_cast<const void*>(address)));
    }
  });
  Answer(ctx, kText, std::move(answer));
}

void BuildInfo(RequestCtx& ctx) {
  std::string modes;
#ifdef NDEBUG
  modes += " NDEBUG";
#endif
#ifdef __OPTIMIZE__
  modes += " optimized";
#endif
#ifdef __SANITIZE_ADDRESS__
  modes += " asan";
#endif
#ifdef __SANITIZE_THREAD__
  modes += " tsan";
#endif
  utsname system = {};
  ::uname(&system);
  Answer(ctx, kText,
         absl::StrCat("compiler\t", __VERSION__, "\nlanguage\tC++ ", __cplusplus, "\nmodes\t",
                      modes, "\nglibc\t", ::gnu_get_libc_version(), "\nkernel\t", system.sysname,
                      " ", system.release, " ", system.machine, "\n"));
}

}  // namespace

void PprofHandler(RequestCtx& ctx) {
  std::string_view name = ctx.Path();
  if (name.substr(0, kPrefix.size()) != kPrefix) return ctx.NotFound();
  name.remove_prefix(kPrefix.size());
  if (name.empty()) return Index(ctx);
  if (name == "cmdline") return CommandLine(ctx);
  if (name == "profile") return Profile(ctx);
  if (name == "heap") return Heap(ctx, name, HeapView::kLive);
  if (name == "allocs") return Heap(ctx, name, HeapView::kAllocated);
  if (name == "fibers") return Fibers(ctx);
  if (name == "symbol") return Symbol(ctx);
  if (name == "buildinfo") return BuildInfo(ctx);
  if (name == "trace") return Absent(ctx, "there is no trace of events");
  if (name == "goroutine" || name == "threadcreate") return Absent(ctx, "see /debug/pprof/fibers");
  if (name == "block" || name == "mutex") return Absent(ctx, "waits are not sampled; see fibers");
  ctx.NotFound();
}

}  // namespace expvar
