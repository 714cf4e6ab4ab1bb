// Redirect: the request that a redirect asks for (RFC 9110, section 15.4).
//
// Thread class: pure functions.
#ifndef FASTHTTP_REDIRECT_H_
#define FASTHTTP_REDIRECT_H_

#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/uri.h"

namespace fasthttp {

// True for 301, 302, 303, 307 and 308.
bool IsRedirect(int status_code);

// True if both URIs name the same scheme, host and port; a missing port is the scheme's.
bool SameOrigin(const URI& a, const URI& b);

// Makes `request`, which was answered with `response`, the one that comes next.
//
//   Target: Location resolved against the request's URI; the scheme must be http or https.
//   Method: 303 makes every method but HEAD a GET; 301 and 302 do so with POST, as all browsers
//     do. The content goes then, with the fields that describe it. 307 and 308 keep both.
//   Credentials: Authorization, Cookie, Proxy-Authorization and their kin, and user:password of
//     the URI, go when scheme, host or port changes, and do not come back.
//
// kMissingLocation; kBadUri or kBadHost for a Location that does not parse;
// kRedirectToDifferentScheme for other schemes. `request` is to be dropped then.
Errc Redirect(const Response& response, Request& request);

}  // namespace fasthttp

#endif  // FASTHTTP_REDIRECT_H_
