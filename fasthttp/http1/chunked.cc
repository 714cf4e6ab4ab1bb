#include "fasthttp/http1/chunked.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/framing.h"

namespace fasthttp::http1 {
namespace {

// 60 bits: sums of sizes can't wrap before a limit is noticed.
constexpr int kMaxSizeDigits = 15;

}  // namespace

// What may stand in the line of a chunk's size, before its CR.
Errc ChunkedDecoder::DecodeSize(char c) {
  if (Is(c, kHex)) {
    if (++digits_ > kMaxSizeDigits) return Errc::kBadChunk;
    left_ = left_ * 16 + static_cast<uint64_t>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    return Errc::kOk;
  }
  if (digits_ == 0) return Errc::kBadChunk;
  if (c == '\r') {
    state_ = State::kSizeLf;
    return Errc::kOk;
  }
  if (c == '\n') return Errc::kBareLf;
  if (c != ';') return Errc::kBadChunk;
  state_ = State::kExtension;
  return ++extension_bytes_ > limits_.max_extension_bytes ? Errc::kChunkExtensionTooLong
                                                          : Errc::kOk;
}

// RFC 9112 section 7.1.1: extensions are ignored, but their bytes are counted and checked.
Errc ChunkedDecoder::DecodeExtension(char c) {
  if (c == '\r') {
    state_ = State::kSizeLf;
    return Errc::kOk;
  }
  if (c == '\n') return Errc::kBareLf;
  if (IsControl(c) && c != '\t') return Errc::kBadChunk;
  return ++extension_bytes_ > limits_.max_extension_bytes ? Errc::kChunkExtensionTooLong
                                                          : Errc::kOk;
}

Errc ChunkedDecoder::EndSizeLine() {
  digits_ = 0;
  if (left_ == 0) {
    state_ = State::kTrailerStart;
    return Errc::kOk;
  }
  if (left_ > limits_.max_body_bytes - declared_bytes_) return Errc::kBodyTooLarge;
  declared_bytes_ += left_;
  state_ = State::kData;
  return Errc::kOk;
}

// One byte outside of data and trailers.
Errc ChunkedDecoder::DecodeControl(char c) {
  switch (state_) {
    case State::kSize:
      return DecodeSize(c);
    case State::kExtension:
      return DecodeExtension(c);
    case State::kSizeLf:
      return c == '\n' ? EndSizeLine() : Errc::kBadChunk;
    case State::kDataCr:
      if (c != '\r') return c == '\n' ? Errc::kBareLf : Errc::kBadChunk;
      state_ = State::kDataLf;
      return Errc::kOk;
    case State::kDataLf:
      if (c != '\n') return Errc::kBadChunk;
      state_ = State::kSize;
      return Errc::kOk;
    case State::kFinalLf:
      if (c != '\n') return Errc::kBadTrailer;
      state_ = State::kDone;
      return Errc::kOk;
    default:
      return Errc::kProgramming;
  }
}

// Cuts out the trailer section line by line; ParseTrailers judges what is in the lines.
Errc ChunkedDecoder::DecodeTrailer(const char* in, size_t n, size_t* consumed,
                                   std::string_view* data) {
  size_t i = 0;
  while (i < n && state_ != State::kDone) {
    const char c = in[i++];
    if (++trailer_bytes_ > limits_.max_trailer_bytes) return Errc::kTrailerTooLarge;
    switch (state_) {
      case State::kTrailerLine:
        state_ = c == '\r' ? State::kTrailerEndLf : State::kTrailerBody;
        if (c == '\n') return Errc::kBareLf;
        break;
      case State::kTrailerBody:
        if (c == '\n') return Errc::kBareLf;
        if (c == '\r') state_ = State::kTrailerLf;
        break;
      default:  // An LF is due.
        if (c != '\n') return Errc::kBadTrailer;
        state_ = state_ == State::kTrailerLf ? State::kTrailerLine : State::kDone;
        break;
    }
  }
  *consumed += i;
  *data = {in, i};
  return Errc::kOk;
}

Errc ChunkedDecoder::Decode(const char* in, size_t n, size_t* consumed, std::string_view* data) {
  *consumed = 0;
  *data = {};
  if (done()) return Errc::kOk;
  for (size_t i = 0; i < n;) {
    if (state_ == State::kData) {
      const size_t take = static_cast<size_t>(std::min<uint64_t>(left_, n - i));
      *data = {in + i, take};
      *consumed = i + take;
      left_ -= take;
      body_bytes_ += take;
      if (left_ == 0) state_ = State::kDataCr;
      return Errc::kOk;
    }
    if (state_ == State::kTrailerStart) {
      // An empty section is consumed here; else its lines begin.
      state_ = in[i] == '\r' ? State::kFinalLf : State::kTrailerLine;
      if (state_ == State::kFinalLf) ++i;
      continue;
    }
    *consumed = i;
    if (state_ >= State::kTrailerLine) {
      return DecodeTrailer(in + i, n - i, consumed, data);
    }
    if (Errc errc = DecodeControl(in[i++]); errc != Errc::kOk) return errc;
    if (state_ == State::kDone) {
      *consumed = i;
      return Errc::kOk;
    }
  }
  *consumed = n;
  return Errc::kNeedMore;
}

Errc ParseTrailers(PaddedView section, std::span<Field> fields, size_t* count) {
  *count = 0;
  Head head;
  head.fields = fields.data();
  head.field_capacity = static_cast<uint16_t>(std::min<size_t>(fields.size(), UINT16_MAX));
  HeadLimits limits;
  limits.max_head_bytes = UINT16_MAX;
  limits.max_fields = head.field_capacity;
  ParseProgress progress;
  progress.start_line_done = true;
  Errc errc = ParseRequestHead(section, limits, Leniency::kStrict, progress, head);
  if (errc == Errc::kTooManyFields) return errc;
  if (errc == Errc::kHeadTooLarge) return Errc::kTrailerTooLarge;
  if (errc != Errc::kOk || head.size != section.size) return Errc::kBadTrailer;
  for (const Field& field : head.Fields()) {
    if (IsForbiddenTrailer(head.NameOf(field))) return Errc::kBadTrailer;
  }
  *count = head.field_count;
  return Errc::kOk;
}

size_t WriteChunkHeader(char* out, uint64_t size) {
  FASTHTTP_DCHECK(size > 0, "a chunk of size 0 ends the body; use kLastChunk");
  const int digits = (std::bit_width(size) + 3) / 4;
  for (int i = digits - 1; i >= 0; --i, size >>= 4) out[i] = "0123456789abcdef"[size & 15];
  memcpy(out + digits, "\r\n", 2);
  return static_cast<size_t>(digits) + 2;
}

}  // namespace fasthttp::http1
