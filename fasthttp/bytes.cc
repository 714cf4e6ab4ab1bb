#include "fasthttp/bytes.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "fasthttp/base/json.h"
#include "fasthttp/error.h"
#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp {
namespace {

enum Class : uint8_t {
  kUnreserved = 1,  // A-Z a-z 0-9 - _ . ~
  kPathKept = 2,    // unreserved and $ & + , / : ; = @
  kHtml = 4,        // & < > " '
};

constexpr bool Contains(std::string_view set, unsigned char c) {
  return set.find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> table = {};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned char c = static_cast<unsigned char>(i);
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    uint8_t bits = 0;
    if (alnum || (c != 0 && Contains("-_.~", c))) bits |= kUnreserved | kPathKept;
    if (c != 0 && Contains("$&+,/:;=@", c)) bits |= kPathKept;
    if (c != 0 && Contains("&<>\"'", c)) bits |= kHtml;
    table[i] = bits;
  }
  return table;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

constexpr std::array<uint8_t, 256> MakeHexValues() {
  std::array<uint8_t, 256> table = {};
  for (unsigned i = 0; i < 256; ++i) {
    table[i] = i >= '0' && i <= '9'   ? static_cast<uint8_t>(i - '0')
               : i >= 'a' && i <= 'f' ? static_cast<uint8_t>(i - 'a' + 10)
               : i >= 'A' && i <= 'F' ? static_cast<uint8_t>(i - 'A' + 10)
                                      : uint8_t{16};
  }
  return table;
}
constexpr std::array<uint8_t, 256> kHexValues = MakeHexValues();
constexpr char kUpperHex[] = "0123456789ABCDEF";

bool Is(unsigned char c, Class bits) { return (kClasses[c] & bits) != 0; }
unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

void AppendQuoted(std::string& dst, std::string_view text, Class kept, bool plus) {
  for (char c : text) {
    if (Is(Byte(c), kept)) {
      dst.push_back(c);
    } else if (plus && c == ' ') {
      dst.push_back('+');
    } else {
      char escaped[3] = {'%', kUpperHex[Byte(c) >> 4], kUpperHex[Byte(c) & 15]};
      dst.append(escaped, 3);
    }
  }
}

void AppendUnquoted(std::string& dst, std::string_view text, bool plus) {
  size_t start = dst.size();
  dst.resize(start + text.size());
  dst.resize(start + internal::Unquote(dst.data() + start, text, plus));
}

template <typename T>
absl::StatusOr<T> Edge(Errc errc, const T& value) {
  if (errc != Errc::kOk) return ToStatus(errc);
  return value;
}

}  // namespace

namespace internal {

size_t Unquote(char* out, std::string_view text, bool plus) {
  char* const begin = out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    char c = *p++;
    if (c == '%' && end - p >= 2) {
      unsigned high = kHexValues[Byte(p[0])];
      unsigned low = kHexValues[Byte(p[1])];
      if ((high | low) < 16) {
        c = static_cast<char>(high << 4 | low);
        p += 2;
      }
    } else if (plus && c == '+') {
      c = ' ';
    }
    *out++ = c;
  }
  return static_cast<size_t>(out - begin);
}

bool HasBlankOrControl(std::string_view text) {
  typedef uint8_t Sixteen __attribute__((vector_size(16)));
  constexpr size_t kSize = sizeof(Sixteen);
  if (text.size() < kSize) return std::any_of(text.begin(), text.end(), IsBlankOrControl);
  auto holds = [](const char* at) {
    Sixteen bytes;
    std::memcpy(&bytes, at, kSize);
    const auto found = (bytes < 0x21) | (bytes == 0x7F);
    uint64_t words[2];
    std::memcpy(words, &found, kSize);
    return (words[0] | words[1]) != 0;
  };
  for (size_t i = 0; i + kSize < text.size(); i += kSize) {
    if (holds(text.data() + i)) return true;
  }
  return holds(text.data() + text.size() - kSize);
}

void AppendWithoutBlanks(std::string& dst, std::string_view text, std::string_view also) {
  for (char c : text) {
    if (!IsBlankOrControl(c) && also.find(c) == std::string_view::npos) {
      dst.push_back(c);
      continue;
    }
    char escaped[3] = {'%', kUpperHex[Byte(c) >> 4], kUpperHex[Byte(c) & 15]};
    dst.append(escaped, 3);
  }
}

}  // namespace internal

bool IsTokenChar(unsigned char c) { return http1::IsToken(static_cast<char>(c)); }
bool IsFieldValueChar(unsigned char c) {
  return c == '\t' || !http1::IsControl(static_cast<char>(c));
}

bool IsToken(std::string_view text) {
  for (char c : text) {
    if (!IsTokenChar(Byte(c))) return false;
  }
  return !text.empty();
}

bool IsFieldValue(std::string_view text) {
  for (char c : text) {
    if (!IsFieldValueChar(Byte(c))) return false;
  }
  return true;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) { return http1::EqualFold(a, b); }

void AppendLower(std::string& dst, std::string_view text) {
  size_t start = dst.size();
  dst.append(text);
  for (size_t i = start; i < dst.size(); ++i) dst[i] = AsciiLower(dst[i]);
}

namespace internal {

void NormalizeHeaderKey(char* name, size_t size) {
  if (!IsToken({name, size})) return;
  bool upper = true;
  for (size_t i = 0; i < size; ++i) {
    name[i] = upper ? AsciiUpper(name[i]) : AsciiLower(name[i]);
    upper = name[i] == '-';
  }
}

}  // namespace internal

void AppendNormalizedHeaderKey(std::string& dst, std::string_view name) {
  size_t start = dst.size();
  dst.append(name);
  internal::NormalizeHeaderKey(dst.data() + start, dst.size() - start);
}

void AppendWithoutNewLines(std::string& dst, std::string_view text) {
  for (char c : text) dst.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

std::string_view TrimOws(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Errc ParseUint(std::string_view text, uint64_t& value) {
  if (text.empty()) return Errc::kBadNumber;
  uint64_t sum = 0;
  bool overflow = false;
  for (char c : text) {
    unsigned digit = static_cast<unsigned>(Byte(c)) - '0';
    if (digit > 9) return Errc::kBadNumber;
    overflow |= __builtin_mul_overflow(sum, uint64_t{10}, &sum);
    overflow |= __builtin_add_overflow(sum, uint64_t{digit}, &sum);
  }
  if (overflow) return Errc::kNumberOverflow;
  value = sum;
  return Errc::kOk;
}

absl::StatusOr<uint64_t> ParseUint(std::string_view text) {
  uint64_t value = 0;
  Errc errc = ParseUint(text, value);
  return Edge(errc, value);
}

Errc ParseUfloat(std::string_view text, double& value) {
  if (text.empty() || text[0] == '-' || text[0] == '+') return Errc::kBadNumber;
  double parsed = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (end != text.data() + text.size()) return Errc::kBadNumber;
  if (error == std::errc::result_out_of_range) return Errc::kNumberOverflow;
  if (error != std::errc()) return Errc::kBadNumber;
  // "nan(...)" is C's, nobody else's.
  if (text.back() == ')') return Errc::kBadNumber;
  value = parsed;
  return Errc::kOk;
}

absl::StatusOr<double> ParseUfloat(std::string_view text) {
  double value = 0;
  Errc errc = ParseUfloat(text, value);
  return Edge(errc, value);
}

void AppendUint(std::string& dst, uint64_t value) {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  (void)error;
  dst.append(digits, static_cast<size_t>(end - digits));
}

void AppendHexUint(std::string& dst, uint64_t value) {
  char digits[16];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, 16);
  (void)error;
  dst.append(digits, static_cast<size_t>(end - digits));
}

Errc ParseIPv4(std::string_view text, IPv4Bytes& address) {
  IPv4Bytes parsed = {};
  for (size_t i = 0; i < parsed.size(); ++i) {
    size_t dot = i + 1 < parsed.size() ? text.find('.') : text.size();
    uint64_t number = 0;
    if (dot == std::string_view::npos) return Errc::kBadAddress;
    if (ParseUint(text.substr(0, dot), number) != Errc::kOk) return Errc::kBadAddress;
    if (number > 255) return Errc::kBadAddress;
    parsed[i] = static_cast<uint8_t>(number);
    text.remove_prefix(dot < text.size() ? dot + 1 : dot);
  }
  address = parsed;
  return Errc::kOk;
}

absl::StatusOr<IPv4Bytes> ParseIPv4(std::string_view text) {
  IPv4Bytes address = {};
  Errc errc = ParseIPv4(text, address);
  return Edge(errc, address);
}

void AppendIPv4(std::string& dst, const IPv4Bytes& address) {
  for (size_t i = 0; i < address.size(); ++i) {
    if (i != 0) dst.push_back('.');
    AppendUint(dst, address[i]);
  }
}

void AppendHTMLEscape(std::string& dst, std::string_view text) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!Is(Byte(text[i]), kHtml)) continue;
    dst.append(text.substr(run, i - run));
    run = i + 1;
    switch (text[i]) {
      case '&':
        dst.append("&amp;");
        break;
      case '<':
        dst.append("&lt;");
        break;
      case '>':
        dst.append("&gt;");
        break;
      case '"':
        dst.append("&#34;");
        break;
      default:
        dst.append("&#39;");
    }
  }
  dst.append(text.substr(run));
}

void AppendQuotedArg(std::string& dst, std::string_view text) {
  AppendQuoted(dst, text, kUnreserved, /*plus=*/true);
}

void AppendQuotedPath(std::string& dst, std::string_view text) {
  if (text == "*") {
    dst.push_back('*');
    return;
  }
  AppendQuoted(dst, text, kPathKept, /*plus=*/false);
}

void AppendUnquotedArg(std::string& dst, std::string_view text) {
  AppendUnquoted(dst, text, /*plus=*/true);
}

void AppendUnquotedPath(std::string& dst, std::string_view text) {
  AppendUnquoted(dst, text, /*plus=*/false);
}

void AppendJSONQuoted(std::string& dst, std::string_view text) {
  base::WriteJSONQuoted(text, [&dst](std::string_view piece) { dst.append(piece); });
}

void JSONQuoted::WriteTo(absl::FormatSink* sink) const {
  base::WriteJSONQuoted(text_, [sink](std::string_view piece) {
    sink->Append(absl::string_view(piece.data(), piece.size()));
  });
}

}  // namespace fasthttp
