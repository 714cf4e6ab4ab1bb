#include "fasthttp/runtime/endpoint.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "fasthttp/base/check.h"

namespace fasthttp::runtime {
namespace {

constexpr size_t kSlabBytes = EndpointTable::kPerSlab * sizeof(Endpoint);

}  // namespace

EndpointTable::~EndpointTable() {
  for (Slab& slab : slabs_) ::munmap(slab.cells, kSlabBytes);
}

Endpoint* EndpointTable::Take() {
  while (first_open_ < slabs_.size() && slabs_[first_open_].used == kPerSlab) ++first_open_;
  if (first_open_ == slabs_.size() && !AddSlab()) return nullptr;
  Slab& slab = slabs_[first_open_];
  if (!slab.resident) {
    for (uint32_t i = 0; i < kPerSlab; ++i) {
      Endpoint* cell = new (&slab.cells[i]) Endpoint;
      cell->slot = static_cast<uint32_t>(first_open_) * kPerSlab + i;
      cell->generation = slab.first_generation;
    }
    slab.resident = true;
  }
  size_t word = 0;
  while (slab.free[word] == 0) ++word;
  uint32_t bit = static_cast<uint32_t>(std::countr_zero(slab.free[word]));
  slab.free[word] &= slab.free[word] - 1;
  ++slab.used;
  ++in_use_;
  return &slab.cells[word * 64 + bit];
}

void EndpointTable::Release(Endpoint& endpoint) {
  FASTHTTP_DCHECK(endpoint.waits == nullptr && !endpoint.timer.armed(),
                  "an endpoint was released while in use");
  ++endpoint.generation;
  endpoint.conn = nullptr;
  endpoint.sink = nullptr;
  endpoint.latched = 0;
  endpoint.armed = false;
  endpoint.owner_state = 0;
  size_t index = endpoint.slot / kPerSlab;
  uint32_t cell = endpoint.slot % kPerSlab;
  Slab& slab = slabs_[index];
  slab.free[cell / 64] |= uint64_t{1} << (cell % 64);
  --slab.used;
  --in_use_;
  first_open_ = std::min(first_open_, index);
}

Endpoint* EndpointTable::Find(uint32_t slot, uint32_t generation) {
  Endpoint* endpoint = At(slot);
  if (endpoint == nullptr || endpoint->conn == nullptr) {
    // A listener has no Conn but keeps its sink.
    if (endpoint == nullptr || endpoint->sink == nullptr) return nullptr;
  }
  return endpoint->generation == generation ? endpoint : nullptr;
}

Endpoint* EndpointTable::At(uint32_t slot) {
  size_t index = slot / kPerSlab;
  if (index >= slabs_.size() || !slabs_[index].resident) return nullptr;
  return &slabs_[index].cells[slot % kPerSlab];
}

void EndpointTable::Trim() {
  for (Slab& slab : slabs_) {
    if (slab.used != 0 || !slab.resident) continue;
    for (uint32_t i = 0; i < kPerSlab; ++i) {
      slab.first_generation = std::max(slab.first_generation, slab.cells[i].generation + 1);
    }
    ::madvise(slab.cells, kSlabBytes, MADV_DONTNEED);
    slab.resident = false;
  }
}

bool EndpointTable::AddSlab() {
  void* map =
      ::mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return false;
  Slab slab;
  slab.cells = static_cast<Endpoint*>(map);
  std::fill(std::begin(slab.free), std::end(slab.free), ~uint64_t{0});
  slabs_.push_back(slab);
  return true;
}

}  // namespace fasthttp::runtime
