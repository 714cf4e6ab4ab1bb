// Any bytes through the setters of a header: the message that is written parses strictly, with
// exactly the fields that the header says it has. Through those of a request: what is sent is read
// as one request. And any bytes through the readers of values:
// parameters, weights, lists, dates, ranges, entity tags.
//
// The input is lines; the first is the method, the second the target, the third the host, the rest
// are pairs of lines, a name and a value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/date.h"
#include "fasthttp/error.h"
#include "fasthttp/etag.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/quality.h"
#include "fasthttp/range.h"
#include "fasthttp/request.h"

namespace fasthttp {
namespace {

std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

template <typename Header>
std::vector<http1::FieldView> FieldsOf(const Header& header) {
  std::vector<http1::FieldView> fields;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    if (!EqualsIgnoreCase(name, "Content-Length")) fields.push_back({name, value});
  });
  return fields;
}

// `bytes` is a whole head; its fields are `fields`.
void CheckFields(std::string& bytes, bool response, const std::vector<http1::FieldView>& fields) {
  const size_t size = bytes.size();
  bytes.append(http1::kPadding, '\0');
  const http1::HeadLimits limits = {.max_head_bytes = 65535, .max_target_bytes = 65535};
  http1::ParseProgress progress;
  http1::Head head;
  std::vector<http1::Field> arena(128);
  head.UseArena(arena);
  auto parse = response ? &http1::ParseResponseHead : &http1::ParseRequestHead;
  const Errc errc = parse({bytes.data(), size}, limits, http1::Leniency::kStrict, progress, head);
  if (errc == Errc::kHeadTooLarge || errc == Errc::kTooManyFields) return;
  FASTHTTP_CHECK(errc == Errc::kOk, "what setters let through is well-formed");
  FASTHTTP_CHECK(head.size == size, "it is one message");
  FASTHTTP_CHECK(head.field_count == fields.size(), "every field is one line");
  for (size_t i = 0; i < fields.size(); ++i) {
    FASTHTTP_CHECK(head.NameOf(head.fields[i]) == fields[i].name, "names survive");
    FASTHTTP_CHECK(head.ValueOf(head.fields[i]) == TrimOws(fields[i].value), "values survive");
  }
}

void CheckRequest(std::string_view rest) {
  RequestHeader header;
  header.SetMethod(NextLine(rest));
  header.SetRequestURI(NextLine(rest));
  header.SetHost(NextLine(rest));
  for (int i = 0; i < 100 && !rest.empty(); ++i) {
    const std::string_view name = NextLine(rest);
    const std::string_view value = NextLine(rest);
    i % 3 == 2 ? header.SetCanonical(name, value) : header.Add(name, value);
  }
  // The form of a target is for who sends it to choose.
  if (header.RequestURI()[0] != '/') header.SetRequestURI("/");
  if (header.IsConnect()) header.SetMethod("GET");
  const std::vector<http1::FieldView> fields = FieldsOf(header);
  http1::RequestHeadView view;
  view.method = header.Method();
  view.target = header.RequestURI();
  view.fields = fields;
  std::string bytes(http1::RequestHeadBound(view), '\0');
  bytes.resize(static_cast<size_t>(http1::WriteRequestHead(bytes.data(), view) - bytes.data()));
  CheckFields(bytes, /*response=*/false, fields);
}

// A request that can be sent at all is read as the same by a server.
void CheckRequestBytes(std::string_view rest) {
  Request request;
  request.header().SetMethod(NextLine(rest));
  request.SetRequestURI(NextLine(rest));
  request.header().SetHost(NextLine(rest));
  request.SetUseHostHeader(rest.size() % 2 == 0);
  if (rest.size() % 3 == 0) request.header().DisableSpecialHeader();
  for (int i = 0; i < 20 && rest.size() > 10; ++i) {
    const std::string_view name = NextLine(rest);
    const std::string_view value = NextLine(rest);
    i % 5 == 4 ? (void)request.header().AddTrailer(name) : request.header().Add(name, value);
  }
  if (rest.size() % 5 == 0) request.header().EnableSpecialHeader();
  request.header().Del("Expect");  // Any expectation may be written, one is understood.
  request.SetBody(rest);
  std::string bytes;
  if (!request.AppendBytes(bytes).ok()) return;
  Request read;
  const absl::StatusOr<size_t> used = read.Read(bytes);
  const Errc errc = ErrcOf(used.status());
  if (errc == Errc::kHeadTooLarge || errc == Errc::kTargetTooLong) return;
  FASTHTTP_CHECK(errc == Errc::kOk, "what is written is well-formed");
  FASTHTTP_CHECK(*used == bytes.size(), "it is one message");
  FASTHTTP_CHECK(read.header().Method() == request.header().Method(), "the method survives");
  FASTHTTP_CHECK(read.Body() == request.Body(), "the body survives");
  FASTHTTP_CHECK(read.TryParseURI() == Errc::kOk, "it has a URI");
}

void CheckResponse(std::string_view rest) {
  ResponseHeader header;
  for (int i = 0; i < 100 && !rest.empty(); ++i) {
    const std::string_view name = NextLine(rest);
    const std::string_view value = NextLine(rest);
    i % 3 == 2 ? header.Set(name, value) : header.Add(name, value);
  }
  const std::vector<http1::FieldView> fields = FieldsOf(header);
  http1::ResponseHeadView view;
  view.body = http1::BodyHeader::kNone;
  view.fields = fields;
  std::string bytes(http1::ResponseHeadBound(view), '\0');
  bytes.resize(static_cast<size_t>(http1::WriteResponseHead(bytes.data(), view) - bytes.data()));
  CheckFields(bytes, /*response=*/true, fields);
}

void CheckReaders(std::string_view bytes) {
  size_t count = 0;
  VisitHeaderParams(bytes, [&](std::string_view name, std::string_view value) {
    FASTHTTP_CHECK(IsToken(name), "the name of a parameter is a token");
    FASTHTTP_CHECK(name.data() >= bytes.data() && value.data() >= name.data() &&
                       value.data() + value.size() <= bytes.data() + bytes.size(),
                   "parameters lie in the value");
    return ++count < 1000;
  });
  for (std::string_view token : {"gzip", "*", ""}) {
    const int weight = QualityOf(bytes, token);
    FASTHTTP_CHECK(weight >= -1 && weight <= 1000, "a weight is in its range");
  }
  (void)http1::ListHasToken(bytes, "close");
  (void)ETagListMatchesWeakly(bytes, "\"a\"");
  (void)ETagListMatchesStrongly(bytes, bytes);
  ByteRange range;
  if (ParseByteRange(bytes, 1000, range) == Errc::kOk) {
    FASTHTTP_CHECK(range.start <= range.end && range.end < 1000, "a range lies in the content");
  }
  int64_t seconds = 0;
  if (ParseHTTPDate(bytes, seconds) == Errc::kOk) {
    char written[kHTTPDateSize];
    WriteHTTPDate(written, seconds);
    int64_t again = 0;
    FASTHTTP_CHECK(ParseHTTPDate({written, kHTTPDateSize}, again) == Errc::kOk && again == seconds,
                   "a date survives");
  }
}

}  // namespace
}  // namespace fasthttp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fasthttp::CheckRequest(bytes);
  fasthttp::CheckRequestBytes(bytes);
  fasthttp::CheckResponse(bytes);
  fasthttp::CheckReaders(bytes);
  return 0;
}
