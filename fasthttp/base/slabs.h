// Slabs: memory for pools of things of one size, which the kernel gets back after a burst.
//
// What malloc is given back it keeps, as soon as anything newer lies behind it. Here slots of one
// size lie together, 256 KiB to a mapping, and a mapping whose last slot is freed is unmapped.
// Meant for the cold side of a pool: a pool keeps its own list of what is unused, and comes here to
// grow and to shrink. Not for sizes above a quarter of a slab.
//
// Under ASan each slot is a malloc of its own, so that an overflow is found.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_BASE_SLABS_H_
#define FASTHTTP_BASE_SLABS_H_

#include <cstddef>
#include <cstdint>

namespace fasthttp::base {

class Slabs {
 public:
  static constexpr size_t kSlabSize = 256 * 1024;
  static constexpr size_t kAlignment = 64;

  explicit Slabs(size_t slot_size);
  // All slots must have been freed.
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  // A slot, aligned to a cache line; null if the kernel has no memory.
  void* Allocate();
  void Free(void* slot);

  // Mappings, for tests.
  size_t slabs() const { return slabs_; }

 private:
  struct Slab;
  struct FreeSlot;

  Slab* Map();
  void Link(Slab* slab);
  void Unlink(Slab* slab);

  const size_t slot_size_;
  const uint32_t slots_per_slab_;
  Slab* with_room_ = nullptr;
  size_t slabs_ = 0;
};

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_SLABS_H_
