#include "fasthttp/etag.h"

#include <algorithm>

namespace fasthttp {
namespace {

constexpr std::string_view kWeak = "W/";

bool IsWeak(std::string_view etag) { return etag.substr(0, kWeak.size()) == kWeak; }

std::string_view Opaque(std::string_view etag) {
  return IsWeak(etag) ? etag.substr(kWeak.size()) : etag;
}

// The length of the entity tag at the start of `text`, 0 if there is none.
size_t ETagLength(std::string_view text) {
  size_t start = IsWeak(text) ? kWeak.size() : 0;
  if (start >= text.size() || text[start] != '"') return 0;
  for (size_t i = start + 1; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '"') return i + 1;
    if (c <= 0x20 || c == 0x7F) return 0;
  }
  return 0;
}

template <typename Same>
bool ListMatches(std::string_view list, Same same) {
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    size_t size = ETagLength(list);
    if (size == 0) return false;
    if (same(list.substr(0, size))) return true;
    list.remove_prefix(size);
    list.remove_prefix(std::min(list.find_first_not_of(" \t"), list.size()));
    if (!list.empty() && list[0] != ',') return false;
  }
}

}  // namespace

bool IsETag(std::string_view etag) { return !etag.empty() && ETagLength(etag) == etag.size(); }

bool ETagListMatchesWeakly(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  if (!IsETag(etag)) return false;
  return ListMatches(list, [&](std::string_view tag) { return Opaque(tag) == Opaque(etag); });
}

bool ETagListMatchesStrongly(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  if (!IsETag(etag) || IsWeak(etag)) return false;
  return ListMatches(list, [&](std::string_view tag) { return tag == etag; });
}

}  // namespace fasthttp
