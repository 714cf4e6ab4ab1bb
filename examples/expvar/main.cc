// Counters that a browser shows at /debug/vars.
#include "expvar/handler.h"
#include "expvar/var.h"
#include "fasthttp/fasthttp.h"

expvar::Int hits("hits");  // registers itself; a second "hits" stops the program and says so

void Handle(fasthttp::RequestCtx& ctx) {
  hits.Add(1);  // wait-free, per loop
  if (ctx.Path() == "/debug/vars") return expvar::ExpvarHandler(ctx);
  ctx.Success("text/plain", "ok\n");
}

int main() { return fasthttp::ListenAndServe(":8080", Handle).ok() ? 0 : 1; }
