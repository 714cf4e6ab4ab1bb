#include "fasthttp/base/chaos.h"

#include <atomic>

namespace fasthttp::base {
namespace {

uint64_t chaos_seed = 0;
std::atomic<uint64_t> threads_seen{0};

}  // namespace

bool chaos_enabled = false;

void EnableChaos(uint64_t seed) {
  chaos_seed = seed;
  chaos_enabled = true;
}

uint32_t ChaosRandom() {
  static thread_local uint64_t state =
      chaos_seed + threads_seen.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15u;
  // splitmix64 (Steele, Lea, Flood 2014).
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
}

}  // namespace fasthttp::base
