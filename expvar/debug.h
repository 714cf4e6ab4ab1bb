// DebugHandler: everything that this folder shows, below /debug/.
//
//   if (absl::StartsWith(ctx.Path(), "/debug/")) return expvar::DebugHandler(ctx);
//
//   /debug/         the live page (expvar/page.h)
//   /debug/vars     the variables as JSON (expvar/handler.h)
//   /debug/metrics  the variables for Prometheus (expvar/prometheus.h)
//   /debug/pprof/…  profiles (expvar/pprof.h)
//
// Every other path is answered 404.
//
// When not to use it: on a port that strangers reach. Give it a server of its own:
//
//   fasthttp::Server debug({.handler = expvar::DebugHandler});
//   debug.Start("127.0.0.1:6060");
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_DEBUG_H_
#define FASTHTTP_EXPVAR_DEBUG_H_

#include "fasthttp/request_ctx.h"

namespace expvar {

void DebugHandler(fasthttp::RequestCtx& ctx);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_DEBUG_H_
