// The server of the README.
#include "fasthttp/fasthttp.h"

void Hello(fasthttp::RequestCtx& ctx) {
  if (!fasthttp::Sleep(absl::Milliseconds(10)).ok()) return;  // blocks; nothing else stalls
  ctx.SetContentType("text/plain");
  absl::Format(&ctx, "Hello, %s!\n", ctx.QueryArgs().Peek("name"));
}

int main() { return fasthttp::ListenAndServe(":8080", Hello).ok() ? 0 : 1; }
