// The head parser beyond the case table: limits, resumption, byte classes, memory.
#include "fasthttp/http1/head.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/test_util.h"
#include "gtest/gtest.h"

namespace fasthttp::http1 {
namespace {

constexpr ParserVariant kAllVariants[] = {ParserVariant::kScalar, ParserVariant::kSse42,
                                          ParserVariant::kAvx2, ParserVariant::kNeon};

// Runs `f` with each variant that this machine has.
template <typename F>
void WithEachVariant(F f) {
  const ParserVariant before = CurrentParserVariant();
  for (ParserVariant variant : kAllVariants) {
    if (!SelectParserVariant(variant)) continue;
    SCOPED_TRACE(static_cast<int>(variant));
    f();
  }
  SelectParserVariant(before);
}

class HeadTest : public ::testing::Test {
 protected:
  Errc Parse(std::string_view bytes, const HeadLimits& limits = {}) {
    ParseProgress progress;
    head_.UseInlineFields();
    return ParseRequestHead(block_.Set(bytes), limits, Leniency::kStrict, progress, head_);
  }
  Errc ParseResponse(std::string_view bytes, const HeadLimits& limits = {}) {
    ParseProgress progress;
    return ParseResponseHead(block_.Set(bytes), limits, Leniency::kStrict, progress, head_);
  }

  PaddedBlock block_{1 << 20};
  Head head_;
};

std::string Fields(int n) {
  std::string s = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < n; ++i) s += "N" + std::to_string(i) + ": " + std::to_string(i) + "\r\n";
  return s + "\r\n";
}

TEST_F(HeadTest, AnX86MachineHasVectors) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    EXPECT_EQ(CurrentParserVariant(), ParserVariant::kAvx2);
  }
#endif
  EXPECT_TRUE(SelectParserVariant(CurrentParserVariant()));
}

TEST_F(HeadTest, AsksForFieldSpaceAndGoesOn) {
  WithEachVariant([this] {
    for (int n : {63, 64, 65, 66, 127, 128}) {
      const std::string bytes = Fields(n);
      ParseProgress progress;
      head_.UseInlineFields();
      PaddedView in = block_.Set(bytes);
      std::vector<Field> arena(128);
      Errc errc = ParseRequestHead(in, {}, Leniency::kStrict, progress, head_);
      if (n > 64) {
        ASSERT_EQ(errc, Errc::kNeedFieldSpace);
        head_.UseArena(arena);
        errc = ParseRequestHead(in, {}, Leniency::kStrict, progress, head_);
      }
      ASSERT_EQ(errc, Errc::kOk);
      ASSERT_EQ(head_.field_count, n);
      for (int i = 0; i < n; ++i) {
        EXPECT_EQ(head_.NameOf(head_.fields[i]), "N" + std::to_string(i));
        EXPECT_EQ(head_.ValueOf(head_.fields[i]), std::to_string(i));
      }
    }
    EXPECT_EQ(Parse(Fields(129)), Errc::kNeedFieldSpace);
  });
}

TEST_F(HeadTest, FieldLimit) {
  WithEachVariant([this] {
    for (uint16_t max : {0, 1, 5, 64}) {
      HeadLimits limits;
      limits.max_fields = max;
      EXPECT_EQ(Parse(Fields(max), limits), Errc::kOk);
      EXPECT_EQ(Parse(Fields(max + 1), limits), Errc::kTooManyFields);
    }
    std::vector<Field> arena(200);
    ParseProgress progress;
    head_.UseArena(arena);
    EXPECT_EQ(ParseRequestHead(block_.Set(Fields(129)), {}, Leniency::kStrict, progress, head_),
              Errc::kTooManyFields);
    head_.UseInlineFields();
  });
}

TEST_F(HeadTest, HeadLimitIsExactAndIndependentOfTheSplit) {
  WithEachVariant([this] {
    const std::string head =
        "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100, 'x') + "\r\n\r\n";
    for (size_t body : {0, 1, 500}) {
      HeadLimits limits;
      const std::string bytes = head + std::string(body, 'b');
      limits.max_head_bytes = static_cast<uint32_t>(head.size());
      EXPECT_EQ(Parse(bytes, limits), Errc::kOk);
      for (uint32_t max = 0; max < head.size(); ++max) {
        limits.max_head_bytes = max;
        EXPECT_EQ(Parse(bytes, limits), Errc::kHeadTooLarge);
        EXPECT_EQ(Parse(bytes.substr(0, max), limits), Errc::kHeadTooLarge);
        if (max > 0) {
          EXPECT_EQ(Parse(bytes.substr(0, max - 1), limits), Errc::kNeedMore);
        }
      }
    }
  });
}

// An error is found if and only if its byte lies within the limit.
TEST_F(HeadTest, HeadLimitAgainstErrors) {
  WithEachVariant([this] {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n";
    const size_t bad = bytes.find('\x01');
    for (uint32_t max = 0; max < bytes.size() + 2; ++max) {
      HeadLimits limits;
      limits.max_head_bytes = max;
      const Errc whole = max <= bad ? Errc::kHeadTooLarge : Errc::kBadFieldValue;
      EXPECT_EQ(Parse(bytes, limits), whole) << max;
      for (size_t n = 0; n < bytes.size(); ++n) {
        const Errc prefix = Parse(bytes.substr(0, n), limits);
        EXPECT_TRUE(prefix == Errc::kNeedMore || prefix == whole) << max << " " << n;
      }
    }
  });
}

TEST_F(HeadTest, LimitsAboveSixteenBits) {
  WithEachVariant([this] {
    HeadLimits limits;
    limits.max_head_bytes = 1 << 20;
    limits.max_target_bytes = 1 << 20;
    const std::string start = "GET / HTTP/1.1\r\nX: ";
    const std::string end = "\r\n\r\n";
    EXPECT_EQ(Parse(start + std::string(65535 - start.size() - end.size(), 'x') + end, limits),
              Errc::kOk);
    EXPECT_EQ(head_.fields[0].value_size, 65535 - start.size() - end.size());
    EXPECT_EQ(Parse(start + std::string(65536 - start.size() - end.size(), 'x') + end, limits),
              Errc::kHeadTooLarge);
    EXPECT_EQ(Parse(start + std::string(200000, 'x') + "\r\nY: z\r\n z\r\n\r\n", limits),
              Errc::kHeadTooLarge);
    EXPECT_EQ(Parse("GET /" + std::string(70000, 'x') + " HTTP/1.1\r\n\r\n", limits),
              Errc::kHeadTooLarge);
  });
}

TEST_F(HeadTest, TargetLimit) {
  WithEachVariant([this] {
    for (uint32_t max : {1, 2, 31, 32, 33, 100}) {
      HeadLimits limits;
      limits.max_target_bytes = max;
      const std::string target = "/" + std::string(max - 1, 'a');
      EXPECT_EQ(Parse("GET " + target + " HTTP/1.1\r\n\r\n", limits), Errc::kOk);
      EXPECT_EQ(Parse("GET " + target + "a HTTP/1.1\r\n\r\n", limits), Errc::kTargetTooLong);
      EXPECT_EQ(Parse("GET " + target + "\x01 HTTP/1.1\r\n\r\n", limits), Errc::kBadTarget);
    }
    HeadLimits limits;
    limits.max_target_bytes = 3;
    EXPECT_EQ(ParseResponse("HTTP/1.1 200 abc\r\n\r\n", limits), Errc::kOk);
    EXPECT_EQ(ParseResponse("HTTP/1.1 200 abcd\r\n\r\n", limits), Errc::kHeadTooLarge);
  });
}

// However small the pieces, each byte is looked at a constant number of times.
TEST_F(HeadTest, DribbledHeadIsLinear) {
  WithEachVariant([this] {
    std::string bytes = "GET /" + std::string(3000, 'p') + " HTTP/1.1\r\n";
    bytes += "Host: h\r\nLong: " + std::string(9000, 'v') + "\r\n";
    for (int i = 0; i < 60; ++i) bytes += "N" + std::to_string(i) + ": value\r\n";
    bytes += std::string(500, 'n') + ": v\r\n\r\n";
    for (size_t piece : {1, 2, 7, 64, 1000}) {
      ParseProgress progress;
      Errc errc = Errc::kNeedMore;
      for (size_t n = piece; errc == Errc::kNeedMore; n += piece) {
        // The bytes move with every call.
        PaddedView in = block_.Set(std::string_view(bytes).substr(0, n));
        errc = ParseRequestHead(in, {}, Leniency::kStrict, progress, head_);
      }
      ASSERT_EQ(errc, Errc::kOk);
      EXPECT_EQ(head_.field_count, 63);
      EXPECT_EQ(head_.size, bytes.size());
      EXPECT_LE(progress.examined, 2 * bytes.size());
    }
  });
}

// Where a byte decides, each of the 256 is tried.
TEST_F(HeadTest, AllBytesInEachPosition) {
  WithEachVariant([this] {
    for (int i = 0; i < 256; ++i) {
      const char byte = static_cast<char>(i);
      const std::string s(1, byte);
      SCOPED_TRACE(i);
      const bool text = !IsControl(byte);  // VCHAR, SP, obs-text.
      EXPECT_EQ(Parse("G" + s + "T / HTTP/1.1\r\n\r\n") == Errc::kOk, IsToken(byte));
      EXPECT_EQ(Parse(s + "ET / HTTP/1.1\r\n\r\n") == Errc::kOk, IsToken(byte));
      EXPECT_EQ(Parse("GET /a" + s + "b HTTP/1.1\r\n\r\n") == Errc::kOk, text && byte != ' ');
      EXPECT_EQ(Parse("GET / HTTP/1." + s + "\r\n\r\n") == Errc::kOk, IsDigit(byte));
      EXPECT_EQ(Parse("GET / HTTP/1" + s + "1\r\n\r\n") == Errc::kOk, byte == '.');
      EXPECT_EQ(Parse("GET / HTTP/1.1" + s + "\n\r\n") == Errc::kOk, byte == '\r');
      const std::string line = "GET / HTTP/1.1\r\n";
      for (size_t before : {0, 1, 30, 61, 62, 63, 64, 65, 127, 128}) {
        const std::string pad(before, 'p');
        EXPECT_EQ(Parse(line + "a" + pad + s + "a: v\r\n\r\n") == Errc::kOk,
                  IsToken(byte) || byte == ':');
        EXPECT_EQ(Parse(line + "a: v" + pad + s + "v\r\n\r\n") == Errc::kOk, text || byte == '\t');
        EXPECT_EQ(Parse(line + "a: v" + pad + "\r" + s + "\r\n") == Errc::kOk, byte == '\n');
        EXPECT_EQ(Parse(line + "a: v" + pad + s + "\n\r\n") == Errc::kOk, byte == '\r');
      }
      EXPECT_EQ(Parse(line + s + "a: v\r\n\r\n") == Errc::kOk, IsToken(byte));
      EXPECT_EQ(Parse(line + "a" + s + " v\r\n\r\n") == Errc::kOk, byte == ':');
      EXPECT_EQ(Parse(line + "a: v\r\n\r" + s) == Errc::kOk, byte == '\n');
      EXPECT_EQ(ParseResponse("HTTP/1.1 2" + s + "0 OK\r\n\r\n") == Errc::kOk, IsDigit(byte));
      EXPECT_EQ(ParseResponse("HTTP/1.1 200 O" + s + "\r\n\r\n") == Errc::kOk,
                text || byte == '\t');
    }
  });
}

TEST_F(HeadTest, FindsFields) {
  ASSERT_EQ(
      Parse("GET / HTTP/1.1\r\nX-a: 1\r\nhost: h\r\nx-A: 2\r\nCookie: c\r\ncookie: d\r\n\r\n"),
      Errc::kOk);
  EXPECT_EQ(head_.Find("x-a"), &head_.fields[0]);
  EXPECT_EQ(head_.Find("HOST"), &head_.fields[1]);
  EXPECT_EQ(head_.Find("x-b"), nullptr);
  EXPECT_EQ(head_.Find(""), nullptr);
  EXPECT_EQ(head_.Find({}), nullptr);
  EXPECT_EQ(head_.Find("referer"), nullptr);
  EXPECT_EQ(head_.Value(KnownField::kCookie), "c");
  EXPECT_TRUE(head_.HasMany(KnownField::kCookie));
  EXPECT_FALSE(head_.HasMany(KnownField::kHost));
  EXPECT_EQ(head_.Value(KnownField::kReferer), "");
}

TEST_F(HeadTest, HeadIsReusable) {
  WithEachVariant([this] {
    ASSERT_EQ(Parse("GET /?q HTTP/1.1\r\nHost: h\r\nHost: i\r\nCookie: c\r\n\r\n"), Errc::kOk);
    ASSERT_EQ(Parse("GET / HTTP/1.0\r\n\r\n"), Errc::kOk);
    EXPECT_EQ(head_.seen, 0u);
    EXPECT_EQ(head_.duplicate, 0u);
    EXPECT_EQ(head_.field_count, 0);
    EXPECT_EQ(head_.target_flags, 0);
    EXPECT_EQ(head_.minor_version, 0);
  });
}

TEST(KnownFieldTest, EveryNameInEveryCase) {
  for (size_t i = 1; i < kKnownFieldCount; ++i) {
    const KnownField id = static_cast<KnownField>(i);
    const std::string name(KnownFieldName(id));
    ASSERT_FALSE(name.empty());
    std::string lower = name;
    std::string upper = name;
    for (char& c : lower) c = static_cast<char>(tolower(c));
    for (char& c : upper) c = static_cast<char>(toupper(c));
    EXPECT_EQ(LookupKnownField(name), id) << name;
    EXPECT_EQ(LookupKnownField(lower), id);
    EXPECT_EQ(LookupKnownField(upper), id);
    // One byte at a time through all values: only the other case is the same name.
    for (size_t at = 0; at < name.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string other = name;
        other[at] = static_cast<char>(byte);
        const bool same = tolower(static_cast<unsigned char>(name[at])) == byte ||
                          toupper(static_cast<unsigned char>(name[at])) == byte;
        EXPECT_EQ(EqualFold(other, name), same);
        EXPECT_EQ(LookupKnownField(other) == id, same) << other;
      }
    }
    EXPECT_EQ(LookupKnownField(name.substr(1)) == id, false);
    EXPECT_EQ(LookupKnownField(name + "x"), KnownField::kNone);
  }
  EXPECT_EQ(LookupKnownField({}), KnownField::kNone);
  EXPECT_EQ(LookupKnownField(std::string(1000, 'x')), KnownField::kNone);
  EXPECT_EQ(KnownFieldName(KnownField::kNone), "");
  EXPECT_EQ(KnownFieldName(KnownField::kCount), "");
}

// The parser's own matching (folding without a table) agrees with the exact lookup for every token
// that differs from a known name in one byte.
TEST_F(HeadTest, KnownFieldsInParser) {
  WithEachVariant([this] {
    for (size_t i = 1; i < kKnownFieldCount; ++i) {
      const std::string name(KnownFieldName(static_cast<KnownField>(i)));
      for (size_t at = 0; at < name.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string other = name;
          other[at] = static_cast<char>(byte);
          if (!IsToken(other[at])) continue;
          ASSERT_EQ(Parse("GET / HTTP/1.1\r\n" + other + ": v\r\n\r\n"), Errc::kOk);
          const KnownField id = LookupKnownField(other);
          EXPECT_EQ(head_.seen, id == KnownField::kNone ? 0 : MaskOf(id)) << other;
        }
      }
    }
  });
}

}  // namespace
}  // namespace fasthttp::http1
