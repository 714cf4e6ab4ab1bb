#include "testing/test_certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
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
    case TestKey::kRsa4096:
      return MakeRsa(4096);
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
  if (options.for_ocsp) {
    AddExtension(certificate, NID_ext_key_usage, "OCSPSigning");
  } else if (options.for_servers != options.for_clients) {
    AddExtension(certificate, NID_ext_key_usage, options.for_servers ? "serverAuth" : "clientAuth");
  }
  if (!options.hosts.empty()) {
    AddExtension(certificate, NID_subject_alt_name, AlternativeNames(options.hosts));
  }
}

// "20260102030405Z".
void AddTime(CBB* to, absl::Time time) {
  const std::string text = absl::FormatTime("%Y%m%d%H%M%SZ", time, absl::UTCTimeZone());
  CBB field;
  Must(CBB_add_asn1(to, &field, CBS_ASN1_GENERALIZEDTIME) == 1 &&
       CBB_add_bytes(&field, reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 1 &&
       CBB_flush(to) == 1);
}

void AddOctets(CBB* to, const uint8_t* bytes, size_t size) {
  CBB field;
  Must(CBB_add_asn1(to, &field, CBS_ASN1_OCTETSTRING) == 1 &&
       CBB_add_bytes(&field, bytes, size) == 1 && CBB_flush(to) == 1);
}

void AddSha1(CBB* to, const uint8_t* bytes, size_t size) {
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA1(bytes, size, digest);
  AddOctets(to, digest, sizeof digest);
}

void AddAlgorithm(CBB* to, int nid) {
  CBB algorithm;
  Must(CBB_add_asn1(to, &algorithm, CBS_ASN1_SEQUENCE) == 1 && OBJ_nid2cbb(&algorithm, nid) == 1 &&
       CBB_flush(to) == 1);
}

// The CertID of RFC 6960, section 4.1.1.
void AddCertId(CBB* to, X509* certificate, X509* issuer) {
  CBB id;
  Must(CBB_add_asn1(to, &id, CBS_ASN1_SEQUENCE) == 1);
  AddAlgorithm(&id, NID_sha1);
  uint8_t* name = nullptr;
  const int name_size = i2d_X509_NAME(X509_get_subject_name(issuer), &name);
  AddSha1(&id, name, static_cast<size_t>(name_size));
  OPENSSL_free(name);
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(issuer);
  AddSha1(&id, ASN1_STRING_get0_data(key), static_cast<size_t>(ASN1_STRING_length(key)));
  uint8_t* serial = nullptr;
  const int serial_size = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);
  Must(CBB_add_bytes(&id, serial, static_cast<size_t>(serial_size)) == 1 && CBB_flush(to) == 1);
  OPENSSL_free(serial);
}

// The ResponseData of section 4.2.1.
std::string ResponseData(X509* certificate, X509* issuer, X509* signer, TestOcspStatus status,
                         absl::Time this_update, absl::Time next_update) {
  constexpr unsigned kContext = CBS_ASN1_CONTEXT_SPECIFIC;
  constexpr unsigned kExplicit = kContext | CBS_ASN1_CONSTRUCTED;
  bssl::ScopedCBB cbb;
  CBB data, responder, responses, single, field;
  Must(CBB_init(cbb.get(), 256) == 1 && CBB_add_asn1(cbb.get(), &data, CBS_ASN1_SEQUENCE) == 1 &&
       CBB_add_asn1(&data, &responder, kExplicit | 2) == 1);
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(signer);
  AddSha1(&responder, ASN1_STRING_get0_data(key), static_cast<size_t>(ASN1_STRING_length(key)));
  Must(CBB_flush(&data) == 1);
  AddTime(&data, this_update);
  Must(CBB_add_asn1(&data, &responses, CBS_ASN1_SEQUENCE) == 1 &&
       CBB_add_asn1(&responses, &single, CBS_ASN1_SEQUENCE) == 1);
  AddCertId(&single, certificate, issuer);
  if (status == TestOcspStatus::kRevoked) {
    Must(CBB_add_asn1(&single, &field, kExplicit | 1) == 1);
    AddTime(&field, this_update);
  } else {
    Must(CBB_add_asn1(&single, &field, kContext | (status == TestOcspStatus::kGood ? 0u : 2u)) ==
         1);
  }
  Must(CBB_flush(&single) == 1);
  AddTime(&single, this_update);
  Must(CBB_add_asn1(&single, &field, kExplicit | 0) == 1);
  AddTime(&field, next_update);
  uint8_t* bytes = nullptr;
  size_t size = 0;
  Must(CBB_finish(cbb.get(), &bytes, &size) == 1);
  std::string made(reinterpret_cast<const char*>(bytes), size);
  OPENSSL_free(bytes);
  return made;
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

std::string GenerateTestOcspResponse(const TestCertificate& certificate,
                                     const TestCertificate& issuer, TestOcspStatus status,
                                     absl::Time this_update, absl::Time next_update,
                                     const TestCertificate* responder) {
  const TestCertificate& signs = responder == nullptr ? issuer : *responder;
  bssl::UniquePtr<X509> leaf = ReadCertificate(certificate.cert_pem);
  bssl::UniquePtr<X509> authority = ReadCertificate(issuer.cert_pem);
  bssl::UniquePtr<X509> signer = ReadCertificate(signs.cert_pem);
  bssl::UniquePtr<EVP_PKEY> key = ReadKey(signs.key_pem);
  const std::string data =
      ResponseData(leaf.get(), authority.get(), signer.get(), status, this_update, next_update);
  const auto* data_bytes = reinterpret_cast<const uint8_t*>(data.data());
  bssl::ScopedEVP_MD_CTX context;
  std::string signature(EVP_PKEY_size(key.get()), '\0');
  size_t signature_size = signature.size();
  Must(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
       EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &signature_size,
                      data_bytes, data.size()) == 1);

  constexpr unsigned kExplicit = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;
  static constexpr uint8_t kBasicOid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
  bssl::ScopedCBB cbb;
  CBB response, field, bytes, octets, basic, bits;
  Must(CBB_init(cbb.get(), 512) == 1 &&
       CBB_add_asn1(cbb.get(), &response, CBS_ASN1_SEQUENCE) == 1 &&
       CBB_add_asn1(&response, &field, CBS_ASN1_ENUMERATED) == 1 && CBB_add_u8(&field, 0) == 1 &&
       CBB_add_asn1(&response, &field, kExplicit | 0) == 1 &&
       CBB_add_asn1(&field, &bytes, CBS_ASN1_SEQUENCE) == 1 &&
       CBB_add_asn1(&bytes, &octets, CBS_ASN1_OBJECT) == 1 &&
       CBB_add_bytes(&octets, kBasicOid, sizeof kBasicOid) == 1 &&
       CBB_add_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING) == 1 &&
       CBB_add_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) == 1 &&
       CBB_add_bytes(&basic, data_bytes, data.size()) == 1);
  AddAlgorithm(&basic, EVP_PKEY_id(key.get()) == EVP_PKEY_RSA ? NID_sha256WithRSAEncryption
                                                              : NID_ecdsa_with_SHA256);
  uint8_t* made = nullptr;
  size_t size = 0;
  Must(CBB_add_asn1(&basic, &bits, CBS_ASN1_BITSTRING) == 1 && CBB_add_u8(&bits, 0) == 1 &&
       CBB_add_bytes(&bits, reinterpret_cast<const uint8_t*>(signature.data()), signature_size) ==
           1 &&
       CBB_flush(&basic) == 1);
  if (responder != nullptr) {
    uint8_t* der = nullptr;
    const int der_size = i2d_X509(signer.get(), &der);
    CBB certificates, list;
    Must(der_size > 0 && CBB_add_asn1(&basic, &certificates, kExplicit | 0) == 1 &&
         CBB_add_asn1(&certificates, &list, CBS_ASN1_SEQUENCE) == 1 &&
         CBB_add_bytes(&list, der, static_cast<size_t>(der_size)) == 1 && CBB_flush(&basic) == 1);
    OPENSSL_free(der);
  }
  Must(CBB_finish(cbb.get(), &made, &size) == 1);
  std::string result(reinterpret_cast<const char*>(made), size);
  OPENSSL_free(made);
  return result;
}

}  // namespace fasthttptest
