// Our server as the peers in benchmarks/peers are: "Hello, World!" to every GET, the body of a
// request back to every POST, on one loop. Ends at SIGTERM.

#include <csignal>
#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fasthttp/fasthttp.h"

ABSL_FLAG(uint16_t, port, 8080, "on 127.0.0.1");

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  fasthttp::Runtime runtime({.threads = 1});
  fasthttp::ServerSettings settings;
  settings.runtime = &runtime;
  settings.handler = [](fasthttp::RequestCtx& ctx) {
    if (ctx.IsPost()) return ctx.Success("application/octet-stream", ctx.PostBody());
    ctx.Success("text/plain", "Hello, World!");
  };
  settings.idle_timeout = absl::InfiniteDuration();
  fasthttp::Server server(std::move(settings));
  if (auto address = server.Start(absl::StrCat("127.0.0.1:", absl::GetFlag(FLAGS_port)));
      !address.ok()) {
    absl::FPrintF(stderr, "%s\n", address.status().ToString());
    return 1;
  }
  int signal;
  sigwait(&signals, &signal);
  return server.Shutdown(absl::Seconds(1)).ok() ? 0 : 1;
}
