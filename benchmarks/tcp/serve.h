// The server that is measured, as a program: "Hello, World!" to every GET, the body of a request
// back to every POST, on one loop, on 127.0.0.1:--port. Ends at SIGTERM.
#ifndef FASTHTTP_BENCHMARKS_TCP_SERVE_H_
#define FASTHTTP_BENCHMARKS_TCP_SERVE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "fasthttp/server.h"

namespace fasthttp::benchmarks {

// Parses the flags; `start` has the server listen on an address. Returns what main does.
int ServeUntilTerminated(
    int argc, char** argv,
    absl::FunctionRef<absl::StatusOr<Addr>(Server& server, const std::string& address)> start);

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_TCP_SERVE_H_
