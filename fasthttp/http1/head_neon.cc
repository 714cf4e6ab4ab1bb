// The head parser for NEON (AArch64). Includes only what wire_types.h explains.
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/head_line.h"
#include "fasthttp/http1/known_field_match.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define FASTHTTP_TARGET

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

inline uint8x16_t Load(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }

// One bit per byte of four vectors whose bytes are 0x00 or 0xff.
inline uint64_t MaskBits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
  const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t ab = vpaddq_u8(vandq_u8(a, weights), vandq_u8(b, weights));
  const uint8x16_t cd = vpaddq_u8(vandq_u8(c, weights), vandq_u8(d, weights));
  const uint8x16_t sums = vpaddq_u8(ab, cd);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)), 0);
}

inline uint32_t MaskBits(uint8x16_t a, uint8x16_t b) {
  return static_cast<uint32_t>(MaskBits(a, b, vdupq_n_u8(0), vdupq_n_u8(0)));
}

// Bytes from 0x80 up get class 0: their index is out of the table.
inline uint8x16_t Classes(uint8x16_t bytes, const uint8_t* low, const uint8_t* high) {
  const uint8x16_t columns = vandq_u8(bytes, vdupq_n_u8(0x8f));
  return vandq_u8(vqtbl1q_u8(Load(low), columns), vqtbl1q_u8(Load(high), vshrq_n_u8(bytes, 4)));
}

inline uint8x16_t IsNotToken(const char* p) {
  return vceqq_u8(Classes(Load(p), kScanTables.low, kScanTables.high), vdupq_n_u8(0));
}

inline uint32_t NotToken(const char* p) { return MaskBits(IsNotToken(p), IsNotToken(p + 16)); }

inline uint8x16_t Below(uint8x16_t bytes, uint8_t lowest) {
  return vorrq_u8(vcltq_u8(bytes, vdupq_n_u8(lowest)), vcgeq_u8(bytes, vdupq_n_u8(0x7f)));
}

inline uint64_t LoadStops(const char* p) {
  return MaskBits(Below(Load(p), 0x20), Below(Load(p + 16), 0x20), Below(Load(p + 32), 0x20),
                  Below(Load(p + 48), 0x20));
}

inline uint32_t First(uint32_t mask) {
  return static_cast<uint32_t>(__builtin_ctz(mask | uint32_t{1} << 31));
}

inline uint32_t Equal(const char* p, const uint8_t (&wanted)[32]) {
  return MaskBits(vceqq_u8(Load(p), Load(wanted)), vceqq_u8(Load(p + 16), Load(wanted)));
}

inline uint8x16_t Unequal(const char* line, const KnownName& known, size_t at) {
  return vandq_u8(veorq_u8(Load(line + at), Load(known.text + at)), Load(known.mask + at));
}

inline bool BeginsWith(const char* line, const KnownName& known) {
  return vmaxvq_u8(vorrq_u8(Unequal(line, known, 0), Unequal(line, known, 16))) == 0;
}

inline uint8x16_t High(uint8x16_t bytes) { return vcgeq_u8(bytes, vdupq_n_u8(0x80)); }

inline uint32_t HighBits(const char* p) { return MaskBits(High(Load(p)), High(Load(p + 16))); }

inline TargetMasks LoadTarget(const char* p) {
  uint8x16_t stop[2], special[2], dot_or_slash[2];
  for (int i = 0; i < 2; ++i) {
    const uint8x16_t bytes = Load(p + 16 * i);
    const uint8x16_t hash = vceqq_u8(vandq_u8(bytes, vdupq_n_u8(0xf9)), vdupq_n_u8(0x21));
    const uint8x16_t other =
        vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('?')), vceqq_u8(bytes, vdupq_n_u8('\\')));
    stop[i] = Below(bytes, 0x21);
    special[i] = vorrq_u8(hash, other);
    dot_or_slash[i] = vceqq_u8(vorrq_u8(bytes, vdupq_n_u8(1)), vdupq_n_u8('/'));
  }
  return {MaskBits(stop[0], stop[1]), MaskBits(special[0], special[1]),
          MaskBits(dot_or_slash[0], dot_or_slash[1])};
}

// No host is plain: DecideFraming looks at all of them.
inline HostMasks LoadHost(const char*) { return {~uint32_t{0}, ~uint32_t{0}}; }

#include "fasthttp/http1/head_fast.inc"

}  // namespace

const ParseFunction kParseHeadNeon = &ParseHeadFast;

}  // namespace fasthttp::http1

#endif
