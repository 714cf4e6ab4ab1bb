#include "expvar/heap_sites.h"

#include <sys/mman.h>

#include <algorithm>
#include <vector>

namespace expvar {
namespace {

constexpr uint32_t kSiteSlots = 2 * HeapSites::kMaxSites;
constexpr uint32_t kLiveSlots = 128 * 1024;
static_assert(HeapSites::kMaxLive < kLiveSlots);

uint64_t Mixed(uint64_t value) {
  value *= 0x9E3779B97F4A7C15;
  return value ^ value >> 32;
}

uint32_t HashOf(std::span<const void* const> stack) {
  uint64_t hash = stack.size();
  for (const void* frame : stack) hash = Mixed(hash ^ reinterpret_cast<uintptr_t>(frame));
  return static_cast<uint32_t>(hash);
}

uint32_t HomeOf(const void* block) {
  return static_cast<uint32_t>(Mixed(reinterpret_cast<uintptr_t>(block))) % kLiveSlots;
}

}  // namespace

// Both hashed with linear probing.
struct HeapSites::Tables {
  uint32_t site_count;
  uint32_t live_count;
  uint32_t site_slots[kSiteSlots];  // Number of a site plus one; 0: a free slot.
  Site sites[kMaxSites];
  Live live[kLiveSlots];
  // How many of `live` belong to each slot. Read without the lock: whoever frees a sample comes
  // after its Add, and all others find zero nearly always.
  std::atomic<uint32_t> at_home[kLiveSlots];
};

HeapSites::Tables* HeapSites::Mapped() {
  if (Tables* tables = tables_.load(std::memory_order_relaxed)) return tables;
  // Zero pages are empty tables.
  void* room = ::mmap(nullptr, sizeof(Tables), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return nullptr;
  tables_.store(static_cast<Tables*>(room), std::memory_order_release);
  return static_cast<Tables*>(room);
}

HeapSites::Site* HeapSites::SiteOf(Tables& tables, std::span<const void* const> stack,
                                   uint32_t& number) {
  stack = stack.first(std::min(stack.size(), kMaxFrames));
  uint32_t slot = HashOf(stack) % kSiteSlots;
  for (; tables.site_slots[slot] != 0; slot = (slot + 1) % kSiteSlots) {
    number = tables.site_slots[slot] - 1;
    Site& site = tables.sites[number];
    if (std::equal(stack.begin(), stack.end(), site.stack, site.stack + site.frames)) return &site;
  }
  if (tables.site_count == kMaxSites) return nullptr;
  number = tables.site_count++;
  tables.site_slots[slot] = number + 1;
  Site& site = tables.sites[number];
  site.frames = stack.size();
  std::copy(stack.begin(), stack.end(), site.stack);
  return &site;
}

void HeapSites::Add(const void* block, size_t size, double objects,
                    std::span<const void* const> stack) {
  std::lock_guard lock(mutex_);
  Tables* const tables = Mapped();
  uint32_t number = 0;
  Site* site = nullptr;
  if (tables != nullptr) {
    RemoveFrom(*tables, block);  // It was freed by something that did not say so.
    if (tables->live_count < kMaxLive) site = SiteOf(*tables, stack, number);
  }
  if (site == nullptr) {
    ++dropped_;
    return;
  }
  const double bytes = objects * static_cast<double>(size);
  for (HeapProfile::Count* count : {&site->allocated, &site->live}) {
    count->objects += objects;
    count->bytes += bytes;
  }
  uint32_t slot = HomeOf(block);
  tables->at_home[slot].fetch_add(1, std::memory_order_relaxed);
  while (tables->live[slot].block != nullptr) slot = (slot + 1) % kLiveSlots;
  tables->live[slot] = {block, number, objects, bytes};
  ++tables->live_count;
}

void HeapSites::Remove(const void* block) {
  Tables* const tables = tables_.load(std::memory_order_acquire);
  if (tables == nullptr) return;
  if (tables->at_home[HomeOf(block)].load(std::memory_order_relaxed) == 0) return;
  std::lock_guard lock(mutex_);
  RemoveFrom(*tables, block);
}

void HeapSites::RemoveLocked(const void* block) {
  if (Tables* const tables = tables_.load(std::memory_order_relaxed)) RemoveFrom(*tables, block);
}

void HeapSites::RemoveFrom(Tables& tables, const void* block) {
  Live* const live = tables.live;
  uint32_t slot = HomeOf(block);
  while (live[slot].block != block) {
    if (live[slot].block == nullptr) return;
    slot = (slot + 1) % kLiveSlots;
  }
  HeapProfile::Count& count = tables.sites[live[slot].site].live;
  count.objects -= live[slot].objects;
  count.bytes -= live[slot].bytes;
  --tables.live_count;
  tables.at_home[HomeOf(block)].fetch_sub(1, std::memory_order_relaxed);
  // Those behind it move up, if that is not before their home.
  uint32_t hole = slot;
  for (;;) {
    slot = (slot + 1) % kLiveSlots;
    if (live[slot].block == nullptr) break;
    const uint32_t from_home = (slot - HomeOf(live[slot].block)) % kLiveSlots;
    if (from_home < (slot - hole) % kLiveSlots) continue;
    live[hole] = live[slot];
    hole = slot;
  }
  live[hole].block = nullptr;
}

void HeapSites::AppendTo(HeapProfile& profile) {
  for (uint32_t i = 0;; ++i) {
    Site site;
    {
      // Not held while the profile grows: that allocates, which may come back to Add.
      std::lock_guard lock(mutex_);
      profile.dropped = dropped_;
      const Tables* tables = tables_.load(std::memory_order_relaxed);
      if (tables == nullptr || i == tables->site_count) return;
      site = tables->sites[i];
    }
    profile.sites.push_back({std::vector<const void*>(site.stack, site.stack + site.frames),
                             site.allocated, site.live});
  }
}

}  // namespace expvar
