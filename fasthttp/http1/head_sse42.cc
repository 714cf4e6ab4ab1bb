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

struct Masks {
  uint64_t not_token;
  uint64_t forbidden;
};

struct HostMasks {
  uint32_t odd;
  uint32_t not_digit;
};

struct TargetMasks {
  uint32_t stop;
  uint32_t special;
  uint32_t slash;
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

// The classes from kClassDel up, and no others, reach the sign bit when it is added.
FASTHTTP_TARGET inline uint32_t Forbidden(__m128i classes) {
  return MaskBits(_mm_adds_epu8(classes, Load(kScanTables.lowest_forbidden)));
}

// Bytes without a class: neither forbidden nor a tchar.
FASTHTTP_TARGET inline uint32_t Neither(__m128i classes) {
  return MaskBits(_mm_cmpeq_epi8(classes, _mm_setzero_si128()));
}

FASTHTTP_TARGET inline uint32_t Controls(__m128i bytes) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, Load(kScanTables.highest_control)), bytes);
  return MaskBits(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, Load(kScanTables.del))));
}

FASTHTTP_TARGET inline Masks LoadMasks(const char* p) {
  Masks masks = {0, 0};
  for (int i = 0; i < 64; i += 16) {
    const __m128i classes = Classes(Load(p + i), kScanTables.low, kScanTables.high);
    masks.not_token |= static_cast<uint64_t>(Neither(classes)) << i;
    masks.forbidden |= static_cast<uint64_t>(Forbidden(classes)) << i;
  }
  masks.not_token |= masks.forbidden;
  return masks;
}

FASTHTTP_TARGET inline uint64_t LoadNeither(const char* p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i += 16) {
    const __m128i classes = Classes(Load(p + i), kScanTables.low, kScanTables.high);
    mask |= static_cast<uint64_t>(Neither(classes)) << i;
  }
  return mask;
}

FASTHTTP_TARGET inline uint64_t LoadForbidden(const char* p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i += 16) {
    mask |= static_cast<uint64_t>(Controls(Load(p + i))) << i;
  }
  return mask;
}

FASTHTTP_TARGET inline uint32_t Equal(const char* p, const uint8_t (&wanted)[32]) {
  return MaskBits(_mm_cmpeq_epi8(Load(p), Load(wanted))) |
         MaskBits(_mm_cmpeq_epi8(Load(p + 16), Load(wanted))) << 16;
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
  TargetMasks masks = {0, 0, Equal(p, kScanTables.slash)};
  for (int i = 0; i < 32; i += 16) {
    const __m128i bytes = Load(p + i);
    const __m128i classes = Classes(bytes, kScanTables.target_low, kScanTables.target_high);
    const __m128i special = _mm_cmpgt_epi8(classes, _mm_setzero_si128());
    masks.stop |= MaskBits(_mm_adds_epu8(classes, Load(kScanTables.lowest_stop))) << i;
    masks.special |= MaskBits(_mm_or_si128(special, bytes)) << i;
  }
  return masks;
}

#include "fasthttp/http1/head_fast.inc"

}  // namespace

const ParseFunction kParseHeadSse42 = &ParseHeadFast;

}  // namespace fasthttp::http1

#endif
