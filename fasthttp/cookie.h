// Cookie: one cookie of a response, with all its attributes (RFC 6265, section 4.1; SameSite and
// Partitioned as in the drafts that follow it).
//
//   fasthttp::Cookie cookie;
//   cookie.SetKey("session");
//   cookie.SetValue(token);
//   cookie.SetHTTPOnly(true);
//   ctx.response().header().SetCookie(cookie);
//
// For the cookies of a request see RequestHeader::Cookie.
//
// Values are written as they are: no quotes, no percent-encoding. Setters replace control bytes and
// ";" by spaces, so that a value from outside can't add attributes.
//
// Lifetimes: views are valid until the next call that changes the cookie. Every function accepts
// {} and views into the cookie itself.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_COOKIE_H_
#define FASTHTTP_COOKIE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

enum class CookieSameSite : uint8_t {
  kDisabled,     // Not written.
  kDefaultMode,  // "SameSite" without a value.
  kLax,
  kStrict,
  kNone,  // Forces Secure: browsers refuse it otherwise.
};

// An Expires date in the past, which makes the client drop the cookie: in November 2009.
inline constexpr absl::Time kCookieExpireDelete = absl::FromUnixSeconds(1257894000);
// No Expires: the cookie lives as long as the client's session.
inline constexpr absl::Time kCookieExpireUnlimited = absl::InfiniteFuture();

class Cookie {
 public:
  Cookie() = default;
  Cookie(Cookie&&) = default;
  Cookie& operator=(Cookie&&) = default;
  Cookie(const Cookie&) = delete;
  Cookie& operator=(const Cookie&) = delete;

  void Reset();
  void CopyTo(Cookie& to) const;

  std::string_view Key() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return key_; }
  void SetKey(std::string_view key);
  std::string_view Value() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return value_; }
  void SetValue(std::string_view value);

  // Kept to the second. kCookieExpireUnlimited if unset.
  absl::Time Expire() const { return expire_; }
  void SetExpire(absl::Time expire) { expire_ = expire; }

  // Seconds. 0: not written (the default). Negative: written as 0, the client drops the cookie at
  // once. If written, Expires is not.
  int64_t MaxAge() const { return max_age_; }
  void SetMaxAge(int64_t seconds) { max_age_ = seconds; }

  std::string_view Domain() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return domain_; }
  void SetDomain(std::string_view domain);
  // Normalised like the path of a URI.
  std::string_view Path() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return path_; }
  void SetPath(std::string_view path);

  bool HTTPOnly() const { return http_only_; }
  void SetHTTPOnly(bool on) { http_only_ = on; }
  bool Secure() const { return secure_; }
  void SetSecure(bool on) { secure_ = on; }
  CookieSameSite SameSite() const { return same_site_; }
  // kNone also sets Secure.
  void SetSameSite(CookieSameSite mode);
  bool Partitioned() const { return partitioned_; }
  // On: also sets Secure and the path "/".
  void SetPartitioned(bool on);

  // Parses a Set-Cookie value. kNoCookies: no name=value pair. kBadCookieValue: a value or domain
  // with a quote, a backslash or ";", a path that is not printable ASCII, or a control byte.
  // kBadNumber, kNumberOverflow, kBadDate: a malformed Max-Age or Expires. Unknown attributes are
  // ignored, attribute names fold case, one pair of quotes around the value is removed, with
  // the blanks inside it. A Max-Age
  // of zero or less reads as -1: drop at once. After an error the cookie is reset.
  absl::Status Parse(std::string_view text);
  Errc TryParse(std::string_view text);

  // key=value; max-age or expires; domain; path; HttpOnly; secure; SameSite; Partitioned. An empty
  // key writes the value alone, with "=" before it if it holds one.
  void AppendBytes(std::string& dst) const;
  std::string String() const;

 private:
  Errc ParseAttribute(std::string_view name, std::string_view value);

  std::string key_, value_, domain_, path_;
  absl::Time expire_ = kCookieExpireUnlimited;
  int64_t max_age_ = 0;
  CookieSameSite same_site_ = CookieSameSite::kDisabled;
  bool http_only_ = false;
  bool secure_ = false;
  bool partitioned_ = false;
};

// Walks the pairs of a request's Cookie field value, "a=1; b=2": f(name, value) for each until it
// returns false. Quotes around a value are removed, pairs with an invalid value are skipped, a pair
// without "=" has an empty name. RFC 6265, section 4.2.
template <typename F>
void VisitRequestCookies(std::string_view line, F&& f);

// The step of the above: cuts the first pair off `line`. False at its end.
bool NextRequestCookie(std::string_view& line, std::string_view& name, std::string_view& value);

template <typename F>
void VisitRequestCookies(std::string_view line, F&& f) {
  std::string_view name, value;
  while (NextRequestCookie(line, name, value)) {
    if (!f(name, value)) return;
  }
}

}  // namespace fasthttp

#endif  // FASTHTTP_COOKIE_H_
