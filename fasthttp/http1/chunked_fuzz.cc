// Any bytes as a chunked body: whole, byte by byte and cut in two it decodes to the same, and what
// was accepted survives being encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/chunked.h"

namespace fasthttp::http1 {
namespace {

struct Result {
  Errc errc = Errc::kNeedMore;
  std::string body;
  std::string trailers;
  size_t consumed = 0;
};

Result Run(std::string_view in, size_t piece) {
  ChunkedDecoder decoder;
  Result result;
  while (result.consumed < in.size() && !decoder.done()) {
    const std::string_view part = in.substr(result.consumed, piece);
    size_t consumed = 0;
    std::string_view data;
    result.errc = decoder.Decode(part.data(), part.size(), &consumed, &data);
    FASTHTTP_CHECK(consumed <= part.size(), "no more is consumed than there is");
    result.consumed += consumed;
    if (result.errc == Errc::kNeedMore) continue;
    if (result.errc != Errc::kOk) return {result.errc, {}, {}, 0};
    FASTHTTP_CHECK(consumed > 0, "a call makes progress");
    (decoder.in_trailer() ? result.trailers : result.body).append(data);
  }
  if (!decoder.done()) return {Errc::kNeedMore, {}, {}, 0};
  return result;
}

void CheckSame(const Result& a, const Result& b) {
  FASTHTTP_CHECK(a.errc == b.errc, "the verdict depends on the pieces");
  FASTHTTP_CHECK(a.body == b.body, "the body depends on the pieces");
  FASTHTTP_CHECK(a.trailers == b.trailers, "the trailers depend on the pieces");
  FASTHTTP_CHECK(a.consumed == b.consumed, "the end depends on the pieces");
}

}  // namespace
}  // namespace fasthttp::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp::http1;  // NOLINT: the whole file is about it.
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const Result whole = Run(in, size + 1);
  CheckSame(whole, Run(in, 1));
  CheckSame(whole, Run(in, size / 2 + 1));
  if (whole.errc != fasthttp::Errc::kOk) return 0;

  if (!whole.trailers.empty()) {
    std::string section = whole.trailers + std::string(kPadding, '\0');
    Field fields[16];
    const auto parse = [&](size_t* count) {
      return ParseTrailers({section.data(), whole.trailers.size()}, fields, count);
    };
    const ParserVariant variant = CurrentParserVariant();
    size_t count = 0;
    size_t scalar_count = 0;
    const fasthttp::Errc errc = parse(&count);
    SelectParserVariant(ParserVariant::kScalar);
    FASTHTTP_CHECK(parse(&scalar_count) == errc, "the verdict depends on the variant");
    FASTHTTP_CHECK(scalar_count == count, "the trailers depend on the variant");
    SelectParserVariant(variant);
  }
  std::string again;
  if (!whole.body.empty()) {
    char header[kMaxChunkHeader];
    again.append(header, WriteChunkHeader(header, whole.body.size()));
    again += whole.body;
    again += kChunkEnd;
  }
  again += kLastChunk;
  FASTHTTP_CHECK(Run(again, again.size()).body == whole.body, "encoding keeps the body");
  return 0;
}
