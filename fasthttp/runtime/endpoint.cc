#include "fasthttp/runtime/endpoint.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace fasthttp::runtime {
namespace {

constexpr size_t kSlabBytes = EndpointTable::kPerSlab * sizeof(Endpoint);

}  // namespace

EndpointTable::~EndpointTable() {
  for (const auto& slab : slabs_) ::munmap(slab->cells, kSlabBytes);
}

bool EndpointTable::FindOpen() {
  for (size_t i = open_ == nullptr ? 0 : open_->index; i < slabs_.size() || AddSlab(); ++i) {
    open_ = slabs_[i].get();
    if (!open_->resident) MakeResident(*open_);
    if (open_->open_words != 0) return true;
  }
  return false;
}

void EndpointTable::MakeResident(Slab& slab) {
  for (uint32_t i = 0; i < kPerSlab; ++i) {
    Endpoint* cell = new (&slab.cells[i]) Endpoint;
    cell->slot = slab.index * kPerSlab + i;
    cell->generation = slab.first_generation;
  }
  slab.open_words = (1u << std::size(slab.free)) - 1;
  slab.resident = true;
}

size_t EndpointTable::in_use() const {
  size_t count = 0;
  for (const auto& slab : slabs_) count += slab->used;
  return count;
}

void EndpointTable::Trim() {
  for (const auto& slab : slabs_) {
    if (slab->used != 0 || !slab->resident) continue;
    for (uint32_t i = 0; i < kPerSlab; ++i) {
      slab->first_generation = std::max(slab->first_generation, slab->cells[i].generation + 1);
    }
    ::madvise(slab->cells, kSlabBytes, MADV_DONTNEED);
    slab->open_words = 0;
    slab->resident = false;
  }
}

bool EndpointTable::AddSlab() {
  void* map =
      ::mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return false;
  auto slab = std::make_unique<Slab>();
  slab->cells = static_cast<Endpoint*>(map);
  slab->index = static_cast<uint32_t>(slabs_.size());
  std::fill(std::begin(slab->free), std::end(slab->free), ~uint64_t{0});
  cells_.push_back(slab->cells);
  slabs_.push_back(std::move(slab));
  slots_ += kPerSlab;
  return true;
}

}  // namespace fasthttp::runtime
