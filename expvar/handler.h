// ExpvarHandler: all variables of the process (expvar/var.h) as JSON.
//
//   if (ctx.Path() == "/debug/vars") return expvar::ExpvarHandler(ctx);
//
// The answer is one object with a member for each variable, sorted by name and indented by tabs.
// The handler counts its own calls in the variable "expvarHandlerCalls".
//
// When not to use it: on a port that strangers reach. The command line and the program's counters
// are nobody's business; serve it on an address of its own, or behind your own check.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_HANDLER_H_
#define FASTHTTP_EXPVAR_HANDLER_H_

#include "fasthttp/request_ctx.h"

namespace expvar {

// 200 and application/json. A query argument "r", which asks for a selection of the variables, is
// answered 400: selecting is not built in, and all of them would not be what was asked for. An
// exception of an expvar::Func passes through.
void ExpvarHandler(fasthttp::RequestCtx& ctx);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_HANDLER_H_
