// CopyShort: memmove for the lengths that header values and small bodies have, without a call.
//
// Thread class: pure function.
#ifndef FASTHTTP_BASE_COPY_H_
#define FASTHTTP_BASE_COPY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fasthttp::base {

// Copies `n` bytes and returns the end of the copy. The ranges may overlap, `from` may be null if
// `n` is 0. 8 to 32 bytes take two loads and two stores; the rest is memmove.
[[gnu::always_inline]] inline char* CopyShort(char* to, const char* from, size_t n) {
  struct Sixteen {
    uint64_t words[2];
  };
  if (n - 8 <= 8) [[likely]] {
    uint64_t head, tail;
    std::memcpy(&head, from, 8);
    std::memcpy(&tail, from + n - 8, 8);
    std::memcpy(to, &head, 8);
    std::memcpy(to + n - 8, &tail, 8);
  } else if (n - 16 <= 16) {
    Sixteen head, tail;
    std::memcpy(&head, from, 16);
    std::memcpy(&tail, from + n - 16, 16);
    std::memcpy(to, &head, 16);
    std::memcpy(to + n - 16, &tail, 16);
  } else if (n != 0) {
    std::memmove(to, from, n);
  }
  return to + n;
}

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_COPY_H_
