#include "fasthttp/per_ip_limit.h"

#include <cstring>

namespace fasthttp {

bool PerIpLimit::KeyOf(const Addr& peer, uint64_t& key) {
  if (peer.ip().empty()) return false;
  key = 0;
  // A /64 whose first half is an embedded IPv4 address does not occur among peers: no collision.
  if (peer.is_ipv4()) {
    std::memcpy(&key, peer.ip().data(), 4);
  } else {
    std::memcpy(&key, peer.ip().data(), 8);
    key = ~key;
  }
  return true;
}

bool PerIpLimit::Add(const Addr& peer) {
  uint64_t key;
  if (!KeyOf(peer, key)) return true;
  Shard& shard = ShardOf(key);
  std::lock_guard<std::mutex> lock(shard.mutex);
  uint32_t& count = shard.counts[key];
  if (count >= limit_) return false;
  ++count;
  return true;
}

void PerIpLimit::Remove(const Addr& peer) {
  uint64_t key;
  if (!KeyOf(peer, key)) return;
  Shard& shard = ShardOf(key);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto it = shard.counts.find(key);
  if (it != shard.counts.end() && --it->second == 0) shard.counts.erase(it);
}

size_t PerIpLimit::entries() const {
  size_t n = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    n += shard.counts.size();
  }
  return n;
}

}  // namespace fasthttp
