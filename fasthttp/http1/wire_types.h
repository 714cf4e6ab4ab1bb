// The plain data that parsing a head works with: ids, offsets, limits, progress.
//
// Users include head.h, which adds the functions. This header stands apart and includes nothing but
// <cstddef> and <cstdint> because the vectorised parsers include it: a file with functions for
// newer CPUs must not instantiate inline functions that the rest of the program shares.
//
// Thread class: values, thread-compatible.
#ifndef FASTHTTP_HTTP1_WIRE_TYPES_H_
#define FASTHTTP_HTTP1_WIRE_TYPES_H_

#include <cstddef>
#include <cstdint>

namespace fasthttp::http1 {

enum class KnownField : uint8_t {
  kNone = 0,  // Any name that is not listed below.

  // The fields that decide framing and routing (framing.h); keep them first.
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kExpect,
  kUpgrade,
  kTrailer,

  // Fields with a slot in the message headers.
  kContentType,
  kUserAgent,
  kCookie,
  kServer,
  kDate,
  kContentEncoding,
  kSetCookie,

  kAccept,
  kAcceptEncoding,
  kAcceptLanguage,
  kAcceptRanges,
  kAccessControlAllowOrigin,
  kAge,
  kAllow,
  kAltSvc,
  kAuthorization,
  kCacheControl,
  kContentDisposition,
  kContentRange,
  kDnt,
  kEtag,
  kExpires,
  kForwarded,
  kIfMatch,
  kIfModifiedSince,
  kIfNoneMatch,
  kIfRange,
  kIfUnmodifiedSince,
  kKeepAlive,
  kLastModified,
  kLocation,
  kMaxForwards,
  kOrigin,
  kPragma,
  kProxyAuthenticate,
  kProxyConnection,
  kRange,
  kReferer,
  kRetryAfter,
  kTe,
  kUpgradeInsecureRequests,
  kVary,
  kVia,
  kWwwAuthenticate,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
  kXRealIp,
  kXRequestedWith,

  kCount,  // Not a field: the number of enumerators, at most 64.
};

inline constexpr size_t kKnownFieldCount = static_cast<size_t>(KnownField::kCount);
static_assert(kKnownFieldCount <= 64, "ids index the 64-bit masks of Head");

// The bit of `id` in Head::seen and Head::duplicate.
constexpr uint64_t MaskOf(KnownField id) { return uint64_t{1} << static_cast<unsigned>(id); }

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

// What the target holds. A target without flags needs no normalisation and can be used as it
// stands. Except for kTargetHash and kTargetQuery, flags are about the bytes before the first '?'.
enum TargetFlag : uint8_t {
  kTargetPercent = 1 << 0,      // '%'.
  kTargetDot = 1 << 1,          // "/.": there may be a dot segment.
  kTargetDoubleSlash = 1 << 2,  // "//"; always set for an absolute-form.
  kTargetHash = 1 << 3,         // '#', which RFC 9112 does not allow here but clients send.
  kTargetBackslash = 1 << 4,    // A backslash.
  kTargetQuery = 1 << 5,        // '?'; Head::query is the offset of the first.
  kTargetNonAscii = 1 << 6,     // A byte from 0x80 up.
};

// What a Head holds (head.h). Nothing here is zeroed between messages: arrays are valid only up to
// field_count, first[] only where `seen` says so.
struct HeadData {
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
  // There is one Host: a name of letters, digits, '-' and '.' or an IPv4 address, of at most 32
  // bytes with its port, if it has one, of up to four digits. False may mean "not looked at".
  bool plain_host = false;

  uint16_t first[kKnownFieldCount];  // Index in `fields` of the first of its kind.
  Field inline_fields[kInlineFields];

  HeadData() {}  // Not "= default": value-initialisation must not clear the arrays.
  HeadData(const HeadData&) = delete;
  HeadData& operator=(const HeadData&) = delete;
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

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_WIRE_TYPES_H_
