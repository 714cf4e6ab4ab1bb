// Counters of a server, and a page for them that only this machine reaches.
#include <cstdio>

#include "expvar/debug.h"
#include "expvar/handler.h"
#include "expvar/server_var.h"
#include "expvar/var.h"
#include "fasthttp/fasthttp.h"

expvar::Int hits("hits");  // registers itself; a second "hits" stops the program and says so

void Handle(fasthttp::RequestCtx& ctx) {
  hits.Add(1);  // wait-free, per loop
  if (ctx.Path() == "/debug/vars") return expvar::ExpvarHandler(ctx);
  ctx.Success("text/plain", "ok\n");
}

int main() {
  fasthttp::Server server({.handler = Handle});
  expvar::ServerVar shown("main", server);
  fasthttp::Server debug({.handler = expvar::DebugHandler});
  if (absl::StatusOr<fasthttp::Addr> at = debug.Start("127.0.0.1:6060"); !at.ok()) {
    std::fprintf(stderr, "%s\n", at.status().ToString().c_str());
    return 1;
  }
  std::fprintf(stderr, "look at http://127.0.0.1:6060/debug/\n");
  return server.ListenAndServe(":8080").ok() ? 0 : 1;
}
