// Chaos mode: a seeded switch of test programs that makes rare interleavings common.
//
// While it is on, blocking calls suspend although they need not, and sockets and pipes move single
// bytes. Off (always, outside of tests) it costs one load at each system call and nothing on the
// path of a request.
//
// Thread class: EnableChaos before any loop runs; the rest is thread-safe.
#ifndef FASTHTTP_BASE_CHAOS_H_
#define FASTHTTP_BASE_CHAOS_H_

#include <cstddef>
#include <cstdint>

namespace fasthttp::base {

extern bool chaos_enabled;

// Turns it on; the same seed gives each thread the same sequence.
void EnableChaos(uint64_t seed);

// A number from the thread's sequence.
uint32_t ChaosRandom();

// True in a quarter of the calls while chaos is on.
inline bool ChaosStrikes() {
  return __builtin_expect(chaos_enabled, false) && ChaosRandom() % 4 == 0;
}

// `size`, or now and then less (1 at least) while chaos is on: for short reads and writes.
inline size_t ChaosSize(size_t size) {
  return ChaosStrikes() && size > 1 ? 1 + ChaosRandom() % (ChaosRandom() % 2 ? 1 : size) : size;
}

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_CHAOS_H_
