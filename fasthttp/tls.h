// TLS for servers, on BoringSSL; and, by linking //fasthttp:tls, https for clients.
//
//   fasthttp::TLSConfig tls;
//   if (absl::Status s = tls.AppendCert("a.pem", "a.key"); !s.ok()) return s;
//   return fasthttp::ListenAndServeTLS(server, ":443", tls);
//
// or in one line
//
//   return fasthttp::ListenAndServeTLS(":443", "a.pem", "a.key", Handler);
//
// A client needs nothing but the target in its deps (settings: fasthttp/client_tls.h).
//
// Defaults: TLS 1.2 and 1.3; with 1.2 only ECDHE with AES-GCM or ChaCha20-Poly1305; no
// renegotiation, compression, early data or SHA-1. Handshakes run beside everything else on the
// loop that accepted the connection; each is bounded in time, and all of a loop in number. A server
// sees a connection when its handshake is complete: what never completes one costs no slot of
// ServerSettings::concurrency. Against max_conns_per_ip it counts from the accept on.
//
// When not to use it: behind a proxy that ends TLS already.
//
// Thread class: thread-safe, as stated at each class.
#ifndef FASTHTTP_TLS_H_
#define FASTHTTP_TLS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/client_tls.h"
#include "fasthttp/hijack.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/server.h"
#include "fasthttp/tls_state.h"

namespace fasthttp {

namespace internal {
class TLSServerContext;
struct TLSKeyPair;
}  // namespace internal

// A certificate with its chain and its private key.
//
// Thread class: immutable; shared by everything that uses it.
class TLSCertificate {
 public:
  // `cert_pem` holds the certificate and, behind it, those that lead to a root, `key_pem` its
  // private key: RSA, ECDSA or Ed25519, not encrypted. `ocsp_response`, in DER, is stapled.
  // kBadCertificate: it can't be parsed, or the key is another's; the status says what.
  static absl::StatusOr<std::shared_ptr<const TLSCertificate>> FromPEM(
      std::string_view cert_pem, std::string_view key_pem, std::string_view ocsp_response = {});
  // The same from files; the status names the file.
  static absl::StatusOr<std::shared_ptr<const TLSCertificate>> FromFiles(
      const std::string& cert_file, const std::string& key_file);

  ~TLSCertificate();
  TLSCertificate(const TLSCertificate&) = delete;
  TLSCertificate& operator=(const TLSCertificate&) = delete;

  // The DNS names that it is for, in lower case, "*.example.com" included.
  const std::vector<std::string>& names() const { return names_; }
  absl::Time not_after() const { return not_after_; }

  const internal::TLSKeyPair& key_pair() const { return *key_pair_; }

 private:
  TLSCertificate();
  static absl::StatusOr<std::shared_ptr<const TLSCertificate>> Make(std::string_view cert_pem,
                                                                    std::string_view key_pem,
                                                                    std::string_view cert_where,
                                                                    std::string_view key_where,
                                                                    internal::TLSKeyPair pair);

  std::vector<std::string> names_;
  absl::Time not_after_;
  std::unique_ptr<internal::TLSKeyPair> key_pair_;
};

// What a client has said so far when its handshake begins.
struct ClientHelloInfo {
  // In lower case; empty if it named none.
  std::string server_name;
  // What it offers by ALPN, such as "http/1.1" or "acme-tls/1".
  std::vector<std::string> protocols;
  Addr remote;

  bool Offers(std::string_view protocol) const;
};

// Chooses the certificate of a handshake; nullptr leaves that to the certificates of the config. It
// runs on a fiber and may block (ask a store, an ACME server); the handshake's time limit ends its
// waits. An error ends the handshake.
using GetCertificateFunc = absl::AnyInvocable<absl::StatusOr<std::shared_ptr<const TLSCertificate>>(
    const ClientHelloInfo& hello) const>;

// Speaks another protocol on a connection whose handshake has agreed on it. On a fiber, where it
// may block; the connection is closed when it returns, unless it was parked (hijack.h). `state` is
// valid during the call.
using NextProtoFunc =
    absl::AnyInvocable<void(HijackedConn& conn, const TLSConnectionState& state) const>;

// What a server asks of its clients.
enum class ClientAuth {
  kOff,       // No certificate.
  kOptional,  // One that is verified if there is one.
  kRequired,  // One that is verified; without it the handshake fails.
};

struct TLSSettings {
  TLSVersion min_version = TLSVersion::kTLS12;
  TLSVersion max_version = TLSVersion::kTLS13;

  GetCertificateFunc get_certificate = nullptr;

  // Client certificates are verified against these roots (PEM), of which there must be one unless
  // it is off: those of the system are no authority for clients.
  ClientAuth client_auth = ClientAuth::kOff;
  std::string client_ca_pem = {};
  std::string client_ca_file = {};

  // From the accept to the end of the handshake, the hook included. Then the connection is reset.
  // InfiniteDuration or 0: off.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // Handshakes under way at once, on each loop. Beyond: the one that has waited for its client
  // longest is reset, so that silent clients don't keep others out.
  uint32_t max_handshakes = 1024;

  // Clients may take an earlier session up again, within a day, on any loop. The keys of their
  // tickets live in memory, are replaced after ticket_key_lifetime and forgotten after three times
  // that. Without tickets every handshake is a full one.
  bool session_tickets = true;
  absl::Duration ticket_key_lifetime = absl::Hours(12);

  // The private key's operation runs on a helper thread (fasthttp::Offload) and not on the loop,
  // which has time for others then, at some CPU more for each full handshake. It can pay with RSA
  // keys, hardly with ECDSA ones: docs/guide/tls.md has figures.
  bool offload_private_key = false;

  // Called when a handshake has failed, to log or count. On the loop; must not block. The status
  // names the reason, never bytes of the client.
  absl::AnyInvocable<void(const Addr& remote, const absl::Status& status) const> handshake_error =
      nullptr;
};

// Counters of a config.
struct TLSStats {
  uint64_t handshakes = 0;  // Complete.
  uint64_t resumed = 0;     // Of these.
  uint64_t failed = 0;      // Those that took too long or were pushed out included.
  uint64_t timed_out = 0;
  uint64_t pushed_out = 0;  // By max_handshakes.
  // By max_conns_per_ip, before the handshake began: not among those that failed.
  uint64_t refused = 0;
};

// A key that seals session tickets: for servers that share them over several processes.
using TLSTicketKey = std::array<uint8_t, 48>;

// The TLS side of a server: settings, certificates and ticket keys. A handle: copies share them,
// and what is changed through one is used by the next handshake of every server that has it.
//
// Thread class: thread-safe.
class TLSConfig {
 public:
  explicit TLSConfig(TLSSettings settings = {});

  // Adds a certificate. The name that a client asks for picks among them, a full name before a
  // wildcard; the first is the default for other names and for none. Of several for one name the
  // first is taken whose key the client can verify: an ECDSA one, and an RSA one for old clients.
  absl::Status AppendCert(const std::string& cert_file, const std::string& key_file);
  absl::Status AppendCertPEM(std::string_view cert_pem, std::string_view key_pem);
  void AppendCertificate(std::shared_ptr<const TLSCertificate> certificate);

  // Reads the files of AppendCert anew: all of them, or after an error none. Handshakes that begin
  // from then on use them; connections go on.
  absl::Status Reload();
  // Puts these in the place of all certificates.
  void ReplaceCertificates(std::vector<std::shared_ptr<const TLSCertificate>> certificates);

  // Offers `protocol` by ALPN, before HTTP and those that were added later. The server hands
  // connections that agree on it to `f`, before anything is read, as if they were hijacked; but
  // until it ends, parked or not, each counts against ServerSettings::concurrency and
  // max_conns_per_ip, and one too many is reset. Server::Shutdown ends their waits with kDraining
  // and waits for `f`. Without a call clients may have "http/1.1" and "http/1.0", and who offers
  // only others is refused (RFC 7301).
  void NextProto(std::string_view protocol, NextProtoFunc f);

  // Takes these in place of keys of its own: the first seals, all open. They are not replaced by
  // time any more; call it again to do so. Empty: keys of its own again.
  void SetSessionTicketKeys(std::span<const TLSTicketKey> keys);

  TLSStats Stats() const;

  // What is wrong with the settings or missing: kBadCertificate if there is neither a certificate
  // nor a hook, or client_auth without usable roots.
  absl::Status Check() const;

  const std::shared_ptr<internal::TLSServerContext>& context() const { return context_; }

 private:
  std::shared_ptr<internal::TLSServerContext> context_;
};

// A Listener that hands out connections of another one when their handshake is complete.
//
// Close() resets the handshakes that are under way. It must be closed before its runtime ends. A
// Server calls the functions of NextProto; who accepts by himself looks at negotiated_protocol.
//
// Thread class: thread-safe.
class TLSListener final : public Listener {
 public:
  // `inner` must outlive this. The config must pass Check().
  TLSListener(Listener& inner, TLSConfig config);
  TLSListener(std::unique_ptr<Listener> inner, TLSConfig config);
  ~TLSListener() override;

  Errc TryAccept(Accepted& into) override;
  Errc Arm(const ReadyToken& token) override;
  void Disarm(const ReadyToken& token) override;
  void SetPeerLimit(runtime::Loop& loop, PeerLimit& limit) override;
  void Close() override;
  Addr address() const override;
  bool one_loop() const override;
  Listener* CloneForLoop() override;

 private:
  class Impl;
  explicit TLSListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Server::Serve, ListenAndServe and Start over TLS. One server may serve plain and TLS listeners at
// once. If the config does not pass Check() the listener is closed and the status says why.
absl::Status ServeTLS(Server& server, Listener& listener, TLSConfig config);
absl::Status ListenAndServeTLS(Server& server, std::string_view address, TLSConfig config);
absl::StatusOr<Addr> StartTLS(Server& server, std::string_view address, TLSConfig config);

// With default settings and one certificate, until the process ends or the listener fails.
absl::Status ListenAndServeTLS(std::string_view address, const std::string& cert_file,
                               const std::string& key_file, RequestHandler handler);

}  // namespace fasthttp

#endif  // FASTHTTP_TLS_H_
