// A server of two domains, each with its certificate: SNI picks.
#include "fasthttp/fasthttp.h"
#include "fasthttp/tls.h"

int main() {
  fasthttp::TLSConfig tls;
  for (std::string host : {"a.example", "b.example"}) {  // SNI picks; the first is the default
    if (absl::Status s = tls.AppendCert(host + ".pem", host + ".key"); !s.ok()) {
      absl::FPrintF(stderr, "%s\n", s.ToString());  // names the file and the reason
      return 1;
    }
  }
  fasthttp::Server server(
      {.handler = [](fasthttp::RequestCtx& ctx) { absl::Format(&ctx, "%s\n", ctx.Host()); }});
  return fasthttp::ListenAndServeTLS(server, ":443", std::move(tls)).ok() ? 0 : 1;
}
