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

FASTHTTP_TARGET inline uint64_t LoadStops(const char* p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i += 16) {
    // With one added, DEL and what is above it are negative or 0.
    const __m128i next = _mm_add_epi8(Load(p + i), Load(kScanTables.one));
    mask |= static_cast<uint64_t>(MaskBits(_mm_cmpgt_epi8(Load(kScanTables.lowest_text), next)))
            << i;
  }
  return mask;
}

FASTHTTP_TARGET inline uint32_t Equal(const char* p, const uint8_t (&wanted)[32]) {
  return MaskBits(_mm_cmpeq_epi8(Load(p), Load(wanted))) |
         MaskBits(_mm_cmpeq_epi8(Load(p + 16), Load(wanted))) << 16;
}

FASTHTTP_TARGET inline uint32_t EqualFolded(const char* p, const uint8_t (&wanted)[32]) {
  const __m128i fold = Load(kScanTables.fold);
  return MaskBits(_mm_cmpeq_epi8(_mm_or_si128(Load(p), fold), Load(wanted))) |
         MaskBits(_mm_cmpeq_epi8(_mm_or_si128(Load(p + 16), fold), Load(wanted + 16))) << 16;
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
    const __m128i classes = Classes(bytes, kScanTables.target_low, kScanTables.target_high);
    const __m128i special = _mm_cmpgt_epi8(classes, _mm_setzero_si128());
    masks.stop |= MaskBits(_mm_adds_epu8(classes, Load(kScanTables.lowest_stop))) << i;
    masks.special |= MaskBits(_mm_or_si128(special, bytes)) << i;
    const __m128i dot_as_slash = _mm_or_si128(bytes, Load(kScanTables.one));
    masks.dot_or_slash |= MaskBits(_mm_cmpeq_epi8(dot_as_slash, Load(kScanTables.slash))) << i;
  }
  return masks;
}

#include "fasthttp/http1/head_fast.inc"

}  // namespace

const ParseFunction kParseHeadSse42 = &ParseHeadFast;

}  // namespace fasthttp::http1

#endif
