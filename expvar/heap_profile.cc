#include "expvar/heap_profile.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>

#include "expvar/heap_sites.h"
#include "fasthttp/runtime/stack_trace.h"

namespace expvar {
namespace {

using fasthttp::runtime::StackTrace;

// A sampled block begins at a page, so that freeing need look only at addresses that do. glibc's
// own blocks of many pages begin 16 bytes behind.
constexpr size_t kPage = 4096;
constexpr size_t kUsualAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

constinit HeapSites sites;
constinit std::atomic<size_t> period{HeapProfiler::kDefaultPeriod};

// The bytes that the thread may still allocate before it samples, and the period for which they
// were drawn; 0: it does not sample then.
constinit thread_local int64_t until_sample = 0;
constinit thread_local size_t drawn_for = 0;
constinit thread_local uint64_t random_state = 0;  // 0: nothing was drawn yet.

// This thread is in fork(2) and holds the lock of `sites`; handlers of others may allocate then.
constinit thread_local bool forking = false;

void BeginFork() {
  sites.Lock();
  forking = true;
}
void EndFork() {
  forking = false;
  sites.Unlock();
}
[[maybe_unused]] const int atfork = ::pthread_atfork(BeginFork, EndFork, EndFork);

void SeedRandom() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  random_state = (reinterpret_cast<uintptr_t>(&random_state) ^
                  static_cast<uint64_t>(now.tv_nsec) << 20 ^ static_cast<uint64_t>(now.tv_sec)) |
                 1;
}

// Exponentially distributed: the chance to be sampled is that of each byte, whatever came before.
void DrawInterval() {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  drawn_for = period.load(std::memory_order_relaxed);
  until_sample = 0;
  if (drawn_for == 1) return;
  const size_t mean = drawn_for != 0 ? drawn_for : HeapProfiler::kDefaultPeriod;
  const double uniform = (static_cast<double>(random_state >> 11) + 1) * 0x1p-53;  // (0, 1]
  const double interval = -std::log(uniform) * static_cast<double>(mean);
  until_sample = static_cast<int64_t>(std::min(interval, 0x1p60));
}

// An allocation of `size` has used the interval up; the next one begins. Gives for how many
// allocations it stands, 0 if it is no sample.
double EndInterval(size_t size) {
  if (random_state == 0) {
    SeedRandom();
    DrawInterval();
    until_sample -= static_cast<int64_t>(std::min(size, SIZE_MAX / 4));
    if (until_sample >= 0) return 0;
  }
  const size_t mean = drawn_for;
  DrawInterval();
  if (mean <= 1) return static_cast<double>(mean);
  // One in so many of this size is met.
  return -1 /
         std::expm1(-static_cast<double>(std::max<size_t>(size, 1)) / static_cast<double>(mean));
}

void* PlainAllocate(size_t size, size_t alignment) {
  if (alignment <= kUsualAlignment) return std::malloc(size);
  void* block = nullptr;
  return ::posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

void* AllocateOrThrow(size_t size, size_t alignment) {
  for (;;) {
    if (void* block = PlainAllocate(size, alignment)) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

// The frames of this file are no part of it.
std::span<const void* const> StackFrom(const StackTrace& trace, const void* caller) {
  size_t first = 0;
  const void* const call = static_cast<const char*>(caller) - 1;
  while (first < trace.size && trace.frames[first] != call) ++first;
  if (first == trace.size) first = 0;
  return {trace.frames.data() + first, trace.size - first};
}

[[gnu::noinline]] void* AllocateSlowly(size_t size, size_t alignment, const void* caller) {
  const double objects = EndInterval(size);
  if (objects == 0 || forking) return AllocateOrThrow(size, alignment);
  // A whole page: glibc would hand a small one out again and again, and its address looks sampled.
  void* const block = AllocateOrThrow(std::max(size, kPage), std::max(alignment, kPage));
  StackTrace trace;
  trace.Capture();
  sites.Add(block, size, objects, StackFrom(trace, caller));
  return block;
}

inline void* AllocateInline(size_t size, size_t alignment, const void* caller) {
  // Unsigned, so that a size which no memory has wraps around instead of overflowing.
  until_sample =
      static_cast<int64_t>(static_cast<uint64_t>(until_sample) - static_cast<uint64_t>(size));
  if (until_sample >= 0) [[likely]] {
    if (void* block = PlainAllocate(size, alignment)) [[likely]]
      return block;
  }
  return AllocateSlowly(size, alignment, caller);
}

[[gnu::noinline]] void ForgetSample(void* block) {
  if (block == nullptr) return;
  forking ? sites.RemoveLocked(block) : sites.Remove(block);
}

inline void DeallocateInline(void* block) {
  if (reinterpret_cast<uintptr_t>(block) % kPage == 0) [[unlikely]]
    ForgetSample(block);
  std::free(block);
}

}  // namespace

void HeapProfiler::SetPeriod(size_t bytes) { period.store(bytes, std::memory_order_relaxed); }

HeapProfile TakeHeapProfile() {
  HeapProfile profile;
  profile.period = period.load(std::memory_order_relaxed);
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  profile.time_nanos = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  sites.AppendTo(profile);
  return profile;
}

namespace internal {

void* Allocate(size_t size, size_t alignment) {
  return AllocateInline(size, alignment, __builtin_return_address(0));
}
void Deallocate(void* block) { DeallocateInline(block); }

}  // namespace internal
}  // namespace expvar

#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER) && \
    !defined(ABSL_HAVE_MEMORY_SANITIZER) && !defined(ABSL_HAVE_HWADDRESS_SANITIZER)

// All that are not forwarded by the standard library to one of these.

void* operator new(size_t size) {
  return expvar::AllocateInline(size, expvar::kUsualAlignment, __builtin_return_address(0));
}
void* operator new[](size_t size) {
  return expvar::AllocateInline(size, expvar::kUsualAlignment, __builtin_return_address(0));
}
void* operator new(size_t size, std::align_val_t alignment) {
  return expvar::AllocateInline(size, static_cast<size_t>(alignment), __builtin_return_address(0));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return expvar::AllocateInline(size, static_cast<size_t>(alignment), __builtin_return_address(0));
}

void operator delete(void* block) noexcept { expvar::DeallocateInline(block); }
void operator delete[](void* block) noexcept { expvar::DeallocateInline(block); }
void operator delete(void* block, size_t) noexcept { expvar::DeallocateInline(block); }
void operator delete[](void* block, size_t) noexcept { expvar::DeallocateInline(block); }
void operator delete(void* block, std::align_val_t) noexcept { expvar::DeallocateInline(block); }
void operator delete[](void* block, std::align_val_t) noexcept { expvar::DeallocateInline(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept {
  expvar::DeallocateInline(block);
}
void operator delete[](void* block, size_t, std::align_val_t) noexcept {
  expvar::DeallocateInline(block);
}

#endif
