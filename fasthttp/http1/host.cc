#include <algorithm>
#include <cstdint>
#include <string_view>

#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/framing.h"

namespace fasthttp::http1 {
namespace {

constexpr unsigned kMaxPort = 65535;

// port = *DIGIT, RFC 3986 section 3.2.3.
bool IsPort(std::string_view port) {
  unsigned value = 0;
  for (char c : port) {
    if (!IsDigit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > kMaxPort) return false;
  }
  return true;
}

int HexValue(char c) { return IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10; }

// "%" HEXDIG HEXDIG at s[0], for a byte that is no ASCII. One that is has no reason to hide, and a
// later stage might take it for a delimiter.
bool IsNonAsciiEscape(std::string_view s) {
  return s.size() >= 3 && Is(s[1], kHex) && Is(s[2], kHex) && HexValue(s[1]) >= 8;
}

// reg-name = *( unreserved / pct-encoded / sub-delims ), RFC 3986 section 3.2.2.
bool IsRegName(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (Is(name[i], kRegName)) continue;
    if (name[i] != '%' || !IsNonAsciiEscape(name.substr(i))) return false;
    i += 2;
  }
  return !name.empty();
}

// IPv4address: four numbers up to 255 without leading zeros.
bool IsIpv4(std::string_view s) {
  for (int part = 0; part < 4; ++part) {
    const size_t dot = part < 3 ? s.find('.') : s.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 3) return false;
    unsigned value = 0;
    for (char c : s.substr(0, dot)) {
      if (!IsDigit(c)) return false;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > 255 || (dot > 1 && s[0] == '0')) return false;
    s.remove_prefix(std::min(dot + 1, s.size()));
  }
  return s.empty();
}

// Counts the groups of "h16:h16:..."; -1 if malformed. An IPv4 address at the end counts as two.
int CountGroups(std::string_view s, bool may_end_in_ipv4) {
  int groups = 0;
  if (s.empty()) return 0;
  for (;;) {
    const size_t colon = s.find(':');
    const std::string_view group = s.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_ipv4 && IsIpv4(group)) return groups + 2;
    if (group.empty() || group.size() > 4) return -1;
    for (char c : group) {
      if (!Is(c, kHex)) return -1;
    }
    ++groups;
    if (colon == std::string_view::npos) return groups;
    s.remove_prefix(colon + 1);
  }
}

// IPv6address, RFC 3986 section 3.2.2: eight groups, or fewer around one "::".
bool IsIpv6(std::string_view s) {
  const size_t gap = s.find("::");
  if (gap == std::string_view::npos) return CountGroups(s, true) == 8;
  const int before = CountGroups(s.substr(0, gap), false);
  const int after = CountGroups(s.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

// ZoneID = 1*( unreserved / pct-encoded ), RFC 6874 section 2.
bool IsZone(std::string_view zone) {
  for (size_t i = 0; i < zone.size(); ++i) {
    if (Is(zone[i], kAlpha | kDigit) || zone[i] == '-' || zone[i] == '.' || zone[i] == '_' ||
        zone[i] == '~') {
      continue;
    }
    if (zone[i] != '%' || !IsNonAsciiEscape(zone.substr(i))) return false;
    i += 2;
  }
  return !zone.empty();
}

bool IsBracketed(std::string_view host) {
  const size_t close = host.find(']');
  if (close == std::string_view::npos) return false;
  const std::string_view rest = host.substr(close + 1);
  if (!rest.empty() && (rest[0] != ':' || !IsPort(rest.substr(1)))) return false;
  const std::string_view inside = host.substr(1, close - 1);
  const size_t percent = inside.find('%');
  if (percent == std::string_view::npos) return IsIpv6(inside);
  return inside.substr(percent, 3) == "%25" && IsZone(inside.substr(percent + 3)) &&
         IsIpv6(inside.substr(0, percent));
}

}  // namespace

bool IsValidHost(std::string_view host) {
  if (host.empty()) return false;
  if (host[0] == '[') return IsBracketed(host);
  const size_t colon = host.find(':');
  if (colon == std::string_view::npos) return IsRegName(host);
  return IsRegName(host.substr(0, colon)) && IsPort(host.substr(colon + 1));
}

bool IsAuthorityForm(std::string_view target) {
  const size_t colon = target.rfind(':');
  return colon != std::string_view::npos && colon + 1 < target.size() && target.back() != ']' &&
         IsValidHost(target);
}

}  // namespace fasthttp::http1
