// The careful half of the head parser: one line at a time, every rule, no speed.
//
// The vectorised parsers take the lines that look as nearly all lines do and leave everything else
// to ParseLine: whatever is unusual, malformed, over a limit or incomplete. So each verdict is made
// in one place, and all variants agree by construction. The scalar variant is ParseLine in a loop.
#ifndef FASTHTTP_HTTP1_HEAD_LINE_H_
#define FASTHTTP_HTTP1_HEAD_LINE_H_

#include <cstdint>

#include "fasthttp/http1/wire_types.h"

namespace fasthttp::http1 {

// An Errc as its number: errc.h includes more than wire_types.h allows. 0 is kOk.
using RawErrc = uint16_t;

// A Leniency, with kParseResponse if it is a response.
using ParseMode = uint32_t;
constexpr ParseMode kParseResponse = 0x100;

constexpr uint32_t kMaxHeadBytes = 65535;

// Everything that one call of the parser works on.
struct LineContext {
  const char* base;
  size_t size;  // Of the input; base[size] is NUL.
  const HeadLimits* limits;
  HeadData* head;
  ParseProgress* progress;
  uint32_t max_head;  // limits->max_head_bytes, clamped.
  Leniency leniency;
  bool response;
};

// In an anonymous namespace for the reason given in wire_types.h.
namespace {

inline uint32_t MaxHeadOf(const HeadLimits& limits) {
  return limits.max_head_bytes < kMaxHeadBytes ? limits.max_head_bytes : kMaxHeadBytes;
}

inline void ClearFields(HeadData& head) {
  head.field_count = 0;
  head.seen = 0;
  head.duplicate = 0;
}

// For a parser's call. A message that begins finds the head empty. ParseLine does not look at the
// Host; FastFields does if it takes the end of the head.
inline LineContext MakeContext(const char* base, size_t size, const HeadLimits& limits,
                               ParseMode mode, ParseProgress& progress, HeadData& head) {
  head.plain_host = false;
  if (!progress.start_line_done) {
    ClearFields(head);
    head.status = 0;
  }
  return {base,
          size,
          &limits,
          &head,
          &progress,
          MaxHeadOf(limits),
          static_cast<Leniency>(mode & 0xff),
          (mode & kParseResponse) != 0};
}

}  // namespace

// Parses the line at progress->line. kOk: one line is done, progress->line is the next one, and
// *head_done tells whether it was the empty line that ends the head. Else the parser's verdict.
[[gnu::cold]] RawErrc ParseLine(LineContext& context, bool* head_done);

// Decides the form of the target that `head` holds and validates it. False: none of the four forms.
bool ClassifyTarget(HeadData& head);

// The flags (TargetFlag) and the query offset of the target that `head` holds.
void ScanTarget(HeadData& head);

// Constants of the vectorised parsers. They stand in memory, in a file of their own, because
// GCC 12 otherwise rebuilds each from immediates in every call.
struct ScanTables {
  // low[b & 15] & high[b >> 4] is the class of the byte b: 0 unless it is a tchar.
  alignas(32) uint8_t low[32];
  alignas(32) uint8_t high[32];
  // The same for a host name; digits have the class kHostDigit and no others.
  alignas(32) uint8_t host_low[32];
  alignas(32) uint8_t host_high[32];
  alignas(32) uint8_t host_digit[32];   // kHostDigit.
  alignas(32) uint8_t nibble[32];       // 0x0f.
  alignas(32) uint8_t one[32];          // 1.
  alignas(32) uint8_t lowest_text[32];  // 0x21: SP, and one.
  alignas(32) uint8_t lowest_path[32];  // 0x22: what is above SP, and one.
  alignas(32) uint8_t hash_like[32];    // 0xf9: '#' and '%', as well as ! and ', become hash_at.
  alignas(32) uint8_t hash_at[32];      // 0x21.
  alignas(32) uint8_t colon[32];
  alignas(32) uint8_t slash[32];
  alignas(32) uint8_t dot[32];
  alignas(32) uint8_t percent[32];
  alignas(32) uint8_t backslash[32];
  alignas(32) uint8_t question[32];
  alignas(32) uint8_t hash[32];
};
extern const ScanTables kScanTables;

constexpr uint8_t kHostDigit = 2;

// The parsers of this build. The arguments are those of ParseRequestHead, and in the same
// registers.
using ParseFunction = RawErrc (*)(const char* base, size_t size, const HeadLimits& limits,
                                  ParseMode mode, ParseProgress& progress, HeadData& head);
extern const ParseFunction kParseHeadScalar;
extern const ParseFunction kParseHeadSse42;
extern const ParseFunction kParseHeadAvx2;
extern const ParseFunction kParseHeadNeon;

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_HEAD_LINE_H_
