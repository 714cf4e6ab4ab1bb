// HeapProfiler: notes where a sample of the program's heap allocations is made, and what of it
// lives. To link //expvar:heap_profile is enough: /debug/pprof/heap then shows it.
//
// The target replaces operator new and delete of the whole program. One allocation in about 512 KiB
// is sampled, at random, so that every byte has the same chance: a large block is met almost
// surely, a small one rarely, and what is shown is an estimate of all of them. Sampling goes on
// from the start of the program, since a block that lives must have been met when it was made.
//
// Costs: five instructions more for a pair of new and delete (docs/guide/pprof.md). A sample
// unwinds the stack, some 30,000 instructions, and its block takes up whole pages.
//
// Not seen: malloc, calloc, realloc and mmap. So C libraries are not, and of this one the buffers
// of messages and connections and the stacks of fibers are not (ServerStats and the fiber dump show
// those). Handlers' strings, containers and objects are.
//
// When not to use it: beside an allocator that brings operators of its own, such as tcmalloc linked
// statically; it has a profiler too. A malloc that is preloaded or shared goes well with it. Under
// a sanitizer, which owns the operators, there is nothing (kAvailable).
//
// Limits: 8,192 stacks of 64 frames, 98,304 samples that live. What is beyond is dropped and
// counted. Some 10 MiB of addresses; only what is used becomes memory.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_HEAP_PROFILE_H_
#define FASTHTTP_EXPVAR_HEAP_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/config.h"

namespace expvar {

// Everything since the program began.
struct HeapProfile {
  struct Count {
    double objects = 0;
    double bytes = 0;
  };
  struct Site {
    std::vector<const void*> stack;  // Innermost address first.
    Count allocated;
    Count live;
  };

  std::vector<Site> sites;
  uint64_t dropped = 0;    // Samples for which there was no room.
  size_t period = 0;       // Bytes between two samples, on average.
  int64_t time_nanos = 0;  // Since the epoch.
};

class HeapProfiler {
 public:
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER) || \
    defined(ABSL_HAVE_MEMORY_SANITIZER) || defined(ABSL_HAVE_HWADDRESS_SANITIZER)
  static constexpr bool kAvailable = false;
#else
  static constexpr bool kAvailable = true;
#endif
  static constexpr size_t kDefaultPeriod = 512 * 1024;

  // A sample for each `bytes` on average; 1: every allocation; 0: none. Each thread takes it up
  // with its next sample; estimates stay right.
  static void SetPeriod(size_t bytes);
};

// What was sampled so far; under a sanitizer, which has the allocator for itself, nothing.
// Allocates, and takes a short lock for each site, which samples elsewhere wait for.
HeapProfile TakeHeapProfile();

namespace internal {

// What the operators do, for tests in which a sanitizer owns them. `alignment` is a power of two.
void* Allocate(size_t size, size_t alignment);
void Deallocate(void* block);

}  // namespace internal
}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_HEAP_PROFILE_H_
