#include "fasthttp/http1/head_line.h"

#include <cstring>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/known_field_match.h"

// Errors are reported in the order of the bytes: the first byte that makes the message impossible
// decides, so that a prefix of the input can never yield another error than the whole. That is why
// every Fail names the offset of the byte that decides, and why an offset at or behind the head
// limit turns into kHeadTooLarge: an input cut there would not have shown the byte.

namespace fasthttp::http1 {
namespace {

constexpr uint8_t kMaxEmptyLines = 4;

// A line without its end.
struct Line {
  uint32_t begin;
  uint32_t end;   // Behind the last byte before CR LF, LF or the end of the input.
  uint32_t next;  // Behind the line end. The offset of the LF is next - 1.
  bool complete;  // False: the limit was reached without a line end.
  bool bare_lf;
};

Errc Fail(const LineContext& c, uint32_t offset, Errc errc) {
  return offset >= c.max_head ? Errc::kHeadTooLarge : errc;
}

// A byte that may not stand at `offset`. What makes a CR wrong is the byte behind it.
Errc FailByte(const LineContext& c, uint32_t offset, Errc errc) {
  return Fail(c, c.base[offset] == '\r' ? offset + 1 : offset, errc);
}

// The line is over before its grammar is.
Errc FailEnd(const LineContext& c, const Line& line, Errc errc) {
  return line.complete ? Fail(c, line.next - 1, errc) : Errc::kHeadTooLarge;
}

bool FindLine(LineContext& c, Line* line) {
  ParseProgress& p = *c.progress;
  uint32_t size = static_cast<uint32_t>(c.size);
  const void* lf = memchr(c.base + p.scanned, '\n', size - p.scanned);
  line->begin = p.line;
  line->complete = lf != nullptr;
  line->bare_lf = false;
  line->next =
      lf != nullptr ? static_cast<uint32_t>(static_cast<const char*>(lf) - c.base) + 1 : size;
  line->end = lf != nullptr ? line->next - 1 : size;
  p.examined += line->next - p.scanned;
  p.scanned = size;
  if (line->end > line->begin && c.base[line->end - 1] == '\r') {
    --line->end;
  } else {
    line->bare_lf = line->complete;
  }
  return line->complete;
}

// A first byte that can't begin a message need not wait for its line end: somebody speaks TLS.
Errc CheckFirstByte(const LineContext& c, uint32_t offset) {
  char first = c.base[offset];
  if (offset == c.size || first == '\r') return Errc::kNeedMore;
  if (c.response) return first == 'H' ? Errc::kNeedMore : Fail(c, offset, Errc::kBadStatusLine);
  if (IsToken(first)) return Errc::kNeedMore;
  return Fail(c, offset, first == ' ' ? Errc::kMissingMethod : Errc::kBadMethod);
}

Errc EndLine(LineContext& c, const Line& line) {
  if (!line.complete) return Errc::kHeadTooLarge;
  if (line.bare_lf && !Allows(c.leniency, Leniency::kBareLf)) {
    return Fail(c, line.next - 1, Errc::kBareLf);
  }
  c.progress->line = line.next;
  c.progress->scanned = line.next;
  return Errc::kOk;
}

Errc EmptyStartLine(LineContext& c, const Line& line) {
  if (Errc errc = EndLine(c, line); errc != Errc::kOk) return errc;
  if (++c.progress->empty_lines <= kMaxEmptyLines) return Errc::kOk;
  return Fail(c, line.next - 1, c.response ? Errc::kBadStatusLine : Errc::kBadRequestLine);
}

MethodId MethodIdOf(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                           "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  for (size_t i = 0; i < std::size(kMethods); ++i) {
    if (method == kMethods[i]) return static_cast<MethodId>(i);
  }
  return MethodId::kOther;
}

// HTTP-version = "HTTP/" DIGIT "." DIGIT, RFC 9112 section 2.3. `*offset` is moved behind it.
Errc ParseVersion(LineContext& c, const Line& line, uint32_t* offset, Errc malformed) {
  constexpr char kShape[] = "HTTP/d.d";
  for (uint32_t i = 0; i < 8; ++i, ++*offset) {
    if (*offset == line.end) return FailEnd(c, line, malformed);
    char byte = c.base[*offset];
    if (kShape[i] == 'd' ? !IsDigit(byte) : byte != kShape[i]) {
      return FailByte(c, *offset, malformed);
    }
  }
  c.head->minor_version = static_cast<uint8_t>(c.base[*offset - 1] - '0');
  return Errc::kOk;
}

Errc ParseMethod(LineContext& c, const Line& line, uint32_t* offset) {
  HeadData& head = *c.head;
  uint32_t i = line.begin;
  while (i < line.end && IsToken(c.base[i])) ++i;
  if (i == line.end) return FailEnd(c, line, Errc::kBadRequestLine);
  if (c.base[i] != ' ') return FailByte(c, i, Errc::kBadMethod);
  if (i == line.begin) return Fail(c, i, Errc::kMissingMethod);
  head.method = static_cast<uint16_t>(line.begin);
  head.method_size = static_cast<uint16_t>(i - line.begin);
  head.method_id = MethodIdOf({c.base + line.begin, i - line.begin});
  *offset = i + 1;
  return Errc::kOk;
}

Errc ParseTarget(LineContext& c, const Line& line, uint32_t* offset) {
  HeadData& head = *c.head;
  const uint32_t begin = *offset;
  if (begin == line.end) return FailEnd(c, line, Errc::kEmptyTarget);
  if (c.base[begin] == ' ') return Fail(c, begin, Errc::kExtraWhitespace);
  uint32_t i = begin;
  for (; i < line.end && c.base[i] != ' '; ++i) {
    if (IsControl(c.base[i])) return FailByte(c, i, Errc::kBadTarget);
    if (i - begin == c.limits->max_target_bytes) return Fail(c, i, Errc::kTargetTooLong);
  }
  if (i == line.end) return FailEnd(c, line, Errc::kBadVersion);
  head.target = static_cast<uint16_t>(begin);
  head.target_size = static_cast<uint16_t>(i - begin);
  *offset = i + 1;
  return Errc::kOk;
}

// RFC 9112 section 3.
Errc ParseRequestLine(LineContext& c, const Line& line) {
  uint32_t i = line.begin;
  if (Errc errc = ParseMethod(c, line, &i); errc != Errc::kOk) return errc;
  if (Errc errc = ParseTarget(c, line, &i); errc != Errc::kOk) return errc;
  if (i < line.end && c.base[i] == ' ') return Fail(c, i, Errc::kExtraWhitespace);
  const uint32_t version = i;
  if (Errc errc = ParseVersion(c, line, &i, Errc::kBadVersion); errc != Errc::kOk) return errc;
  if (i != line.end) {
    return FailByte(c, i, c.base[i] == ' ' ? Errc::kExtraWhitespace : Errc::kBadVersion);
  }
  if (!line.complete) return Errc::kHeadTooLarge;
  if (c.base[version + 5] != '1') return FailEnd(c, line, Errc::kVersionNotSupported);
  if (line.next > c.max_head) return Errc::kHeadTooLarge;
  c.head->base = c.base;
  ScanTarget(*c.head);
  if (!ClassifyTarget(*c.head)) return FailEnd(c, line, Errc::kBadTarget);
  return EndLine(c, line);
}

Errc ParseReason(LineContext& c, const Line& line, uint32_t i) {
  HeadData& head = *c.head;
  if (i < line.end && c.base[i] != ' ') return FailByte(c, i, Errc::kBadStatusLine);
  const uint32_t begin = i < line.end ? i + 1 : i;
  for (i = begin; i < line.end; ++i) {
    if (IsControl(c.base[i]) && c.base[i] != '\t') return FailByte(c, i, Errc::kBadStatusLine);
    if (i - begin == c.limits->max_target_bytes) return Fail(c, i, Errc::kHeadTooLarge);
  }
  head.target = static_cast<uint16_t>(begin);
  head.target_size = static_cast<uint16_t>(line.end - begin);
  return Errc::kOk;
}

// RFC 9112 section 4; the SP behind the code may be missing if there is no reason phrase.
Errc ParseStatusLine(LineContext& c, const Line& line) {
  uint32_t i = line.begin;
  if (Errc errc = ParseVersion(c, line, &i, Errc::kBadStatusLine); errc != Errc::kOk) return errc;
  if (i == line.end) return FailEnd(c, line, Errc::kBadStatusLine);
  if (c.base[i] != ' ') return FailByte(c, i, Errc::kBadStatusLine);
  unsigned status = 0;
  for (int digits = 0; digits < 3; ++digits) {
    if (++i == line.end) return FailEnd(c, line, Errc::kBadStatusLine);
    if (!IsDigit(c.base[i])) return FailByte(c, i, Errc::kBadStatusLine);
    status = status * 10 + static_cast<unsigned>(c.base[i] - '0');
    if (status == 0) return Fail(c, i, Errc::kBadStatusLine);
  }
  if (Errc errc = ParseReason(c, line, i + 1); errc != Errc::kOk) return errc;
  if (!line.complete) return Errc::kHeadTooLarge;
  if (c.base[line.begin + 5] != '1') return FailEnd(c, line, Errc::kVersionNotSupported);
  c.head->status = static_cast<uint16_t>(status);
  return EndLine(c, line);
}

Errc ParseStartLine(LineContext& c, const Line& line) {
  if (line.begin == line.end) return EmptyStartLine(c, line);
  Errc errc = c.response ? ParseStatusLine(c, line) : ParseRequestLine(c, line);
  c.progress->start_line_done = errc == Errc::kOk;
  return errc;
}

// A value without the whitespace around it. `*end` comes in as the end of the line.
Errc ScanValue(const LineContext& c, uint32_t* begin, uint32_t* end) {
  uint32_t i = *begin;
  for (; i < *end; ++i) {
    if (IsControl(c.base[i]) && c.base[i] != '\t') return FailByte(c, i, Errc::kBadFieldValue);
  }
  while (*begin < *end && IsBlank(c.base[*begin])) ++*begin;
  while (*end > *begin && IsBlank(c.base[*end - 1])) --*end;
  return Errc::kOk;
}

// RFC 9112 section 5.2: the fold is replaced by SP in the input itself, so that the value stays one
// view. Not for the fields that frame or route: nobody honest folds them.
Errc ParseFold(LineContext& c, const Line& line) {
  HeadData& head = *c.head;
  if (head.field_count == 0) return Fail(c, line.begin, Errc::kBadFieldName);
  Field& field = head.fields[head.field_count - 1];
  KnownField id = LookupKnownField({c.base + field.name, field.name_size});
  if (!Allows(c.leniency, Leniency::kObsFold) || id == KnownField::kHost ||
      id == KnownField::kContentLength || id == KnownField::kTransferEncoding) {
    return Fail(c, line.begin, Errc::kObsFold);
  }
  uint32_t begin = line.begin;
  uint32_t end = line.end;
  if (Errc errc = ScanValue(c, &begin, &end); errc != Errc::kOk) return errc;
  if (Errc errc = EndLine(c, line); errc != Errc::kOk) return errc;
  if (line.next > c.max_head) return Errc::kHeadTooLarge;
  if (begin == end) return Errc::kOk;
  uint32_t value_end = uint32_t{field.value} + field.value_size;
  memset(const_cast<char*>(c.base) + value_end, ' ', begin - value_end);
  if (field.value_size == 0) field.value = static_cast<uint16_t>(begin);
  field.value_size = static_cast<uint16_t>(end - field.value);
  return Errc::kOk;
}

Errc ParseFieldName(const LineContext& c, const Line& line, uint32_t* offset) {
  uint32_t i = line.begin;
  while (i < line.end && IsToken(c.base[i])) ++i;
  *offset = i;
  if (i == line.end) return FailEnd(c, line, Errc::kMissingColon);
  if (c.base[i] == ':') {
    return i > line.begin ? Errc::kOk : Fail(c, i, Errc::kBadFieldName);
  }
  if (!IsBlank(c.base[i])) return FailByte(c, i, Errc::kBadFieldName);
  while (i < line.end && IsBlank(c.base[i])) ++i;
  if (i == line.end) return FailEnd(c, line, Errc::kMissingColon);
  // RFC 9112 section 5.1.
  return c.base[i] == ':' ? Fail(c, i, Errc::kSpaceBeforeColon)
                          : FailByte(c, i, Errc::kBadFieldName);
}

Errc CheckFieldSpace(const LineContext& c, const Line& line) {
  if (c.head->field_count >= c.limits->max_fields) {
    return Fail(c, line.begin, Errc::kTooManyFields);
  }
  if (c.head->field_count < c.head->field_capacity) return Errc::kOk;
  return Fail(c, line.begin, Errc::kNeedFieldSpace);
}

// RFC 9112 section 5.
Errc ParseFieldLine(LineContext& c, const Line& line) {
  if (IsBlank(c.base[line.begin])) return ParseFold(c, line);
  if (Errc errc = CheckFieldSpace(c, line); errc != Errc::kOk) return errc;
  uint32_t colon = 0;
  if (Errc errc = ParseFieldName(c, line, &colon); errc != Errc::kOk) return errc;
  uint32_t begin = colon + 1;
  uint32_t end = line.end;
  if (Errc errc = ScanValue(c, &begin, &end); errc != Errc::kOk) return errc;
  if (Errc errc = EndLine(c, line); errc != Errc::kOk) return errc;
  if (line.next > c.max_head) return Errc::kHeadTooLarge;

  HeadData& head = *c.head;
  head.fields[head.field_count] = {
      static_cast<uint16_t>(line.begin), static_cast<uint16_t>(colon - line.begin),
      static_cast<uint16_t>(begin), static_cast<uint16_t>(end - begin)};
  KnownField id = LookupKnownField({c.base + line.begin, colon - line.begin});
  if (id != KnownField::kNone) {
    head.duplicate |= head.seen & MaskOf(id);
    if ((head.seen & MaskOf(id)) == 0) head.first[static_cast<size_t>(id)] = head.field_count;
    head.seen |= MaskOf(id);
  }
  ++head.field_count;
  return Errc::kOk;
}

Errc EndHead(LineContext& c, const Line& line, bool* head_done) {
  if (Errc errc = EndLine(c, line); errc != Errc::kOk) return errc;
  if (line.next > c.max_head) return Errc::kHeadTooLarge;
  c.head->base = c.base;
  c.head->size = line.next;
  *head_done = true;
  return Errc::kOk;
}

Errc ParseOneLine(LineContext& c, bool* head_done) {
  if (c.progress->line >= c.max_head) return Errc::kHeadTooLarge;
  Line line;
  if (!FindLine(c, &line) && c.size < c.max_head) {
    return c.progress->start_line_done ? Errc::kNeedMore : CheckFirstByte(c, line.begin);
  }
  c.progress->examined += line.next - line.begin;
  if (!c.progress->start_line_done) return ParseStartLine(c, line);
  if (line.begin == line.end) return EndHead(c, line, head_done);
  Errc errc = ParseFieldLine(c, line);
  // The same line is looked at again once there is space.
  if (errc == Errc::kNeedFieldSpace) c.progress->scanned = c.progress->line;
  return errc;
}

RawErrc ParseHeadScalar(const char* base, size_t size, const HeadLimits& limits, ParseMode mode,
                        ParseProgress& progress, HeadData& head) {
  LineContext context = MakeContext(base, size, limits, mode, progress, head);
  for (bool head_done = false; !head_done;) {
    if (RawErrc errc = ParseLine(context, &head_done); errc != 0) return errc;
  }
  return 0;
}

}  // namespace

const ParseFunction kParseHeadScalar = &ParseHeadScalar;

RawErrc ParseLine(LineContext& context, bool* head_done) {
  return static_cast<RawErrc>(ParseOneLine(context, head_done));
}

void ScanTarget(HeadData& head) {
  const char* target = head.base + head.target;
  uint8_t flags = 0;
  for (size_t i = 0; i < head.target_size; ++i) {
    const char byte = target[i];
    if (byte == '#') flags |= kTargetHash;
    if ((flags & kTargetQuery) != 0) continue;
    if (byte == '?') {
      flags |= kTargetQuery;
      head.query = static_cast<uint16_t>(head.target + i);
    }
    if (byte == '%') flags |= kTargetPercent;
    if (byte == '\\') flags |= kTargetBackslash;
    if (static_cast<unsigned char>(byte) >= 0x80) flags |= kTargetNonAscii;
    if (i > 0 && target[i - 1] == '/') {
      if (byte == '.') flags |= kTargetDot;
      if (byte == '/') flags |= kTargetDoubleSlash;
    }
  }
  head.target_flags = flags;
}

}  // namespace fasthttp::http1
