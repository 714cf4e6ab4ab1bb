// Byte helpers: numbers, escaping, case, and the character classes of HTTP.
//
// Everything here is a pure function over views. AppendX(std::string&, ...) adds to the end of a
// string that the caller owns and reuses, so that a warm caller allocates nothing. Every function
// accepts {}.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_BYTES_H_
#define FASTHTTP_BYTES_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

// --- Character classes ------------------------------------------------------------------------

// tchar of RFC 9110, section 5.6.2: the bytes of a method or a field name.
bool IsTokenChar(unsigned char c);

// True if `text` is not empty and holds tchars only.
bool IsToken(std::string_view text);

// A byte that may stand in a field value: HTAB, SP to '~', and 0x80 to 0xFF (RFC 9110, 5.5).
bool IsFieldValueChar(unsigned char c);

// True if all bytes of `text` may stand in a field value. An empty value is valid.
bool IsFieldValue(std::string_view text);

// --- Case: ASCII only, every other byte is left alone ----------------------------------------

constexpr char AsciiLower(char c) {
  return static_cast<unsigned char>(c - 'A') < 26 ? static_cast<char>(c + 32) : c;
}
constexpr char AsciiUpper(char c) {
  return static_cast<unsigned char>(c - 'a') < 26 ? static_cast<char>(c - 32) : c;
}

// Equality that folds A-Z and nothing else: "^" and "~" differ, also "[" and "{".
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Appends `text` with A-Z folded.
void AppendLower(std::string& dst, std::string_view text);

// Appends the canonical form of a field name: the first letter and every letter after a "-" in
// upper case, the rest in lower case. A name with a byte that is not a tchar is appended as it is.
void AppendNormalizedHeaderKey(std::string& dst, std::string_view name);

// Appends `text` with CR, LF and NUL replaced by spaces.
void AppendWithoutNewLines(std::string& dst, std::string_view text);

// Without the spaces and tabs at both ends (OWS of RFC 9110, section 5.6.3).
std::string_view TrimOws(std::string_view text ABSL_ATTRIBUTE_LIFETIME_BOUND);

// --- Numbers ----------------------------------------------------------------------------------

// One or more decimal digits and nothing else: no sign, no space, no base. kBadNumber for other
// input (also for empty input), kNumberOverflow above 2^64-1. `value` is written on success only.
Errc ParseUint(std::string_view text, uint64_t& value);
absl::StatusOr<uint64_t> ParseUint(std::string_view text);

// A decimal number that is not negative: digits with an optional fraction and an optional exponent
// ("1.5", ".5", "2e3"), or "nan", "inf", "infinity" in any case. No sign before the number.
Errc ParseUfloat(std::string_view text, double& value);
absl::StatusOr<double> ParseUfloat(std::string_view text);

// Appends `value` in decimal digits.
void AppendUint(std::string& dst, uint64_t value);

// Appends `value` in lower-case hexadecimal digits, at least one, as in a chunk size.
void AppendHexUint(std::string& dst, uint64_t value);

using IPv4Bytes = std::array<uint8_t, 4>;

// Four decimal numbers from 0 to 255 with dots between; leading zeros are accepted and decimal.
// kBadAddress for anything else.
Errc ParseIPv4(std::string_view text, IPv4Bytes& address);
absl::StatusOr<IPv4Bytes> ParseIPv4(std::string_view text);
void AppendIPv4(std::string& dst, const IPv4Bytes& address);

namespace internal {

// Decodes `text` to `out`, which has room for text.size() bytes and may be text.data(). Returns the
// number of bytes written. `plus`: "+" is a space.
size_t Unquote(char* out, std::string_view text, bool plus);

// SP, controls and DEL: bytes that end a request-target or break it.
constexpr bool IsBlankOrControl(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
}

// True if `text` holds any of them.
bool HasBlankOrControl(std::string_view text);

// Appends `text` with the bytes above, and those of `also`, as %XX.
void AppendWithoutBlanks(std::string& dst, std::string_view text, std::string_view also = {});

// The canonical form of a field name, in place; a name that is no token stays.
void NormalizeHeaderKey(char* name, size_t size);

}  // namespace internal

// --- Escaping ---------------------------------------------------------------------------------

// Appends `text` with & < > " ' written as &amp; &lt; &gt; &#34; &#39;: safe in HTML text and in
// quoted attributes.
void AppendHTMLEscape(std::string& dst, std::string_view text);

// Appends `text` as the key or value of a query string: A-Z a-z 0-9 - _ . ~ as they are, space as
// "+", all other bytes as %XX.
void AppendQuotedArg(std::string& dst, std::string_view text);

// Appends `text` as a path: the unreserved bytes and $ & + , / : ; = @ as they are, all other bytes
// as %XX. A path of exactly "*" stays "*".
void AppendQuotedPath(std::string& dst, std::string_view text);

// The reverse of AppendQuotedArg(). "+" becomes a space; "%" that is not followed by two
// hexadecimal digits is kept as it is.
void AppendUnquotedArg(std::string& dst, std::string_view text);

// Like AppendUnquotedArg(), but "+" is kept.
void AppendUnquotedPath(std::string& dst, std::string_view text);

// Appends `text` as a JSON string with its quotes (RFC 8259, section 7). Bytes that are not UTF-8
// become U+FFFD, so the output is always valid JSON. "<", ">" and "&" are written as \u003c and so
// on: the output may stand inside an HTML script element.
void AppendJSONQuoted(std::string& dst, std::string_view text);

// A JSON string as an argument of absl::Format and its kin:
//   absl::Format(&ctx, R"({"name":%s})", fasthttp::JSONQuoted(name));
// Holds a view: use it within the expression that makes it.
class JSONQuoted {
 public:
  explicit JSONQuoted(std::string_view text ABSL_ATTRIBUTE_LIFETIME_BOUND) : text_(text) {}

  friend absl::FormatConvertResult<absl::FormatConversionCharSet::s> AbslFormatConvert(
      const JSONQuoted& quoted, const absl::FormatConversionSpec& spec, absl::FormatSink* sink) {
    (void)spec;
    quoted.WriteTo(sink);
    return {true};
  }

 private:
  void WriteTo(absl::FormatSink* sink) const;

  std::string_view text_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_BYTES_H_
