// Character classes of RFC 9110 section 5.6 as one table.
#ifndef FASTHTTP_HTTP1_ASCII_H_
#define FASTHTTP_HTTP1_ASCII_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace fasthttp::http1 {

enum CharClass : uint8_t {
  kToken = 1 << 0,    // tchar.
  kControl = 1 << 1,  // 0x00 to 0x1f and 0x7f, HTAB included.
  kBlank = 1 << 2,    // SP and HTAB: OWS.
  kDigit = 1 << 3,
  kHex = 1 << 4,
  kAlpha = 1 << 5,
  kRegName = 1 << 6,  // unreserved and sub-delims of RFC 3986, without ','.
};

constexpr std::array<uint8_t, 256> MakeCharClasses() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    uint8_t bits = 0;
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool hex = digit || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
    const char byte = static_cast<char>(c);
    if (digit) bits |= kDigit;
    if (alpha) bits |= kAlpha;
    if (hex) bits |= kHex;
    if (digit || alpha ||
        std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos) {
      bits |= kToken;
    }
    if (digit || alpha || std::string_view("-._~!$&'()*+;=").find(byte) != std::string_view::npos) {
      bits |= kRegName;
    }
    if (c < 0x20 || c == 0x7f) bits |= kControl;
    if (c == ' ' || c == '\t') bits |= kBlank;
    classes[c] = bits;
  }
  return classes;
}

inline constexpr std::array<uint8_t, 256> kCharClasses = MakeCharClasses();

constexpr bool Is(char c, uint8_t classes) {
  return (kCharClasses[static_cast<unsigned char>(c)] & classes) != 0;
}
constexpr bool IsToken(char c) { return Is(c, kToken); }
constexpr bool IsControl(char c) { return Is(c, kControl); }
constexpr bool IsBlank(char c) { return Is(c, kBlank); }
constexpr bool IsDigit(char c) { return Is(c, kDigit); }

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_ASCII_H_
