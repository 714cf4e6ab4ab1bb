#include "testing/wire_client.h"

#include <algorithm>
#include <array>

#include "fasthttp/http1/chunked.h"

namespace fasthttp::testing {

std::string_view WireResponse::Field(std::string_view name) const {
  for (const auto& [n, value] : fields) {
    if (http1::EqualFold(n, name)) return value;
  }
  return {};
}

size_t WireResponse::CountOf(std::string_view name) const {
  return static_cast<size_t>(std::count_if(fields.begin(), fields.end(), [&](const auto& f) {
    return http1::EqualFold(f.first, name);
  }));
}

// At least one byte more. kConnectionClosed: the end.
Errc WireClient::Receive() {
  std::array<char, 16 * 1024> room;
  IoResult result = conn_.Read(room);
  if (!result.ok()) return result.errc();
  if (result.bytes() == 0) return Errc::kConnectionClosed;
  buffer_.append(room.data(), result.bytes());
  return Errc::kOk;
}

WireResponse WireClient::Read(http1::MethodId request_method) {
  WireResponse response;
  http1::Head head;
  std::vector<http1::Field> arena(512);
  head.UseArena(arena);
  const http1::HeadLimits limits = {.max_head_bytes = 65'535, .max_fields = 512};
  for (;;) {
    http1::ParseProgress progress;
    std::string padded = buffer_.substr(0, 65'536) + std::string(http1::kPadding, '\0');
    response.errc = http1::ParseResponseHead({padded.data(), padded.size() - http1::kPadding},
                                             limits, http1::Leniency::kStrict, progress, head);
    if (response.errc != Errc::kNeedMore) {
      http1::Framing framing;
      if (response.errc == Errc::kOk) {
        response.errc =
            http1::DecideResponseFraming(head, request_method, http1::Leniency::kStrict, framing);
      }
      if (response.errc != Errc::kOk) return response;
      response.status = head.status;
      response.keep_alive = framing.keep_alive;
      for (const http1::Field& f : head.Fields()) {
        response.fields.emplace_back(head.NameOf(f), head.ValueOf(f));
      }
      response.head = buffer_.substr(0, head.size);
      buffer_.erase(0, head.size);
      response.errc = ReadBody(framing, &response.body);
      return response;
    }
    response.errc = Receive();
    if (response.errc == Errc::kConnectionClosed && !buffer_.empty()) {
      response.errc = Errc::kUnexpectedEof;
    }
    if (response.errc != Errc::kOk) return response;
  }
}

Errc WireClient::ReadBody(const http1::Framing& framing, std::string* body) {
  Errc errc = Errc::kOk;
  switch (framing.kind) {
    case http1::Framing::kNone:
      return Errc::kOk;
    case http1::Framing::kLength:
      while (errc == Errc::kOk && buffer_.size() < framing.length) errc = Receive();
      if (errc != Errc::kOk) break;
      *body = buffer_.substr(0, framing.length);
      buffer_.erase(0, framing.length);
      return Errc::kOk;
    case http1::Framing::kUntilClose:
      while ((errc = Receive()) == Errc::kOk) {
      }
      body->swap(buffer_);
      return errc == Errc::kConnectionClosed ? Errc::kOk : errc;
    case http1::Framing::kChunked: {
      http1::ChunkedDecoder decoder(http1::ChunkedLimits{.max_body_bytes = 1u << 30});
      while (!decoder.done()) {
        size_t consumed = 0;
        std::string_view piece;
        errc = decoder.Decode(buffer_.data(), buffer_.size(), &consumed, &piece);
        if (!decoder.in_trailer()) body->append(piece);
        buffer_.erase(0, consumed);
        if (errc == Errc::kNeedMore) errc = Receive();
        if (errc != Errc::kOk) break;
      }
      if (errc != Errc::kOk) break;
      return Errc::kOk;
    }
  }
  return errc == Errc::kConnectionClosed ? Errc::kUnexpectedEof : errc;
}

std::string WireClient::Until(std::string_view text) {
  size_t at = buffer_.find(text);
  while (at == std::string::npos && Receive() == Errc::kOk) at = buffer_.find(text);
  std::string part = buffer_.substr(0, at == std::string::npos ? at : at + text.size());
  buffer_.erase(0, part.size());
  return part;
}

Errc WireClient::UntilTheEnd() {
  for (;;) {
    if (Errc errc = Receive(); errc != Errc::kOk) return errc;
  }
}

Errc WireClient::ReadEnd() {
  if (!buffer_.empty()) return Errc::kUnsupported;
  Errc errc = Receive();
  if (errc == Errc::kConnectionClosed) return Errc::kOk;
  return errc == Errc::kOk ? Errc::kUnsupported : errc;
}

}  // namespace fasthttp::testing
