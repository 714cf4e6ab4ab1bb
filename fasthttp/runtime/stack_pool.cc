#include "fasthttp/runtime/stack_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

namespace fasthttp::runtime {
namespace {

size_t RoundUpToPage(size_t n) {
  size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (n + page - 1) / page * page;
}

}  // namespace

StackPool::StackPool(size_t stack_size, size_t premade)
    : stack_size_(RoundUpToPage(stack_size)),
      stride_(stack_size_ + kGuardSize),
      premade_slabs_((premade + kStacksPerSlab - 1) / kStacksPerSlab) {
  for (size_t i = 0; i < premade_slabs_; ++i) {
    if (!AddSlab()) break;
  }
}

StackPool::~StackPool() {
  for (const Slab& slab : slabs_) {
    if (slab.base != nullptr) ::munmap(slab.base, stride_ * kStacksPerSlab);
  }
}

Stack StackPool::Allocate() {
  if (free_.empty() && !AddSlab()) return {};
  Stack stack = free_.back();
  free_.pop_back();
  dirty_.pop_back();
  ++slabs_[stack.slab].used;
  return stack;
}

void StackPool::Free(Stack stack) {
  --slabs_[stack.slab].used;
  free_.push_back(stack);
  dirty_.push_back(true);
}

void StackPool::Trim() {
  size_t kept = 0;
  for (size_t i = 0; i < free_.size(); ++i) {
    Slab& slab = slabs_[free_[i].slab];
    if (slab.used == 0 && free_[i].slab >= premade_slabs_) {
      if (slab.base != nullptr) ::munmap(slab.base, stride_ * kStacksPerSlab);
      slab.base = nullptr;
      continue;
    }
    // MADV_DONTNEED leaves installed guards in place.
    if (dirty_[i]) ::madvise(free_[i].bottom, free_[i].size, MADV_DONTNEED);
    free_[kept] = free_[i];
    dirty_[kept++] = false;
  }
  free_.resize(kept);
  dirty_.resize(kept);
}

size_t StackPool::slab_count() const {
  return static_cast<size_t>(
      std::count_if(slabs_.begin(), slabs_.end(), [](const Slab& s) { return s.base != nullptr; }));
}

bool StackPool::AddSlab() {
  void* map = ::mmap(nullptr, stride_ * kStacksPerSlab, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) return false;
  // A huge page under a stack would make 256 KiB resident at the first touch.
  ::madvise(map, stride_ * kStacksPerSlab, MADV_NOHUGEPAGE);
  char* base = static_cast<char*>(map);
  for (size_t i = 0; i < kStacksPerSlab; ++i) {
    if (!Guard(base + i * stride_)) {
      ::munmap(map, stride_ * kStacksPerSlab);
      return false;
    }
  }
  auto hole = std::find_if(slabs_.begin(), slabs_.end(), [](const Slab& s) { return !s.base; });
  uint32_t index = static_cast<uint32_t>(hole - slabs_.begin());
  if (hole == slabs_.end()) slabs_.emplace_back();
  slabs_[index] = {base, 0};
  for (size_t i = kStacksPerSlab; i-- > 0;) {
    free_.push_back({base + i * stride_ + kGuardSize, stack_size_, index});
    dirty_.push_back(false);
  }
  return true;
}

bool StackPool::Guard(char* at) {
  static std::atomic<bool> has_guard_install{true};
  if (has_guard_install.load(std::memory_order_relaxed)) {
    if (::madvise(at, kGuardSize, MADV_GUARD_INSTALL) == 0) return true;
    has_guard_install.store(false, std::memory_order_relaxed);
  }
  return ::mprotect(at, kGuardSize, PROT_NONE) == 0;
}

}  // namespace fasthttp::runtime
