// Any bytes as a request and as a response: all parsers agree, whole or cut in two, and what they
// accept obeys the rules that later stages rely on.
//
// The first byte of the input selects leniency (bits 0 and 1), response (bit 2) and, with the
// second byte, where the input is cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::http1 {
namespace {

constexpr size_t kMaxInput = 20000;

struct Result {
  Errc errc = Errc::kOk;
  std::string text;  // Everything the head says.
};

// A copy of the input of exactly the size that the contract asks for.
struct Padded {
  explicit Padded(std::string_view bytes)
      : data(new char[bytes.size() + kPadding]), size(bytes.size()) {
    if (size > 0) memcpy(data.get(), bytes.data(), size);
    memset(data.get() + size, 0, kPadding);
  }
  std::unique_ptr<char[]> data;
  size_t size;
};

void CheckHead(const Head& head, size_t size) {
  FASTHTTP_CHECK(head.size <= size, "the head ends within the input");
  for (const Field& field : head.Fields()) {
    FASTHTTP_CHECK(field.name_size > 0, "a field has a name");
    FASTHTTP_CHECK(size_t{field.value} + field.value_size <= head.size, "a value lies in the head");
    for (char c : head.ValueOf(field)) {
      FASTHTTP_CHECK(c != '\r' && c != '\n' && c != 0, "a value is one line");
    }
  }
}

std::string Describe(const Head& head, bool response, Leniency leniency) {
  std::string text = std::to_string(head.size) + " " + std::to_string(head.minor_version) + " ";
  text += response ? std::to_string(head.status) : std::string(head.Method());
  text += " " + std::string(head.Target()) + " " + std::to_string(head.target_flags) + "\n";
  for (const Field& field : head.Fields()) {
    text += std::string(head.NameOf(field)) + "=" + std::string(head.ValueOf(field)) + "\n";
  }
  text += std::to_string(head.seen) + " " + std::to_string(head.duplicate) + "\n";
  Framing framing;
  const Errc errc = response ? DecideResponseFraming(head, MethodId::kGet, leniency, framing)
                             : DecideFraming(head, leniency, framing);
  text += std::string(ErrcName(errc));
  if (errc == Errc::kOk) {
    text += std::to_string(framing.kind) + " " + std::to_string(framing.length);
    text += framing.keep_alive ? " keep-alive" : " close";
  }
  return text;
}

Result Run(std::string_view bytes, size_t cut, bool response, Leniency leniency) {
  auto parse = response ? &ParseResponseHead : &ParseRequestHead;
  ParseProgress progress;
  Head head;
  Field arena[128];
  head.UseArena(arena);
  Result result;
  // The bytes move between the calls, and a lenient parser may have written to them.
  Padded first(bytes.substr(0, cut));
  result.errc = parse({first.data.get(), first.size}, HeadLimits(), leniency, progress, head);
  if (result.errc == Errc::kOk) {
    CheckHead(head, first.size);
    result.text = Describe(head, response, leniency);
  }
  if (result.errc != Errc::kNeedMore || cut == bytes.size()) return result;
  std::string grown(first.data.get(), first.size);
  grown += bytes.substr(cut);
  Padded second(grown);
  result.errc = parse({second.data.get(), second.size}, HeadLimits(), leniency, progress, head);
  if (result.errc == Errc::kOk) {
    CheckHead(head, second.size);
    result.text = Describe(head, response, leniency);
  }
  return result;
}

}  // namespace
}  // namespace fasthttp::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp::http1;  // NOLINT: the whole file is about it.
  if (size < 2 || size > kMaxInput) return 0;
  const Leniency leniency = static_cast<Leniency>(data[0] & 3);
  const bool response = (data[0] & 4) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t cut = bytes.size() * data[1] / 256;

  SelectParserVariant(ParserVariant::kScalar);
  const Result reference = Run(bytes, bytes.size(), response, leniency);
  for (ParserVariant variant : {ParserVariant::kScalar, ParserVariant::kSse42, ParserVariant::kAvx2,
                                ParserVariant::kNeon}) {
    if (!SelectParserVariant(variant)) continue;
    for (size_t at : {bytes.size(), cut}) {
      const Result result = Run(bytes, at, response, leniency);
      FASTHTTP_CHECK(result.errc == reference.errc, "the verdict depends on variant or cut");
      FASTHTTP_CHECK(result.text == reference.text, "the result depends on variant or cut");
    }
  }
  return 0;
}
