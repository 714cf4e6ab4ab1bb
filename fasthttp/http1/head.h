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
#include "fasthttp/http1/wire_types.h"

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

// The parsed head of a request or of a response; the data members are those of HeadData
// (wire_types.h). Valid after kOk; before that it is the parser's workspace. About 700 bytes, of
// which a new message resets some ten words. Reuse one rather than making one per message.
struct Head : HeadData {
  Head() {}  // Not "= default": `Head()` would clear the arrays.

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
