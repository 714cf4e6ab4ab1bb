// The server of the README's first minute, and the one that outside tools measure.
//
//   GET  /      → "Hello, World!" as text/plain
//   GET  /json  → {"message":"Hello, World!"} as application/json
//   POST /echo  → the body of the request
//
//   ./bazelw run -c opt //examples/hello -- --port=8080 --threads=2

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/fasthttp.h"

ABSL_FLAG(int, port, 8080, "TCP port; 0 takes a free one");
ABSL_FLAG(int, threads, 0, "event loops; 0: one for each CPU");
ABSL_FLAG(std::string, address, "", "address to listen on; empty: all, IPv6 and IPv4");

namespace {

void Hello(fasthttp::RequestCtx& ctx) {
  const bool reads = ctx.IsGet() || ctx.IsHead();
  if (ctx.Path() == "/" && reads) return ctx.Success("text/plain", "Hello, World!");
  if (ctx.Path() == "/json" && reads) {
    return ctx.Success("application/json", R"({"message":"Hello, World!"})");
  }
  if (ctx.Path() == "/echo" && ctx.IsPost()) {
    return ctx.Success("application/octet-stream", ctx.PostBody());
  }
  ctx.NotFound();
}

// Waits for SIGINT or SIGTERM, which every thread started later has blocked.
void AwaitSignal(const sigset_t& signals) {
  int signal;
  sigwait(&signals, &signal);
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("answers hello over HTTP/1.1");
  absl::ParseCommandLine(argc, argv);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  fasthttp::Runtime runtime({.threads = absl::GetFlag(FLAGS_threads)});
  fasthttp::Server server(
      {.handler = Hello, .runtime = &runtime, .concurrency = std::numeric_limits<uint32_t>::max()});
  absl::StatusOr<fasthttp::Addr> address =
      server.Start(absl::StrCat(absl::GetFlag(FLAGS_address), ":", absl::GetFlag(FLAGS_port)));
  if (!address.ok()) {
    absl::FPrintF(stderr, "%s\n", address.status().ToString());
    return 1;
  }
  absl::PrintF("listening on http://%s/\n", address->ToString());
  std::fflush(stdout);
  AwaitSignal(signals);
  return server.Shutdown().ok() ? 0 : 1;
}
