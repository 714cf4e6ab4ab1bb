// TLSServerContext: what the handshakes of a server share: BoringSSL's context, certificates,
// ticket keys, counters; and TLSHandshake, one of them as its callbacks see it.
//
// Thread class: TLSServerContext is thread-safe. A TLSHandshake belongs to its loop.
#ifndef FASTHTTP_TLS_SERVER_CONTEXT_H_
#define FASTHTTP_TLS_SERVER_CONTEXT_H_

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_conn.h"
#include "fasthttp/tls_ticket_keys.h"

namespace fasthttp::internal {

// The certificates of a moment, by name. Immutable.
struct CertificateTable {
  explicit CertificateTable(std::vector<std::shared_ptr<const TLSCertificate>> from);

  // Those for `name`, in lower case: never empty but for an empty table.
  const std::vector<size_t>& For(std::string_view name) const;

  std::vector<std::shared_ptr<const TLSCertificate>> certificates;
  absl::flat_hash_map<std::string, std::vector<size_t>> by_name;
  std::vector<size_t> defaults;
};

// A signature that is made elsewhere.
struct OffloadedSignature {
  enum { kNone, kWanted, kUnderWay, kMade } state = kNone;
  uint16_t algorithm = 0;
  std::string input;
  std::string output;  // Empty: it failed.
};

// What the callbacks of a handshake leave for its owner, and find there when it goes on.
struct TLSHandshake {
  TLSServerContext* context = nullptr;
  Addr remote;

  enum { kNotAsked, kWanted, kUnderWay, kAnswered } hook = kNotAsked;
  ClientHelloInfo hello;
  absl::StatusOr<std::shared_ptr<const TLSCertificate>> answer = nullptr;  // Of the hook.

  std::shared_ptr<const TLSCertificate> certificate;  // The one that was chosen.
  OffloadedSignature signature;
  // When the certificate that the client has shown expires, now or before the session was taken up.
  absl::Time good_until = absl::InfiniteFuture();
  std::string problem;  // Why one of ours refused it; {} if none did.
  Errc errc = Errc::kOk;
};

class TLSServerContext {
 public:
  explicit TLSServerContext(TLSSettings settings);

  const TLSSettings& settings() const { return settings_; }
  SSL_CTX& ssl_context() { return *ssl_context_; }

  absl::Status Check() const;

  // Prepares `conn` for its side of a handshake, which must outlive it.
  void Prepare(TLSConn& conn, TLSHandshake& handshake);
  // Whoever came back with a ticket showed its certificate back then: it is looked at again.
  bool MayResume(const SSL& ssl, TLSHandshake& handshake);

  void Append(std::shared_ptr<const TLSCertificate> certificate);
  void Replace(std::vector<std::shared_ptr<const TLSCertificate>> certificates);
  std::shared_ptr<const CertificateTable> Certificates() const;

  void AddProtocol(std::string_view name, NextProtoFunc f);
  std::shared_ptr<const NextProtoFunc> ProtocolHook(std::string_view name) const;

  TLSTicketKeys& ticket_keys() { return ticket_keys_; }

  struct Counters {
    std::atomic<uint64_t> handshakes{0}, resumed{0}, failed{0}, refused{0}, timed_out{0},
        pushed_out{0};
  };
  Counters counters;

 private:
  void SetUp();
  absl::Status SetUpClientAuth();
  ssl_select_cert_result_t Select(const SSL_CLIENT_HELLO& hello, TLSHandshake& handshake);

  static TLSHandshake& HandshakeOf(const SSL* ssl);
  static TLSServerContext& Of(const SSL* ssl);
  static ssl_select_cert_result_t OnClientHello(const SSL_CLIENT_HELLO* hello);
  static int OnAlpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                    unsigned in_size, void* context);
  static ssl_verify_result_t OnClientCertificate(SSL* ssl, uint8_t* alert);
  static const SSL_TICKET_AEAD_METHOD kTickets;
  static const SSL_PRIVATE_KEY_METHOD kOffloadedKey;

  const TLSSettings settings_;
  absl::Status status_;
  bssl::UniquePtr<SSL_CTX> ssl_context_;
  bssl::UniquePtr<X509_STORE> client_roots_;
  TLSTicketKeys ticket_keys_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::shared_ptr<const CertificateTable> certificates_;
  std::vector<std::pair<std::string, std::shared_ptr<const NextProtoFunc>>> protocols_;
};

// Signs `input` as `algorithm` (of TLS) says; {} if that fails. On any thread.
std::string SignWith(EVP_PKEY& key, uint16_t algorithm, std::string_view input);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_SERVER_CONTEXT_H_
