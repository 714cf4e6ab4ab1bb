#include "adaptor/detect_content_type.h"

#include <cstdint>

namespace fasthttpadaptor {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kBinary = "application/octet-stream";

// A '*' in a pattern stands for any byte; none of the patterns holds a real one.
struct Signature {
  std::string_view pattern;
  std::string_view type;
};

// Tags that make a document HTML, in upper case; each must be followed by a space or ">".
constexpr std::string_view kHtmlTags[] = {
    "<!DOCTYPE HTML", "<HTML", "<HEAD",  "<SCRIPT", "<IFRAME", "<H1",   "<DIV", "<FONT",
    "<TABLE",         "<A",    "<STYLE", "<TITLE",  "<B",      "<BODY", "<BR",  "<P",
    "<!--",
};

// In the order of the standard; the first one that fits wins.
constexpr Signature kSignatures[] = {
    {"%PDF-"sv, "application/pdf"},
    {"%!PS-Adobe-"sv, "application/postscript"},
    // Byte order marks; two more bytes, so that the mark alone is nothing yet.
    {"\xFE\xFF**"sv, "text/plain; charset=utf-16be"},
    {"\xFF\xFE**"sv, "text/plain; charset=utf-16le"},
    {"\xEF\xBB\xBF*"sv, kText},
    // Images.
    {"\0\0\1\0"sv, "image/x-icon"},
    {"\0\0\2\0"sv, "image/x-icon"},
    {"BM"sv, "image/bmp"},
    {"GIF87a"sv, "image/gif"},
    {"GIF89a"sv, "image/gif"},
    {"RIFF****WEBPVP"sv, "image/webp"},
    {"\x89PNG\r\n\x1A\n"sv, "image/png"},
    {"\xFF\xD8\xFF"sv, "image/jpeg"},
    // Audio and video.
    {"FORM****AIFF"sv, "audio/aiff"},
    {"ID3"sv, "audio/mpeg"},
    {"OggS\0"sv, "application/ogg"},
    {"MThd\0\0\0\6"sv, "audio/midi"},
    {"RIFF****AVI "sv, "video/avi"},
    {"RIFF****WAVE"sv, "audio/wave"},
    {"\x1A\x45\xDF\xA3"sv, "video/webm"},
    // Fonts.
    {"**********************************LP"sv, "application/vnd.ms-fontobject"},
    {"\0\1\0\0"sv, "font/ttf"},
    {"OTTO"sv, "font/otf"},
    {"ttcf"sv, "font/collection"},
    {"wOFF"sv, "font/woff"},
    {"wOF2"sv, "font/woff2"},
    // Archives.
    {"\x1F\x8B\x08"sv, "application/x-gzip"},
    {"PK\3\4"sv, "application/zip"},
    {"Rar!\x1A\x07\0"sv, "application/x-rar-compressed"},
    {"Rar!\x1A\x07\1\0"sv, "application/x-rar-compressed"},
    {"\0asm"sv, "application/wasm"},
};

bool Fits(std::string_view data, std::string_view pattern) {
  if (data.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '*' && pattern[i] != data[i]) return false;
  }
  return true;
}

char AsciiUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool IsHtmlTag(std::string_view data, std::string_view tag) {
  if (data.size() <= tag.size()) return false;
  for (size_t i = 0; i < tag.size(); ++i) {
    if (AsciiUpper(data[i]) != tag[i]) return false;
  }
  return data[tag.size()] == ' ' || data[tag.size()] == '>';
}

uint32_t BigEndian32(std::string_view four_bytes) {
  uint32_t value = 0;
  for (char c : four_bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// Section 6.2.1: a "ftyp" box among whose brands is one that begins with "mp4".
bool IsMp4(std::string_view data) {
  if (data.size() < 12) return false;
  uint32_t box_size = BigEndian32(data.substr(0, 4));
  if (box_size % 4 != 0 || data.size() < box_size || data.substr(4, 4) != "ftyp") return false;
  for (size_t i = 8; i + 4 <= box_size; i += 4) {
    // Behind the major brand stands its version, which is no brand.
    if (i != 12 && data.substr(i, 3) == "mp4") return true;
  }
  return false;
}

// A control byte that text does not hold: all below space but HT, LF, FF, CR and ESC.
bool IsBinary(char c) {
  unsigned char b = static_cast<unsigned char>(c);
  return b < 0x20 && b != '\t' && b != '\n' && b != '\f' && b != '\r' && b != 0x1B;
}

}  // namespace

std::string_view DetectContentType(std::string_view data) {
  data = data.substr(0, kSniffBytes);
  size_t first = data.find_first_not_of("\t\n\f\r ");
  std::string_view trimmed = first == data.npos ? std::string_view() : data.substr(first);
  for (std::string_view tag : kHtmlTags) {
    if (IsHtmlTag(trimmed, tag)) return kHtml;
  }
  if (Fits(trimmed, "<?xml")) return "text/xml; charset=utf-8";
  for (const Signature& signature : kSignatures) {
    if (Fits(data, signature.pattern)) return signature.type;
  }
  if (IsMp4(data)) return "video/mp4";
  for (char c : trimmed) {
    if (IsBinary(c)) return kBinary;
  }
  return kText;
}

}  // namespace fasthttpadaptor
