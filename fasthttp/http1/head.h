// ParseRequestHead, ParseResponseHead: the head of an HTTP/1 message as offsets into its bytes.
//
// One pass validates every byte (RFC 9112 sections 2 to 5, RFC 9110 section 5) and records where
// the method, the target and each field lie. Nothing is copied, allocated or interpreted beyond
// what the known-field masks need; framing.h decides what the head means. Strict by default: what
// the grammar does not allow is an error, because two parties that read one head differently is
// how requests are smuggled.
//
// When not to use it: for trailers (chunked.h) and for anything but HTTP/1.x.
//
// Lifetime: a Head refers to the bytes it was parsed from. They must neither move nor change while
// the Head, or a view taken from it, is in use. Only while the parser answers kNeedMore may the
// bytes be moved between calls: the parser keeps offsets.
//
// Thread class: thread-compatible; a Head belongs to whoever parses into it.
#ifndef FASTHTTP_HTTP1_HEAD_H_
#define FASTHTTP_HTTP1_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp::http1 {

// Readable bytes that must follow the input.
inline constexpr size_t kPadding = 64;

// Input: data[0 .. size) are the bytes received so far; data[size .. size + kPadding) must be
// readable too, and data[size] must be 0. No head may hold a NUL, so it ends every scan; the values
// of the other 63 bytes do not matter. Bytes behind the head (a body, further requests) may be part
// of the input and are not looked at, beyond one 64-byte load.
struct PaddedView {
  const char* data = nullptr;
  size_t size = 0;
};

// What to accept beyond the grammar; a set of bits. Everything not named here stays strict.
enum class Leniency : uint8_t {
  kStrict = 0,
  // A bare LF ends a line (RFC 9112 section 2.2 permits it), also the empty line of the head.
  kBareLf = 1,
  // A folded line (RFC 9112 section 5.2) continues the value before it: its line end and leading
  // whitespace are overwritten with SP, so the input must be writable memory. Folding stays an
  // error behind the request-line and in Host, Content-Length and Transfer-Encoding.
  kObsFold = 2,
  kAll = 3,
};

constexpr bool Allows(Leniency set, Leniency bit) {
  return (static_cast<uint8_t>(set) & static_cast<uint8_t>(bit)) != 0;
}

// Limits, in bytes unless it says otherwise. Each is inclusive: a head of exactly max_head_bytes
// passes.
struct HeadLimits {
  // From the first byte (leading empty lines included) to the end of the empty line. Over it:
  // kHeadTooLarge. At most 65,535, larger values count as that: offsets are 16 bits wide.
  uint32_t max_head_bytes = 16384;
  // The request-target, or the reason phrase. Over it: kTargetTooLong (requests), kHeadTooLarge.
  uint32_t max_target_bytes = 8192;
  // Field lines. Over it: kTooManyFields.
  uint16_t max_fields = 128;
};

// One field line: offsets from Head::base. The value has no leading or trailing SP or HTAB; the
// name is a token of at least one byte and keeps its case.
struct Field {
  uint16_t name;
  uint16_t name_size;
  uint16_t value;
  uint16_t value_size;
};
static_assert(sizeof(Field) == 8);

// The methods that framing and the target form depend on, and the common ones; case-sensitive.
enum class MethodId : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,  // Any other token; see Head::Method().
};

// RFC 9112 section 3.2.
enum class TargetForm : uint8_t {
  kOrigin,     // "/path?query"
  kAbsolute,   // "http://host/path?query": a scheme, "://" and a valid non-empty authority.
  kAuthority,  // "host:port", with CONNECT only.
  kAsterisk,   // "*", with OPTIONS only.
};

// What the target holds. Conservative: a flag may be set for a byte that turns out not to matter
// (a dot in "/a.txt", "//" in a query), but a target without flags needs no normalisation at all
// and can be used as it stands.
enum TargetFlag : uint8_t {
  kTargetPercent = 1 << 0,      // '%' anywhere.
  kTargetDot = 1 << 1,          // "/." in the path: it may hold a dot segment.
  kTargetDoubleSlash = 1 << 2,  // "//" anywhere behind the first byte of an origin-form.
  kTargetHash = 1 << 3,         // '#', which RFC 9112 does not allow here but clients send.
  kTargetBackslash = 1 << 4,    // '\'.
  kTargetQuery = 1 << 5,        // '?'; Head::query is the offset of the first.
  kTargetNonAscii = 1 << 6,     // A byte from 0x80 up.
};

// The parsed head of a request or of a response. Valid after kOk; while the parser answers
// kNeedMore only field_count and what the parser itself keeps are.
//
// Nothing here is zeroed between messages: arrays are valid only up to field_count, first[] only
// where `seen` says so.
struct Head {
  static constexpr size_t kInlineFields = 64;

  const char* base = nullptr;  // The input's first byte.
  Field* fields = inline_fields;
  uint64_t seen = 0;       // MaskOf(id) of each known field that occurs.
  uint64_t duplicate = 0;  // MaskOf(id) of each known field that occurs more than once.
  uint32_t size = 0;       // Bytes from base to the end of the head, its empty line included.
  uint16_t field_count = 0;
  uint16_t field_capacity = kInlineFields;  // Of `fields`.

  uint16_t method = 0;  // Offset; > 0 if empty lines came first.
  uint16_t method_size = 0;
  uint16_t target = 0;  // Offset of the target, or of the reason phrase in a response.
  uint16_t target_size = 0;
  uint16_t query = 0;   // Offset of the first '?' in the target, if kTargetQuery.
  uint16_t status = 0;  // Responses: 100 to 999. Requests: 0.
  MethodId method_id = MethodId::kOther;
  TargetForm target_form = TargetForm::kOrigin;
  uint8_t target_flags = 0;   // TargetFlag.
  uint8_t minor_version = 0;  // The digit behind "HTTP/1."; 2 to 9 are to be treated as 1.

  uint16_t first[kKnownFieldCount];  // Index in `fields` of the first of its kind.
  Field inline_fields[kInlineFields];

  Head() {}  // Not "= default": value-initialisation must not clear the arrays.
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  // --- Requests ---
  std::string_view Method() const { return {base + method, method_size}; }
  std::string_view Target() const { return {base + target, target_size}; }

  // --- Responses ---
  std::string_view Reason() const { return {base + target, target_size}; }

  // --- Fields, in the order received ---
  std::span<const Field> Fields() const { return {fields, field_count}; }
  std::string_view NameOf(Field f) const { return {base + f.name, f.name_size}; }
  std::string_view ValueOf(Field f) const { return {base + f.value, f.value_size}; }

  bool Has(KnownField id) const { return (seen & MaskOf(id)) != 0; }
  bool HasMany(KnownField id) const { return (duplicate & MaskOf(id)) != 0; }

  // The first field of that name, ASCII case folded; null if there is none. `id` must not be kNone.
  const Field* Find(KnownField id) const {
    return Has(id) ? &fields[first[static_cast<size_t>(id)]] : nullptr;
  }
  const Field* Find(std::string_view name) const;

  // The first value of that name; {} if there is none (Find tells absent from empty).
  std::string_view Value(KnownField id) const {
    const Field* f = Find(id);
    return f != nullptr ? ValueOf(*f) : std::string_view();
  }

  // Bytes behind the head, for a caller that parsed `in`.
  size_t Remaining(PaddedView in) const { return in.size - size; }

  // Gives the parser room for more than kInlineFields fields; `arena` must outlive the use of this
  // Head. Fields parsed so far are moved there. Call it before parsing, or when the parser answers
  // kNeedFieldSpace. UseInlineFields() goes back and forgets the arena.
  void UseArena(std::span<Field> arena);
  void UseInlineFields() {
    fields = inline_fields;
    field_capacity = kInlineFields;
  }
};

// Where an incomplete head stands. A default-constructed one begins a new message and makes the
// parser reset the Head; keep it, and the Head, between calls that answer kNeedMore. Bytes already
// scanned are not scanned again, however small the pieces: parsing is linear in the head's size.
struct ParseProgress {
  uint32_t line = 0;      // Offset of the line that is not complete yet.
  uint32_t scanned = 0;   // The line holds no line end below this offset.
  uint32_t examined = 0;  // Bytes that the careful path has looked at, in total (for tests).
  uint8_t empty_lines = 0;
  bool start_line_done = false;
};

// Parses the head at the beginning of `in`.
//
//   kOk              `head` is complete; head.size bytes belong to it.
//   kNeedMore        the input ends within the head. Call again with the same bytes and more.
//   kNeedFieldSpace  more fields than fit, and limits.max_fields allows them: give the head an
//                    arena of max_fields (Head::UseArena), then call again with the same input.
//   other            the message is malformed or over a limit; `head` holds nothing. The verdict
//                    does not depend on how the bytes were split: a prefix yields either kNeedMore
//                    or the final error.
//
// Up to four empty lines before the request-line are skipped (RFC 9112 section 2.2); more are
// kBadRequestLine. Method: any token. Target: one of the four forms, of bytes other than controls,
// SP and DEL. Version: HTTP/1.x; another major version is kVersionNotSupported. Field names are
// tokens, values hold no control byte but HTAB, lines end with CR LF.
Errc ParseRequestHead(PaddedView in, const HeadLimits& limits, Leniency leniency,
                      ParseProgress& progress, Head& head);

// The same for a response. The reason phrase may be missing, with or without the SP before it.
// A malformed status line is kBadStatusLine.
Errc ParseResponseHead(PaddedView in, const HeadLimits& limits, Leniency leniency,
                       ParseProgress& progress, Head& head);

// The implementations. All give the same results; the best that the CPU has is chosen once, before
// main() or at first use.
enum class ParserVariant : uint8_t { kScalar, kSse42, kAvx2, kNeon };

// The variant in use.
ParserVariant CurrentParserVariant();

// For tests and benchmarks: use `variant` from now on. False, and no change, if this CPU or build
// does not have it. Not thread-safe.
bool SelectParserVariant(ParserVariant variant);

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_HEAD_H_
