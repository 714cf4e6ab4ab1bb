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

// The last three bytes of a name, and the colon behind it. `name` is not empty.
constexpr uint32_t LastWord(std::string_view name) {
  uint32_t word = uint32_t{':'} << 24;
  for (size_t i = 0; i < 3; ++i) {
    const char byte = name.size() > i ? name[name.size() - 1 - i] : '\n';
    word |= uint32_t{static_cast<unsigned char>(byte)} << (8 * (2 - i));
  }
  return word;
}

constexpr KnownName MakeKnownName(size_t id) {
  KnownName known{};
  size_t i = 0;
  for (char c : kNames[id]) {
    if (c != '-' && ((c | 0x20) < 'a' || (c | 0x20) > 'z'))
      __builtin_unreachable();  // The mask is for letters.
    known.text[i] = static_cast<uint8_t>(c);
    known.mask[i++] = c == '-' ? 0xff : 0xdf;
  }
  for (char c : id != 0 ? std::string_view(": ") : std::string_view(":  ")) {
    known.text[i] = static_cast<uint8_t>(c);
    known.mask[i++] = 0xff;
  }
  known.text[KnownName::kId] = static_cast<uint8_t>(id);
  return known;
}

// Two names in one slot, or one that is too long, don't compile.
constexpr KnownNames MakeKnownNames() {
  KnownNames t{};
  for (KnownName& slot : t.slots) slot = MakeKnownName(0);
  for (size_t id = 1; id < kKnownFieldCount; ++id) {
    const size_t size = kNames[id].size();
    KnownName& slot = t.slots[KnownNameSlot(LastWord(kNames[id]), size)];
    if (slot.text[KnownName::kId] != 0 || size > KnownNames::kLongest) __builtin_unreachable();
    slot = MakeKnownName(id);
  }
  return t;
}

// Folds A-Z in eight bytes at once, exactly: bytes from 0x80 up take no part.
inline uint64_t Fold(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t low = word & (kOnes * 0x7f);
  const uint64_t from_a = low + kOnes * (0x80 - 'A');
  const uint64_t behind_z = low + kOnes * (0x7f - 'Z');
  return word | ((from_a ^ behind_z) & ~word & (kOnes * 0x80)) >> 2;
}

inline bool SameWords(uint64_t a, uint64_t b) { return a == b || Fold(a) == Fold(b); }

// One to seven bytes, some of them twice.
inline uint64_t ShortWord(const char* p, size_t n) {
  if (n >= 4) {
    return LoadWord<uint32_t>(p) | uint64_t{LoadWord<uint32_t>(p + n - 4)} << 32;
  }
  const auto byte = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
  return byte(0) | byte(n / 2) << 8 | byte(n - 1) << 16;
}

}  // namespace

constinit const KnownNames kKnownNames = MakeKnownNames();

KnownField LookupKnownField(std::string_view name) {
  const size_t size = name.size();
  if (size == 0 || size > KnownNames::kLongest) return KnownField::kNone;
  const uint32_t last = size < 4
                            ? LastWord(name)
                            : LoadWord<uint32_t>(name.data() + size - 4) >> 8 | uint32_t{':'} << 24;
  const KnownName& known = kKnownNames.slots[KnownNameSlot(last, size)];
  const KnownField id = static_cast<KnownField>(known.text[KnownName::kId]);
  return EqualFold(name, KnownFieldName(id)) ? id : KnownField::kNone;
}

std::string_view KnownFieldName(KnownField id) {
  size_t i = static_cast<size_t>(id);
  return i < kKnownFieldCount ? kNames[i] : std::string_view();
}

bool EqualFold(std::string_view a, std::string_view b) {
  const size_t n = a.size();
  if (n != b.size()) return false;
  if (n == 0) return true;
  if (n < 8) return SameWords(ShortWord(a.data(), n), ShortWord(b.data(), n));
  for (size_t i = 0; i + 8 < n; i += 8) {
    if (!SameWords(LoadWord<uint64_t>(a.data() + i), LoadWord<uint64_t>(b.data() + i))) {
      return false;
    }
  }
  return SameWords(LoadWord<uint64_t>(a.data() + n - 8), LoadWord<uint64_t>(b.data() + n - 8));
}

}  // namespace fasthttp::http1
