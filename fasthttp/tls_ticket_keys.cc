#include "fasthttp/tls_ticket_keys.h"

#include <openssl/aead.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "fasthttp/base/check.h"

namespace fasthttp::internal {
namespace {

constexpr size_t kNameBytes = 16;
constexpr size_t kNonceBytes = 24;
constexpr size_t kTimeBytes = 8;

}  // namespace

struct TLSTicketKeys::Key {
  explicit Key(const TLSTicketKey& from) {
    std::memcpy(name, from.data(), kNameBytes);
    static_assert(std::tuple_size_v<TLSTicketKey> == kNameBytes + 32);
    const int made = EVP_AEAD_CTX_init(aead.get(), EVP_aead_xchacha20_poly1305(),
                                       from.data() + kNameBytes, 32, 16, nullptr);
    FASTHTTP_CHECK(made == 1, "out of memory for a ticket key");
  }

  uint8_t name[kNameBytes];
  bssl::ScopedEVP_AEAD_CTX aead;
};

TLSTicketKeys::TLSTicketKeys(int64_t lifetime) : lifetime_(std::max<int64_t>(lifetime, 1)) {}
TLSTicketKeys::~TLSTicketKeys() = default;

void TLSTicketKeys::Set(std::span<const TLSTicketKey> keys) {
  std::vector<std::shared_ptr<const Key>> made;
  for (const TLSTicketKey& key : keys) made.push_back(std::make_shared<Key>(key));
  std::lock_guard<std::mutex> lock(mutex_);
  own_ = made.empty();
  keys_ = std::move(made);
}

// A clock that jumps over several periods makes one new key for each, so that old ones go.
void TLSTicketKeys::Rotate(int64_t now) {
  if (!own_) return;
  if (keys_.empty()) made_ = now - lifetime_;
  if (now - made_ >= static_cast<int64_t>(kKept) * lifetime_) {
    keys_.clear();
    made_ = now - lifetime_;
  }
  for (; now - made_ >= lifetime_; made_ += lifetime_) {
    TLSTicketKey fresh;
    RAND_bytes(fresh.data(), fresh.size());
    keys_.insert(keys_.begin(), std::make_shared<Key>(fresh));
    OPENSSL_cleanse(fresh.data(), fresh.size());
  }
  if (keys_.size() > kKept) keys_.resize(kKept);
}

std::shared_ptr<const TLSTicketKeys::Key> TLSTicketKeys::Newest(int64_t now) {
  std::lock_guard<std::mutex> lock(mutex_);
  Rotate(now);
  return keys_.front();
}

std::shared_ptr<const TLSTicketKeys::Key> TLSTicketKeys::Find(std::span<const uint8_t> name,
                                                              int64_t now) {
  std::lock_guard<std::mutex> lock(mutex_);
  Rotate(now);
  for (const std::shared_ptr<const Key>& key : keys_) {
    if (std::memcmp(key->name, name.data(), kNameBytes) == 0) return key;
  }
  return nullptr;
}

size_t TLSTicketKeys::Seal(std::span<const uint8_t> session, absl::Time good_until, int64_t now,
                           std::span<uint8_t> into) {
  if (into.size() < session.size() + kOverhead) return 0;
  std::shared_ptr<const Key> key = Newest(now);
  uint8_t* const nonce = into.data() + kNameBytes;
  uint8_t* const sealed = nonce + kNonceBytes;
  // BoringSSL may have put the session where the ticket is to go.
  std::vector<uint8_t> plain(kTimeBytes + session.size());
  const int64_t seconds = absl::ToUnixSeconds(good_until);
  static_assert(sizeof seconds == kTimeBytes);
  std::memcpy(plain.data(), &seconds, kTimeBytes);
  std::copy(session.begin(), session.end(), plain.begin() + kTimeBytes);
  std::memcpy(into.data(), key->name, kNameBytes);
  RAND_bytes(nonce, kNonceBytes);
  size_t size = 0;
  const int done =
      EVP_AEAD_CTX_seal(key->aead.get(), sealed, &size, into.size() - kNameBytes - kNonceBytes,
                        nonce, kNonceBytes, plain.data(), plain.size(), key->name, kNameBytes);
  OPENSSL_cleanse(plain.data(), plain.size());
  return done == 1 ? kNameBytes + kNonceBytes + size : 0;
}

size_t TLSTicketKeys::Open(std::span<const uint8_t> ticket, absl::Time& good_until, int64_t now,
                           std::span<uint8_t> into) {
  if (ticket.size() < kOverhead) return 0;
  std::shared_ptr<const Key> key = Find(ticket.first(kNameBytes), now);
  if (key == nullptr) return 0;
  const std::vector<uint8_t> sealed(ticket.begin() + kNameBytes + kNonceBytes, ticket.end());
  uint8_t nonce[kNonceBytes];
  std::memcpy(nonce, ticket.data() + kNameBytes, kNonceBytes);
  size_t size = 0;
  const int done =
      EVP_AEAD_CTX_open(key->aead.get(), into.data(), &size, into.size(), nonce, kNonceBytes,
                        sealed.data(), sealed.size(), key->name, kNameBytes);
  if (done != 1) ERR_clear_error();
  if (done != 1 || size < kTimeBytes) return 0;
  int64_t seconds;
  std::memcpy(&seconds, into.data(), kTimeBytes);
  good_until = seconds == INT64_MAX ? absl::InfiniteFuture() : absl::FromUnixSeconds(seconds);
  size -= kTimeBytes;
  std::memmove(into.data(), into.data() + kTimeBytes, size);
  return size;
}

}  // namespace fasthttp::internal
