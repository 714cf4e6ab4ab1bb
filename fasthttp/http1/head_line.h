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

// Parses the line at progress->line. kOk: one line is done, progress->line is the next one, and
// *head_done tells whether it was the empty line that ends the head. Else the parser's verdict.
[[gnu::cold]] RawErrc ParseLine(LineContext& context, bool* head_done);

// Decides the form of the target that `head` holds and validates it. False: none of the four forms.
bool ClassifyTarget(HeadData& head);

// The flags (TargetFlag) and the query offset of the target that `head` holds.
void ScanTarget(HeadData& head);

// The parsers of this build; each handles requests and responses. Null if not in this build.
using ParseFunction = RawErrc (*)(LineContext& context);
extern const ParseFunction kParseHeadScalar;
extern const ParseFunction kParseHeadSse42;
extern const ParseFunction kParseHeadAvx2;
extern const ParseFunction kParseHeadNeon;

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_HEAD_LINE_H_
