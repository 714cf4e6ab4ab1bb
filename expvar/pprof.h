// PprofHandler: what the running program does, for the pprof tools and for people.
//
//   if (absl::StartsWith(ctx.Path(), "/debug/pprof/")) return expvar::PprofHandler(ctx);
//
//   go tool pprof -top http://127.0.0.1:8080/debug/pprof/profile?seconds=5
//
// The paths, each exactly so; every other one, also with a slash more, is answered 404:
//
//   /debug/pprof/            a page with these links
//   /debug/pprof/cmdline     the arguments of the process, NUL between them
//   /debug/pprof/profile     CPU profile of the next ?seconds=N, 1 to 120, else 30 (profile.proto)
//   /debug/pprof/heap        where the allocations were made that live, estimated from a sample, if
//                            the program links //expvar:heap_profile (profile.proto); else 404
//   /debug/pprof/allocs      the same, showing first all that were ever made
//   /debug/pprof/fibers      what every fiber waits for; with ?stacks=1 also where, see below
//   /debug/pprof/symbol      names of addresses, for the tools
//   /debug/pprof/buildinfo   compiler, modes and libraries that the program was built with
//
// "goroutine", "threadcreate", "block", "mutex" and "trace" are answered 404 with the reason: there
// is nothing to show.
//
// A CPU profile is taken by one request at a time; others are answered 503. It costs the threads
// about 0.5 % (see expvar/cpu_profile.h) and then a helper thread some 50 us for each address
// that differs, for the names (expvar/debug_bench.cc). It ends early if the client goes away. Only
// time on the CPU is seen: for handlers that wait look at /debug/pprof/fibers. Its stacks, with
// their names, hold their loop for about a millisecond a fiber: not for a server with thousands of
// them blocked.
//
// When not to use it: on a port that strangers reach, whatever else stands before it. Code
// addresses help attackers, arguments may hold secrets, and every profile costs. Listen on
// 127.0.0.1 or a UNIX socket of its own.
//
// Thread class: thread-safe; needs a handler's fiber.
#ifndef FASTHTTP_EXPVAR_PPROF_H_
#define FASTHTTP_EXPVAR_PPROF_H_

#include "fasthttp/request_ctx.h"

namespace expvar {

inline constexpr int kDefaultProfileSeconds = 30;
inline constexpr int kMaxProfileSeconds = 120;
// Addresses in one request for "symbol"; the rest is not answered.
inline constexpr int kMaxSymbols = 1000;

void PprofHandler(fasthttp::RequestCtx& ctx);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PPROF_H_
