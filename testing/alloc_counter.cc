#include "testing/alloc_counter.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FASTHTTP_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FASTHTTP_COUNT_ALLOCATIONS 0
#endif
#endif
#ifndef FASTHTTP_COUNT_ALLOCATIONS
#define FASTHTTP_COUNT_ALLOCATIONS 1
#endif

namespace {

std::atomic<uint64_t> calls{0};
std::atomic<uint64_t> bytes_asked{0};

#if FASTHTTP_COUNT_ALLOCATIONS
void Count(size_t bytes) {
  calls.fetch_add(1, std::memory_order_relaxed);
  bytes_asked.fetch_add(bytes, std::memory_order_relaxed);
}
#endif

}  // namespace

#if FASTHTTP_COUNT_ALLOCATIONS
extern "C" {

// glibc's own, under their other names.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  Count(size);
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  Count(count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
  Count(size);
  return __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
  Count(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  Count(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** into, size_t alignment, size_t size) {
  Count(size);
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* memory = __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *into = memory;
  return 0;
}

void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  Count(size);
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, size, protection, flags, fd, offset));
}

void* mmap64(void* address, size_t size, int protection, int flags, int fd, off64_t offset) {
  return mmap(address, size, protection, flags, fd, offset);
}

}  // extern "C"
#endif

namespace fasthttptest {

bool AllocCounter::available() { return FASTHTTP_COUNT_ALLOCATIONS != 0; }

void AllocCounter::Restart() {
  calls_before_ = calls.load(std::memory_order_relaxed);
  bytes_before_ = bytes_asked.load(std::memory_order_relaxed);
}

uint64_t AllocCounter::allocations() const {
  return calls.load(std::memory_order_relaxed) - calls_before_;
}

uint64_t AllocCounter::bytes() const {
  return bytes_asked.load(std::memory_order_relaxed) - bytes_before_;
}

}  // namespace fasthttptest
