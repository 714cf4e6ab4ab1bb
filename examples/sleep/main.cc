// Handlers that wait: each holds a few kilobytes of stack, and no thread.
//
//   curl localhost:8080/sleep    a second, while other requests go on
//   curl localhost:8080/file     reads a file on a helper thread
//   curl localhost:8080/sum      computes, and lets others go first now and then
#include <cstdio>

#include "fasthttp/fasthttp.h"

void SleepASecond(fasthttp::RequestCtx& ctx) {
  absl::Status s = fasthttp::Sleep(absl::Seconds(1));
  if (!s.ok()) return ctx.Error(s);  // The client has gone, or the server ends.
  ctx.SetBodyString("slept\n");
}

void ReadFile(fasthttp::RequestCtx& ctx) {
  char text[256];
  size_t n = 0;
  fasthttp::Offload([&] {  // May use this function's variables: it waits here.
    std::FILE* file = std::fopen("/proc/version", "r");
    if (file == nullptr) return;
    n = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
  });
  if (n == 0) return ctx.NotFound();
  ctx.SetBodyString({text, n});
}

void Sum(fasthttp::RequestCtx& ctx) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < 10'000'000; ++i) {
    sum += i * i;
    if (i % 100'000 == 0) fasthttp::Yield();
  }
  absl::Format(&ctx, "%d\n", sum);
}

void Handle(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") return SleepASecond(ctx);
  if (ctx.Path() == "/file") return ReadFile(ctx);
  if (ctx.Path() == "/sum") return Sum(ctx);
  ctx.NotFound();
}

int main() { return fasthttp::ListenAndServe(":8080", Handle).ok() ? 0 : 1; }
