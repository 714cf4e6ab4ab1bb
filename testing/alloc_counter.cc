#include "testing/alloc_counter.h"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace fasthttp::testing_internal {
namespace {

constinit thread_local uint64_t allocations = 0;
constinit std::atomic<uint64_t> process_count{0};
constinit std::atomic<uint64_t> process_bytes{0};

}  // namespace

uint64_t ThreadAllocations() { return allocations; }
Allocations ProcessAllocations() {
  return {process_count.load(std::memory_order_relaxed),
          process_bytes.load(std::memory_order_relaxed)};
}
void CountAllocation(size_t size) {
  ++allocations;
  process_count.fetch_add(1, std::memory_order_relaxed);
  process_bytes.fetch_add(size, std::memory_order_relaxed);
}

}  // namespace fasthttp::testing_internal

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define FASTHTTP_INTERPOSE_MALLOC 1
#elif !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define FASTHTTP_INTERPOSE_MALLOC 1
#endif
#endif

#ifdef FASTHTTP_INTERPOSE_MALLOC
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  fasthttp::testing_internal::CountAllocation(size);
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  fasthttp::testing_internal::CountAllocation(count * size);
  return __libc_calloc(count, size);
}

void* realloc(void* block, size_t size) {
  fasthttp::testing_internal::CountAllocation(size);
  return __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  fasthttp::testing_internal::CountAllocation(size);
  return __libc_memalign(alignment, size);
}

// glibc's own stacks and arenas do not come through here; ours and the allocators' do.
void* mmap(void* where, size_t size, int protection, int flags, int fd, off_t offset) {
  fasthttp::testing_internal::CountAllocation(size);
  return reinterpret_cast<void*>(::syscall(SYS_mmap, where, size, protection, flags, fd, offset));
}

void* mmap64(void* where, size_t size, int protection, int flags, int fd, off64_t offset) {
  return mmap(where, size, protection, flags, fd, offset);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
#endif
