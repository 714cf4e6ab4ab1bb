#include "testing/test_certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fasthttp/base/check.h"

namespace fasthttptest {
namespace {

void Must(bool ok) { FASTHTTP_CHECK(ok, "a test certificate could not be made"); }

bssl::UniquePtr<EVP_PKEY> MakeRsa(int bits) {
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> e(BN_new());
  Must(BN_set_word(e.get(), RSA_F4) == 1 &&
       RSA_generate_key_ex(rsa.get(), bits, e.get(), nullptr) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  Must(EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> MakeEc(int curve) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
  Must(EC_KEY_generate_key(ec.get()) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  Must(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> MakeKey(TestKey kind) {
  switch (kind) {
    case TestKey::kRsa2048:
      return MakeRsa(2048);
    case TestKey::kRsa1024:
      return MakeRsa(1024);
    case TestKey::kEcdsaP384:
      return MakeEc(NID_secp384r1);
    case TestKey::kEd25519: {
      uint8_t seed[32];
      RAND_bytes(seed, sizeof seed);
      return bssl::UniquePtr<EVP_PKEY>(
          EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof seed));
    }
    default:
      return MakeEc(NID_X9_62_prime256v1);
  }
}

std::string TextOf(BIO* bio) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  Must(BIO_mem_contents(bio, &bytes, &size) == 1);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

bssl::UniquePtr<BIO> Memory(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bssl::UniquePtr<X509> ReadCertificate(const std::string& pem) {
  bssl::UniquePtr<X509> read(PEM_read_bio_X509(Memory(pem).get(), nullptr, nullptr, nullptr));
  Must(read != nullptr);
  return read;
}

bssl::UniquePtr<EVP_PKEY> ReadKey(const std::string& pem) {
  bssl::UniquePtr<EVP_PKEY> read(
      PEM_read_bio_PrivateKey(Memory(pem).get(), nullptr, nullptr, nullptr));
  Must(read != nullptr);
  return read;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string AlternativeNames(const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const std::string& host : hosts) {
    in6_addr address;
    const bool is_ip = ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
                       ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
    names.push_back(absl::StrCat(is_ip ? "IP:" : "DNS:", host));
  }
  return absl::StrJoin(names, ",");
}

void SetUsage(X509* certificate, const TestCertificateOptions& options) {
  AddExtension(certificate, NID_basic_constraints,
               options.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  AddExtension(certificate, NID_key_usage,
               options.is_ca ? "critical,digitalSignature,keyCertSign,cRLSign"
                             : "critical,digitalSignature,keyEncipherment");
  if (options.for_servers != options.for_clients) {
    AddExtension(certificate, NID_ext_key_usage, options.for_servers ? "serverAuth" : "clientAuth");
  }
  if (!options.hosts.empty()) {
    AddExtension(certificate, NID_subject_alt_name, AlternativeNames(options.hosts));
  }
}

}  // namespace

TestCertificate GenerateTestCertificate(const TestCertificateOptions& options) {
  bssl::UniquePtr<EVP_PKEY> key = MakeKey(options.key);
  bssl::UniquePtr<X509> made(X509_new());
  X509* const certificate = made.get();
  uint64_t serial;
  RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof serial);
  Must(X509_set_version(certificate, X509_VERSION_3) == 1 &&
       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
       ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(options.not_before)) &&
       ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(options.not_after)) &&
       X509_set_pubkey(certificate, key.get()) == 1);
  std::string name = options.common_name;
  if (name.empty() && !options.hosts.empty()) name = options.hosts[0];
  if (name.empty()) name = "fasthttp test";
  Must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const uint8_t*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0) == 1);
  bssl::UniquePtr<EVP_PKEY> signer = bssl::UpRef(key);
  X509_NAME* issuer_name = X509_get_subject_name(certificate);
  bssl::UniquePtr<X509> issuer;
  if (options.issuer != nullptr) {
    issuer = ReadCertificate(options.issuer->cert_pem);
    signer = ReadKey(options.issuer->key_pem);
    issuer_name = X509_get_subject_name(issuer.get());
  }
  Must(X509_set_issuer_name(certificate, issuer_name) == 1);
  SetUsage(certificate, options);
  const EVP_MD* digest = EVP_PKEY_id(signer.get()) == EVP_PKEY_ED25519 ? nullptr
                         : options.sign_with_sha1                      ? EVP_sha1()
                                                                       : EVP_sha256();
  Must(X509_sign(certificate, signer.get(), digest) > 0);

  bssl::UniquePtr<BIO> cert_out(BIO_new(BIO_s_mem())), key_out(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509(cert_out.get(), certificate) == 1 &&
       PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1);
  return {TextOf(cert_out.get()), TextOf(key_out.get())};
}

TestCertificate GenerateTestCertificate(std::string_view host) {
  return GenerateTestCertificate(
      {.hosts = {std::string(host)}, .key = TestKey::kRsa2048, .is_ca = true});
}

}  // namespace fasthttptest
