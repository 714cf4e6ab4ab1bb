#include "fasthttp/tls_ocsp.h"

#include <openssl/asn1.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <string>

#include "fasthttp/tls_certificate.h"

namespace fasthttp::internal {
namespace {

constexpr unsigned kTag0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
constexpr unsigned kTag1 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1;
// A clock may be a little wrong.
constexpr absl::Duration kSkew = absl::Minutes(5);

// The parts of a BasicOCSPResponse.
struct Basic {
  CBS signed_bytes;  // As they were signed.
  CBS responses;
  CBS algorithm;
  CBS signature;
  CBS certificates;
  bool has_certificates = false;
};

bool ParseBasic(CBS in, Basic& into) {
  // id-pkix-ocsp-basic.
  static constexpr uint8_t kSuccessful[] = {0};
  static constexpr uint8_t kBasicOid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
  CBS response, status, wrapped, bytes, type, octets, basic, data, version, responder, produced;
  int more = 0;
  return CBS_get_asn1(&in, &response, CBS_ASN1_SEQUENCE) && CBS_len(&in) == 0 &&
         CBS_get_asn1(&response, &status, CBS_ASN1_ENUMERATED) &&
         CBS_mem_equal(&status, kSuccessful, 1) && CBS_get_asn1(&response, &wrapped, kTag0) &&
         CBS_get_asn1(&wrapped, &bytes, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1(&bytes, &type, CBS_ASN1_OBJECT) &&
         CBS_mem_equal(&type, kBasicOid, sizeof kBasicOid) &&
         CBS_get_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING) &&
         CBS_get_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1_element(&basic, &into.signed_bytes, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1(&basic, &into.algorithm, CBS_ASN1_SEQUENCE) &&
         CBS_get_asn1(&basic, &into.signature, CBS_ASN1_BITSTRING) &&
         CBS_skip(&into.signature, 1) &&  // Unused bits.
         CBS_get_optional_asn1(&basic, &into.certificates, &more, kTag0) &&
         (into.has_certificates = more != 0, data = into.signed_bytes, true) &&
         CBS_get_asn1(&data, &data, CBS_ASN1_SEQUENCE) &&
         CBS_get_optional_asn1(&data, &version, nullptr, kTag0) &&
         CBS_get_any_asn1(&data, &responder, nullptr) &&
         CBS_get_asn1(&data, &produced, CBS_ASN1_GENERALIZEDTIME) &&
         CBS_get_asn1(&data, &into.responses, CBS_ASN1_SEQUENCE);
}

// Null: an algorithm that is too old or too new.
const EVP_MD* DigestOfSignature(CBS algorithm) {
  CBS oid;
  if (!CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT)) return nullptr;
  switch (OBJ_cbs2nid(&oid)) {
    case NID_sha256WithRSAEncryption:
    case NID_ecdsa_with_SHA256:
      return EVP_sha256();
    case NID_sha384WithRSAEncryption:
    case NID_ecdsa_with_SHA384:
      return EVP_sha384();
    case NID_sha512WithRSAEncryption:
    case NID_ecdsa_with_SHA512:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

bool IsSignedBy(const Basic& basic, const EVP_MD* digest, X509& signer) {
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(&signer));
  bssl::ScopedEVP_MD_CTX context;
  return key != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), CBS_data(&basic.signature), CBS_len(&basic.signature),
                          CBS_data(&basic.signed_bytes), CBS_len(&basic.signed_bytes)) == 1;
}

// RFC 6960, section 4.2.2.2: issued by the authority itself, for this.
bool IsResponderOf(X509& issuer, X509& responder, absl::Time now) {
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(&issuer));
  if (key == nullptr || X509_verify(&responder, key.get()) != 1) return false;
  if (TimeOf(X509_get0_notBefore(&responder)) > now + kSkew) return false;
  if (TimeOf(X509_get0_notAfter(&responder)) < now) return false;
  bssl::UniquePtr<EXTENDED_KEY_USAGE> uses(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(&responder, NID_ext_key_usage, nullptr, nullptr)));
  for (size_t i = 0; uses != nullptr && i < sk_ASN1_OBJECT_num(uses.get()); ++i) {
    if (OBJ_obj2nid(sk_ASN1_OBJECT_value(uses.get(), i)) == NID_OCSP_sign) return true;
  }
  return false;
}

bool IsAuthentic(const Basic& basic, const EVP_MD* digest, X509& issuer, absl::Time now) {
  if (IsSignedBy(basic, digest, issuer)) return true;
  CBS wrapped = basic.certificates, list, one;
  if (!basic.has_certificates || !CBS_get_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE)) return false;
  while (CBS_get_asn1_element(&list, &one, CBS_ASN1_SEQUENCE)) {
    const uint8_t* bytes = CBS_data(&one);
    bssl::UniquePtr<X509> responder(d2i_X509(nullptr, &bytes, static_cast<long>(CBS_len(&one))));
    if (responder != nullptr && IsSignedBy(basic, digest, *responder)) {
      return IsResponderOf(issuer, *responder, now);
    }
  }
  return false;
}

bool EqualsDigest(CBS hash, const EVP_MD* digest, const uint8_t* bytes, size_t size) {
  uint8_t computed[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  return EVP_Digest(bytes, size, computed, &length, digest, nullptr) == 1 &&
         CBS_mem_equal(&hash, computed, length);
}

bool IsAbout(CBS id, X509& leaf, X509& issuer) {
  CBS algorithm, oid, name_hash, key_hash, serial;
  if (!CBS_get_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) ||
      !CBS_get_asn1(&id, &name_hash, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1(&id, &key_hash, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1_element(&id, &serial, CBS_ASN1_INTEGER)) {
    return false;
  }
  const EVP_MD* digest = EVP_get_digestbynid(OBJ_cbs2nid(&oid));
  if (digest == nullptr) return false;
  uint8_t* name = nullptr;
  const int name_size = i2d_X509_NAME(X509_get_subject_name(&issuer), &name);
  bssl::UniquePtr<uint8_t> free_name(name);
  uint8_t* number = nullptr;
  const int number_size = i2d_ASN1_INTEGER(X509_get_serialNumber(&leaf), &number);
  bssl::UniquePtr<uint8_t> free_number(number);
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(&issuer);
  return name_size > 0 && number_size > 0 && key != nullptr &&
         CBS_mem_equal(&serial, number, static_cast<size_t>(number_size)) &&
         EqualsDigest(name_hash, digest, name, static_cast<size_t>(name_size)) &&
         EqualsDigest(key_hash, digest, ASN1_STRING_get0_data(key),
                      static_cast<size_t>(ASN1_STRING_length(key)));
}

bool ReadTime(CBS& in, absl::Time& into) {
  CBS text;
  if (!CBS_get_asn1(&in, &text, CBS_ASN1_GENERALIZEDTIME)) return false;
  const std::string zero_ended(reinterpret_cast<const char*>(CBS_data(&text)), CBS_len(&text));
  bssl::UniquePtr<ASN1_TIME> time(ASN1_TIME_new());
  if (time == nullptr || ASN1_TIME_set_string(time.get(), zero_ended.c_str()) != 1) return false;
  into = TimeOf(time.get());
  return true;
}

// Of one SingleResponse that is about our certificate.
OcspVerdict Judge(CBS rest, absl::Time now) {
  CBS status, next;
  unsigned tag = 0;
  int has_next = 0;
  absl::Time from, until;
  if (!CBS_get_any_asn1(&rest, &status, &tag) || !ReadTime(rest, from) ||
      !CBS_get_optional_asn1(&rest, &next, &has_next, kTag0) ||
      (has_next != 0 && !ReadTime(next, until))) {
    return OcspVerdict::kMalformed;
  }
  // Revoked once is revoked for ever.
  if (tag == kTag1) return OcspVerdict::kRevoked;
  if (from > now + kSkew || (has_next != 0 && until < now - kSkew)) return OcspVerdict::kNothing;
  return (tag & CBS_ASN1_TAG_NUMBER_MASK) == 0 ? OcspVerdict::kGood : OcspVerdict::kNothing;
}

}  // namespace

OcspVerdict CheckOcspResponse(std::string_view response, X509& leaf, X509& issuer, absl::Time now) {
  CBS in;
  CBS_init(&in, reinterpret_cast<const uint8_t*>(response.data()), response.size());
  Basic basic;
  OcspVerdict verdict = OcspVerdict::kMalformed;
  if (ParseBasic(in, basic)) {
    const EVP_MD* digest = DigestOfSignature(basic.algorithm);
    if (digest == nullptr) return OcspVerdict::kNothing;
    if (IsAuthentic(basic, digest, issuer, now)) {
      verdict = OcspVerdict::kNothing;
      CBS one, id;
      while (CBS_get_asn1(&basic.responses, &one, CBS_ASN1_SEQUENCE)) {
        if (!CBS_get_asn1(&one, &id, CBS_ASN1_SEQUENCE) || !IsAbout(id, leaf, issuer)) continue;
        verdict = Judge(one, now);
        break;
      }
    }
  }
  ERR_clear_error();
  return verdict;
}

}  // namespace fasthttp::internal
