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

#include <string_view>

#include "fasthttp/http1/wire_types.h"

namespace fasthttp::http1 {

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
