#include "testing/response_reader.h"

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"

namespace fasthttptest {
namespace {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::Response;
using fasthttp::http1::Field;
using fasthttp::http1::Framing;
using fasthttp::http1::kPadding;
using fasthttp::http1::Leniency;
using fasthttp::http1::MethodId;

constexpr size_t kPiece = 16 * 1024;
constexpr fasthttp::http1::HeadLimits kHeadLimits = {
    .max_head_bytes = 65'535, .max_target_bytes = 65'535, .max_fields = 2000};
constexpr fasthttp::http1::ChunkedLimits kChunkedLimits = {
    .max_body_bytes = std::numeric_limits<int64_t>::max(),
    .max_extension_bytes = 1 << 20,
    .max_trailer_bytes = 65'535 - kPadding};

// Received bytes [begin, size) with the parser's padding behind them.
class Input {
 public:
  explicit Input(BlockingConn& conn) : conn_(conn), bytes_(kPadding, '\0') {}

  // kUnexpectedEof at the end of the stream.
  Errc More() {
    const size_t old = end();
    bytes_.resize(old + kPiece + kPadding);
    IoResult got = conn_.Read({bytes_.data() + old, kPiece});
    const size_t n = got.ok() ? got.bytes() : 0;
    bytes_.resize(old + n);
    bytes_.append(kPadding, '\0');
    if (!got.ok()) return got.errc();
    return n == 0 ? Errc::kUnexpectedEof : Errc::kOk;
  }

  const char* data() const { return bytes_.data() + begin_; }
  size_t size() const { return end() - begin_; }
  void Use(size_t n) { begin_ += n; }
  // Drops what was used, which moves the rest.
  void Compact() {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }

 private:
  size_t end() const { return bytes_.size() - kPadding; }

  BlockingConn& conn_;
  std::string bytes_;
  size_t begin_ = 0;
};

Errc ReadHead(Input& input, MethodId request_method, Response& response, Framing& framing) {
  std::vector<Field> fields(kHeadLimits.max_fields);
  fasthttp::http1::Head head;
  head.UseArena(fields);
  fasthttp::http1::ParseProgress progress;
  for (;;) {
    Errc errc = fasthttp::http1::ParseResponseHead({input.data(), input.size()}, kHeadLimits,
                                                   Leniency::kStrict, progress, head);
    if (errc == Errc::kOk) break;
    if (errc == Errc::kNeedMore) errc = input.More();
    if (errc != Errc::kOk) return errc;
  }
  response.header().CopyFrom(head);
  input.Use(head.size);
  return DecideResponseFraming(head, request_method, Leniency::kStrict, framing);
}

Errc ReadLength(Input& input, uint64_t length, Response& response) {
  while (input.size() < length) {
    if (Errc errc = input.More(); errc != Errc::kOk) return errc;
  }
  response.SetBody({input.data(), static_cast<size_t>(length)});
  return Errc::kOk;
}

Errc ReadUntilClose(Input& input, Response& response) {
  Errc errc = Errc::kOk;
  while (errc == Errc::kOk) errc = input.More();
  if (errc != Errc::kUnexpectedEof) return errc;
  response.SetBody({input.data(), input.size()});
  return Errc::kOk;
}

Errc AddTrailers(std::string section, Response& response) {
  const size_t size = section.size();
  section.append(kPadding, '\0');
  std::vector<Field> fields(kHeadLimits.max_fields);
  size_t count = 0;
  Errc errc = fasthttp::http1::ParseTrailers({section.data(), size}, fields, &count);
  fasthttp::TrailerList& trailers = response.header().MutableTrailers();
  for (size_t i = 0; i < count && errc == Errc::kOk; ++i) {
    errc = trailers.AddReceived({section.data() + fields[i].name, fields[i].name_size},
                                {section.data() + fields[i].value, fields[i].value_size});
  }
  return errc;
}

Errc ReadChunked(Input& input, Response& response) {
  fasthttp::http1::ChunkedDecoder decoder(kChunkedLimits);
  std::string trailers;
  while (!decoder.done()) {
    size_t consumed = 0;
    std::string_view piece;
    Errc errc = decoder.Decode(input.data(), input.size(), &consumed, &piece);
    if (decoder.in_trailer()) {
      trailers.append(piece);
    } else if (!piece.empty()) {
      response.AppendBody(piece);
    }
    input.Use(consumed);
    if (errc == Errc::kNeedMore) {
      input.Compact();
      errc = input.More();
    }
    if (errc != Errc::kOk) return errc;
  }
  return trailers.empty() ? Errc::kOk : AddTrailers(std::move(trailers), response);
}

}  // namespace

MethodId RequestMethodOf(std::string_view raw_request) {
  if (raw_request.substr(0, 5) == "HEAD ") return MethodId::kHead;
  if (raw_request.substr(0, 8) == "CONNECT ") return MethodId::kConnect;
  return MethodId::kGet;
}

Errc ReadResponse(BlockingConn& conn, MethodId request_method, Response& response) {
  Input input(conn);
  Framing framing;
  do {
    input.Compact();
    Errc errc = ReadHead(input, request_method, response, framing);
    if (errc != Errc::kOk) return errc;
  } while (response.StatusCode() < 200 && !framing.upgrade);
  switch (framing.kind) {
    case Framing::kNone:
      return Errc::kOk;
    case Framing::kLength:
      return ReadLength(input, framing.length, response);
    case Framing::kChunked:
      return ReadChunked(input, response);
    case Framing::kUntilClose:
      return ReadUntilClose(input, response);
  }
  return Errc::kProgramming;
}

}  // namespace fasthttptest
