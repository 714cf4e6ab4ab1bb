#include "fasthttp/tls_certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/error.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_conn.h"

namespace fasthttp {
namespace internal {
namespace {

absl::Status Bad(std::string_view where, std::string_view what) {
  std::string text = absl::StrCat(std::string(where), ": ", std::string(what));
  const std::string reason = TakeSSLError();
  if (!reason.empty()) absl::StrAppend(&text, " (", reason, ")");
  return ToStatus(Errc::kBadCertificate, text);
}

bssl::UniquePtr<BIO> BioOf(std::string_view bytes) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Nobody is asked for the password of an encrypted key.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>> CertificatesOfPEM(
    std::string_view pem, std::string_view where) {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;
  bssl::UniquePtr<BIO> bio = BioOf(pem);
  for (;;) {
    char *name = nullptr, *header = nullptr;
    uint8_t* bytes = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &bytes, &size) != 1) break;
    const bool is_certificate = std::string_view(name) == PEM_STRING_X509;
    if (is_certificate) {
      chain.emplace_back(CRYPTO_BUFFER_new(bytes, static_cast<size_t>(size), nullptr));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
  }
  const uint32_t error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return Bad(where, "malformed PEM");
  }
  ERR_clear_error();
  if (chain.empty()) return Bad(where, "no certificate in it");
  return chain;
}

absl::Status ReadKeyPair(std::string_view cert_pem, std::string_view key_pem,
                         std::string_view cert_where, std::string_view key_where,
                         TLSKeyPair& into) {
  auto chain = CertificatesOfPEM(cert_pem, cert_where);
  if (!chain.ok()) return chain.status();
  bssl::UniquePtr<BIO> bio = BioOf(key_pem);
  into.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (into.key == nullptr) return Bad(key_where, "no private key that can be read");
  for (bssl::UniquePtr<CRYPTO_BUFFER>& one : *chain) {
    bssl::UniquePtr<X509> parsed(X509_parse_from_buffer(one.get()));
    if (parsed == nullptr) return Bad(cert_where, "malformed certificate");
    if (into.chain.empty()) {
      bssl::UniquePtr<EVP_PKEY> shown(X509_get_pubkey(parsed.get()));
      if (shown == nullptr) return Bad(cert_where, "a public key of an unknown kind");
      if (EVP_PKEY_cmp(shown.get(), into.key.get()) != 1) {
        return Bad(key_where, absl::StrCat("not the key of ", std::string(cert_where)));
      }
    }
    into.chain_pointers.push_back(one.get());
    into.chain.push_back(std::move(one));
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  // A key and a chain; nothing of this size is either.
  constexpr size_t kMaxBytes = 16 << 20;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                       &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    return ToStatus(error == EACCES ? Errc::kPermission : Errc::kIo,
                    absl::StrCat(path, ": ", std::generic_category().message(error)));
  }
  std::string bytes;
  char room[16 * 1024];
  for (size_t n; (n = std::fread(room, 1, sizeof room, file.get())) > 0;) {
    bytes.append(room, n);
    if (bytes.size() > kMaxBytes) return ToStatus(Errc::kIo, absl::StrCat(path, ": too large"));
  }
  if (std::ferror(file.get())) return ToStatus(Errc::kIo, absl::StrCat("read ", path));
  return bytes;
}

std::vector<std::string> NamesOf(X509& leaf) {
  std::vector<std::string> names;
  auto add = [&](const ASN1_STRING* text) {
    names.push_back(absl::AsciiStrToLower(
        absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                          static_cast<size_t>(ASN1_STRING_length(text)))));
  };
  bssl::UniquePtr<GENERAL_NAMES> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&leaf, NID_subject_alt_name, nullptr, nullptr)));
  if (alternatives != nullptr) {
    for (size_t i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
      if (name->type == GEN_DNS) add(name->d.dNSName);
    }
    return names;
  }
  X509_NAME* subject = X509_get_subject_name(&leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return names;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, seconds = 0;
  if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    return absl::InfinitePast();
  }
  return absl::FromUnixSeconds(int64_t{days} * 24 * 3600 + seconds);
}

}  // namespace internal

// --- TLSCertificate ---------------------------------------------------------------------------

TLSCertificate::TLSCertificate() : key_pair_(std::make_unique<internal::TLSKeyPair>()) {}
TLSCertificate::~TLSCertificate() = default;

absl::StatusOr<std::shared_ptr<const TLSCertificate>> TLSCertificate::Make(
    std::string_view cert_pem, std::string_view key_pem, std::string_view cert_where,
    std::string_view key_where, internal::TLSKeyPair pair) {
  absl::Status status = internal::ReadKeyPair(cert_pem, key_pem, cert_where, key_where, pair);
  if (!status.ok()) return status;
  bssl::UniquePtr<X509> leaf(X509_parse_from_buffer(pair.chain[0].get()));
  std::shared_ptr<TLSCertificate> made(new TLSCertificate());
  made->names_ = internal::NamesOf(*leaf);
  made->not_after_ = internal::TimeOf(X509_get0_notAfter(leaf.get()));
  *made->key_pair_ = std::move(pair);
  ERR_clear_error();
  return made;
}

absl::StatusOr<std::shared_ptr<const TLSCertificate>> TLSCertificate::FromPEM(
    std::string_view cert_pem, std::string_view key_pem, std::string_view ocsp_response) {
  internal::TLSKeyPair pair;
  pair.ocsp_response = std::string(ocsp_response);
  return Make(cert_pem, key_pem, "certificate", "key", std::move(pair));
}

absl::StatusOr<std::shared_ptr<const TLSCertificate>> TLSCertificate::FromFiles(
    const std::string& cert_file, const std::string& key_file) {
  absl::StatusOr<std::string> cert = internal::ReadFile(cert_file);
  if (!cert.ok()) return cert.status();
  absl::StatusOr<std::string> key = internal::ReadFile(key_file);
  if (!key.ok()) return key.status();
  internal::TLSKeyPair pair;
  pair.cert_file = cert_file;
  pair.key_file = key_file;
  return Make(*cert, *key, cert_file, key_file, std::move(pair));
}

}  // namespace fasthttp
