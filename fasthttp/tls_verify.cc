#include "fasthttp/tls_verify.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fasthttp/error.h"
#include "fasthttp/tls_certificate.h"
#include "fasthttp/tls_ocsp.h"

namespace fasthttp::internal {
namespace {

constexpr int kMaxDepth = 10;
constexpr unsigned kMinRsaBits = 2048;

// Where systems keep their roots, the most common first.
constexpr const char* kRootFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch, Gentoo.
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL.
    "/etc/ssl/ca-bundle.pem",              // openSUSE.
    "/etc/ssl/cert.pem",                   // Alpine.
};

bool IsWeak(int signature) {
  switch (signature) {
    case NID_md5WithRSAEncryption:
    case NID_md5WithRSA:
    case NID_sha1WithRSAEncryption:
    case NID_sha1WithRSA:
    case NID_ecdsa_with_SHA1:
    case NID_dsaWithSHA1:
      return true;
    default:
      return false;
  }
}

// A root is trusted for what it is, whoever signed it.
const char* WeaknessOf(const STACK_OF(X509) * chain) {
  for (size_t i = 0; i < sk_X509_num(chain); ++i) {
    const X509* one = sk_X509_value(chain, i);
    const bool is_root = i != 0 && i + 1 == sk_X509_num(chain);
    if (!is_root && IsWeak(X509_get_signature_nid(one))) return "signed with SHA-1 or MD5";
    bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(const_cast<X509*>(one)));
    if (key == nullptr) return "a public key of an unknown kind";
    if (EVP_PKEY_id(key.get()) != EVP_PKEY_RSA) continue;
    if (RSA_bits(EVP_PKEY_get0_RSA(key.get())) < kMinRsaBits) return "an RSA key below 2048 bits";
  }
  return nullptr;
}

// RFC 9525, section 6: the common name is never looked at.
bool SetHost(X509_VERIFY_PARAM* param, std::string_view host) {
  if (host.empty()) return true;
  if (IsIpAddress(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(param, std::string(host).c_str()) == 1;
  }
  if (host.back() == '.') host.remove_suffix(1);
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) == 1;
}

// A staple is a server's own offer: without one nothing is known, and nothing is asked elsewhere.
bool MayBeUsed(std::string_view staple, const STACK_OF(X509) * chain, uint8_t* alert,
               std::string* problem) {
  X509* leaf = sk_X509_value(chain, 0);
  X509* issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
  switch (CheckOcspResponse(staple, *leaf, *issuer, absl::Now())) {
    case OcspVerdict::kRevoked:
      *alert = SSL_AD_CERTIFICATE_REVOKED;
      *problem = "revoked, says the OCSP response that it came with";
      return false;
    case OcspVerdict::kMalformed:
      *alert = SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE;
      *problem = "the OCSP response that it came with is malformed or not its authority's";
      return false;
    default:
      return true;
  }
}

void AddRoots(X509_STORE& roots, std::string_view pem, std::string_view where) {
  auto certificates = CertificatesOfPEM(pem, where);
  if (!certificates.ok()) return;
  for (const bssl::UniquePtr<CRYPTO_BUFFER>& one : *certificates) {
    bssl::UniquePtr<X509> parsed(X509_parse_from_buffer(one.get()));
    if (parsed != nullptr) X509_STORE_add_cert(&roots, parsed.get());
  }
  ERR_clear_error();
}

bool AddRootFile(X509_STORE& roots, const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (!pem.ok()) return false;
  AddRoots(roots, *pem, path);
  return true;
}

void AddRootDirectories(X509_STORE& roots, std::string_view paths) {
  while (!paths.empty()) {
    const std::string path(paths.substr(0, paths.find(':')));
    paths.remove_prefix(std::min(paths.size(), path.size() + 1));
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) continue;
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_name[0] != '.') AddRootFile(roots, absl::StrCat(path, "/", entry->d_name));
    }
    ::closedir(directory);
  }
}

X509_STORE* ReadSystemRoots() {
  X509_STORE* roots = X509_STORE_new();
  const char* file = std::getenv("SSL_CERT_FILE");
  const char* directory = std::getenv("SSL_CERT_DIR");
  if (file != nullptr) AddRootFile(*roots, file);
  if (directory != nullptr) AddRootDirectories(*roots, directory);
  if (file != nullptr || directory != nullptr) return roots;
  for (const char* path : kRootFiles) {
    if (AddRootFile(*roots, path)) break;
  }
  return roots;
}

}  // namespace

bool IsIpAddress(std::string_view host) {
  in6_addr address;
  const std::string text(host);
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool VerifyChain(const STACK_OF(CRYPTO_BUFFER) * chain, X509_STORE& roots, CertificateUse use,
                 std::string_view host, std::string_view staple, absl::Time* good_until,
                 uint8_t* alert, std::string* problem) {
  *alert = SSL_AD_BAD_CERTIFICATE;
  bssl::UniquePtr<STACK_OF(X509)> parsed(sk_X509_new_null());
  for (size_t i = 0; i < (chain == nullptr ? 0 : sk_CRYPTO_BUFFER_num(chain)); ++i) {
    bssl::UniquePtr<X509> one(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, i)));
    if (one == nullptr || !bssl::PushToStack(parsed.get(), std::move(one))) {
      *problem = "malformed certificate";
      ERR_clear_error();
      return false;
    }
  }
  if (sk_X509_num(parsed.get()) == 0) {
    *problem = "no certificate";
    return false;
  }
  bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509* leaf = sk_X509_value(parsed.get(), 0);
  *alert = SSL_AD_INTERNAL_ERROR;
  *problem = "out of memory";
  if (context == nullptr || X509_STORE_CTX_init(context.get(), &roots, leaf, parsed.get()) != 1 ||
      X509_STORE_CTX_set_default(
          context.get(), use == CertificateUse::kServer ? "ssl_server" : "ssl_client") != 1) {
    return false;
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(param, kMaxDepth);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_TRUSTED_FIRST);
  if (!SetHost(param, host)) {
    *problem = "the host is no name that a certificate could be for";
    return false;
  }
  const int verified = X509_verify_cert(context.get());
  ERR_clear_error();
  if (verified != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    *alert = static_cast<uint8_t>(SSL_alert_from_verify_result(error));
    *problem = X509_verify_cert_error_string(error);
    return false;
  }
  const STACK_OF(X509)* verified_chain = X509_STORE_CTX_get0_chain(context.get());
  *alert = SSL_AD_BAD_CERTIFICATE;
  if (const char* weakness = WeaknessOf(verified_chain)) {
    *problem = weakness;
    return false;
  }
  problem->clear();
  *good_until = absl::InfiniteFuture();
  for (size_t i = 0; i < sk_X509_num(verified_chain); ++i) {
    const X509* one = sk_X509_value(verified_chain, i);
    *good_until = std::min(*good_until, TimeOf(X509_get0_notAfter(one)));
  }
  return staple.empty() || MayBeUsed(staple, verified_chain, alert, problem);
}

absl::StatusOr<bssl::UniquePtr<X509_STORE>> RootsOfPEM(std::string_view pem,
                                                       std::string_view where) {
  auto certificates = CertificatesOfPEM(pem, where);
  if (!certificates.ok()) return certificates.status();
  bssl::UniquePtr<X509_STORE> roots(X509_STORE_new());
  for (const bssl::UniquePtr<CRYPTO_BUFFER>& one : *certificates) {
    bssl::UniquePtr<X509> parsed(X509_parse_from_buffer(one.get()));
    if (parsed == nullptr || X509_STORE_add_cert(roots.get(), parsed.get()) != 1) {
      ERR_clear_error();
      return ToStatus(Errc::kBadCertificate,
                      absl::StrCat(std::string(where), ": malformed certificate"));
    }
  }
  return roots;
}

X509_STORE& SystemRoots() {
  static X509_STORE* const roots = ReadSystemRoots();
  return *roots;
}

}  // namespace fasthttp::internal
