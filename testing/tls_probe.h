// A client of TLS that looks at handshakes: with a context of its own, so that it can offer what
// ours never would.
//
//   TLSProbe probe;                       // Trusts anybody.
//   TLSProbe::Result r = probe.Shake(dialled, "a.test");
//   EXPECT_EQ(r.leaf, DerOf(certificate));
//
// Thread class: thread-compatible; Shake on a fiber.
#ifndef TESTING_TLS_PROBE_H_
#define TESTING_TLS_PROBE_H_

#include <openssl/ssl.h>

#include <string>
#include <utility>
#include <vector>

#include "fasthttp/conn.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_algorithms.h"
#include "fasthttp/tls_certificate.h"
#include "fasthttp/tls_conn.h"
#include "testing/test_certificate.h"

namespace fasthttp::testing {

// The certificate as the other side of a handshake sees it.
inline std::string DerOf(const fasthttptest::TestCertificate& certificate) {
  auto chain = internal::CertificatesOfPEM(certificate.cert_pem, "test");
  return std::string(reinterpret_cast<const char*>(CRYPTO_BUFFER_data((*chain)[0].get())),
                     CRYPTO_BUFFER_len((*chain)[0].get()));
}

class TLSProbe {
 public:
  struct Result {
    Errc errc = Errc::kOk;
    std::string detail;
    TLSConnectionState state;
    std::string leaf;  // Of the server.
    BlockingConn conn;

    // To be taken up by a later Shake. With TLS 1.3 it comes after the first bytes of the server.
    bssl::UniquePtr<SSL_SESSION> Session() {
      return bssl::UniquePtr<SSL_SESSION>(
          SSL_get1_session(&static_cast<TLSConn*>(conn.endpoint()->conn)->ssl()));
    }
  };

  explicit TLSProbe(TLSVersion min = TLSVersion::kTLS12, TLSVersion max = TLSVersion::kTLS13)
      : context_(internal::MakeSSLContext(min, max)) {
    SSL_CTX_set_custom_verify(context_.get(), SSL_VERIFY_PEER,
                              [](SSL*, uint8_t*) { return ssl_verify_ok; });
  }

  SSL_CTX* context() { return context_.get(); }
  // "\x08http/1.1" and the like.
  void OfferProtocols(const std::string& list) {
    SSL_CTX_set_alpn_protos(context(), reinterpret_cast<const uint8_t*>(list.data()), list.size());
  }

  Result Shake(BlockingConn conn, const std::string& name, SSL_SESSION* session = nullptr) {
    Result result;
    runtime::Endpoint& endpoint = *conn.endpoint();
    TLSConn* tls = TLSConn::Make(*context(), *endpoint.conn);
    endpoint.conn = tls;
    if (!name.empty()) SSL_set_tlsext_host_name(&tls->ssl(), name.c_str());
    if (session != nullptr) SSL_set_session(&tls->ssl(), session);
    SSL_set_connect_state(&tls->ssl());
    while ((result.errc = tls->Handshake(&result.detail)) == Errc::kAgain) {
      result.errc =
          runtime::AwaitReady(*conn.loop(), endpoint, kReadable | kWritable, runtime::kNoDeadline);
      if (result.errc != Errc::kOk) break;
    }
    if (result.errc == Errc::kOk) {
      result.state = *tls->TLSState();
      if (!result.state.peer_certificates.empty()) result.leaf = result.state.peer_certificates[0];
    }
    result.conn = std::move(conn);
    return result;
  }

 private:
  bssl::UniquePtr<SSL_CTX> context_;
};

}  // namespace fasthttp::testing

#endif  // TESTING_TLS_PROBE_H_
