// The head parser for SSE4.2. Includes only what wire_types.h explains.
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/head_line.h"
#include "fasthttp/http1/known_field_match.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FASTHTTP_TARGET __attribute__((target("sse4.2")))

namespace fasthttp::http1 {
namespace {

struct HostMasks {
  uint32_t odd;
  uint32_t not_digit;
};

struct TargetMasks {
  uint32_t stop;
  uint32_t special;
  uint32_t dot_or_slash;
};

FASTHTTP_TARGET inline __m128i Load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

FASTHTTP_TARGET inline uint32_t MaskBits(__m128i bytes) {
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
}

FASTHTTP_TARGET inline __m128i Classes(__m128i bytes, const uint8_t* low, const uint8_t* high) {
  const __m128i rows = _mm_and_si128(_mm_srli_epi16(bytes, 4), Load(kScanTables.nibble));
  return _mm_and_si128(_mm_shuffle_epi8(Load(low), bytes), _mm_shuffle_epi8(Load(high), rows));
}

// Bytes without a class.
FASTHTTP_TARGET inline uint32_t Neither(__m128i classes) {
  return MaskBits(_mm_cmpeq_epi8(classes, _mm_setzero_si128()));
}

FASTHTTP_TARGET inline uint32_t NotToken(const char* p) {
  return Neither(Classes(Load(p), kScanTables.low, kScanTables.high)) |
         Neither(Classes(Load(p + 16), kScanTables.low, kScanTables.high)) << 16;
}

// With one added, DEL and what is above it are negative or 0.
FASTHTTP_TARGET inline uint32_t Below(__m128i bytes, const uint8_t (&lowest)[32]) {
  const __m128i next = _mm_add_epi8(bytes, Load(kScanTables.one));
  return MaskBits(_mm_subs_epi8(next, Load(lowest)));
}

FASTHTTP_TARGET inline uint64_t LoadStops(const char* p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i += 16) {
    mask |= uint64_t{Below(Load(p + i), kScanTables.lowest_text)} << i;
  }
  return mask;
}

FASTHTTP_TARGET inline uint32_t First(uint32_t mask) {
  return static_cast<uint32_t>(__builtin_ctz(mask | uint32_t{1} << 31));
}

FASTHTTP_TARGET inline __m128i IsEqual(__m128i bytes, const uint8_t (&wanted)[32]) {
  return _mm_cmpeq_epi8(bytes, Load(wanted));
}

FASTHTTP_TARGET inline uint32_t Equal(const char* p, const uint8_t (&wanted)[32]) {
  return MaskBits(IsEqual(Load(p), wanted)) | MaskBits(IsEqual(Load(p + 16), wanted)) << 16;
}

FASTHTTP_TARGET inline __m128i Unequal(const char* line, const KnownName& known, size_t at) {
  return _mm_and_si128(_mm_xor_si128(Load(line + at), Load(known.text + at)),
                       Load(known.mask + at));
}

FASTHTTP_TARGET inline bool BeginsWith(const char* line, const KnownName& known) {
  const __m128i unequal = _mm_or_si128(Unequal(line, known, 0), Unequal(line, known, 16));
  return _mm_testz_si128(unequal, unequal) != 0;
}

FASTHTTP_TARGET inline HostMasks LoadHost(const char* p) {
  HostMasks masks = {0, ~uint32_t{0}};
  for (int i = 0; i < 32; i += 16) {
    const __m128i classes = Classes(Load(p + i), kScanTables.host_low, kScanTables.host_high);
    masks.odd |= Neither(classes) << i;
    masks.not_digit &= ~(MaskBits(_mm_cmpeq_epi8(classes, Load(kScanTables.host_digit))) << i);
  }
  return masks;
}

FASTHTTP_TARGET inline uint32_t HighBits(const char* p) {
  return MaskBits(Load(p)) | MaskBits(Load(p + 16)) << 16;
}

FASTHTTP_TARGET inline TargetMasks LoadTarget(const char* p) {
  TargetMasks masks = {0, 0, 0};
  for (int i = 0; i < 32; i += 16) {
    const __m128i bytes = Load(p + i);
    const __m128i hash =
        IsEqual(_mm_and_si128(bytes, Load(kScanTables.hash_like)), kScanTables.hash_at);
    const __m128i other =
        _mm_or_si128(IsEqual(bytes, kScanTables.question), IsEqual(bytes, kScanTables.backslash));
    const __m128i dot_as_slash = _mm_or_si128(bytes, Load(kScanTables.one));
    masks.stop |= Below(bytes, kScanTables.lowest_path) << i;
    masks.special |= MaskBits(_mm_or_si128(hash, other)) << i;
    masks.dot_or_slash |= MaskBits(IsEqual(dot_as_slash, kScanTables.slash)) << i;
  }
  return masks;
}

#include "fasthttp/http1/head_fast.inc"

}  // namespace

const ParseFunction kParseHeadSse42 = &ParseHeadFast;

}  // namespace fasthttp::http1

#endif
