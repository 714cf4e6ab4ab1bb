#include "benchmarks/tcp/load_program.h"

#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "benchmarks/tcp/requests.h"

ABSL_FLAG(uint16_t, port, 8080, "of the server, on 127.0.0.1");
ABSL_FLAG(size_t, conns, 64, "connections");
ABSL_FLAG(size_t, pipeline, 1, "requests that a connection sends at once");
ABSL_FLAG(std::string, request, "hello", "hello, browser or echo");
ABSL_FLAG(bool, reconnect, false, "a connection for each request");
ABSL_FLAG(double, rate, 0, "requests a second, in an open loop; 0: as many as can be");
ABSL_FLAG(double, seconds, 2, "how long");
ABSL_FLAG(bool, size, false, "print how many bytes a request has, and send none");
ABSL_FLAG(uint64_t, requests, 0, "if not 0: exactly so many, however long it takes");

namespace fasthttp::benchmarks {

int RunLoadProgram(int argc, char** argv, const LayerFactory& layer) {
  absl::ParseCommandLine(argc, argv);
  LoadOptions options;
  options.port = absl::GetFlag(FLAGS_port);
  options.conns = absl::GetFlag(FLAGS_conns);
  options.pipeline = absl::GetFlag(FLAGS_pipeline);
  options.reconnect = absl::GetFlag(FLAGS_reconnect);
  options.request = RequestNamed(absl::GetFlag(FLAGS_request), options.reconnect);
  options.rate = absl::GetFlag(FLAGS_rate);
  options.seconds = absl::GetFlag(FLAGS_seconds);
  options.requests = absl::GetFlag(FLAGS_requests);
  options.layer = layer;
  if (options.request.empty() || options.conns == 0 || options.pipeline == 0) {
    absl::FPrintF(stderr, "no such load; see --help\n");
    return 2;
  }
  if (absl::GetFlag(FLAGS_size)) {
    absl::PrintF("%d\n", options.request.size());
    return 0;
  }
  const LoadResult result = RunLoad(options);
  absl::PrintF("{\"requests\": %d, \"bytes\": %d, \"seconds\": %.6f", result.requests, result.bytes,
               result.seconds);
  if (options.rate != 0) {
    absl::PrintF(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f",
                 result.latencies.Microseconds(0.5), result.latencies.Microseconds(0.99),
                 result.latencies.Microseconds(0.999), result.latencies.Microseconds(1));
  }
  absl::PrintF("}\n");
  return 0;
}

}  // namespace fasthttp::benchmarks
