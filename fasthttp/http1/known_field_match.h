// KnownNames: the known field names as a table of which a hash finds the row.
//
// For the parsers, which compare a line with the row that may be its name; everybody else calls
// LookupKnownField. In an anonymous namespace and without library includes for the reason given in
// wire_types.h.
#ifndef FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
#define FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/wire_types.h"

namespace fasthttp::http1 {

// A row may be compared with 32 bytes | 0x20: for letters, digits, '-', ':' and SP that folding is
// exact but for control bytes. Row 0, kNone, equals nothing.
struct KnownNames {
  static constexpr size_t kLongest = 27;
  static constexpr uint32_t kMultiplier = 0x67ae0387;
  static constexpr unsigned kShift = 24;
  // A name in lower case, ": ", a second SP, and zeros, which no byte | 0x20 equals.
  alignas(32) uint8_t text[kKnownFieldCount][32];
  // A bit for each of the bytes that are equal in a line of that name: all but the second SP.
  uint32_t equal[kKnownFieldCount];
  uint8_t ids[(1 << (32 - kShift)) + 33];
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

// The place in KnownNames::ids for a name of `size` <= 32 bytes of which `middle` are four, from
// size / 2 - 1 on: all known names of one size differ there.
constexpr size_t KnownNameSlot(uint32_t middle, size_t size) {
  return ((middle | 0x20202020) * KnownNames::kMultiplier >> KnownNames::kShift) + size;
}

// The same for the name at p, with ": " behind it. Up to one byte before it is read, or up to 19
// from it on.
inline size_t KnownNameSlot(const char* p, size_t size) {
  return KnownNameSlot(LoadWord<uint32_t>(p - 1 + size / 2), size);
}

}  // namespace
}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
