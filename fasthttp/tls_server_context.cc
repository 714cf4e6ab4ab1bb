#include "fasthttp/tls_server_context.h"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/tls_algorithms.h"
#include "fasthttp/tls_certificate.h"
#include "fasthttp/tls_verify.h"

namespace fasthttp {

bool ClientHelloInfo::Offers(std::string_view protocol) const {
  return std::find(protocols.begin(), protocols.end(), protocol) != protocols.end();
}

namespace internal {
namespace {

// In seconds. The keys of tickets last longer than they do.
constexpr uint32_t kSessionLifetime = 24 * 3600;

bool ReadList(const SSL_CLIENT_HELLO& hello, uint16_t extension, CBS& list) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(&hello, extension, &bytes, &size) != 1) return false;
  CBS in;
  CBS_init(&in, bytes, size);
  return CBS_get_u16_length_prefixed(&in, &list) == 1;
}

bool Contains(CBS list, uint16_t wanted) {
  uint16_t one;
  while (CBS_get_u16(&list, &one)) {
    if (one == wanted) return true;
  }
  return false;
}

// The signatures that a key of this kind can make.
std::span<const uint16_t> SignaturesOf(const EVP_PKEY& key) {
  static constexpr uint16_t kP256[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256};
  static constexpr uint16_t kP384[] = {SSL_SIGN_ECDSA_SECP384R1_SHA384};
  static constexpr uint16_t kEd25519[] = {SSL_SIGN_ED25519};
  static constexpr uint16_t kRsa[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                      SSL_SIGN_RSA_PSS_RSAE_SHA512, SSL_SIGN_RSA_PKCS1_SHA256,
                                      SSL_SIGN_RSA_PKCS1_SHA384,    SSL_SIGN_RSA_PKCS1_SHA512};
  switch (EVP_PKEY_id(&key)) {
    case EVP_PKEY_EC: {
      const EC_GROUP* group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(&key));
      if (EC_GROUP_get_curve_name(group) == NID_secp384r1) return kP384;
      return kP256;
    }
    case EVP_PKEY_ED25519:
      return kEd25519;
    default:
      return kRsa;
  }
}

// True if the client can verify what `key` signs. TLS 1.2 has it in the cipher suites too.
bool Suits(const SSL_CLIENT_HELLO& hello, const EVP_PKEY& key) {
  CBS signatures;
  if (!ReadList(hello, TLSEXT_TYPE_signature_algorithms, signatures)) return true;
  const std::span<const uint16_t> ours = SignaturesOf(key);
  if (!std::any_of(ours.begin(), ours.end(),
                   [&](uint16_t one) { return Contains(signatures, one); })) {
    return false;
  }
  CBS suites;
  CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
  const bool rsa = EVP_PKEY_id(&key) == EVP_PKEY_RSA;
  uint16_t suite;
  while (CBS_get_u16(&suites, &suite)) {
    const SSL_CIPHER* cipher = SSL_get_cipher_by_value(suite);
    if (cipher == nullptr) continue;
    const int wants = SSL_CIPHER_get_auth_nid(cipher);
    if (wants == NID_auth_any || wants == (rsa ? NID_auth_rsa : NID_auth_ecdsa)) return true;
  }
  return false;
}

ClientHelloInfo Describe(const SSL_CLIENT_HELLO& hello, const Addr& remote) {
  ClientHelloInfo info;
  info.remote = remote;
  const char* name = SSL_get_servername(hello.ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) info.server_name = absl::AsciiStrToLower(name);
  if (!info.server_name.empty() && info.server_name.back() == '.') info.server_name.pop_back();
  CBS list, one;
  if (ReadList(hello, TLSEXT_TYPE_application_layer_protocol_negotiation, list)) {
    while (CBS_get_u8_length_prefixed(&list, &one)) {
      info.protocols.emplace_back(reinterpret_cast<const char*>(CBS_data(&one)), CBS_len(&one));
    }
  }
  return info;
}

// Tells one TLSServerContext from another in SSL_CTX's extra data.
int ContextIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

// --- Certificates by name ---------------------------------------------------------------------

CertificateTable::CertificateTable(std::vector<std::shared_ptr<const TLSCertificate>> from)
    : certificates(std::move(from)) {
  for (size_t i = 0; i < certificates.size(); ++i) {
    for (const std::string& name : certificates[i]->names()) by_name[name].push_back(i);
  }
  if (certificates.empty()) return;
  const std::vector<std::string>& names = certificates[0]->names();
  defaults = names.empty() ? std::vector<size_t>{0} : by_name[names[0]];
}

const std::vector<size_t>& CertificateTable::For(std::string_view name) const {
  auto found = by_name.find(name);
  if (found != by_name.end()) return found->second;
  const size_t dot = name.find('.');
  if (dot != std::string_view::npos && dot != 0) {
    found = by_name.find(absl::StrCat("*", std::string(name.substr(dot))));
    if (found != by_name.end()) return found->second;
  }
  return defaults;
}

void TLSServerContext::Append(std::shared_ptr<const TLSCertificate> certificate) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto all = certificates_->certificates;
  all.push_back(std::move(certificate));
  certificates_ = std::make_shared<CertificateTable>(std::move(all));
}

void TLSServerContext::Replace(std::vector<std::shared_ptr<const TLSCertificate>> certificates) {
  auto table = std::make_shared<CertificateTable>(std::move(certificates));
  std::lock_guard<std::mutex> lock(mutex_);
  certificates_ = std::move(table);
}

std::shared_ptr<const CertificateTable> TLSServerContext::Certificates() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return certificates_;
}

// --- Protocols --------------------------------------------------------------------------------

void TLSServerContext::AddProtocol(std::string_view name, NextProtoFunc f) {
  FASTHTTP_CHECK(!name.empty() && name.size() < 256, "a protocol's name has 1 to 255 bytes");
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(protocols_, [&](const auto& one) { return one.first == name; });
  protocols_.emplace_back(std::string(name), std::make_shared<const NextProtoFunc>(std::move(f)));
}

std::shared_ptr<const NextProtoFunc> TLSServerContext::ProtocolHook(std::string_view name) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [known, hook] : protocols_) {
    if (known == name) return hook;
  }
  return nullptr;
}

int TLSServerContext::OnAlpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                             unsigned in_size, void*) {
  const TLSServerContext& self = Of(ssl);
  auto offered = [&](std::string_view name) {
    CBS list, one;
    CBS_init(&list, in, in_size);
    while (CBS_get_u8_length_prefixed(&list, &one)) {
      if (!CBS_mem_equal(&one, reinterpret_cast<const uint8_t*>(name.data()), name.size()))
        continue;
      *out = CBS_data(&one);
      *out_size = static_cast<uint8_t>(CBS_len(&one));
      return true;
    }
    return false;
  };
  std::lock_guard<std::mutex> lock(self.mutex_);
  for (const auto& [name, hook] : self.protocols_) {
    if (offered(name)) return SSL_TLSEXT_ERR_OK;
  }
  if (offered("http/1.1") || offered("http/1.0")) return SSL_TLSEXT_ERR_OK;
  // What is meant for another service must not be taken for HTTP.
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// --- Setting up -------------------------------------------------------------------------------

TLSServerContext::TLSServerContext(TLSSettings settings)
    : settings_(std::move(settings)),
      ticket_keys_(absl::ToInt64Nanoseconds(settings_.ticket_key_lifetime)),
      certificates_(std::make_shared<CertificateTable>(
          std::vector<std::shared_ptr<const TLSCertificate>>())) {
  ssl_context_ = MakeSSLContext(settings_.min_version, settings_.max_version);
  if (ssl_context_ == nullptr) {
    status_ = ToStatus(Errc::kProgramming, "TLSSettings: no such versions");
    return;
  }
  SetUp();
  status_ = SetUpClientAuth();
}

void TLSServerContext::SetUp() {
  SSL_CTX* const context = ssl_context_.get();
  SSL_CTX_set_ex_data(context, ContextIndex(), this);
  SSL_CTX_set_select_certificate_cb(context, &OnClientHello);
  SSL_CTX_set_alpn_select_cb(context, &OnAlpn, nullptr);
  SSL_CTX_set_timeout(context, kSessionLifetime);
  SSL_CTX_set_session_psk_dhe_timeout(context, kSessionLifetime);
  if (settings_.session_tickets) {
    SSL_CTX_set_ticket_aead_method(context, &kTickets);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  }
}

absl::Status TLSServerContext::SetUpClientAuth() {
  SSL_CTX* const context = ssl_context_.get();
  // A ticket says nothing to a server that trusts other clients.
  std::string identity = absl::StrCat("fasthttp ", static_cast<int>(settings_.client_auth), " ");
  absl::Status status;
  if (settings_.client_auth != ClientAuth::kOff) {
    std::string pem = settings_.client_ca_pem;
    if (!settings_.client_ca_file.empty()) {
      absl::StatusOr<std::string> file = ReadFile(settings_.client_ca_file);
      if (!file.ok()) return file.status();
      absl::StrAppend(&pem, "\n", *file);
    }
    const std::string where =
        settings_.client_ca_file.empty() ? "client_ca_pem" : settings_.client_ca_file;
    absl::StatusOr<bssl::UniquePtr<X509_STORE>> roots = RootsOfPEM(pem, where);
    if (!roots.ok()) return roots.status();
    client_roots_ = *std::move(roots);
    identity += pem;
    const int mode = settings_.client_auth == ClientAuth::kRequired
                         ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                         : SSL_VERIFY_PEER;
    SSL_CTX_set_custom_verify(context, mode, &OnClientCertificate);
  }
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(identity.data()), identity.size(), digest);
  SSL_CTX_set_session_id_context(context, digest, sizeof digest);
  return status;
}

absl::Status TLSServerContext::Check() const {
  if (!status_.ok()) return status_;
  if (settings_.get_certificate || !Certificates()->certificates.empty()) return absl::OkStatus();
  return ToStatus(Errc::kBadCertificate, "TLSConfig: neither a certificate nor get_certificate");
}

// --- A handshake ------------------------------------------------------------------------------

void TLSServerContext::Prepare(TLSConn& conn, TLSHandshake& handshake) {
  handshake.context = this;
  SSL_set_app_data(&conn.ssl(), &handshake);
  SSL_set_shed_handshake_config(&conn.ssl(), 1);
  SSL_set_accept_state(&conn.ssl());
}

TLSHandshake& TLSServerContext::HandshakeOf(const SSL* ssl) {
  return *static_cast<TLSHandshake*>(SSL_get_app_data(ssl));
}

TLSServerContext& TLSServerContext::Of(const SSL* ssl) {
  return *static_cast<TLSServerContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ContextIndex()));
}

ssl_select_cert_result_t TLSServerContext::OnClientHello(const SSL_CLIENT_HELLO* hello) {
  return Of(hello->ssl).Select(*hello, HandshakeOf(hello->ssl));
}

ssl_select_cert_result_t TLSServerContext::Select(const SSL_CLIENT_HELLO& hello,
                                                  TLSHandshake& handshake) {
  if (handshake.hook == TLSHandshake::kNotAsked) {
    handshake.hello = Describe(hello, handshake.remote);
    if (settings_.get_certificate) {
      handshake.hook = TLSHandshake::kWanted;
      return ssl_select_cert_retry;
    }
  } else if (handshake.hook != TLSHandshake::kAnswered) {
    return ssl_select_cert_retry;
  }
  if (!handshake.answer.ok()) {
    handshake.problem = absl::StrCat("get_certificate: ", handshake.answer.status().message());
    return ssl_select_cert_error;
  }
  handshake.certificate = *handshake.answer;
  if (handshake.certificate == nullptr) {
    const std::shared_ptr<const CertificateTable> table = Certificates();
    const std::vector<size_t>& candidates = table->For(handshake.hello.server_name);
    for (size_t i : candidates) {
      const auto& one = table->certificates[i];
      if (handshake.certificate == nullptr) handshake.certificate = one;
      if (!Suits(hello, *one->key_pair().key)) continue;
      handshake.certificate = one;
      break;
    }
  }
  if (handshake.certificate == nullptr) {
    handshake.problem = "no certificate";
    return ssl_select_cert_error;
  }
  const TLSKeyPair& pair = handshake.certificate->key_pair();
  const bool offload = settings_.offload_private_key;
  const bool set =
      SSL_set_chain_and_key(hello.ssl, pair.chain_pointers.data(), pair.chain_pointers.size(),
                            offload ? nullptr : pair.key.get(),
                            offload ? &kOffloadedKey : nullptr) == 1 &&
      (pair.ocsp_response.empty() ||
       SSL_set_ocsp_response(hello.ssl, reinterpret_cast<const uint8_t*>(pair.ocsp_response.data()),
                             pair.ocsp_response.size()) == 1);
  return set ? ssl_select_cert_success : ssl_select_cert_error;
}

ssl_verify_result_t TLSServerContext::OnClientCertificate(SSL* ssl, uint8_t* alert) {
  TLSHandshake& handshake = HandshakeOf(ssl);
  const bool good =
      VerifyChain(SSL_get0_peer_certificates(ssl), *Of(ssl).client_roots_, CertificateUse::kClient,
                  {}, {}, &handshake.good_until, alert, &handshake.problem);
  return good ? ssl_verify_ok : ssl_verify_invalid;
}

bool TLSServerContext::MayResume(const SSL& ssl, TLSHandshake& handshake) {
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(&ssl);
  if (client_roots_ == nullptr || chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return true;
  uint8_t alert;
  return VerifyChain(chain, *client_roots_, CertificateUse::kClient, {}, {}, &handshake.good_until,
                     &alert, &handshake.problem);
}

// --- Tickets ----------------------------------------------------------------------------------

const SSL_TICKET_AEAD_METHOD TLSServerContext::kTickets = {
    [](SSL*) { return TLSTicketKeys::kOverhead; },
    [](SSL* ssl, uint8_t* out, size_t* out_size, size_t room, const uint8_t* in, size_t size) {
      *out_size = Of(ssl).ticket_keys_.Seal({in, size}, HandshakeOf(ssl).good_until,
                                            runtime::ClockNow(), {out, room});
      return *out_size != 0 ? 1 : 0;
    },
    [](SSL* ssl, uint8_t* out, size_t* out_size, size_t room, const uint8_t* in, size_t size) {
      absl::Time& good_until = HandshakeOf(ssl).good_until;
      *out_size =
          Of(ssl).ticket_keys_.Open({in, size}, good_until, runtime::ClockNow(), {out, room});
      // Who has a newer certificate shows it in the full handshake that follows.
      const bool good = *out_size != 0 && good_until > absl::Now();
      if (!good) good_until = absl::InfiniteFuture();
      return good ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
    },
};

// --- The private key elsewhere ----------------------------------------------------------------

namespace {

ssl_private_key_result_t GiveSignature(OffloadedSignature& signature, uint8_t* out,
                                       size_t* out_size, size_t room) {
  if (signature.state != OffloadedSignature::kMade) return ssl_private_key_retry;
  signature.state = OffloadedSignature::kNone;
  if (signature.output.empty() || signature.output.size() > room) return ssl_private_key_failure;
  *out_size = signature.output.copy(reinterpret_cast<char*>(out), room);
  return ssl_private_key_success;
}

}  // namespace

const SSL_PRIVATE_KEY_METHOD TLSServerContext::kOffloadedKey = {
    [](SSL* ssl, uint8_t*, size_t*, size_t, uint16_t algorithm, const uint8_t* in, size_t size) {
      OffloadedSignature& signature = HandshakeOf(ssl).signature;
      signature.algorithm = algorithm;
      signature.input.assign(reinterpret_cast<const char*>(in), size);
      signature.state = OffloadedSignature::kWanted;
      return ssl_private_key_retry;
    },
    // RSA key exchange, which is not offered.
    [](SSL*, uint8_t*, size_t*, size_t, const uint8_t*, size_t) { return ssl_private_key_failure; },
    [](SSL* ssl, uint8_t* out, size_t* out_size, size_t room) {
      return GiveSignature(HandshakeOf(ssl).signature, out, out_size, room);
    },
};

std::string SignWith(EVP_PKEY& key, uint16_t algorithm, std::string_view input) {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* parameters = nullptr;
  std::string signature(EVP_PKEY_size(&key), '\0');
  size_t size = signature.size();
  const bool made =
      EVP_DigestSignInit(context.get(), &parameters, SSL_get_signature_algorithm_digest(algorithm),
                         nullptr, &key) == 1 &&
      (SSL_is_signature_algorithm_rsa_pss(algorithm) == 0 ||
       (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, -1) == 1)) &&
      EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                     reinterpret_cast<const uint8_t*>(input.data()), input.size()) == 1;
  ERR_clear_error();
  signature.resize(made ? size : 0);
  return signature;
}

}  // namespace internal
}  // namespace fasthttp
