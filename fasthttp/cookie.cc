#include "fasthttp/cookie.h"

#include <algorithm>

#include "fasthttp/bytes.h"
#include "fasthttp/date.h"
#include "fasthttp/error.h"
#include "fasthttp/uri.h"

namespace fasthttp {
namespace {

// Blanks within the quotes go too: written without quotes they would not survive.
std::string_view WithoutQuotes(std::string_view text) {
  bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? TrimOws(text.substr(1, text.size() - 2)) : text;
}

// Printable ASCII except quote, semicolon and backslash. Spaces and commas, which RFC 6265 forbids
// too, are common; bytes from 0x80 on are UTF-8 in practice.
bool IsCookieValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || c == '"' || c == ';' || c == '\\';
  });
}

bool IsCookiePath(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x7F || c == ';';
  });
}

void AssignClean(std::string& dst, std::string_view text) {
  dst.assign(text);
  std::replace_if(
      dst.begin(), dst.end(),
      [](char c) { return c == ';' || !IsFieldValueChar(static_cast<unsigned char>(c)); }, ' ');
}

// Cuts what stands before the next ";" off `text`.
std::string_view NextPart(std::string_view& text) {
  size_t end = std::min(text.find(';'), text.size());
  std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::string_view SameSiteText(CookieSameSite mode) {
  switch (mode) {
    case CookieSameSite::kDisabled:
      return {};
    case CookieSameSite::kDefaultMode:
      return "; SameSite";
    case CookieSameSite::kLax:
      return "; SameSite=Lax";
    case CookieSameSite::kStrict:
      return "; SameSite=Strict";
    case CookieSameSite::kNone:
      return "; SameSite=None";
  }
  return {};
}

}  // namespace

void Cookie::Reset() {
  key_.clear();
  value_.clear();
  domain_.clear();
  path_.clear();
  expire_ = kCookieExpireUnlimited;
  max_age_ = 0;
  same_site_ = CookieSameSite::kDisabled;
  http_only_ = false;
  secure_ = false;
  partitioned_ = false;
}

void Cookie::CopyTo(Cookie& to) const {
  to.key_ = key_;
  to.value_ = value_;
  to.domain_ = domain_;
  to.path_ = path_;
  to.expire_ = expire_;
  to.max_age_ = max_age_;
  to.same_site_ = same_site_;
  to.http_only_ = http_only_;
  to.secure_ = secure_;
  to.partitioned_ = partitioned_;
}

void Cookie::SetKey(std::string_view key) { AssignClean(key_, key); }
void Cookie::SetValue(std::string_view value) { AssignClean(value_, value); }
void Cookie::SetDomain(std::string_view domain) { AssignClean(domain_, domain); }

void Cookie::SetPath(std::string_view path) {
  std::string normalized;
  AppendNormalizedPath(normalized, path);
  AssignClean(path_, normalized);
}

void Cookie::SetSameSite(CookieSameSite mode) {
  same_site_ = mode;
  if (mode == CookieSameSite::kNone) secure_ = true;
}

void Cookie::SetPartitioned(bool on) {
  partitioned_ = on;
  if (!on) return;
  secure_ = true;
  path_.assign(1, '/');  // g++ 12 warns of overlap where a literal is assigned.
}

absl::Status Cookie::Parse(std::string_view text) { return ToStatus(TryParse(text)); }

Errc Cookie::TryParse(std::string_view given) {
  std::string copy(given);  // May be a view of this cookie.
  std::string_view text = copy;
  Reset();
  std::string_view pair = NextPart(text);
  size_t equals = pair.find('=');
  std::string_view key = TrimOws(pair.substr(0, std::min(equals, pair.size())));
  if (equals == std::string_view::npos) {
    if (key.empty()) return Errc::kNoCookies;
    std::swap(key, pair);
    key = {};
  } else {
    pair.remove_prefix(equals + 1);
  }
  std::string_view value = WithoutQuotes(TrimOws(pair));
  if (!IsCookieValue(value) || !IsCookieValue(key)) return Errc::kBadCookieValue;
  key_ = key;
  value_ = value;
  while (!text.empty()) {
    std::string_view part = NextPart(text);
    size_t split = std::min(part.find('='), part.size());
    std::string_view name = TrimOws(part.substr(0, split));
    std::string_view attribute = TrimOws(part.substr(std::min(split + 1, part.size())));
    Errc errc = ParseAttribute(name, attribute);
    if (errc == Errc::kOk) continue;
    Reset();
    return errc;
  }
  return Errc::kOk;
}

Errc Cookie::ParseAttribute(std::string_view name, std::string_view value) {
  if (EqualsIgnoreCase(name, "expires")) {
    int64_t seconds = 0;
    Errc errc = ParseCookieDate(value, seconds);
    if (errc == Errc::kOk) expire_ = absl::FromUnixSeconds(seconds);
    return errc;
  }
  if (EqualsIgnoreCase(name, "max-age")) {
    uint64_t seconds = 0;
    bool negative = !value.empty() && value[0] == '-';
    Errc errc = ParseUint(value.substr(negative ? 1 : 0), seconds);
    if (errc != Errc::kOk) return errc;
    if (negative) seconds = 0;
    // 0 means "not written" here, "now" on the wire.
    max_age_ = seconds == 0 ? -1 : static_cast<int64_t>(std::min<uint64_t>(seconds, INT64_MAX));
    return Errc::kOk;
  }
  if (EqualsIgnoreCase(name, "domain")) {
    if (!IsCookieValue(value)) return Errc::kBadCookieValue;
    domain_ = value;
  } else if (EqualsIgnoreCase(name, "path")) {
    if (!IsCookiePath(value)) return Errc::kBadCookieValue;
    path_ = value;
  } else if (EqualsIgnoreCase(name, "samesite")) {
    if (EqualsIgnoreCase(value, "lax")) {
      same_site_ = CookieSameSite::kLax;
    } else if (EqualsIgnoreCase(value, "strict")) {
      same_site_ = CookieSameSite::kStrict;
    } else if (EqualsIgnoreCase(value, "none")) {
      same_site_ = CookieSameSite::kNone;
    } else if (value.empty()) {
      same_site_ = CookieSameSite::kDefaultMode;
    }
  } else if (EqualsIgnoreCase(name, "httponly")) {
    http_only_ = true;
  } else if (EqualsIgnoreCase(name, "secure")) {
    secure_ = true;
  } else if (EqualsIgnoreCase(name, "partitioned")) {
    partitioned_ = true;
  }
  return Errc::kOk;
}

void Cookie::AppendBytes(std::string& dst) const {
  // A value that holds "=" would be taken for a name without one before it.
  if (!key_.empty() || value_.find('=') != std::string::npos) dst.append(key_).push_back('=');
  dst.append(value_);
  if (max_age_ != 0) {
    dst.append("; max-age=");
    AppendUint(dst, max_age_ > 0 ? static_cast<uint64_t>(max_age_) : 0);
  } else if (expire_ != kCookieExpireUnlimited) {
    dst.append("; expires=");
    AppendHTTPDate(dst, expire_);
  }
  if (!domain_.empty()) dst.append("; domain=").append(domain_);
  if (!path_.empty()) dst.append("; path=").append(path_);
  if (http_only_) dst.append("; HttpOnly");
  if (secure_) dst.append("; secure");
  dst.append(SameSiteText(same_site_));
  if (partitioned_) dst.append("; Partitioned");
}

std::string Cookie::String() const {
  std::string text;
  AppendBytes(text);
  return text;
}

bool NextRequestCookie(std::string_view& line, std::string_view& name, std::string_view& value) {
  while (!line.empty()) {
    std::string_view pair = TrimOws(NextPart(line));
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    bool named = equals != std::string_view::npos;
    name = named ? TrimOws(pair.substr(0, equals)) : std::string_view();
    value = WithoutQuotes(TrimOws(named ? pair.substr(equals + 1) : pair));
    if (IsCookieValue(value)) return true;
  }
  return false;
}

}  // namespace fasthttp
