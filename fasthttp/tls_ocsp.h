// What a stapled OCSP response says of a certificate (RFC 6960, RFC 6066 section 8).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TLS_OCSP_H_
#define FASTHTTP_TLS_OCSP_H_

#include <openssl/base.h>
#include <openssl/x509.h>

#include <string_view>

#include "absl/time/time.h"

namespace fasthttp::internal {

enum class OcspVerdict {
  kGood,
  kRevoked,
  kNothing,    // It is out of date, about another certificate, or signed in a way not known here.
  kMalformed,  // It can't be parsed, or the signature is not that of the certificate's authority.
};

// `response` in DER, about `leaf`, which `issuer` has signed. It is signed by the issuer itself or
// by a responder whose certificate it has issued for that.
OcspVerdict CheckOcspResponse(std::string_view response, X509& leaf, X509& issuer, absl::Time now);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_OCSP_H_
