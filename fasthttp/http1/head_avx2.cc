// The head parser for AVX2 and BMI. Includes only what wire_types.h explains.
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/head_line.h"
#include "fasthttp/http1/known_field_match.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FASTHTTP_TARGET __attribute__((target("avx2,bmi,bmi2")))

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

FASTHTTP_TARGET inline __m256i Load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

FASTHTTP_TARGET inline uint32_t MaskBits(__m256i bytes) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
}

FASTHTTP_TARGET inline __m256i Classes(__m256i bytes, const uint8_t* low, const uint8_t* high) {
  const __m256i rows = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), Load(kScanTables.nibble));
  return _mm256_and_si256(_mm256_shuffle_epi8(Load(low), bytes),
                          _mm256_shuffle_epi8(Load(high), rows));
}

// Bytes without a class.
FASTHTTP_TARGET inline uint32_t Neither(__m256i classes) {
  return MaskBits(_mm256_cmpeq_epi8(classes, _mm256_setzero_si256()));
}

FASTHTTP_TARGET inline uint32_t NotToken(const char* p) {
  return Neither(Classes(Load(p), kScanTables.low, kScanTables.high));
}

// With one added, DEL and what is above it are negative or 0.
FASTHTTP_TARGET inline uint32_t Below(__m256i bytes, const uint8_t (&lowest)[32]) {
  const __m256i next = _mm256_add_epi8(bytes, Load(kScanTables.one));
  return MaskBits(_mm256_subs_epi8(next, Load(lowest)));
}

FASTHTTP_TARGET inline uint64_t LoadStops(const char* p) {
  return Below(Load(p), kScanTables.lowest_text) |
         uint64_t{Below(Load(p + 32), kScanTables.lowest_text)} << 32;
}

FASTHTTP_TARGET inline uint32_t First(uint32_t mask) { return _tzcnt_u32(mask); }

FASTHTTP_TARGET inline __m256i IsEqual(__m256i bytes, const uint8_t (&wanted)[32]) {
  return _mm256_cmpeq_epi8(bytes, Load(wanted));
}

FASTHTTP_TARGET inline uint32_t Equal(const char* p, const uint8_t (&wanted)[32]) {
  return MaskBits(IsEqual(Load(p), wanted));
}

FASTHTTP_TARGET inline bool BeginsWith(const char* line, const KnownName& known) {
  return _mm256_testz_si256(_mm256_xor_si256(Load(line), Load(known.text)), Load(known.mask)) != 0;
}

FASTHTTP_TARGET inline HostMasks LoadHost(const char* p) {
  const __m256i classes = Classes(Load(p), kScanTables.host_low, kScanTables.host_high);
  return {Neither(classes), ~MaskBits(_mm256_cmpeq_epi8(classes, Load(kScanTables.host_digit)))};
}

FASTHTTP_TARGET inline uint32_t HighBits(const char* p) { return MaskBits(Load(p)); }

FASTHTTP_TARGET inline TargetMasks LoadTarget(const char* p) {
  const __m256i bytes = Load(p);
  const __m256i hash =
      IsEqual(_mm256_and_si256(bytes, Load(kScanTables.hash_like)), kScanTables.hash_at);
  const __m256i other =
      _mm256_or_si256(IsEqual(bytes, kScanTables.question), IsEqual(bytes, kScanTables.backslash));
  const __m256i dot_as_slash = _mm256_or_si256(bytes, Load(kScanTables.one));
  return {Below(bytes, kScanTables.lowest_path), MaskBits(_mm256_or_si256(hash, other)),
          MaskBits(IsEqual(dot_as_slash, kScanTables.slash))};
}

#include "fasthttp/http1/head_fast.inc"

}  // namespace

const ParseFunction kParseHeadAvx2 = &ParseHeadFast;

}  // namespace fasthttp::http1

#endif
