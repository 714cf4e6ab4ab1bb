// TLSKeyPair: a certificate chain and its key as BoringSSL takes them, and how PEM is read.
//
// Thread class: immutable once made.
#ifndef FASTHTTP_TLS_CERTIFICATE_H_
#define FASTHTTP_TLS_CERTIFICATE_H_

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace fasthttp::internal {

struct TLSKeyPair {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;  // The leaf first.
  std::vector<CRYPTO_BUFFER*> chain_pointers;         // The same.
  bssl::UniquePtr<EVP_PKEY> key;
  std::string ocsp_response;
  std::string cert_file, key_file;  // Where it was read from; or empty.
};

// The certificates in `pem`, in order; other blocks are passed over. kBadCertificate if there is
// none, with `where` in the status.
absl::StatusOr<std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>> CertificatesOfPEM(
    std::string_view pem, std::string_view where);

// Parses `cert_pem` and `key_pem` and sees that they belong together. `cert_where` and `key_where`
// stand in the status.
absl::Status ReadKeyPair(std::string_view cert_pem, std::string_view key_pem,
                         std::string_view cert_where, std::string_view key_where, TLSKeyPair& into);

absl::StatusOr<std::string> ReadFile(const std::string& path);

// The DNS names of the leaf, in lower case; without a subjectAltName its common name.
std::vector<std::string> NamesOf(X509& leaf);
absl::Time TimeOf(const ASN1_TIME* time);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_CERTIFICATE_H_
