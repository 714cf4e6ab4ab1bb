// Fetches a page over TLS: linking //fasthttp:tls is all that it takes. With a second argument the
// roots in that file are trusted in place of the system's.
#include "fasthttp/fasthttp.h"
#include "fasthttp/tls.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    absl::FPrintF(stderr, "usage: %s https://host/path [roots.pem]\n", argv[0]);
    return 2;
  }
  fasthttp::ClientTLSSettings tls;
  if (argc > 2) tls.root_ca_file = argv[2];
  fasthttp::Client client({.tls = fasthttp::ClientTLSConfig(std::move(tls))});
  absl::StatusOr<fasthttp::Response> r = client.GetTimeout(argv[1], absl::Seconds(10));
  if (!r.ok()) {
    bool untrusted = fasthttp::ErrcOf(r.status()) == fasthttp::Errc::kBadCertificate;
    absl::FPrintF(stderr, "%s: %s\n", untrusted ? "not trusted" : "failed", r.status().ToString());
    return 1;
  }
  absl::PrintF("%s", r->Body());
  return r->StatusCode() == fasthttp::kStatusOK ? 0 : 1;
}
