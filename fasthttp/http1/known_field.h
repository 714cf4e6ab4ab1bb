// KnownField: the field names that the library itself, or most traffic, cares about.
//
// The head parser recognises these while it scans, so that later steps test one bit of a mask or
// index one small array instead of comparing names. A name that is not listed here is not worse
// off: it is found by a linear search (Head::Find).
//
// When not to use it: to enumerate all registered field names. The list is short on purpose; all
// ids fit a 64-bit mask.
//
// Thread class: values and pure functions, thread-compatible.
#ifndef FASTHTTP_HTTP1_KNOWN_FIELD_H_
#define FASTHTTP_HTTP1_KNOWN_FIELD_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

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
  kProxyAuthorization,
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

// The id of `name`, ASCII case folded; kNone if it is not listed. `name` may hold any bytes and be
// empty; no byte outside it is read.
[[nodiscard]] KnownField LookupKnownField(std::string_view name);

// The canonical spelling, for instance "Content-Length" or "ETag"; empty for kNone. Static storage.
[[nodiscard]] std::string_view KnownFieldName(KnownField id);

// True if `a` and `b` are equal when ASCII letters are folded. Other bytes compare exactly: `@` and
// backtick, `[` and `{` differ, as do bytes from 0x80 up.
[[nodiscard]] bool EqualFold(std::string_view a, std::string_view b);

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_KNOWN_FIELD_H_
