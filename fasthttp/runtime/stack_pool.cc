#include "fasthttp/runtime/stack_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) static_cast<void>(id)
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

namespace fasthttp::runtime {
namespace {

size_t RoundUpToPage(size_t n) {
  size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (n + page - 1) / page * page;
}

std::atomic<bool> has_guard_install{true};  // Until the kernel says no.

// Guards made by mprotect, of all pools.
std::atomic<size_t> protected_guards{0};

// Three quarters of the mappings that the kernel allows the process.
size_t GuardBudget() {
  static const size_t budget = [] {
    size_t mappings = 65'530;
    if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re")) {
      if (std::fscanf(file, "%zu", &mappings) != 1) mappings = 65'530;
      std::fclose(file);
    }
    return mappings / 8 * 3;
  }();
  return budget;
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
  for (Slab& slab : slabs_) Unmap(slab);
}

Stack StackPool::Allocate() {
  if (!HasRoom()) return {};
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
      Unmap(slab);
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
  Slab slab;
  slab.base = static_cast<char*>(map);
  for (size_t i = 0; i < kStacksPerSlab; ++i) {
    if (!Guard(slab.base + i * stride_, slab)) {
      Unmap(slab);
      return false;
    }
  }
  RegisterWithValgrind(slab);
  auto hole = std::find_if(slabs_.begin(), slabs_.end(), [](const Slab& s) { return !s.base; });
  uint32_t index = static_cast<uint32_t>(hole - slabs_.begin());
  if (hole == slabs_.end()) slabs_.emplace_back();
  slabs_[index] = std::move(slab);
  for (size_t i = kStacksPerSlab; i-- > 0;) {
    free_.push_back({slabs_[index].base + i * stride_ + kGuardSize, stack_size_, index});
    dirty_.push_back(false);
  }
  return true;
}

bool StackPool::Guard(char* at, Slab& slab) {
  if (has_guard_install.load(std::memory_order_relaxed)) {
    if (::madvise(at, kGuardSize, MADV_GUARD_INSTALL) == 0) return true;
    has_guard_install.store(false, std::memory_order_relaxed);
  }
  // Two mappings a guard. Without any left the next mmap of the process fails, whoever asks.
  if (protected_guards.fetch_add(1, std::memory_order_relaxed) >= GuardBudget()) {
    protected_guards.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  ++slab.protected_guards;
  return ::mprotect(at, kGuardSize, PROT_NONE) == 0;
}

void StackPool::Unmap(Slab& slab) {
  if (slab.base == nullptr) return;
  for (unsigned id : slab.valgrind_ids) VALGRIND_STACK_DEREGISTER(id);
  ::munmap(slab.base, stride_ * kStacksPerSlab);
  protected_guards.fetch_sub(slab.protected_guards, std::memory_order_relaxed);
  slab = {};
}

// It guesses from jumps of the stack pointer else, and takes a switch for one huge frame.
void StackPool::RegisterWithValgrind(Slab& slab) {
  if (!RUNNING_ON_VALGRIND) return;
  for (size_t i = 0; i < kStacksPerSlab; ++i) {
    char* bottom = slab.base + i * stride_ + kGuardSize;
    slab.valgrind_ids.push_back(VALGRIND_STACK_REGISTER(bottom, bottom + stack_size_ - 1));
  }
}

void StackPool::DisableGuardInstallForTest() {
  has_guard_install.store(false, std::memory_order_relaxed);
}

}  // namespace fasthttp::runtime
