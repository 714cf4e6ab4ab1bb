// The server of benchmarks/tcp over TLS.

#include <string>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "benchmarks/tcp/serve.h"
#include "fasthttp/tls.h"

ABSL_FLAG(std::string, cert, "", "file of the certificate");
ABSL_FLAG(std::string, key, "", "file of its key");
ABSL_FLAG(bool, offload, false, "the key's operations on a helper thread");

int main(int argc, char** argv) {
  return fasthttp::benchmarks::ServeUntilTerminated(
      argc, argv,
      [](fasthttp::Server& server, const std::string& address) -> absl::StatusOr<fasthttp::Addr> {
        fasthttp::TLSConfig tls({.offload_private_key = absl::GetFlag(FLAGS_offload)});
        absl::Status status = tls.AppendCert(absl::GetFlag(FLAGS_cert), absl::GetFlag(FLAGS_key));
        if (!status.ok()) return status;
        return fasthttp::StartTLS(server, address, tls);
      });
}
