// Any bytes as a Set-Cookie value and as a Cookie field: what was accepted survives being written
// and read again, and setters let nothing through that would add an attribute or a pair.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/cookie.h"
#include "fasthttp/header.h"

namespace fasthttp {
namespace {

bool SameAttributes(const Cookie& a, const Cookie& b) {
  return a.Domain() == b.Domain() && a.Path() == b.Path() && a.MaxAge() == b.MaxAge() &&
         (a.MaxAge() != 0 || a.Expire() == b.Expire()) && a.HTTPOnly() == b.HTTPOnly() &&
         a.Secure() == b.Secure() && a.SameSite() == b.SameSite() &&
         a.Partitioned() == b.Partitioned();
}

void CheckSetCookie(std::string_view text) {
  Cookie cookie;
  if (cookie.TryParse(text) != Errc::kOk) {
    FASTHTTP_CHECK(cookie.Key().empty() && cookie.Value().empty(), "an error leaves nothing");
    return;
  }
  const std::string written = cookie.String();
  FASTHTTP_CHECK(IsFieldValue(written), "a cookie is a field value");
  Cookie again;
  const Errc errc = again.TryParse(written);
  if (cookie.Key().empty() && cookie.Value().empty()) return;
  FASTHTTP_CHECK(errc == Errc::kOk, "what was written can be read");
  FASTHTTP_CHECK(SameAttributes(cookie, again), "the attributes survive");
  FASTHTTP_CHECK(again.String() == written, "the text is stable");
}

// The bytes through every setter: one cookie, with the attributes that were set and no others.
void CheckSetters(std::string_view bytes) {
  Cookie cookie;
  cookie.SetKey("k");
  cookie.SetValue(bytes);
  cookie.SetDomain(bytes);
  cookie.SetPath(bytes);
  std::string written = cookie.String();
  FASTHTTP_CHECK(IsFieldValue(written), "setters keep control bytes out");
  size_t parts = 1;
  for (char c : written) parts += c == ';';
  const size_t attributes = (cookie.Domain().empty() ? 0u : 1u) + (cookie.Path().empty() ? 0u : 1u);
  FASTHTTP_CHECK(parts == 1 + attributes, "setters add no attribute");
  cookie.SetKey(bytes);
  ResponseHeader header;
  header.SetCookie(cookie);
  FASTHTTP_CHECK(header.PeekAll("Set-Cookie").size() == 1, "one cookie is one field");
}

void CheckRequestCookies(std::string_view line) {
  RequestHeader header;
  header.Set("Cookie", line);
  size_t count = 0;
  header.VisitAllCookie([&](std::string_view, std::string_view) { ++count; });
  header.SetCookie("zz", line);
  size_t more = 0;
  header.VisitAllCookie([&](std::string_view, std::string_view) { ++more; });
  FASTHTTP_CHECK(more <= count + 1, "a cookie is one pair");
  FASTHTTP_CHECK(IsFieldValue(header.CookieLine()), "the line is a field value");
  header.DelCookie("zz");
  FASTHTTP_CHECK(header.Cookie("zz").empty(), "a deleted cookie is gone");
  const std::string once(header.CookieLine());
  header.DelCookie("zz");
  FASTHTTP_CHECK(header.CookieLine() == once, "rewriting is stable");
}

}  // namespace
}  // namespace fasthttp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fasthttp::CheckSetCookie(bytes);
  fasthttp::CheckSetters(bytes);
  fasthttp::CheckRequestCookies(bytes);
  return 0;
}
