// WriteResponseHead, WriteRequestHead: heads as bytes, into memory of the caller.
//
// The caller asks for an upper bound, provides that much room, and gets the end of what was
// written. Nothing is allocated. The functions write framing as they are told (BodyHeader); they
// never write Content-Length together with Transfer-Encoding.
//
// No value may hold CR, LF or NUL: the setters of the public API see to that (a response that can
// be split is a security hole). Here it is checked in debug builds only.
//
// Thread class: pure functions; StatusBlockCache is thread-compatible.
#ifndef FASTHTTP_HTTP1_SERIALIZE_H_
#define FASTHTTP_HTTP1_SERIALIZE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/base/copy.h"

namespace fasthttp::http1 {

// The reason phrase of a status code (RFC 9110 section 15, RFC 6585 and the registry), for instance
// "Not Found"; "Unknown Status Code" for one that is not registered. Static storage.
[[nodiscard]] std::string_view StatusText(int status);

// True if a response with this status never has a body: 1xx, 204 and 304 (RFC 9110 section 6.4.1).
constexpr bool StatusHasNoBody(int status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

// One field line to be written.
struct FieldView {
  std::string_view name;
  std::string_view value;
};

// Which field announces the body.
enum class BodyHeader : uint8_t {
  kNone,     // Neither: a message without body, or one that lasts until close.
  kLength,   // Content-Length: content_length.
  kChunked,  // Transfer-Encoding: chunked. Never towards an HTTP/1.0 peer.
};

struct ResponseHeadView {
  ResponseHeadView() {}  // Not "= default": GCC 12 would clear it whole, by a slow "rep stos".

  // Status line, Server and Date in one piece (StatusBlockCache). Empty: they are written from
  // `status` and `server_and_date`, which are not looked at otherwise.
  std::string_view status_block;
  // Whole lines, CR LF included: "Server: x\r\nDate: ...\r\n". May be empty.
  std::string_view server_and_date;
  std::string_view content_type;      // Empty: no such field.
  std::string_view content_encoding;  // Empty: no such field.
  std::span<const FieldView> fields;  // Written in this order, behind the above.
  uint64_t content_length = 0;        // With BodyHeader::kLength.
  int status = 200;                   // 100 to 999.
  BodyHeader body = BodyHeader::kLength;
  bool close = false;  // "Connection: close".
  // "Connection: keep-alive", for HTTP/1.0 peers. Not with `close`.
  bool keep_alive_header = false;
};

// The bytes that these fields can take.
[[nodiscard]] size_t FieldsBound(std::span<const FieldView> fields);

// Enough for what a head holds besides the texts that are counted below: a status line, the longest
// framing field with 20 digits, the longest Connection field, the empty line, the names and line
// ends of the fields with a slot.
inline constexpr size_t kFixedHeadBound = 256;

// Enough room for WriteResponseHead(view).
[[nodiscard]] inline size_t ResponseHeadBound(const ResponseHeadView& view) {
  return kFixedHeadBound + view.status_block.size() + view.server_and_date.size() +
         view.content_type.size() + view.content_encoding.size() +
         (view.fields.empty() ? 0 : FieldsBound(view.fields));
}

// Writes status line, Server, Date, Content-Type, Content-Encoding, Content-Length or
// Transfer-Encoding, the fields, Connection, and the empty line. Returns the end.
char* WriteResponseHead(char* out, const ResponseHeadView& view);

struct RequestHeadView {
  std::string_view method;        // Empty: GET.
  std::string_view target;        // As it goes on the wire, any form; empty: "/".
  std::string_view host;          // Empty: no such field (an HTTP/1.1 peer will refuse that).
  std::string_view user_agent;    // Empty: no such field.
  std::string_view content_type;  // Empty: no such field.
  uint64_t content_length = 0;
  BodyHeader body = BodyHeader::kNone;
  bool close = false;  // "Connection: close".
  std::span<const FieldView> fields;
};

[[nodiscard]] inline size_t RequestHeadBound(const RequestHeadView& view) {
  return kFixedHeadBound + view.method.size() + view.target.size() + view.host.size() +
         view.user_agent.size() + view.content_type.size() +
         (view.fields.empty() ? 0 : FieldsBound(view.fields));
}

// Writes request-line (always HTTP/1.1), Host (first, RFC 9110 section 7.2), User-Agent,
// Content-Type, Content-Length or Transfer-Encoding, the fields, Connection, the empty line.
char* WriteRequestHead(char* out, const RequestHeadView& view);

// The same for a GET with `target` and `host`. `rest` is what follows them, the end of Host's line
// and the empty line included: "\r\nUser-Agent: x\r\n\r\n", or just "\r\n\r\n". All that, and
// kBareHeadBound bytes.
inline char* WriteBareRequestHead(char* out, std::string_view target, std::string_view host,
                                  std::string_view rest);
inline constexpr size_t kBareHeadBound = 32;

// "HTTP/1.1 100 Continue\r\n\r\n".
inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

// Decimal digits of `value` without leading zeros; at most 20, but at least two bytes are written.
// Returns the end.
inline char* WriteDecimal(char* out, uint64_t value);
char* WriteLongDecimal(char* out, uint64_t value);  // The same, for many digits.

// A whole response to HTTP/1.1 that has nothing but a status block of a StatusBlockCache, a
// Content-Type and a body (and "Connection: close"); `out` has room for PlainResponseBound() bytes.
// What nearly all handlers answer, so it is written in one go. Returns the end.
inline char* WritePlainResponse(char* out, std::string_view status_block,
                                std::string_view content_type, bool close, std::string_view body);
constexpr size_t PlainResponseBound(std::string_view content_type, std::string_view body);

// The beginnings of responses, rendered once per second and per status: status line, Server, Date.
// One per loop (about 3 KiB). The caller refreshes it when the second changes:
//
//   cache.Refresh("fasthttp", "Sun, 06 Nov 1994 08:49:37 GMT");
//   view.status_block = cache.Get(200);
class StatusBlockCache {
 public:
  static constexpr size_t kMaxServerSize = 128;
  static constexpr size_t kDateSize = 29;  // IMF-fixdate (RFC 9110 section 5.6.7).

  // `server` may be empty (no Server field) and is cut after kMaxServerSize bytes; `date` may be
  // empty (no Date field), else it has kDateSize bytes. Views from Get become stale but stay
  // readable.
  void Refresh(std::string_view server, std::string_view date);

  // The block for `status`, valid until the next Refresh; empty if the status is not one of those
  // that are kept (then use server_and_date()). Rendered at its first use after a Refresh, 200 by
  // that. Behind it stands kBehind, and kReadable bytes are readable however long it is.
  std::string_view Get(int status) {
    if (status == 200) [[likely]]
      return {blocks_[0], sizes_[0]};
    return GetSlow(status);
  }
  static constexpr std::string_view kBehind = "Content-Type: ";
  static constexpr size_t kReadable = 96;

  // "Server: ...\r\nDate: ...\r\n", valid until the next Refresh.
  std::string_view server_and_date() const { return {common_, common_size_}; }

 private:
  static constexpr size_t kKept = 10;
  static constexpr size_t kCommonSize = 8 + kMaxServerSize + 2 + 6 + kDateSize + 2;
  static constexpr size_t kBlockSize = 64 + kCommonSize + kBehind.size();
  static_assert(kBlockSize >= kReadable);

  friend constexpr size_t PlainResponseBound(std::string_view, std::string_view);

  std::string_view GetSlow(int status);
  void Render(size_t i, int status);

  uint16_t sizes_[kKept] = {};  // 0: not rendered. The first is that of 200, which always is.
  uint16_t common_size_ = 0;
  char common_[kCommonSize];
  char blocks_[kKept][kBlockSize];
};

// --- Implementation ---------------------------------------------------------------------------

namespace internal {

bool IsOneLine(std::string_view s);

// "000102...99".
struct DigitPairs {
  char digits[200];
};
constexpr DigitPairs MakeDigitPairs() {
  DigitPairs pairs{};
  for (int i = 0; i < 100; ++i) {
    pairs.digits[2 * i] = static_cast<char>('0' + i / 10);
    pairs.digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
inline constexpr DigitPairs kDigitPairs = MakeDigitPairs();

}  // namespace internal

constexpr size_t PlainResponseBound(std::string_view content_type, std::string_view body) {
  return StatusBlockCache::kBlockSize + content_type.size() + body.size() + 64;
}

inline char* WritePlainResponse(char* out, std::string_view status_block,
                                std::string_view content_type, bool close, std::string_view body) {
  const size_t begun = status_block.size() + StatusBlockCache::kBehind.size();
  std::memcpy(out, status_block.data(), StatusBlockCache::kReadable);
  if (begun > StatusBlockCache::kReadable) [[unlikely]]
    std::memcpy(out, status_block.data(), begun);
  out = base::CopyShort(out + begun, content_type.data(), content_type.size());
  std::memcpy(out, "\r\nContent-Length: ", 18);
  out = WriteDecimal(out + 18, body.size());
  if (close) {
    std::memcpy(out, "\r\nConnection: close", 19);
    out += 19;
  }
  std::memcpy(out, "\r\n\r\n", 4);
  return base::CopyShort(out + 4, body.data(), body.size());
}

inline char* WriteBareRequestHead(char* out, std::string_view target, std::string_view host,
                                  std::string_view rest) {
  FASTHTTP_DCHECK(internal::IsOneLine(target) && internal::IsOneLine(host),
                  "a value to be serialized holds CR, LF or NUL");
  std::memcpy(out, "GET ", 4);
  out = base::CopyShort(out + 4, target.data(), target.size());
  std::memcpy(out, " HTTP/1.1\r\nHost: ", 17);
  out = base::CopyShort(out + 17, host.data(), host.size());
  return base::CopyShort(out, rest.data(), rest.size());
}

inline char* WriteDecimal(char* out, uint64_t value) {
  if (value >= 100) return WriteLongDecimal(out, value);
  const size_t two = value >= 10;
  std::memcpy(out, &internal::kDigitPairs.digits[2 * value + 1 - two], 2);
  return out + 1 + two;
}

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_SERIALIZE_H_
