// DecideFraming: where the body of a message ends, and what happens to the connection after it.
//
// Every rule that keeps two parties from disagreeing about the extent of a message stands in this
// one function (RFC 9112 sections 3.2, 6 and 9; RFC 9110 sections 7.2, 7.6.1, 7.8 and 10.1.1). It
// is called once per head, after ParseRequestHead answered kOk and before anything else looks at
// the head.
//
// An error here ends the connection: answer HttpStatusOf(errc), send "Connection: close", close.
//
// Thread class: pure functions.
#ifndef FASTHTTP_HTTP1_FRAMING_H_
#define FASTHTTP_HTTP1_FRAMING_H_

#include <cstdint>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::http1 {

struct Framing {
  enum Kind : uint8_t {
    kNone,        // No body.
    kLength,      // `length` bytes; may be 0.
    kChunked,     // chunked.h.
    kUntilClose,  // Responses only: the body ends with the connection.
  };

  Kind kind = kNone;
  // The connection may carry another message after this one, as far as the peer is concerned.
  bool keep_alive = false;
  // Requests: the client waits for "100 Continue" before it sends the body. Only with a body, and
  // never from an HTTP/1.0 client (RFC 9110 section 10.1.1).
  bool expect_continue = false;
  // Requests: "Connection: upgrade" together with an Upgrade field (HTTP/1.1). Responses: the
  // connection is no longer HTTP/1 after this head (101, or 2xx to CONNECT).
  bool upgrade = false;
  uint64_t length = 0;  // With kLength: at most 2^63 - 1. Else 0.
};

// Decides about a request. `head` must come from ParseRequestHead, with its padding still in place.
//
//   Host (RFC 9112 section 3.2): exactly one, valid and not empty on HTTP/1.1; may be missing or
//     empty on HTTP/1.0. kMissingHost, kDuplicateHost, kBadHost.
//   Transfer-Encoding (6.1, 6.3): on HTTP/1.0 kTransferEncodingOnHttp10; with Content-Length
//     kLengthAndTransferEncoding; twice, empty, malformed, with chunked not final or applied twice
//     kBadTransferEncoding; a coding other than chunked kUnsupportedTransferEncoding.
//   Content-Length (6.2): one field of digits only, below 2^63. A list ("5, 5") is refused even if
//     its members agree. kBadContentLength, kDuplicateContentLength.
//   CONNECT (RFC 9110 section 9.3.6): chunked, or a length other than 0, is kUnexpectedContent.
//   Expect: 100-continue (any case) or kBadExpectation.
//   Connection: token lists, any case, any number of fields. HTTP/1.1 persists unless "close" is
//     there; HTTP/1.0 persists only with "keep-alive" and without "close".
//   Trailer: tokens, none of them a field that may not be a trailer. kBadTrailer.
//
// `leniency` currently relaxes nothing here: no rule of this function may be switched off.
inline Errc DecideFraming(const Head& head, Leniency leniency, Framing& framing);

// Decides about a response to a request with `request_method`; `head` must come from
// ParseResponseHead. 1xx, 204, 304 and answers to HEAD have no body whatever their fields say; 101
// and 2xx to CONNECT set `upgrade`. Transfer-Encoding counts on HTTP/1.1 only and must be exactly
// one "chunked"; together with Content-Length it is kLengthAndTransferEncoding. Without both the
// body lasts until close, which also ends keep_alive.
inline Errc DecideResponseFraming(const Head& head, MethodId request_method, Leniency leniency,
                                  Framing& framing);

// True if `host` is uri-host [":" port] (RFC 3986 section 3.2) and the host is not empty: a
// registered name, an IPv4 address or an IPv6 address in brackets, with a zone if need be (RFC
// 6874: "[fe80::1%25eth0]"). The port may be empty, else it is at most 65535. No userinfo. Stricter
// than the RFC in three points: percent-escapes are for bytes that are no ASCII, no comma (it is
// what a proxy makes of two Host fields), and no IPvFuture.
[[nodiscard]] bool IsValidHost(std::string_view host);

// The same with a port that is not empty: the target of CONNECT (RFC 9112 section 3.2.3).
[[nodiscard]] bool IsAuthorityForm(std::string_view target);

// True if `list` (a field value: tokens between commas) holds `token`, ASCII case folded: how
// Connection, Upgrade and their like are to be read. Empty members are skipped (RFC 9110 section
// 5.6.1).
[[nodiscard]] bool ListHasToken(std::string_view list, std::string_view token);

// Reads a Content-Length value: 1*DIGIT, below 2^63. kOk or kBadContentLength.
Errc ParseContentLength(std::string_view value, uint64_t* length);

// True if a field of this name must not be sent or accepted as a trailer (RFC 9110 section 6.5.1):
// fields that frame, route, authenticate or describe the content, and forwarding fields, which a
// trailer could forge behind a proxy's back.
[[nodiscard]] bool IsForbiddenTrailer(std::string_view name);

// --- Implementation ---------------------------------------------------------------------------

namespace internal {

// What decides about the framing of a request, and of a response.
constexpr uint64_t kRequestFraming =
    MaskOf(KnownField::kHost) | MaskOf(KnownField::kContentLength) |
    MaskOf(KnownField::kTransferEncoding) | MaskOf(KnownField::kConnection) |
    MaskOf(KnownField::kExpect) | MaskOf(KnownField::kUpgrade) | MaskOf(KnownField::kTrailer);
constexpr uint64_t kResponseFraming = MaskOf(KnownField::kContentLength) |
                                      MaskOf(KnownField::kTransferEncoding) |
                                      MaskOf(KnownField::kConnection);

// A body of the length that the head's one Content-Length says.
inline Errc FrameByLength(const Head& head, Framing& framing) {
  framing.kind = Framing::kLength;
  const uint16_t first = head.first[static_cast<size_t>(KnownField::kContentLength)];
  return ParseContentLength(head.ValueOf(head.fields[first]), &framing.length);
}

// `framing` has keep_alive as the version says.
Errc FrameRequestByRules(const Head& head, Framing& framing);
Errc FrameResponseByRules(const Head& head, MethodId request_method, Framing& framing);

}  // namespace internal

// Most requests have no body, or one with a length, and say nothing of the connection.
inline Errc DecideFraming(const Head& head, Leniency, Framing& framing) {
  framing = {.keep_alive = head.minor_version > 0};
  if (head.plain_host) [[likely]] {
    const uint64_t fields = head.seen & internal::kRequestFraming;
    if (fields == MaskOf(KnownField::kHost)) return Errc::kOk;
    if (fields == (MaskOf(KnownField::kHost) | MaskOf(KnownField::kContentLength)) &&
        !head.HasMany(KnownField::kContentLength) && head.method_id != MethodId::kConnect) {
      return internal::FrameByLength(head, framing);
    }
  }
  return internal::FrameRequestByRules(head, framing);
}

inline Errc DecideResponseFraming(const Head& head, MethodId request_method, Leniency,
                                  Framing& framing) {
  framing = {.keep_alive = head.minor_version > 0};
  if ((head.seen & internal::kResponseFraming) == MaskOf(KnownField::kContentLength) &&
      !head.HasMany(KnownField::kContentLength) && head.status == 200 &&
      request_method != MethodId::kHead && request_method != MethodId::kConnect) [[likely]] {
    return internal::FrameByLength(head, framing);
  }
  return internal::FrameResponseByRules(head, request_method, framing);
}

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_FRAMING_H_
