// HeapSites: where sampled allocations were made, and which of them have not been freed.
//
// A bounded table behind one lock. It allocates nothing: its memory is mapped at the first Add (10
// MiB of addresses; pages that are not used cost nothing) and never given back. So it can stand
// below operator new.
//
// Thread class: thread-safe. Not for signal handlers.
#ifndef FASTHTTP_EXPVAR_HEAP_SITES_H_
#define FASTHTTP_EXPVAR_HEAP_SITES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "expvar/heap_profile.h"

namespace expvar {

class HeapSites {
 public:
  // Stacks that differ; samples of later ones are dropped.
  static constexpr uint32_t kMaxSites = 8192;
  // Samples that live at once; later ones are dropped. At a sample for each 512 KiB some 48 GiB.
  static constexpr uint32_t kMaxLive = 96 * 1024;
  // Of a stack, the innermost ones.
  static constexpr size_t kMaxFrames = 64;

  constexpr HeapSites() = default;
  HeapSites(const HeapSites&) = delete;
  HeapSites& operator=(const HeapSites&) = delete;

  // `block` was allocated by `stack`, innermost address first, and stands for `objects` allocations
  // of `size` bytes.
  void Add(const void* block, size_t size, double objects, std::span<const void* const> stack);
  // `block` is about to be freed. Not null; nothing if it was no sample, which takes no lock.
  void Remove(const void* block);

  // Adds what is known now to `profile`. Other threads go on meanwhile: sites are read one after
  // the other.
  void AppendTo(HeapProfile& profile);

  // Around fork(2), so that the child's copy is not locked by a thread that it does not have.
  void Lock() { mutex_.lock(); }
  void RemoveLocked(const void* block);  // Remove, for who has called Lock.
  void Unlock() { mutex_.unlock(); }

 private:
  struct Site {
    HeapProfile::Count allocated;
    HeapProfile::Count live;
    size_t frames;
    const void* stack[kMaxFrames];
  };
  struct Live {
    const void* block;  // Null: a free slot.
    uint32_t site;
    double objects;
    double bytes;
  };
  struct Tables;

  static Site* SiteOf(Tables& tables, std::span<const void* const> stack, uint32_t& number);
  static void RemoveFrom(Tables& tables, const void* block);
  Tables* Mapped();

  std::mutex mutex_;
  std::atomic<Tables*> tables_{nullptr};
  uint64_t dropped_ = 0;
};

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_HEAP_SITES_H_
