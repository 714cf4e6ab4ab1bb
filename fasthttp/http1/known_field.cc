#include "fasthttp/http1/known_field.h"

#include <cstring>

#include "fasthttp/http1/known_field_match.h"

namespace fasthttp::http1 {
namespace {

constexpr std::string_view kNames[] = {
    "",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Upgrade",
    "Trailer",
    "Content-Type",
    "User-Agent",
    "Cookie",
    "Server",
    "Date",
    "Content-Encoding",
    "Set-Cookie",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Access-Control-Allow-Origin",
    "Age",
    "Allow",
    "Alt-Svc",
    "Authorization",
    "Cache-Control",
    "Content-Disposition",
    "Content-Range",
    "DNT",
    "ETag",
    "Expires",
    "Forwarded",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Retry-After",
    "TE",
    "Upgrade-Insecure-Requests",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Requested-With",
};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == kKnownFieldCount);

constexpr size_t kLongestName = 27;

inline unsigned char Fold(char c) {
  unsigned char u = static_cast<unsigned char>(c);
  return static_cast<unsigned>(u - 'A') < 26 ? u | 0x20 : u;
}

}  // namespace

KnownField LookupKnownField(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return KnownField::kNone;
  char copy[kLongestName + 8] = {};
  memcpy(copy, name.data(), name.size());
  KnownField id = MatchKnownToken(copy, name.size());
  // The match is exact for tokens only.
  return EqualFold(name, KnownFieldName(id)) ? id : KnownField::kNone;
}

std::string_view KnownFieldName(KnownField id) {
  size_t i = static_cast<size_t>(id);
  return i < kKnownFieldCount ? kNames[i] : std::string_view();
}

bool EqualFold(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Fold(a[i]) != Fold(b[i])) return false;
  }
  return true;
}

}  // namespace fasthttp::http1
