// Names of header fields, in the spelling in which they are written.
//
//   ctx.response().header().Set(fasthttp::kHeaderCacheControl, "no-store");
//
// A name is bytes and any token may be one; these constants only guard against misspelling. For the
// fields that the library itself works with, an accessor (SetContentType) says more.
//
// Thread class: constants.
#ifndef FASTHTTP_HEADER_NAMES_H_
#define FASTHTTP_HEADER_NAMES_H_

#include <string_view>

namespace fasthttp {

// Authentication.
inline constexpr std::string_view kHeaderAuthorization = "Authorization";
inline constexpr std::string_view kHeaderProxyAuthenticate = "Proxy-Authenticate";
inline constexpr std::string_view kHeaderProxyAuthorization = "Proxy-Authorization";
inline constexpr std::string_view kHeaderWWWAuthenticate = "WWW-Authenticate";

// Caching.
inline constexpr std::string_view kHeaderAge = "Age";
inline constexpr std::string_view kHeaderCacheControl = "Cache-Control";
inline constexpr std::string_view kHeaderClearSiteData = "Clear-Site-Data";
inline constexpr std::string_view kHeaderExpires = "Expires";
inline constexpr std::string_view kHeaderPragma = "Pragma";
inline constexpr std::string_view kHeaderWarning = "Warning";

// Client hints.
inline constexpr std::string_view kHeaderAcceptCH = "Accept-CH";
inline constexpr std::string_view kHeaderAcceptCHLifetime = "Accept-CH-Lifetime";
inline constexpr std::string_view kHeaderContentDPR = "Content-DPR";
inline constexpr std::string_view kHeaderDPR = "DPR";
inline constexpr std::string_view kHeaderEarlyData = "Early-Data";
inline constexpr std::string_view kHeaderSaveData = "Save-Data";
inline constexpr std::string_view kHeaderViewportWidth = "Viewport-Width";
inline constexpr std::string_view kHeaderWidth = "Width";

// Conditionals.
inline constexpr std::string_view kHeaderETag = "ETag";
inline constexpr std::string_view kHeaderIfMatch = "If-Match";
inline constexpr std::string_view kHeaderIfModifiedSince = "If-Modified-Since";
inline constexpr std::string_view kHeaderIfNoneMatch = "If-None-Match";
inline constexpr std::string_view kHeaderIfUnmodifiedSince = "If-Unmodified-Since";
inline constexpr std::string_view kHeaderLastModified = "Last-Modified";
inline constexpr std::string_view kHeaderVary = "Vary";

// Connection management.
inline constexpr std::string_view kHeaderConnection = "Connection";
inline constexpr std::string_view kHeaderKeepAlive = "Keep-Alive";
inline constexpr std::string_view kHeaderProxyConnection = "Proxy-Connection";

// Content negotiation.
inline constexpr std::string_view kHeaderAccept = "Accept";
inline constexpr std::string_view kHeaderAcceptCharset = "Accept-Charset";
inline constexpr std::string_view kHeaderAcceptEncoding = "Accept-Encoding";
inline constexpr std::string_view kHeaderAcceptLanguage = "Accept-Language";

// Controls.
inline constexpr std::string_view kHeaderCookie = "Cookie";
inline constexpr std::string_view kHeaderExpect = "Expect";
inline constexpr std::string_view kHeaderMaxForwards = "Max-Forwards";
inline constexpr std::string_view kHeaderSetCookie = "Set-Cookie";

// Cross-origin requests.
inline constexpr std::string_view kHeaderAccessControlAllowCredentials =
    "Access-Control-Allow-Credentials";
inline constexpr std::string_view kHeaderAccessControlAllowHeaders = "Access-Control-Allow-Headers";
inline constexpr std::string_view kHeaderAccessControlAllowMethods = "Access-Control-Allow-Methods";
inline constexpr std::string_view kHeaderAccessControlAllowOrigin = "Access-Control-Allow-Origin";
inline constexpr std::string_view kHeaderAccessControlExposeHeaders =
    "Access-Control-Expose-Headers";
inline constexpr std::string_view kHeaderAccessControlMaxAge = "Access-Control-Max-Age";
inline constexpr std::string_view kHeaderAccessControlRequestHeaders =
    "Access-Control-Request-Headers";
inline constexpr std::string_view kHeaderAccessControlRequestMethod =
    "Access-Control-Request-Method";
inline constexpr std::string_view kHeaderOrigin = "Origin";
inline constexpr std::string_view kHeaderTimingAllowOrigin = "Timing-Allow-Origin";
inline constexpr std::string_view kHeaderXPermittedCrossDomainPolicies =
    "X-Permitted-Cross-Domain-Policies";

// Tracking.
inline constexpr std::string_view kHeaderDNT = "DNT";
inline constexpr std::string_view kHeaderTk = "Tk";

// Downloads.
inline constexpr std::string_view kHeaderContentDisposition = "Content-Disposition";

// Message body.
inline constexpr std::string_view kHeaderContentEncoding = "Content-Encoding";
inline constexpr std::string_view kHeaderContentLanguage = "Content-Language";
inline constexpr std::string_view kHeaderContentLength = "Content-Length";
inline constexpr std::string_view kHeaderContentLocation = "Content-Location";
inline constexpr std::string_view kHeaderContentType = "Content-Type";

// Proxies.
inline constexpr std::string_view kHeaderForwarded = "Forwarded";
inline constexpr std::string_view kHeaderVia = "Via";
inline constexpr std::string_view kHeaderXForwardedFor = "X-Forwarded-For";
inline constexpr std::string_view kHeaderXForwardedHost = "X-Forwarded-Host";
inline constexpr std::string_view kHeaderXForwardedProto = "X-Forwarded-Proto";
inline constexpr std::string_view kHeaderXRealIP = "X-Real-IP";

// Redirects.
inline constexpr std::string_view kHeaderLocation = "Location";

// Request context.
inline constexpr std::string_view kHeaderFrom = "From";
inline constexpr std::string_view kHeaderHost = "Host";
inline constexpr std::string_view kHeaderReferer = "Referer";
inline constexpr std::string_view kHeaderReferrerPolicy = "Referrer-Policy";
inline constexpr std::string_view kHeaderUserAgent = "User-Agent";

// Response context.
inline constexpr std::string_view kHeaderAllow = "Allow";
inline constexpr std::string_view kHeaderServer = "Server";

// Ranges.
inline constexpr std::string_view kHeaderAcceptRanges = "Accept-Ranges";
inline constexpr std::string_view kHeaderContentRange = "Content-Range";
inline constexpr std::string_view kHeaderIfRange = "If-Range";
inline constexpr std::string_view kHeaderRange = "Range";

// Security.
inline constexpr std::string_view kHeaderContentSecurityPolicy = "Content-Security-Policy";
inline constexpr std::string_view kHeaderContentSecurityPolicyReportOnly =
    "Content-Security-Policy-Report-Only";
inline constexpr std::string_view kHeaderCrossOriginEmbedderPolicy = "Cross-Origin-Embedder-Policy";
inline constexpr std::string_view kHeaderCrossOriginOpenerPolicy = "Cross-Origin-Opener-Policy";
inline constexpr std::string_view kHeaderCrossOriginResourcePolicy = "Cross-Origin-Resource-Policy";
inline constexpr std::string_view kHeaderExpectCT = "Expect-CT";
inline constexpr std::string_view kHeaderFeaturePolicy = "Feature-Policy";
inline constexpr std::string_view kHeaderPermissionsPolicy = "Permissions-Policy";
inline constexpr std::string_view kHeaderPublicKeyPins = "Public-Key-Pins";
inline constexpr std::string_view kHeaderPublicKeyPinsReportOnly = "Public-Key-Pins-Report-Only";
inline constexpr std::string_view kHeaderStrictTransportSecurity = "Strict-Transport-Security";
inline constexpr std::string_view kHeaderUpgradeInsecureRequests = "Upgrade-Insecure-Requests";
inline constexpr std::string_view kHeaderXContentTypeOptions = "X-Content-Type-Options";
inline constexpr std::string_view kHeaderXDownloadOptions = "X-Download-Options";
inline constexpr std::string_view kHeaderXFrameOptions = "X-Frame-Options";
inline constexpr std::string_view kHeaderXPoweredBy = "X-Powered-By";
inline constexpr std::string_view kHeaderXXSSProtection = "X-XSS-Protection";

// Server-sent events.
inline constexpr std::string_view kHeaderLastEventID = "Last-Event-ID";
inline constexpr std::string_view kHeaderNEL = "NEL";
inline constexpr std::string_view kHeaderPingFrom = "Ping-From";
inline constexpr std::string_view kHeaderPingTo = "Ping-To";
inline constexpr std::string_view kHeaderReportTo = "Report-To";

// Transfer coding.
inline constexpr std::string_view kHeaderTE = "TE";
inline constexpr std::string_view kHeaderTrailer = "Trailer";
inline constexpr std::string_view kHeaderTransferEncoding = "Transfer-Encoding";

// WebSocket.
inline constexpr std::string_view kHeaderSecWebSocketAccept = "Sec-WebSocket-Accept";
inline constexpr std::string_view kHeaderSecWebSocketExtensions = "Sec-WebSocket-Extensions";
inline constexpr std::string_view kHeaderSecWebSocketKey = "Sec-WebSocket-Key";
inline constexpr std::string_view kHeaderSecWebSocketProtocol = "Sec-WebSocket-Protocol";
inline constexpr std::string_view kHeaderSecWebSocketVersion = "Sec-WebSocket-Version";

// Fetch metadata.
inline constexpr std::string_view kHeaderSecFetchDest = "Sec-Fetch-Dest";
inline constexpr std::string_view kHeaderSecFetchMode = "Sec-Fetch-Mode";
inline constexpr std::string_view kHeaderSecFetchSite = "Sec-Fetch-Site";
inline constexpr std::string_view kHeaderSecFetchUser = "Sec-Fetch-User";

// Others.
inline constexpr std::string_view kHeaderAcceptPatch = "Accept-Patch";
inline constexpr std::string_view kHeaderAcceptPost = "Accept-Post";
inline constexpr std::string_view kHeaderAcceptPushPolicy = "Accept-Push-Policy";
inline constexpr std::string_view kHeaderAcceptSignature = "Accept-Signature";
inline constexpr std::string_view kHeaderAltSvc = "Alt-Svc";
inline constexpr std::string_view kHeaderDate = "Date";
inline constexpr std::string_view kHeaderIndex = "Index";
inline constexpr std::string_view kHeaderLargeAllocation = "Large-Allocation";
inline constexpr std::string_view kHeaderLink = "Link";
inline constexpr std::string_view kHeaderPushPolicy = "Push-Policy";
inline constexpr std::string_view kHeaderRetryAfter = "Retry-After";
inline constexpr std::string_view kHeaderServerTiming = "Server-Timing";
inline constexpr std::string_view kHeaderSignature = "Signature";
inline constexpr std::string_view kHeaderSignedHeaders = "Signed-Headers";
inline constexpr std::string_view kHeaderSourceMap = "SourceMap";
inline constexpr std::string_view kHeaderUpgrade = "Upgrade";
inline constexpr std::string_view kHeaderXDNSPrefetchControl = "X-DNS-Prefetch-Control";
inline constexpr std::string_view kHeaderXPingback = "X-Pingback";
inline constexpr std::string_view kHeaderXRequestedWith = "X-Requested-With";
inline constexpr std::string_view kHeaderXRobotsTag = "X-Robots-Tag";
inline constexpr std::string_view kHeaderXUACompatible = "X-UA-Compatible";

}  // namespace fasthttp

#endif  // FASTHTTP_HEADER_NAMES_H_
