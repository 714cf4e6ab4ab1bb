// KnownNames: the known field names as a table of which a hash finds the slot.
//
// For the parsers, which compare a line with the name that it may begin with; everybody else calls
// LookupKnownField. In an anonymous namespace and without library includes for the reason given in
// wire_types.h.
#ifndef FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
#define FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/wire_types.h"

namespace fasthttp::http1 {

// A line begins with the name and ": " if all bits of `mask` are equal in it and in `text`: of
// letters that is all but the case, of what stands behind the SP it is nothing.
struct alignas(64) KnownName {
  static constexpr size_t kId = 31;  // Of `text`: there is the KnownField.
  uint8_t text[32];
  uint8_t mask[32];
};

// A slot without a name has ":  ", and nobody may take a line with two SP.
struct KnownNames {
  static constexpr size_t kLongest = 27;
  static constexpr uint32_t kMultiplier = 0x53986077;
  static constexpr unsigned kShift = 25;
  KnownName slots[(1 << (32 - kShift)) + 32];
};
extern const KnownNames kKnownNames;

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are compared as little-endian");

template <typename T>
inline T LoadWord(const char* p) {
  T word;
  memcpy(&word, p, sizeof(word));
  return word;
}

// The first `n` <= 8 bytes of `s` as a word.
constexpr uint64_t Word(const char* s, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(s[i])) << (8 * i);
  }
  return word;
}
constexpr uint64_t Word8(const char* s) { return Word(s, 8); }
constexpr uint32_t Word4(const char* s) { return static_cast<uint32_t>(Word(s, 4)); }

// The slot for a name of `size` <= 32 bytes by its last three, and the colon behind it: all known
// names of one size differ there. Before a shorter one stands the LF of the line above it.
constexpr size_t KnownNameSlot(uint32_t last, size_t size) {
  return ((last | 0x20202020) * KnownNames::kMultiplier >> KnownNames::kShift) + size;
}

}  // namespace
}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
