// The code blocks of tls.md.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fasthttp/fasthttp.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/test_certificate.h"

namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::TestCertificate;

const TestCertificate& Cert() {
  static const auto* const cert =
      new TestCertificate(GenerateTestCertificate({.hosts = {"localhost"}, .is_ca = true}));
  return *cert;
}

void Handler(fasthttp::RequestCtx& ctx) { ctx.SetBodyString("hello\n"); }

// A server with `tls` and Cert(), and what a client with `client_tls` gets from it.
std::string Get(fasthttp::TLSConfig tls, fasthttp::RequestHandler handler,
                fasthttp::ClientTLSSettings client_tls) {
  EXPECT_TRUE(tls.AppendCertPEM(Cert().cert_pem, Cert().key_pem).ok());
  fasthttp::Runtime runtime({.threads = 1});
  fasthttp::Server server({.handler = std::move(handler), .runtime = &runtime});
  absl::StatusOr<fasthttp::Addr> address = fasthttp::StartTLS(server, "127.0.0.1:0", tls);
  if (!address.ok()) return address.status().ToString();
  fasthttp::Client client(
      {.runtime = &runtime, .tls = fasthttp::ClientTLSConfig(std::move(client_tls))});
  absl::StatusOr<fasthttp::Response> r =
      client.Get(absl::StrFormat("https://localhost:%d/", address->port()));
  return r.ok() ? std::string(r->Body()) : r.status().ToString();
}

TEST(TLSGuide, WhoTheClientIs) {
  const TestCertificate authority = GenerateTestCertificate({.common_name = "ca", .is_ca = true});
  const TestCertificate ann = GenerateTestCertificate({.common_name = "ann", .issuer = &authority});
  fasthttp::TLSConfig tls(
      {.client_auth = fasthttp::ClientAuth::kRequired, .client_ca_pem = authority.cert_pem});
  auto handler = [](fasthttp::RequestCtx& ctx) {
    const fasthttp::TLSConnectionState* state = ctx.TLSConnectionState();
    if (state == nullptr) return ctx.Error("https only", fasthttp::kStatusForbidden);
    absl::Format(&ctx, "%d certificates", state->peer_certificates.size());
  };
  EXPECT_EQ(Get(tls, handler,
                {.root_ca_pem = Cert().cert_pem, .cert_pem = ann.cert_pem, .key_pem = ann.key_pem}),
            "1 certificates");
}

using Challenges = std::shared_ptr<const fasthttp::TLSCertificate>;

fasthttp::TLSConfig WithAcme(Challenges challenge) {
  fasthttp::TLSConfig tls({.get_certificate = [challenge](const fasthttp::ClientHelloInfo& hello)
                               -> absl::StatusOr<std::shared_ptr<const fasthttp::TLSCertificate>> {
    if (hello.Offers("acme-tls/1")) return challenge;
    return nullptr;  // As if there were no hook.
  }});
  tls.NextProto("acme-tls/1", [](fasthttp::HijackedConn&, const fasthttp::TLSConnectionState&) {});
  return tls;
}

TEST(TLSGuide, Acme) {
  EXPECT_EQ(Get(WithAcme(nullptr), Handler, {.root_ca_pem = Cert().cert_pem}), "hello\n");
}

TEST(TLSGuide, Pinning) {
  auto pinned = *fasthttp::TLSCertificate::FromPEM(Cert().cert_pem, Cert().key_pem);
  std::string pin;
  fasthttp::ClientTLSSettings settings;
  settings.root_ca_pem = Cert().cert_pem;
  settings.verify_connection = [pin](const fasthttp::TLSConnectionState& state) {
    if (state.peer_certificates[0] != pin) return absl::PermissionDeniedError("not pinned");
    return absl::OkStatus();
  };
  EXPECT_NE(Get(fasthttp::TLSConfig(), Handler, std::move(settings)).find("not pinned"),
            std::string::npos);
}

}  // namespace
