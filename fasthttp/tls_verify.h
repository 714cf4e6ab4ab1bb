// Verifies certificate chains: against roots, for a purpose and a host (RFC 5280, RFC 9525).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TLS_VERIFY_H_
#define FASTHTTP_TLS_VERIFY_H_

#include <openssl/base.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace fasthttp::internal {

enum class CertificateUse { kServer, kClient };

// True if `chain`, the leaf first, leads to one of `roots`, is valid now and for that use, and for
// `host`: a DNS name or an IP address, which must stand in the subjectAltName; {} for any. Keys and
// signatures that are too weak (RSA below 2048 bits, MD5, SHA-1) are not trusted either, nor is
// what a stapled OCSP response, if there is one, says is revoked. Then `good_until` is when the
// first certificate on the way to the root expires. If not, `alert` is the one to send and
// `problem` says why.
bool VerifyChain(const STACK_OF(CRYPTO_BUFFER) * chain, X509_STORE& roots, CertificateUse use,
                 std::string_view host, std::string_view staple, absl::Time* good_until,
                 uint8_t* alert, std::string* problem);

// The certificates of `pem` as roots; `where` stands in the status of an error.
absl::StatusOr<bssl::UniquePtr<X509_STORE>> RootsOfPEM(std::string_view pem,
                                                       std::string_view where);

// The system's: see ClientTLSSettings. Read at the first call, which blocks; never null. What can't
// be read or parsed is left out.
X509_STORE& SystemRoots();

// "10.0.0.1", "::1": no name.
bool IsIpAddress(std::string_view host);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_VERIFY_H_
