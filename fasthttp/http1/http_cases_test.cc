// The case table (testing/http_cases.h) through parser, framing and chunked decoder.
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/test_util.h"
#include "gtest/gtest.h"
#include "testing/http_cases.h"

namespace fasthttp::http1 {
namespace {

using fasthttp::testing::CaseField;
using fasthttp::testing::ChunkedCase;
using fasthttp::testing::ChunkedCases;
using fasthttp::testing::RequestCase;
using fasthttp::testing::RequestCases;
using fasthttp::testing::ResponseCase;
using fasthttp::testing::ResponseCases;

constexpr size_t kCapacity = 3 << 20;

// What came of a message, owned.
struct Outcome {
  Errc errc = Errc::kOk;
  std::string start;  // "GET /x 1" or "200 OK 1".
  int form = 0;
  int flags = 0;
  size_t query = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  uint64_t seen = 0;
  uint64_t duplicate = 0;
  Framing framing;  // Also of a body that is incomplete or malformed.
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers;
  size_t size = 0;  // Of the message.
};

bool operator==(const Framing& a, const Framing& b) {
  return a.kind == b.kind && a.length == b.length && a.keep_alive == b.keep_alive &&
         a.expect_continue == b.expect_continue && a.upgrade == b.upgrade;
}

bool SameOutcome(const Outcome& a, const Outcome& b) {
  if (a.errc != b.errc || !(a.framing == b.framing)) return false;
  if (a.errc != Errc::kOk) return true;
  return a.start == b.start && a.form == b.form && a.flags == b.flags && a.query == b.query &&
         a.fields == b.fields && a.seen == b.seen && a.duplicate == b.duplicate &&
         a.body == b.body && a.trailers == b.trailers && a.size == b.size;
}

// Reads one message from bytes that grow from call to call, as a connection would.
class Reader {
 public:
  Reader(bool response, MethodId request_method, Leniency leniency)
      : response_(response), request_method_(request_method), leniency_(leniency) {}

  Outcome Read(PaddedBlock& block, PaddedView in) {
    if (!head_done_) {
      if (Errc errc = ReadHead(in); errc != Errc::kOk) return Failed(errc);
    }
    if (Errc errc = ReadBody(block, in); errc != Errc::kOk) return Failed(errc);
    outcome_.size = position_;
    return outcome_;
  }

  const ParseProgress& progress() const { return progress_; }

 private:
  Outcome Failed(Errc errc) const {
    Outcome outcome;
    outcome.errc = errc;
    if (head_done_) outcome.framing = outcome_.framing;
    return outcome;
  }

  Errc ReadHead(PaddedView in) {
    auto parse = response_ ? &ParseResponseHead : &ParseRequestHead;
    Errc errc = parse(in, HeadLimits(), leniency_, progress_, head_);
    if (errc == Errc::kNeedFieldSpace) {
      arena_.resize(128);
      head_.UseArena(arena_);
      errc = parse(in, HeadLimits(), leniency_, progress_, head_);
    }
    if (errc != Errc::kOk) return errc;
    errc = response_ ? DecideResponseFraming(head_, request_method_, leniency_, outcome_.framing)
                     : DecideFraming(head_, leniency_, outcome_.framing);
    if (errc != Errc::kOk) return errc;
    outcome_.start = response_ ? std::to_string(head_.status) + " " + std::string(head_.Reason())
                               : std::string(head_.Method()) + " " + std::string(head_.Target());
    outcome_.start += " " + std::to_string(head_.minor_version);
    outcome_.form = response_ ? 0 : static_cast<int>(head_.target_form);
    outcome_.flags = head_.target_flags;
    if (head_.target_flags & kTargetQuery) outcome_.query = head_.query;
    outcome_.seen = head_.seen;
    outcome_.duplicate = head_.duplicate;
    for (const Field& f : head_.Fields()) {
      outcome_.fields.emplace_back(head_.NameOf(f), head_.ValueOf(f));
    }
    CheckIndex();
    head_done_ = true;
    position_ = head_.size;
    return Errc::kOk;
  }

  // first[] against a search by name.
  void CheckIndex() {
    for (size_t id = 1; id < kKnownFieldCount; ++id) {
      const Field* expected = nullptr;
      for (const Field& f : head_.Fields()) {
        if (LookupKnownField(head_.NameOf(f)) != static_cast<KnownField>(id)) continue;
        expected = &f;
        break;
      }
      ASSERT_EQ(head_.Find(static_cast<KnownField>(id)), expected);
    }
  }

  Errc ReadBody(PaddedBlock& block, PaddedView in) {
    switch (outcome_.framing.kind) {
      case Framing::kNone:
        return Errc::kOk;
      case Framing::kLength:
        if (in.size - head_.size < outcome_.framing.length) return Errc::kNeedMore;
        outcome_.body.assign(in.data + head_.size, outcome_.framing.length);
        position_ = head_.size + outcome_.framing.length;
        return Errc::kOk;
      case Framing::kUntilClose:
        outcome_.body.assign(in.data + head_.size, in.size - head_.size);
        position_ = in.size;
        return Errc::kOk;
      case Framing::kChunked:
        return ReadChunks(block, in);
    }
    return Errc::kOk;
  }

  Errc ReadChunks(PaddedBlock& block, PaddedView in) {
    while (!decoder_.done()) {
      size_t consumed = 0;
      std::string_view data;
      Errc errc = decoder_.Decode(in.data + position_, in.size - position_, &consumed, &data);
      position_ += consumed;
      if (errc != Errc::kOk) return errc;
      (decoder_.in_trailer() ? trailer_section_ : outcome_.body).append(data);
    }
    EXPECT_EQ(decoder_.body_bytes(), outcome_.body.size());
    EXPECT_EQ(decoder_.trailer_bytes(), trailer_section_.size());
    if (trailer_section_.empty()) return Errc::kOk;
    Field fields[16];
    size_t count = 0;
    PaddedView section = block.Set(trailer_section_);
    if (Errc errc = ParseTrailers(section, fields, &count); errc != Errc::kOk) return errc;
    for (size_t i = 0; i < count; ++i) {
      outcome_.trailers.emplace_back(
          std::string(section.data + fields[i].name, fields[i].name_size),
          std::string(section.data + fields[i].value, fields[i].value_size));
    }
    return Errc::kOk;
  }

  bool response_;
  MethodId request_method_;
  Leniency leniency_;
  ParseProgress progress_;
  Head head_;
  std::vector<Field> arena_;
  ChunkedDecoder decoder_;
  bool head_done_ = false;
  size_t position_ = 0;
  std::string trailer_section_;
  Outcome outcome_;
};

Outcome ReadWhole(PaddedBlock& block, const std::string& raw, bool response, MethodId method,
                  Leniency leniency, uint32_t noise = 0) {
  Reader reader(response, method, leniency);
  return reader.Read(block, block.Set(raw, noise));
}

// The outcome if the bytes arrive in the pieces that `sizes` ends with (each an offset). A lenient
// parser may write to its input, so the bytes live in `grown` and only new ones are added.
Outcome ReadSplit(PaddedBlock& block, const std::string& raw, const std::vector<size_t>& ends,
                  bool response, MethodId method, Leniency leniency) {
  Reader reader(response, method, leniency);
  std::string grown;
  Outcome outcome;
  for (size_t end : ends) {
    grown.append(raw, grown.size(), end - grown.size());
    PaddedView in = block.Set(grown, static_cast<uint32_t>(end));
    const char* data = in.data;
    outcome = reader.Read(block, in);
    // A body until close goes on after each piece.
    if (outcome.errc != Errc::kNeedMore && outcome.framing.kind != Framing::kUntilClose) break;
    if (leniency != Leniency::kStrict) grown.assign(data, in.size);
  }
  return outcome;
}

std::vector<ParserVariant> Variants() {
  std::vector<ParserVariant> variants;
  const ParserVariant before = CurrentParserVariant();
  for (ParserVariant v : {ParserVariant::kScalar, ParserVariant::kSse42, ParserVariant::kAvx2,
                          ParserVariant::kNeon}) {
    if (SelectParserVariant(v)) variants.push_back(v);
  }
  SelectParserVariant(before);
  return variants;
}

std::string VariantName(const ::testing::TestParamInfo<ParserVariant>& info) {
  constexpr const char* kNames[] = {"Scalar", "Sse42", "Avx2", "Neon"};
  return kNames[static_cast<size_t>(info.param)];
}

class HttpCases : public ::testing::TestWithParam<ParserVariant> {
 protected:
  void SetUp() override {
    before_ = CurrentParserVariant();
    ASSERT_TRUE(SelectParserVariant(GetParam()));
  }
  void TearDown() override { SelectParserVariant(before_); }

  PaddedBlock block_{kCapacity};
  ParserVariant before_;
};
INSTANTIATE_TEST_SUITE_P(All, HttpCases, ::testing::ValuesIn(Variants()), VariantName);

void ExpectFields(const std::vector<CaseField>& expected,
                  const std::vector<std::pair<std::string, std::string>>& actual) {
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(expected[i].name, actual[i].first);
    EXPECT_EQ(expected[i].value, actual[i].second);
  }
}

TEST_P(HttpCases, Requests) {
  for (const RequestCase& c : RequestCases()) {
    SCOPED_TRACE(c.name);
    Outcome outcome = ReadWhole(block_, c.raw, false, MethodId::kGet, c.leniency);
    ASSERT_EQ(outcome.errc, c.errc);
    if (c.errc != Errc::kOk) continue;
    EXPECT_EQ(outcome.start, c.method + " " + c.target + " " + std::to_string(c.minor_version));
    EXPECT_EQ(outcome.form, static_cast<int>(c.form));
    EXPECT_EQ(outcome.flags, c.target_flags);
    if (c.target_flags & kTargetQuery) {
      EXPECT_EQ(outcome.query, c.raw.find(c.target) + c.target.find('?'));
    }
    if (!c.fields.empty()) ExpectFields(c.fields, outcome.fields);
    EXPECT_EQ(outcome.framing.kind, c.framing);
    EXPECT_EQ(outcome.framing.length, c.length);
    EXPECT_EQ(outcome.framing.keep_alive, c.keep_alive);
    EXPECT_EQ(outcome.framing.expect_continue, c.expect_continue);
    EXPECT_EQ(outcome.framing.upgrade, c.upgrade);
    EXPECT_EQ(outcome.body, c.body);
    if (!c.trailers.empty()) ExpectFields(c.trailers, outcome.trailers);
    EXPECT_EQ(outcome.size, c.raw.size());
  }
}

TEST_P(HttpCases, Responses) {
  for (const ResponseCase& c : ResponseCases()) {
    SCOPED_TRACE(c.name);
    Outcome outcome = ReadWhole(block_, c.raw, true, c.request_method, c.leniency);
    ASSERT_EQ(outcome.errc, c.errc);
    if (c.errc != Errc::kOk) continue;
    EXPECT_EQ(outcome.start,
              std::to_string(c.status) + " " + c.reason + " " + std::to_string(c.minor_version));
    if (!c.fields.empty()) ExpectFields(c.fields, outcome.fields);
    EXPECT_EQ(outcome.framing.kind, c.framing);
    EXPECT_EQ(outcome.framing.length, c.length);
    EXPECT_EQ(outcome.framing.keep_alive, c.keep_alive);
    EXPECT_EQ(outcome.framing.upgrade, c.upgrade);
    EXPECT_EQ(outcome.body, c.body);
    EXPECT_EQ(outcome.size, c.raw.size());
  }
}

// Long messages are cut at some bytes only.
size_t StepOf(const std::string& raw) { return raw.size() > 4000 ? raw.size() / 50 + 1 : 1; }

// Every prefix yields "more" or the verdict of the whole.
void CheckPrefixes(PaddedBlock& block, const std::string& raw, bool response, MethodId method,
                   Leniency leniency) {
  const Outcome whole = ReadWhole(block, raw, response, method, leniency);
  const size_t step = StepOf(raw);
  for (size_t n = 0; n < raw.size(); n += step) {
    Outcome prefix = ReadWhole(block, raw.substr(0, n), response, method, leniency);
    if (prefix.errc == Errc::kNeedMore) continue;
    // A body until close is complete at any point.
    if (whole.framing.kind == Framing::kUntilClose) continue;
    ASSERT_TRUE(SameOutcome(prefix, whole))
        << "prefix " << n << ": " << ErrcName(prefix.errc) << ", whole: " << ErrcName(whole.errc);
  }
}

TEST_P(HttpCases, EveryPrefix) {
  for (const RequestCase& c : RequestCases()) {
    SCOPED_TRACE(c.name);
    CheckPrefixes(block_, c.raw, false, MethodId::kGet, c.leniency);
  }
  for (const ResponseCase& c : ResponseCases()) {
    SCOPED_TRACE(c.name);
    CheckPrefixes(block_, c.raw, true, c.request_method, c.leniency);
  }
}

// Whatever the variant and the split, it is what the scalar parser makes of the whole.
void CheckSplits(PaddedBlock& block, const std::string& raw, bool response, MethodId method,
                 Leniency leniency) {
  const ParserVariant variant = CurrentParserVariant();
  ASSERT_TRUE(SelectParserVariant(ParserVariant::kScalar));
  const Outcome whole = ReadWhole(block, raw, response, method, leniency);
  ASSERT_TRUE(SelectParserVariant(variant));
  const size_t step = StepOf(raw);
  for (size_t n = 0; n <= raw.size(); n += step) {
    Outcome split = ReadSplit(block, raw, {n, raw.size()}, response, method, leniency);
    ASSERT_TRUE(SameOutcome(split, whole)) << "split at " << n << ": " << ErrcName(split.errc);
  }
  std::vector<size_t> ends;
  for (size_t n = 1; n < raw.size(); n += step) ends.push_back(n);
  ends.push_back(raw.size());
  Outcome dribbled = ReadSplit(block, raw, ends, response, method, leniency);
  ASSERT_TRUE(SameOutcome(dribbled, whole)) << "dribbled: " << ErrcName(dribbled.errc);
}

TEST_P(HttpCases, SplitAtEveryByte) {
  for (const RequestCase& c : RequestCases()) {
    SCOPED_TRACE(c.name);
    CheckSplits(block_, c.raw, false, MethodId::kGet, c.leniency);
  }
  for (const ResponseCase& c : ResponseCases()) {
    SCOPED_TRACE(c.name);
    CheckSplits(block_, c.raw, true, c.request_method, c.leniency);
  }
}

TEST_P(HttpCases, PipelinedBehindAndBefore) {
  const std::string next = "GET /next HTTP/1.1\r\nHost: n\r\n\r\n";
  for (const RequestCase& c : RequestCases()) {
    if (c.errc == Errc::kNeedMore) continue;
    SCOPED_TRACE(c.name);
    const Outcome alone = ReadWhole(block_, c.raw, false, MethodId::kGet, c.leniency);
    const Outcome first = ReadWhole(block_, c.raw + next, false, MethodId::kGet, c.leniency);
    ASSERT_TRUE(SameOutcome(alone, first)) << ErrcName(first.errc);
    if (c.errc != Errc::kOk) continue;
    const Outcome second =
        ReadWhole(block_, (c.raw + next).substr(first.size), false, MethodId::kGet, c.leniency);
    EXPECT_EQ(second.start, "GET /next 1");
  }
}

TEST_P(HttpCases, PaddingDoesNotMatter) {
  for (const RequestCase& c : RequestCases()) {
    SCOPED_TRACE(c.name);
    const Outcome clean = ReadWhole(block_, c.raw, false, MethodId::kGet, c.leniency);
    for (uint32_t noise = 1; noise < 8; ++noise) {
      const Outcome noisy = ReadWhole(block_, c.raw, false, MethodId::kGet, c.leniency, noise);
      ASSERT_TRUE(SameOutcome(clean, noisy));
    }
    // Padding that would continue the head if it were looked at.
    for (std::string_view more : {"\r\n\r\n", ": x\r\n\r\n", "a: b\r\n\r\n", "HTTP/1.1\r\n\r\n"}) {
      for (size_t n = 0; n <= std::min<size_t>(c.raw.size(), 200); ++n) {
        PaddedView in = block_.Set(c.raw.substr(0, n));
        Reader clean_reader(false, MethodId::kGet, c.leniency);
        const Outcome expected = clean_reader.Read(block_, in);
        in = block_.Set(c.raw.substr(0, n));
        memcpy(const_cast<char*>(in.data) + n + 1, more.data(), more.size());
        Reader reader(false, MethodId::kGet, c.leniency);
        ASSERT_TRUE(SameOutcome(reader.Read(block_, in), expected));
      }
    }
  }
}

// All variants against the scalar one, on the table and on mutations of it.
TEST(HttpCasesDifferential, Mutations) {
  const std::vector<ParserVariant> variants = Variants();
  const ParserVariant before = CurrentParserVariant();
  PaddedBlock block(kCapacity);
  std::mt19937 random(20240611);
  constexpr std::string_view kBytes = "\r\n\t :;,=%./?#\\aZ09-_\x00\x01\x7f\x80\xff(";
  for (int round = 0; round < 25; ++round) {
    for (const RequestCase& c : RequestCases()) {
      if (c.raw.size() > 1000) continue;
      std::string raw = c.raw;
      for (unsigned edits = random() % 4; edits-- > 0 && !raw.empty();) {
        const size_t at = random() % raw.size();
        switch (random() % 4) {
          case 0:
            raw[at] = kBytes[random() % kBytes.size()];
            break;
          case 1:
            raw.erase(at, 1 + random() % 3);
            break;
          case 2:
            raw.insert(at, 1, kBytes[random() % kBytes.size()]);
            break;
          default:
            raw.insert(at, std::string(random() % 70, 'x'));
            break;
        }
      }
      const Leniency leniency = static_cast<Leniency>(random() % 4);
      const uint32_t noise = static_cast<uint32_t>(random());
      std::optional<Outcome> reference;
      for (ParserVariant v : variants) {
        ASSERT_TRUE(SelectParserVariant(v));
        const Outcome outcome = ReadWhole(block, raw, false, MethodId::kGet, leniency, noise);
        if (!reference) reference = outcome;
        ASSERT_TRUE(SameOutcome(*reference, outcome))
            << ErrcName(reference->errc) << " and " << ErrcName(outcome.errc) << " for\n"
            << raw;
      }
      ASSERT_TRUE(SelectParserVariant(variants[random() % variants.size()]));
      CheckPrefixes(block, raw, false, MethodId::kGet, leniency);
    }
  }
  SelectParserVariant(before);
}

TEST(ChunkedCasesTest, WholeAndSplit) {
  PaddedBlock block(kCapacity);
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const ChunkedCase& c : ChunkedCases()) {
    SCOPED_TRACE(c.name);
    Outcome outcome = ReadWhole(block, head + c.raw, false, MethodId::kGet, Leniency::kStrict);
    ASSERT_EQ(outcome.errc, c.errc);
    if (c.errc != Errc::kOk) continue;
    EXPECT_EQ(outcome.body, c.body);
    EXPECT_EQ(outcome.size, head.size() + c.raw.size() - c.rest.size());
  }
}

}  // namespace
}  // namespace fasthttp::http1
