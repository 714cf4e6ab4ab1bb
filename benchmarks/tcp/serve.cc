#include "benchmarks/tcp/serve.h"

#include <csignal>
#include <cstdint>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fasthttp/fasthttp.h"

ABSL_FLAG(uint16_t, port, 8080, "on 127.0.0.1");

namespace fasthttp::benchmarks {

int ServeUntilTerminated(
    int argc, char** argv,
    absl::FunctionRef<absl::StatusOr<Addr>(Server& server, const std::string& address)> start) {
  absl::ParseCommandLine(argc, argv);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  Runtime runtime({.threads = 1});
  ServerSettings settings;
  settings.runtime = &runtime;
  settings.handler = [](RequestCtx& ctx) {
    if (ctx.IsPost()) return ctx.Success("application/octet-stream", ctx.PostBody());
    ctx.Success("text/plain", "Hello, World!");
  };
  settings.idle_timeout = absl::InfiniteDuration();
  Server server(std::move(settings));
  if (auto address = start(server, absl::StrCat("127.0.0.1:", absl::GetFlag(FLAGS_port)));
      !address.ok()) {
    absl::FPrintF(stderr, "%s\n", address.status().ToString());
    return 1;
  }
  int signal;
  sigwait(&signals, &signal);
  return server.Shutdown(absl::Seconds(1)).ok() ? 0 : 1;
}

}  // namespace fasthttp::benchmarks
