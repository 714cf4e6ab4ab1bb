#include "testing/alloc_counter.h"

#include <cerrno>
#include <cstddef>

namespace fasthttp::testing_internal {
namespace {

constinit thread_local uint64_t allocations = 0;

}  // namespace

uint64_t ThreadAllocations() { return allocations; }
void CountAllocation() { ++allocations; }

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
  fasthttp::testing_internal::CountAllocation();
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  fasthttp::testing_internal::CountAllocation();
  return __libc_calloc(count, size);
}

void* realloc(void* block, size_t size) {
  fasthttp::testing_internal::CountAllocation();
  return __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  fasthttp::testing_internal::CountAllocation();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
#endif
