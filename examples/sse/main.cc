// Server-sent events: a response that is sent while it is made, until the client goes away.
//
//   curl -N localhost:8080/    a line each second
#include "fasthttp/fasthttp.h"

void Ticks(fasthttp::RequestCtx& ctx) {
  ctx.SetContentType("text/event-stream");
  fasthttp::BodyWriter& out = ctx.StartBodyStream();  // Head goes out; header setters fail now.
  for (int i = 0;; ++i) {
    absl::Format(&out, "data: %d\n\n", i);
    if (!out.Flush().ok()) return;  // Client gone, server draining or write stalled.
    if (!fasthttp::Sleep(absl::Seconds(1)).ok()) return;
  }
}

int main() { return fasthttp::ListenAndServe(":8080", Ticks).ok() ? 0 : 1; }
