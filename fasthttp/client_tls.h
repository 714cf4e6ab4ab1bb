// ClientTLSConfig: how a client speaks TLS: whom it trusts, and who it says it is.
//
//   fasthttp::ClientTLSConfig tls({.root_ca_file = "internal-ca.pem"});
//   fasthttp::HostClient users({.addr = "users.internal:443", .is_tls = true, .tls = tls});
//
// Without any of it the roots of the system are trusted, the certificate must be valid for the host
// of the URL (RFC 9525: names and addresses of its subjectAltName, no common name), and TLS 1.2 or
// 1.3 is spoken. The target //fasthttp:tls must be linked, or https fails with kUnsupported; this
// header does not need it.
//
// Failures. kBadCertificate: the server's certificate is not to be trusted; the status names the
// host and the reason. kTlsAlert: the server refused us. kTlsHandshakeFailed: no common version or
// cipher, or no TLS at all. kTlsHandshakeTimeout: the dial timeout came first. None is retried on
// another connection, but other addresses of the host are tried.
//
// Thread class: a handle that may be copied; copies share the roots and the sessions. Thread-safe.
#ifndef FASTHTTP_CLIENT_TLS_H_
#define FASTHTTP_CLIENT_TLS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/tls_state.h"

namespace fasthttp {

struct ClientTLSSettings {
  TLSVersion min_version = TLSVersion::kTLS12;
  TLSVersion max_version = TLSVersion::kTLS13;

  // Trusted roots, PEM. Where one is given, those of the system are not trusted. These are
  // $SSL_CERT_FILE and the files in $SSL_CERT_DIR, or else /etc/ssl/certs/ca-certificates.crt and
  // its like; they are read once, at the first handshake.
  std::string root_ca_pem = {};
  std::string root_ca_file = {};

  // What this client shows when a server asks for a certificate, with its chain; PEM or files.
  std::string cert_pem = {};
  std::string key_pem = {};
  std::string cert_file = {};
  std::string key_file = {};

  // The name that is asked for (SNI) and that the certificate must be for, in place of the host
  // that is connected to.
  std::string server_name = {};

  // Called when the handshake is complete and the certificate was found good, with the chain in
  // peer_certificates: to pin keys, or to be stricter. A status that is not OK ends the connection
  // with kBadCertificate. It may block. It is asked for resumed sessions too.
  absl::AnyInvocable<absl::Status(const TLSConnectionState& state) const> verify_connection =
      nullptr;

  // Takes any certificate, of anybody, for any name: whoever is on the way can read and change all.
  // For tests against throw-away servers only.
  bool dangerously_accept_any_certificate = false;

  // Sessions kept for resumption: the newest few of so many hosts. 0: none, every handshake is a
  // full one.
  size_t session_cache_hosts = 256;
};

namespace internal {

// What //fasthttp:tls makes of the settings.
class ClientTLSContext {
 public:
  virtual ~ClientTLSContext() = default;

  // Does the client's side of a handshake with `host` on a connected `conn`, and puts a connection
  // in its place that encrypts. On a fiber of `loop`; `deadline` in loop nanoseconds. Sessions are
  // kept for `address`. After an error `detail` may say more, and `conn` is closed.
  virtual Errc Handshake(runtime::Loop& loop, std::string_view host, std::string_view address,
                         int64_t deadline, BlockingConn& conn, std::string& detail) = 0;
};

using MakeClientTLSContext =
    std::shared_ptr<ClientTLSContext> (*)(const ClientTLSSettings& settings);

// Null unless //fasthttp:tls is linked.
inline constinit std::atomic<MakeClientTLSContext> make_client_tls_context{nullptr};

}  // namespace internal

class ClientTLSConfig {
 public:
  // The defaults; all that are made so share one.
  ClientTLSConfig();
  explicit ClientTLSConfig(ClientTLSSettings settings);

  const ClientTLSSettings& settings() const;

  // Made at first use; null if //fasthttp:tls is not linked.
  internal::ClientTLSContext* context() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_TLS_H_
