#include "fasthttp/message_reader.h"

#include "fasthttp/http1/chunked.h"

namespace fasthttp::internal {
namespace {

constexpr http1::HeadLimits kLimits;

Errc AddTrailers(std::string section, std::vector<http1::Field>& fields, HeaderTrailers& header) {
  const size_t size = section.size();
  section.append(http1::kPadding, '\0');
  size_t count = 0;
  Errc errc = http1::ParseTrailers({section.data(), size}, fields, &count);
  for (size_t i = 0; i < count && errc == Errc::kOk; ++i) {
    errc = header.MutableTrailers().AddReceived(
        {section.data() + fields[i].name, fields[i].name_size},
        {section.data() + fields[i].value, fields[i].value_size});
  }
  return errc;
}

}  // namespace

MessageReader::MessageReader(std::string_view bytes)
    : bytes_(bytes), size_(bytes.size()), fields_(kLimits.max_fields) {
  bytes_.append(http1::kPadding, '\0');
}

template <typename Parse>
Errc MessageReader::ParseHead(Parse parse, http1::Head& head) {
  head.field_count = 0;
  head.UseArena(fields_);
  http1::ParseProgress progress;
  Errc errc = parse({bytes_.data() + used_, size_ - used_}, kLimits, http1::Leniency::kStrict,
                    progress, head);
  if (errc == Errc::kNeedMore) return Errc::kUnexpectedEof;
  if (errc == Errc::kOk) used_ += head.size;
  return errc;
}

Errc MessageReader::ReadHead(RequestHeader& header, http1::Framing& framing) {
  http1::Head head;
  Errc errc = ParseHead(http1::ParseRequestHead, head);
  if (errc == Errc::kOk) errc = DecideFraming(head, http1::Leniency::kStrict, framing);
  if (errc != Errc::kOk) return errc;
  RequestHeader received;
  received.Bind(&head);
  received.CopyTo(header);
  return Errc::kOk;
}

Errc MessageReader::ReadHead(ResponseHeader& header, http1::MethodId request_method,
                             http1::Framing& framing) {
  http1::Head head;
  Errc errc = ParseHead(http1::ParseResponseHead, head);
  if (errc == Errc::kOk) {
    errc = DecideResponseFraming(head, request_method, http1::Leniency::kStrict, framing);
  }
  if (errc == Errc::kOk) header.CopyFrom(head);
  return errc;
}

Errc MessageReader::ReadBody(const http1::Framing& framing, uint64_t max_body_size,
                             HeaderTrailers& header,
                             absl::FunctionRef<void(std::string_view piece)> f) {
  if (framing.kind == http1::Framing::kNone) return Errc::kOk;
  if (framing.kind == http1::Framing::kChunked) return ReadChunked(max_body_size, header, f);
  const bool until_close = framing.kind == http1::Framing::kUntilClose;
  const uint64_t length = until_close ? rest().size() : framing.length;
  if (length > max_body_size) return Errc::kBodyTooLarge;
  if (length > rest().size()) return Errc::kUnexpectedEof;
  f(rest().substr(0, static_cast<size_t>(length)));
  used_ += static_cast<size_t>(length);
  return Errc::kOk;
}

Errc MessageReader::ReadChunked(uint64_t max_body_size, HeaderTrailers& header,
                                absl::FunctionRef<void(std::string_view piece)> f) {
  http1::ChunkedDecoder decoder({.max_body_bytes = max_body_size});
  std::string trailers;
  while (!decoder.done()) {
    size_t consumed = 0;
    std::string_view piece;
    Errc errc = decoder.Decode(rest().data(), rest().size(), &consumed, &piece);
    if (errc == Errc::kNeedMore) return Errc::kUnexpectedEof;
    if (errc != Errc::kOk) return errc;
    used_ += consumed;
    if (decoder.in_trailer()) {
      trailers.append(piece);
    } else {
      f(piece);
    }
  }
  return trailers.empty() ? Errc::kOk : AddTrailers(std::move(trailers), fields_, header);
}

}  // namespace fasthttp::internal
