// What both sides of TLS agree to use: versions, ciphers, signatures.
//
// With TLS 1.2 only ECDHE with an AEAD; BoringSSL's ciphers of TLS 1.3 are all of that kind. No
// signature with SHA-1, not even for the least of clients.
#ifndef FASTHTTP_TLS_ALGORITHMS_H_
#define FASTHTTP_TLS_ALGORITHMS_H_

#include <openssl/ssl.h>

#include "fasthttp/tls_state.h"

namespace fasthttp::internal {

// A context for one side of connections, with these versions. Null if the versions are none.
bssl::UniquePtr<SSL_CTX> MakeSSLContext(TLSVersion min, TLSVersion max);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_ALGORITHMS_H_
