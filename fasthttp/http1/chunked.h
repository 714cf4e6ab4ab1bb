// ChunkedDecoder and WriteChunkHeader: the chunked transfer coding (RFC 9112 section 7.1).
//
// The decoder is pushed whatever bytes arrive and answers with spans of body bytes that lie in
// those very bytes: nothing is copied or stored. Strict: CR LF only, hexadecimal digits only, no
// whitespace around the size. The work is linear in the input however it is cut.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_HTTP1_CHUNKED_H_
#define FASTHTTP_HTTP1_CHUNKED_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::http1 {

// Limits in bytes, inclusive.
struct ChunkedLimits {
  // Sum of the chunk sizes. Checked when a size has been read, before its data: kBodyTooLarge.
  uint64_t max_body_bytes = 4 * 1024 * 1024;
  // All extensions of the body together, so that a peer can't make us read much more than it is
  // allowed to send: kChunkExtensionTooLong.
  uint32_t max_extension_bytes = 4096;
  // The trailer section, its empty line included: kTrailerTooLarge.
  uint32_t max_trailer_bytes = 8192;
};

// Usage:
//
//   while (!decoder.done()) {
//     size_t consumed;
//     std::string_view data;
//     Errc errc = decoder.Decode(in, n, &consumed, &data);
//     in += consumed; n -= consumed;
//     if (errc == Errc::kNeedMore) { receive more; continue; }
//     if (errc != Errc::kOk) { answer and close; }
//     (decoder.in_trailer() ? trailer_section : body).append(data);
//   }
//
// The trailer section is only cut out, not interpreted: collect its pieces (most messages have
// none) and give them to ParseTrailers. Also a receiver that does not want the trailers has to do
// that, since a malformed trailer section is an error.
class ChunkedDecoder {
 public:
  ChunkedDecoder() = default;
  explicit ChunkedDecoder(const ChunkedLimits& limits) : limits_(limits) {}

  // Reads in[0 .. n) and sets *consumed to how much of it was used up.
  //
  //   kOk        *data is the next span (within `in`) of the body, or of the trailer section if
  //              in_trailer(); it is empty only if done(). Call again with what is left.
  //   kNeedMore  all of `in` was consumed and *data is empty.
  //   other      kBadChunk, kBodyTooLarge, kChunkExtensionTooLong, kBareLf (a line end without CR),
  //              kTrailerTooLarge. The decoder must not be used again.
  //
  // After done(), bytes that were not consumed belong to the next message, and further calls
  // consume nothing.
  Errc Decode(const char* in, size_t n, size_t* consumed, std::string_view* data);

  bool done() const { return state_ == State::kDone; }
  // The span that Decode gave last belongs to the trailer section.
  bool in_trailer() const { return trailer_bytes_ > 0; }
  // Body bytes handed out so far.
  uint64_t body_bytes() const { return body_bytes_; }
  // Bytes of the trailer section so far; 0 if there are no trailers.
  uint32_t trailer_bytes() const { return trailer_bytes_; }

 private:
  enum class State : uint8_t {
    kSize,          // In the digits, or before the first.
    kExtension,     // Behind ';'.
    kSizeLf,        // Behind the CR of the size line.
    kData,          // `left_` bytes of data to come.
    kDataCr,        // Behind the data.
    kDataLf,        //
    kTrailerStart,  // Behind the last chunk's line.
    kFinalLf,       // Behind the CR of an empty trailer section.
    // From here on trailer_bytes_ counts.
    kTrailerLine,   // At the start of a line.
    kTrailerBody,   // Within a line.
    kTrailerLf,     // Behind the CR of a line.
    kTrailerEndLf,  // Behind the CR of the empty line.
    kDone,
  };

  Errc DecodeControl(char c);
  Errc DecodeSize(char c);
  Errc DecodeExtension(char c);
  Errc EndSizeLine();
  Errc DecodeTrailer(const char* in, size_t n, size_t* consumed, std::string_view* data);

  ChunkedLimits limits_;
  uint64_t left_ = 0;  // Of the current chunk; the size while it is being read.
  uint64_t body_bytes_ = 0;
  uint64_t declared_bytes_ = 0;
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  uint8_t digits_ = 0;
  State state_ = State::kSize;
};

// Parses a whole trailer section as collected from ChunkedDecoder (field lines and the empty line
// behind them) into `fields`, whose offsets count from section.data, and sets *count. The rules for
// lines are those of a head, strict.
//
// kOk; kBadTrailer if a line is malformed or its name may not be a trailer (IsForbiddenTrailer);
// kTooManyFields if they don't fit `fields`.
//
// Keep what comes out apart from the header fields (RFC 9110 section 6.5.1): it has not taken part
// in framing, routing or authentication.
Errc ParseTrailers(PaddedView section, std::span<Field> fields, size_t* count);

// The longest chunk header: 16 digits, CR LF.
inline constexpr size_t kMaxChunkHeader = 18;

// Writes the size line of a chunk of `size` > 0 bytes to `out` (room: kMaxChunkHeader) and returns
// its length. The data and kChunkEnd follow.
size_t WriteChunkHeader(char* out, uint64_t size);

inline constexpr std::string_view kChunkEnd = "\r\n";
// The last chunk without trailers.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// The last chunk's own line; trailer fields and an empty line follow.
inline constexpr std::string_view kLastChunkLine = "0\r\n";

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_CHUNKED_H_
