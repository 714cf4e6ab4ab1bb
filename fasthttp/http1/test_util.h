// For the tests of this directory: PaddedBlock, parser input beside a page that must not be
// touched, and Errc by name in failures.
#ifndef FASTHTTP_HTTP1_TEST_UTIL_H_
#define FASTHTTP_HTTP1_TEST_UTIL_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string_view>

#include "fasthttp/http1/head.h"

namespace fasthttp {

// Found by GoogleTest.
inline void PrintTo(Errc errc, std::ostream* os) { *os << ErrcName(errc); }

}  // namespace fasthttp

namespace fasthttp::http1 {

class PaddedBlock {
 public:
  // Room for inputs of up to `capacity` bytes.
  explicit PaddedBlock(size_t capacity) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (capacity + kPadding + page - 1) / page * page;
    mapping_size_ = size_ + 2 * page;
    mapping_ = mmap(nullptr, mapping_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) abort();
    begin_ = static_cast<char*>(mapping_) + page;
    if (mprotect(begin_, size_, PROT_READ | PROT_WRITE) != 0) abort();
  }
  PaddedBlock(const PaddedBlock&) = delete;
  PaddedBlock& operator=(const PaddedBlock&) = delete;
  ~PaddedBlock() { munmap(mapping_, mapping_size_); }

  // `bytes`, a NUL, and 63 bytes that depend on `noise` (0: zeros), right before the guard page.
  // The bytes before them are noise too. Valid until the next Set.
  PaddedView Set(std::string_view bytes, uint32_t noise = 0) {
    char* data = begin_ + size_ - kPadding - bytes.size();
    if (!bytes.empty()) memcpy(data, bytes.data(), bytes.size());
    char* padding = data + bytes.size();
    padding[0] = 0;
    for (size_t i = 1; i < kPadding; ++i) {
      noise = noise * 1664525 + (noise != 0 ? 1013904223 : 0);
      padding[i] = static_cast<char>(noise >> 24);
    }
    if (data > begin_) data[-1] = static_cast<char>(noise >> 16);
    return {data, bytes.size()};
  }

  // `bytes` and zeros, right behind a guard page.
  PaddedView SetFirst(std::string_view bytes) {
    memset(begin_, 0, size_);
    if (!bytes.empty()) memcpy(begin_, bytes.data(), bytes.size());
    return {begin_, bytes.size()};
  }

 private:
  void* mapping_;
  char* begin_;
  size_t size_;
  size_t mapping_size_;
};

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_TEST_UTIL_H_
