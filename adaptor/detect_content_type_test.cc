#include "adaptor/detect_content_type.h"

#include <string>

#include "gtest/gtest.h"

namespace fasthttpadaptor {
namespace {

using std::string_view_literals::operator""sv;

struct Case {
  std::string_view data;
  std::string_view type;
};

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kBinary = "application/octet-stream";

constexpr Case kCases[] = {
    // Text and bytes.
    {""sv, kText},
    {" \t\r\n\f"sv, kText},
    {"Hello"sv, kText},
    {"{\"a\":1}"sv, kText},
    {"gr\xC3\xBC\xC3\x9F"sv, kText},
    {"\x1B[31mred"sv, kText},
    {"a\0b"sv, kBinary},
    {"a\x0B"sv, kBinary},
    {"a\x0E"sv, kBinary},
    {"a\x1A"sv, kBinary},
    {"a\x1C"sv, kBinary},
    {"a\x7F"sv, kText},
    {"\1\2\3"sv, kBinary},
    // HTML: case, leading whitespace, the byte behind the tag.
    {"<!DOCTYPE html><p>x"sv, kHtml},
    {"<!doctype HTML "sv, kHtml},
    {" \n\t\f\r<HtMl><body>"sv, kHtml},
    {"<html"sv, kText},
    {"<htmlx>"sv, kText},
    {"<html\t>"sv, kText},
    {"<head>"sv, kHtml},
    {"<script src=x>"sv, kHtml},
    {"<iframe >"sv, kHtml},
    {"<h1>"sv, kHtml},
    {"<h2>"sv, kText},
    {"<div class=a>"sv, kHtml},
    {"<font >"sv, kHtml},
    {"<table>"sv, kHtml},
    {"<a href=x>"sv, kHtml},
    {"<style>"sv, kHtml},
    {"<title>"sv, kHtml},
    {"<b>"sv, kHtml},
    {"<body>"sv, kHtml},
    {"<br>"sv, kHtml},
    {"<p>"sv, kHtml},
    {"<!-- x -->"sv, kHtml},
    {"<!--x"sv, kText},
    {"\v<html>"sv, kBinary},
    {"\n<?xml version=\"1.0\"?>"sv, "text/xml; charset=utf-8"},
    {"<axml"sv, kText},
    // Documents.
    {"%PDF-1.7"sv, "application/pdf"},
    {" %PDF-1.7"sv, kText},
    {"%!PS-Adobe-3.0"sv, "application/postscript"},
    // Byte order marks.
    {"\xFE\xFF\0a"sv, "text/plain; charset=utf-16be"},
    {"\xFF\xFE"
     "a\0"sv,
     "text/plain; charset=utf-16le"},
    {"\xEF\xBB\xBF"
     "a"sv,
     kText},
    {"\xEF\xBB\xBF\0"sv, kText},
    {"\xFE\xFF\0"sv, kBinary},
    // Images.
    {"\0\0\1\0\2"sv, "image/x-icon"},
    {"\0\0\2\0\2"sv, "image/x-icon"},
    {"BM...."sv, "image/bmp"},
    {"GIF87a"sv, "image/gif"},
    {"GIF89a..."sv, "image/gif"},
    {"GIF88a"sv, kText},
    {"RIFF\1\2\3\4WEBPVP8 "sv, "image/webp"},
    {"\x89PNG\r\n\x1A\n"sv, "image/png"},
    {"\x89PNG\r\n\x1A"sv, kBinary},
    {"\xFF\xD8\xFF\xE0"sv, "image/jpeg"},
    // Audio and video.
    {"FORM\0\0\0\1AIFF"sv, "audio/aiff"},
    {"ID3\4"sv, "audio/mpeg"},
    {"OggS\0\2"sv, "application/ogg"},
    {"OggSx"sv, kText},
    {"MThd\0\0\0\6\0\1"sv, "audio/midi"},
    {"RIFF,O\n\0AVI LISTr"sv, "video/avi"},
    {"RIFFb\xB8\0\0WAVEfmt "sv, "audio/wave"},
    {"RIFFb\xB8\0\0RMIDfmt "sv, kBinary},
    {"\x1A\x45\xDF\xA3\1"sv, "video/webm"},
    // MP4: the major brand, a compatible one, a version that looks like one, a cut box.
    {"\0\0\0\x14"
     "ftypmp42\0\0\0\0isom"sv,
     "video/mp4"},
    {"\0\0\0\x18"
     "ftypisom\0\0\0\0avc1mp41"sv,
     "video/mp4"},
    {"\0\0\0\x14"
     "ftypisommp42isom"sv,
     kBinary},
    {"\0\0\0\x18"
     "ftypmp42\0\0\0\0isom"sv,
     kBinary},
    {"\0\0\0\x13"
     "ftypmp42\0\0\0\0isom"sv,
     kBinary},
    {"\0\0\0\x08"
     "ftypmp42"sv,
     kBinary},
    // Fonts.
    {"\0\1\0\0"sv, "font/ttf"},
    {"OTTO"sv, "font/otf"},
    {"ttcf"sv, "font/collection"},
    {"wOFF\0"sv, "font/woff"},
    {"wOF2\0"sv, "font/woff2"},
    {"\1..............................\0\0\0LP"sv, "application/vnd.ms-fontobject"},
    // Archives.
    {"\x1F\x8B\x08\0"sv, "application/x-gzip"},
    {"PK\3\4\0"sv, "application/zip"},
    {"Rar!\x1A\x07\0"sv, "application/x-rar-compressed"},
    {"Rar!\x1A\x07\1\0"sv, "application/x-rar-compressed"},
    {"\0asm\1\0\0\0"sv, "application/wasm"},
};

TEST(DetectContentType, Table) {
  for (const Case& c : kCases) {
    EXPECT_EQ(DetectContentType(c.data), c.type) << testing::PrintToString(c.data);
  }
}

TEST(DetectContentType, LooksAt512Bytes) {
  std::string text(512, 'a');
  EXPECT_EQ(DetectContentType(text + '\0'), kText);
  text[511] = '\0';
  EXPECT_EQ(DetectContentType(text), kBinary);
}

// Not one byte behind the input is read: the sanitizers watch these copies.
TEST(DetectContentType, EveryPrefixOfEveryCase) {
  for (const Case& c : kCases) {
    for (size_t n = 0; n <= c.data.size(); ++n) {
      std::string copy(c.data.substr(0, n));
      copy.shrink_to_fit();
      EXPECT_FALSE(DetectContentType(copy).empty());
    }
  }
}

}  // namespace
}  // namespace fasthttpadaptor
