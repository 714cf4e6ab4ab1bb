// A large upload that goes to a file while it comes: of its 10 GiB no more than 16 KiB are in
// memory at a time.
//
//   curl -T some_file localhost:8080/
#include <cstdint>
#include <cstdio>
#include <utility>

#include "fasthttp/fasthttp.h"

void Upload(fasthttp::RequestCtx& ctx) {
  std::FILE* file = std::tmpfile();
  char block[16384];
  uint64_t total = 0;
  for (;;) {
    absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(block);  // Suspends.
    if (!n.ok()) {
      std::fclose(file);
      return ctx.Error(n.status());  // 413, 408, 400 or client gone.
    }
    if (*n == 0) break;                                           // The clean end of the body.
    fasthttp::Offload([&] { std::fwrite(block, 1, *n, file); });  // Disk blocks a helper thread.
    total += *n;
  }
  std::fclose(file);
  absl::Format(&ctx, "%d bytes\n", total);
}

fasthttp::ServerSettings Settings() {
  return {
      .handler = Upload, .max_request_body_size = uint64_t{10} << 30, .stream_request_body = true};
}

int main() { return fasthttp::Server(Settings()).ListenAndServe(":8080").ok() ? 0 : 1; }
