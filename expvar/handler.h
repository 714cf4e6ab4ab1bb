// ExpvarHandler: all variables of the process (expvar/var.h) as JSON.
//
//   if (ctx.Path() == "/debug/vars") return expvar::ExpvarHandler(ctx);
//
// The answer is one object with a member for each variable, sorted by name and indented by tabs.
// With the query argument "r", a regular expression in RE2's syntax, only the variables of which it
// matches some part of the name: "/debug/vars?r=^(hits|fasthttp)$". The functions of the others are
// not called.
//
// Two variables of its own: "expvarHandlerCalls" counts the calls, "expvarRegexpErrors" those that
// were answered 400.
//
// When not to use it: on a port that strangers reach. The command line and the program's counters
// are nobody's business; serve it on an address of its own, or behind your own check.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_HANDLER_H_
#define FASTHTTP_EXPVAR_HANDLER_H_

#include <cstddef>

#include "fasthttp/request_ctx.h"

namespace expvar {

// Limits of the expression "r", each answered 400: its bytes, and the memory in bytes that RE2 may
// use for its program and for matching. RE2 matches in linear time, so no expression within them
// can hold a loop for long.
inline constexpr size_t kMaxRegexpSize = 256;
inline constexpr size_t kMaxRegexpMemory = 1 << 20;

// 200 and application/json; 400 with the reason for an "r" that is no regular expression or beyond
// the limits. An exception of an expvar::Func passes through.
void ExpvarHandler(fasthttp::RequestCtx& ctx);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_HANDLER_H_
