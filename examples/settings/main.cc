// A server with limits of its own, which logs what goes wrong and ends by SIGINT or SIGTERM.
#include <csignal>

#include "fasthttp/fasthttp.h"

void Upload(fasthttp::RequestCtx& ctx) { absl::Format(&ctx, "%d bytes\n", ctx.PostBody().size()); }

void LogError(fasthttp::RequestCtx& ctx, const absl::Status& error) {
  absl::FPrintF(stderr, "%s: %s\n", ctx.RemoteAddr().ToString(), error.ToString());
}

fasthttp::ServerSettings Settings() {
  return {.handler = Upload,
          .error_handler = LogError,
          .max_request_body_size = 1 << 20,
          .max_conns_per_ip = 100,
          .idle_timeout = absl::Seconds(30),
          .drain_timeout = absl::Seconds(10)};
}

int main() {
  sigset_t signals;  // Blocked before the first loop starts, so that no loop's thread takes them.
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  fasthttp::Server server(Settings());
  absl::StatusOr<fasthttp::Addr> address = server.Start(":8080");
  if (!address.ok()) {
    absl::FPrintF(stderr, "%s\n", address.status().ToString());
    return 1;
  }
  int signal;
  sigwait(&signals, &signal);
  absl::Status drained = server.Shutdown();  // kTimeout: some requests were cut off.
  absl::FPrintF(stderr, "%d requests, %d errors\n", server.Stats().requests, server.Stats().errors);
  return drained.ok() ? 0 : 1;
}
