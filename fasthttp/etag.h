// Entity tags and the fields that compare them (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2).
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_ETAG_H_
#define FASTHTTP_ETAG_H_

#include <string_view>

namespace fasthttp {

// True if `etag` is well-formed: quotes around bytes other than quotes and controls, with "W/"
// before them if it is weak.
bool IsETag(std::string_view etag);

// If-None-Match: true if `list` names `etag` by weak comparison ("W/" does not count), or is "*".
// Reading stops at the first malformed member.
bool ETagListMatchesWeakly(std::string_view list, std::string_view etag);

// If-Match and If-Range: strong comparison. A weak tag matches nothing.
bool ETagListMatchesStrongly(std::string_view list, std::string_view etag);

}  // namespace fasthttp

#endif  // FASTHTTP_ETAG_H_
