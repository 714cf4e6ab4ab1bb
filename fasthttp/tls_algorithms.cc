#include "fasthttp/tls_algorithms.h"

#include <openssl/err.h>
#include <openssl/pool.h>

#include <iterator>

#include "fasthttp/base/check.h"

namespace fasthttp::internal {
namespace {

// Those in brackets are equal: the client's order decides, since it knows if it has AES in
// hardware.
constexpr char kCiphers[] =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

constexpr uint16_t kSignatures[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ED25519,
    SSL_SIGN_RSA_PSS_RSAE_SHA256,    SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384,
    SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_RSA_PKCS1_SHA512,
};

// One copy of each certificate that peers show, however many connections have it.
CRYPTO_BUFFER_POOL* CertificatePool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  return pool;
}

}  // namespace

bssl::UniquePtr<SSL_CTX> MakeSSLContext(TLSVersion min, TLSVersion max) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_with_buffers_method()));
  FASTHTTP_CHECK(context != nullptr, "out of memory for a TLS context");
  SSL_CTX* const made = context.get();
  SSL_CTX_set0_buffer_pool(made, CertificatePool());
  const bool algorithms =
      SSL_CTX_set_strict_cipher_list(made, kCiphers) == 1 &&
      SSL_CTX_set_signing_algorithm_prefs(made, kSignatures, std::size(kSignatures)) == 1 &&
      SSL_CTX_set_verify_algorithm_prefs(made, kSignatures, std::size(kSignatures)) == 1;
  FASTHTTP_CHECK(algorithms, "BoringSSL does not know the algorithms");
  SSL_CTX_set_options(made, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  const bool versions = min >= TLSVersion::kTLS12 && max >= min &&
                        SSL_CTX_set_min_proto_version(made, static_cast<uint16_t>(min)) == 1 &&
                        SSL_CTX_set_max_proto_version(made, static_cast<uint16_t>(max)) == 1;
  ERR_clear_error();
  return versions ? std::move(context) : nullptr;
}

}  // namespace fasthttp::internal
