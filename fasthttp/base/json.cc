#include "fasthttp/base/json.h"

namespace fasthttp::base {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef";

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

void WriteEscaped(absl::FunctionRef<void(std::string_view)> sink, unsigned char c) {
  switch (c) {
    case '"':
      return sink("\\\"");
    case '\\':
      return sink("\\\\");
    case '\n':
      return sink("\\n");
    case '\r':
      return sink("\\r");
    case '\t':
      return sink("\\t");
    default:
      char escaped[6] = {'\\', 'u', '0', '0', kLowerHex[c >> 4], kLowerHex[c & 15]};
      return sink({escaped, 6});
  }
}

}  // namespace

size_t Utf8Length(std::string_view text) {
  unsigned char c = Byte(text[0]);
  auto continues = [&](size_t i, unsigned char low, unsigned char high) {
    return i < text.size() && Byte(text[i]) >= low && Byte(text[i]) <= high;
  };
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    unsigned char low = c == 0xE0 ? 0xA0 : 0x80;
    unsigned char high = c == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    unsigned char low = c == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

void WriteJSONQuoted(std::string_view text, absl::FunctionRef<void(std::string_view piece)> sink) {
  sink("\"");
  size_t run = 0;
  size_t i = 0;
  auto flush = [&] {
    if (i != run) sink(text.substr(run, i - run));
  };
  while (i < text.size()) {
    unsigned char c = Byte(text[i]);
    if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7F) {
      flush();
      WriteEscaped(sink, c);
      run = ++i;
      continue;
    }
    size_t length = Utf8Length(text.substr(i));
    if (length == 0) {
      flush();
      sink("\\ufffd");
      run = ++i;
      continue;
    }
    // U+2028 and U+2029 end a line in older JavaScript.
    if (length == 3 && text.substr(i, 2) == "\xE2\x80" && (Byte(text[i + 2]) & 0xFE) == 0xA8) {
      flush();
      sink(Byte(text[i + 2]) == 0xA8 ? "\\u2028" : "\\u2029");
      i += 3;
      run = i;
      continue;
    }
    i += length;
  }
  flush();
  sink("\"");
}

void AppendJSONQuoted(std::string& dst, std::string_view text) {
  WriteJSONQuoted(text, [&dst](std::string_view piece) { dst.append(piece); });
}

}  // namespace fasthttp::base
