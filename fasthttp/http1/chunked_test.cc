// The chunked decoder beyond the case table: limits, pieces, round trips.
#include "fasthttp/http1/chunked.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "fasthttp/http1/test_util.h"
#include "gtest/gtest.h"

namespace fasthttp::http1 {
namespace {

struct Decoded {
  Errc errc = Errc::kNeedMore;
  std::string body;
  std::string trailers;
  size_t consumed = 0;
};

Decoded Decode(std::string_view in, size_t piece, const ChunkedLimits& limits = {}) {
  ChunkedDecoder decoder(limits);
  Decoded result;
  for (size_t at = 0; at < in.size() && !decoder.done();) {
    std::string_view part = in.substr(at, piece);
    size_t consumed = 0;
    std::string_view data;
    result.errc = decoder.Decode(part.data(), part.size(), &consumed, &data);
    EXPECT_LE(consumed, part.size());
    at += consumed;
    result.consumed = at;
    if (result.errc == Errc::kNeedMore) {
      EXPECT_EQ(consumed, part.size());
      EXPECT_TRUE(data.empty());
    } else if (result.errc != Errc::kOk) {
      return result;
    } else {
      EXPECT_TRUE(!data.empty() || decoder.done());
      if (!data.empty()) {
        EXPECT_GE(data.data(), part.data());
        EXPECT_LE(data.data() + data.size(), part.data() + part.size());
      }
      (decoder.in_trailer() ? result.trailers : result.body).append(data);
    }
  }
  if (!decoder.done()) result.errc = Errc::kNeedMore;
  return result;
}

TEST(ChunkedDecoderTest, RoundTripInAllPieces) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string body;
    std::string wire;
    for (unsigned chunks = random() % 6; chunks-- > 0;) {
      const std::string data(1 + random() % (random() % 3 == 0 ? 5000 : 20),
                             static_cast<char>('a' + random() % 26));
      char header[kMaxChunkHeader];
      wire.append(header, WriteChunkHeader(header, data.size()));
      wire += data;
      wire += kChunkEnd;
      body += data;
    }
    wire += kLastChunk;
    for (size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{17}, wire.size()}) {
      const Decoded decoded = Decode(wire + "next", piece);
      ASSERT_EQ(decoded.errc, Errc::kOk);
      ASSERT_EQ(decoded.body, body);
      ASSERT_EQ(decoded.consumed, wire.size());
    }
  }
}

TEST(ChunkedDecoderTest, Limits) {
  ChunkedLimits limits;
  limits.max_body_bytes = 5;
  EXPECT_EQ(Decode("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 1, limits).errc, Errc::kOk);
  EXPECT_EQ(Decode("3\r\nabc\r\n3\r\n", 1, limits).errc, Errc::kBodyTooLarge);
  limits.max_body_bytes = 0;
  EXPECT_EQ(Decode("0\r\n\r\n", 1, limits).errc, Errc::kOk);
  EXPECT_EQ(Decode("1\r\n", 1, limits).errc, Errc::kBodyTooLarge);
  limits = {};
  limits.max_extension_bytes = 4;
  EXPECT_EQ(Decode("1;a\r\nx\r\n0;b\r\n\r\n", 1, limits).errc, Errc::kOk);
  EXPECT_EQ(Decode("1;a\r\nx\r\n0;bc\r\n\r\n", 1, limits).errc, Errc::kChunkExtensionTooLong);
  limits = {};
  limits.max_trailer_bytes = 8;
  EXPECT_EQ(Decode("0\r\nA: b\r\n\r\n", 1, limits).errc, Errc::kOk);
  EXPECT_EQ(Decode("0\r\nA: bc\r\n\r\n", 1, limits).errc, Errc::kTrailerTooLarge);
  EXPECT_EQ(Decode("0\r\n\r\n", 1, limits).errc, Errc::kOk);
}

TEST(ChunkedDecoderTest, TrailersAreApart) {
  for (size_t piece : {1, 2, 5, 100}) {
    const Decoded decoded = Decode("1\r\nx\r\n0\r\nA: b\r\nC:d\r\n\r\nrest", piece);
    ASSERT_EQ(decoded.errc, Errc::kOk);
    EXPECT_EQ(decoded.body, "x");
    EXPECT_EQ(decoded.trailers, "A: b\r\nC:d\r\n\r\n");
    EXPECT_EQ(decoded.consumed, 22u);
  }
}

TEST(ChunkedDecoderTest, NothingIsConsumedAfterTheEnd) {
  ChunkedDecoder decoder;
  size_t consumed = 0;
  std::string_view data;
  EXPECT_EQ(decoder.Decode("0\r\n\r\nx", 6, &consumed, &data), Errc::kOk);
  EXPECT_EQ(consumed, 5u);
  EXPECT_TRUE(decoder.done());
  EXPECT_FALSE(decoder.in_trailer());
  EXPECT_EQ(decoder.Decode("x", 1, &consumed, &data), Errc::kOk);
  EXPECT_EQ(consumed, 0u);
  EXPECT_EQ(decoder.Decode(nullptr, 0, &consumed, &data), Errc::kOk);
}

TEST(ChunkedDecoderTest, EmptyInput) {
  ChunkedDecoder decoder;
  size_t consumed = 1;
  std::string_view data;
  EXPECT_EQ(decoder.Decode(nullptr, 0, &consumed, &data), Errc::kNeedMore);
  EXPECT_EQ(consumed, 0u);
}

// Any byte in any position of a well-formed body: a well-formed one or an error, and the same one
// in pieces.
TEST(ChunkedDecoderTest, AnyByteAnywhere) {
  const std::string good = "a;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n";
  for (size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string wire = good;
      wire[at] = static_cast<char>(byte);
      const Decoded whole = Decode(wire, wire.size());
      const Decoded pieces = Decode(wire, 1);
      ASSERT_EQ(whole.errc, pieces.errc) << wire;
      if (whole.errc != Errc::kOk) continue;
      ASSERT_EQ(whole.body, pieces.body);
      ASSERT_EQ(whole.trailers, pieces.trailers);
    }
  }
}

TEST(ParseTrailersTest, Parses) {
  PaddedBlock block(4096);
  Field fields[2];
  size_t count = 9;
  PaddedView section = block.Set("A: b\r\nc:\r\n\r\n");
  ASSERT_EQ(ParseTrailers(section, fields, &count), Errc::kOk);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(std::string_view(section.data + fields[0].value, fields[0].value_size), "b");
  EXPECT_EQ(ParseTrailers(block.Set("A: b\r\nc:\r\nd:\r\n\r\n"), fields, &count),
            Errc::kTooManyFields);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(ParseTrailers(block.Set("A: b\r\n"), fields, &count), Errc::kBadTrailer);
  EXPECT_EQ(ParseTrailers(block.Set("A: b\r\n\r\nx"), fields, &count), Errc::kBadTrailer);
  EXPECT_EQ(ParseTrailers(block.Set("Host: b\r\n\r\n"), fields, &count), Errc::kBadTrailer);
  EXPECT_EQ(ParseTrailers(block.Set("A: b\r\n\r\n"), {}, &count), Errc::kTooManyFields);
}

// Their first line is the first of all, and no start line.
TEST(ParseTrailersTest, EachVariantJudgesTheFirstLineAlike) {
  const std::pair<const char*, Errc> cases[] = {
      {"\r\n", Errc::kOk},
      {"A: b\r\n\r\n", Errc::kOk},
      {"AB: c\r\n\r\n", Errc::kOk},
      {"X:b\r\n\r\n", Errc::kOk},
      {"ETag: \"x\"\r\nA: b\r\n\r\n", Errc::kOk},
      {": b\r\n\r\n", Errc::kBadTrailer},
      {"A : b\r\n\r\n", Errc::kBadTrailer},
      {" A: b\r\n\r\n", Errc::kBadTrailer},
      {"Host: h\r\n\r\n", Errc::kBadTrailer},
      {"GET / HTTP/1.1\r\n\r\n", Errc::kBadTrailer},
      {"GET / HTTP/1.1\r\nX-A: b\r\n\r\n", Errc::kBadTrailer},
      {"HEAD /x?y HTTP/1.0\r\n\r\n", Errc::kBadTrailer},
      {"HTTP/1.1 200 OK\r\n\r\n", Errc::kBadTrailer},
  };
  PaddedBlock block(4096);
  Field fields[2];
  size_t count;
  const ParserVariant before = CurrentParserVariant();
  for (ParserVariant variant : {ParserVariant::kScalar, ParserVariant::kSse42, ParserVariant::kAvx2,
                                ParserVariant::kNeon}) {
    if (!SelectParserVariant(variant)) continue;
    for (const auto& [section, errc] : cases) {
      EXPECT_EQ(ParseTrailers(block.SetFirst(section), fields, &count), errc) << section;
      EXPECT_EQ(ParseTrailers(block.Set(section, 7), fields, &count), errc) << section;
    }
  }
  SelectParserVariant(before);
}

}  // namespace
}  // namespace fasthttp::http1
