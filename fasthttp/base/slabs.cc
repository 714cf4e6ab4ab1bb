#include "fasthttp/base/slabs.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "fasthttp/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define FASTHTTP_SLOT_BY_SLOT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTHTTP_SLOT_BY_SLOT 1
#endif
#endif

namespace fasthttp::base {

struct Slabs::FreeSlot {
  FreeSlot* next;
};

// At the beginning of its mapping, which is aligned to its size.
struct Slabs::Slab {
  Slab* previous = nullptr;  // Among those with room.
  Slab* next = nullptr;
  FreeSlot* free = nullptr;
  uint32_t used = 0;
  uint32_t carved = 0;  // Slots behind these were never used, and their pages never touched.
};

Slabs::Slabs(size_t slot_size)
    : slot_size_((slot_size + kAlignment - 1) / kAlignment * kAlignment),
      slots_per_slab_(static_cast<uint32_t>((kSlabSize - kAlignment) / slot_size_)) {
  static_assert(sizeof(Slab) <= kAlignment);
  FASTHTTP_CHECK(slots_per_slab_ >= 3, "too large for a slab");
}

Slabs::~Slabs() { FASTHTTP_DCHECK(slabs_ == 0, "a slot outlives its slabs"); }

#ifdef FASTHTTP_SLOT_BY_SLOT

void* Slabs::Allocate() {
  ++slabs_;
  return std::aligned_alloc(kAlignment, slot_size_);
}

void Slabs::Free(void* slot) {
  --slabs_;
  std::free(slot);
}

#else

Slabs::Slab* Slabs::Map() {
  // An aligned range lies in every range of twice its size; the rest goes back.
  void* mapped = ::mmap(nullptr, 2 * kSlabSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const size_t before = (kSlabSize - reinterpret_cast<uintptr_t>(mapped) % kSlabSize) % kSlabSize;
  char* aligned = static_cast<char*>(mapped) + before;
  if (before != 0) ::munmap(mapped, before);
  ::munmap(aligned + kSlabSize, kSlabSize - before);
  ++slabs_;
  return new (aligned) Slab;
}

void Slabs::Link(Slab* slab) {
  slab->previous = nullptr;
  slab->next = with_room_;
  if (with_room_ != nullptr) with_room_->previous = slab;
  with_room_ = slab;
}

void Slabs::Unlink(Slab* slab) {
  (slab->previous != nullptr ? slab->previous->next : with_room_) = slab->next;
  if (slab->next != nullptr) slab->next->previous = slab->previous;
}

void* Slabs::Allocate() {
  if (with_room_ == nullptr) {
    Slab* slab = Map();
    if (slab == nullptr) return nullptr;
    Link(slab);
  }
  Slab* slab = with_room_;
  void* slot = slab->free;
  if (slot != nullptr) {
    slab->free = slab->free->next;
  } else {
    slot = reinterpret_cast<char*>(slab) + kAlignment + slab->carved++ * slot_size_;
  }
  if (++slab->used == slots_per_slab_) Unlink(slab);
  return slot;
}

void Slabs::Free(void* slot) {
  auto* slab = reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(slot) & ~(kSlabSize - 1));
  if (slab->used == slots_per_slab_) Link(slab);
  slab->free = new (slot) FreeSlot{slab->free};
  if (--slab->used != 0) return;
  Unlink(slab);
  ::munmap(slab, kSlabSize);
  --slabs_;
}

#endif  // FASTHTTP_SLOT_BY_SLOT

}  // namespace fasthttp::base
