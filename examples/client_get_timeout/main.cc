// Fetches a page in at most two seconds, from a plain thread.
#include "fasthttp/fasthttp.h"

int main() {  // plain thread, default client, default runtime
  absl::StatusOr<fasthttp::Response> r =
      fasthttp::GetTimeout("http://127.0.0.1:8080/", absl::Seconds(2));
  if (!r.ok()) {  // the 2 s hold DNS, dial, TLS, retries, body
    bool late = fasthttp::ErrcOf(r.status()) == fasthttp::Errc::kTimeout;
    absl::FPrintF(stderr, "%s: %s\n", late ? "too slow" : "failed", r.status().ToString());
    return 1;
  }
  // a 404 is a response, not an error
  absl::PrintF("%d, %d bytes\n", r->StatusCode(), r->Body().size());
}
