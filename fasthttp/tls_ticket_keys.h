// TLSTicketKeys: seals session tickets so that only this server can read them, with keys that
// change.
//
// A ticket is the key's name (16 bytes), a random nonce (24) and, under XChaCha20-Poly1305, whose
// nonces are long enough to be drawn at random for ever, until when it is good (8) and the session.
// The newest key seals; those of three periods open. All loops share them.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TLS_TICKET_KEYS_H_
#define FASTHTTP_TLS_TICKET_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/tls.h"

namespace fasthttp::internal {

class TLSTicketKeys {
 public:
  static constexpr size_t kOverhead = 16 + 24 + 8 + 16;

  // A key seals for `lifetime` nanoseconds.
  explicit TLSTicketKeys(int64_t lifetime);
  ~TLSTicketKeys();
  TLSTicketKeys(const TLSTicketKeys&) = delete;
  TLSTicketKeys& operator=(const TLSTicketKeys&) = delete;

  // Given keys stay as they are; none: keys of its own, that change.
  void Set(std::span<const TLSTicketKey> keys);

  // `into` has room for kOverhead bytes more than `session`. `now` is any clock that goes forward,
  // in nanoseconds; `good_until` is kept for who opens it. 0: failed.
  size_t Seal(std::span<const uint8_t> session, absl::Time good_until, int64_t now,
              std::span<uint8_t> into);
  // The session's size, or 0 if no key of ours opens it. `into` is as large as `ticket`.
  size_t Open(std::span<const uint8_t> ticket, absl::Time& good_until, int64_t now,
              std::span<uint8_t> into);

 private:
  static constexpr size_t kKept = 3;

  struct Key;
  std::shared_ptr<const Key> Newest(int64_t now);
  std::shared_ptr<const Key> Find(std::span<const uint8_t> name, int64_t now);
  void Rotate(int64_t now);

  const int64_t lifetime_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Key>> keys_;  // The newest first.
  bool own_ = true;
  int64_t made_ = 0;  // When the newest was.
};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_TICKET_KEYS_H_
