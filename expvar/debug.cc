#include "expvar/debug.h"

#include <string_view>

#include "expvar/handler.h"
#include "expvar/page.h"
#include "expvar/pprof.h"
#include "expvar/prometheus.h"

namespace expvar {

void DebugHandler(fasthttp::RequestCtx& ctx) {
  const std::string_view path = ctx.Path();
  if (path == "/debug/") return PageHandler(ctx);
  if (path == "/debug/vars") return ExpvarHandler(ctx);
  if (path == "/debug/metrics") return PrometheusHandler(ctx);
  PprofHandler(ctx);
}

}  // namespace expvar
