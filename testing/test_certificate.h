// Certificates for tests, made in memory.
//
//   fasthttptest::TestCertificate cert = fasthttptest::GenerateTestCertificate("localhost");
//   tls.AppendCertPEM(cert.cert_pem, cert.key_pem);
//   ... a client with root_ca_pem = cert.cert_pem trusts it.
//
// Beyond the plain case: authorities, leaves of them, other keys, names, addresses and times, and
// all that makes a certificate bad. Keys are new each time: an RSA one takes some 100 ms to make,
// so take an ECDSA one unless RSA is what the test is about.
//
// When not to use it: for anything that is not a test.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TESTING_TEST_CERTIFICATE_H_
#define FASTHTTP_TESTING_TEST_CERTIFICATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace fasthttptest {

// A certificate and its private key, PEM.
struct TestCertificate {
  std::string cert_pem;
  std::string key_pem;
};

enum class TestKey { kRsa2048, kRsa1024, kRsa4096, kEcdsaP256, kEcdsaP384, kEd25519 };

struct TestCertificateOptions {
  // DNS names and IP addresses of the subjectAltName; none: the extension is left out.
  std::vector<std::string> hosts = {};
  // {}: the first host.
  std::string common_name = {};
  TestKey key = TestKey::kEcdsaP256;
  absl::Time not_before = absl::Now() - absl::Hours(1);
  absl::Time not_after = absl::Now() + absl::Hours(24 * 365);
  bool is_ca = false;
  // Of the extended key usage; both: for anything.
  bool for_servers = true;
  bool for_clients = true;
  // For the signing of OCSP responses, and nothing else.
  bool for_ocsp = false;
  bool sign_with_sha1 = false;
  // Null: signed by itself.
  const TestCertificate* issuer = nullptr;
};

TestCertificate GenerateTestCertificate(const TestCertificateOptions& options);

// As the original's: self-signed, RSA-2048, an authority of its own, for a year.
TestCertificate GenerateTestCertificate(std::string_view host);

enum class TestOcspStatus { kGood, kRevoked, kUnknown };

// An OCSP response (RFC 6960), in DER, of `issuer` about `certificate`; or in its name of
// `responder`, whose certificate it holds then.
std::string GenerateTestOcspResponse(const TestCertificate& certificate,
                                     const TestCertificate& issuer, TestOcspStatus status,
                                     absl::Time this_update = absl::Now() - absl::Hours(1),
                                     absl::Time next_update = absl::Now() + absl::Hours(24),
                                     const TestCertificate* responder = nullptr);

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_TEST_CERTIFICATE_H_
