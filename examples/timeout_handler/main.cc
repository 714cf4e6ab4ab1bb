// A handler with a limit: the client has its answer after two seconds, the handler is told why its
// wait ended.
//
//   curl -i localhost:8080/    408 after two seconds; "context cancelled" on stderr
#include <cstdio>

#include "fasthttp/fasthttp.h"

void Slow(fasthttp::RequestCtx& ctx) {
  if (absl::Status s = fasthttp::Sleep(absl::Seconds(10)); !s.ok()) {
    absl::FPrintF(stderr, "context cancelled: %s\n", s.ToString());
    return;  // kHandlerTimeout, kClientGone or kDraining: ErrcOf(s) tells.
  }
  ctx.SetBodyString("finished");
}

int main() {
  return fasthttp::ListenAndServe(":8080",
                                  fasthttp::TimeoutHandler(Slow, absl::Seconds(2), "timeout"))
                 .ok()
             ? 0
             : 1;
}
