// PerIpLimit: how many connections each peer address has open.
//
// Keyed by IPv4 address or IPv6 /64, since one customer of a provider owns a /64. Entries vanish
// with their last connection. Touched only at accept and close, and only if the limit is on.
//
// Thread class: thread-safe; 16 shards with a mutex each.
#ifndef FASTHTTP_PER_IP_LIMIT_H_
#define FASTHTTP_PER_IP_LIMIT_H_

#include <array>
#include <cstdint>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

class PerIpLimit {
 public:
  explicit PerIpLimit(uint32_t limit) : limit_(limit) {}

  bool enabled() const { return limit_ != 0; }

  // Counts one connection more; false, and not counted, if the address has its number already.
  // Addresses that are not IP (UNIX sockets, pipes) are not limited.
  bool Add(const Addr& peer);
  void Remove(const Addr& peer);

  size_t entries() const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<uint64_t, uint32_t> counts;
  };
  static bool KeyOf(const Addr& peer, uint64_t& key);
  Shard& ShardOf(uint64_t key) { return shards_[(key * 0x9e3779b97f4a7c15u) >> 60]; }

  const uint32_t limit_;
  std::array<Shard, 16> shards_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_PER_IP_LIMIT_H_
