// MatchKnownToken: the known field names, as comparisons of folded words.
//
// For the parsers, which inline it; everybody else calls LookupKnownField. In an anonymous
// namespace and without library includes for the reason given in wire_types.h.
#ifndef FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
#define FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fasthttp/http1/wire_types.h"

namespace fasthttp::http1 {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are compared as little-endian");

template <typename T>
inline T LoadWord(const char* p) {
  T word;
  memcpy(&word, p, sizeof(word));
  return word;
}

// The first `n` <= 8 bytes of `s` as a word.
constexpr uint64_t Word(const char* s, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(s[i])) << (8 * i);
  }
  return word;
}
constexpr uint64_t Word8(const char* s) { return Word(s, 8); }
constexpr uint32_t Word4(const char* s) { return static_cast<uint32_t>(Word(s, 4)); }

constexpr uint64_t kFold8 = 0x2020202020202020;
constexpr uint32_t kFold4 = 0x20202020;

inline uint64_t Folded8(const char* p) { return LoadWord<uint64_t>(p) | kFold8; }
inline uint32_t Folded4(const char* p) { return LoadWord<uint32_t>(p) | kFold4; }

// Names of 4 to 7 bytes are two overlapping words of 4, longer ones words of 8 of which the last
// overlaps.
inline bool EndsIn(const char* p, size_t n, const char* tail) {
  return Folded4(p + n - 4) == Word4(tail);
}

inline KnownField MatchUpTo7(const char* p, size_t n) {
  using K = KnownField;
  switch (n) {
    case 2:
      return (Folded4(p) & 0xffff) == Word("te", 2) ? K::kTe : K::kNone;
    case 3: {
      uint32_t word = Folded4(p) & 0xffffff;
      if (word == Word("dnt", 3)) return K::kDnt;
      if (word == Word("via", 3)) return K::kVia;
      return word == Word("age", 3) ? K::kAge : K::kNone;
    }
    case 4: {
      uint32_t word = Folded4(p);
      if (word == Word4("host")) return K::kHost;
      if (word == Word4("date")) return K::kDate;
      if (word == Word4("etag")) return K::kEtag;
      return word == Word4("vary") ? K::kVary : K::kNone;
    }
    case 5: {
      uint32_t word = Folded4(p);
      if (word == Word4("rang") && (p[4] | 0x20) == 'e') return K::kRange;
      return word == Word4("allo") && (p[4] | 0x20) == 'w' ? K::kAllow : K::kNone;
    }
    case 6: {
      uint32_t word = Folded4(p);
      if (word == Word4("cook")) return EndsIn(p, n, "okie") ? K::kCookie : K::kNone;
      if (word == Word4("acce")) return EndsIn(p, n, "cept") ? K::kAccept : K::kNone;
      if (word == Word4("orig")) return EndsIn(p, n, "igin") ? K::kOrigin : K::kNone;
      if (word == Word4("serv")) return EndsIn(p, n, "rver") ? K::kServer : K::kNone;
      if (word == Word4("prag")) return EndsIn(p, n, "agma") ? K::kPragma : K::kNone;
      return word == Word4("expe") && EndsIn(p, n, "pect") ? K::kExpect : K::kNone;
    }
    case 7: {
      uint32_t word = Folded4(p);
      if (word == Word4("refe")) return EndsIn(p, n, "erer") ? K::kReferer : K::kNone;
      if (word == Word4("upgr")) return EndsIn(p, n, "rade") ? K::kUpgrade : K::kNone;
      if (word == Word4("trai")) return EndsIn(p, n, "iler") ? K::kTrailer : K::kNone;
      if (word == Word4("expi")) return EndsIn(p, n, "ires") ? K::kExpires : K::kNone;
      return word == Word4("alt-") && EndsIn(p, n, "-svc") ? K::kAltSvc : K::kNone;
    }
    default:
      return K::kNone;
  }
}

inline KnownField Match8To13(const char* p, size_t n) {
  using K = KnownField;
  const uint64_t head = Folded8(p);
  const uint64_t tail = Folded8(p + n - 8);
  switch (n) {
    case 8:
      if (head == Word8("if-range")) return K::kIfRange;
      if (head == Word8("if-match")) return K::kIfMatch;
      return head == Word8("location") ? K::kLocation : K::kNone;
    case 9:
      if (head == Word8("forwarde")) return tail == Word8("orwarded") ? K::kForwarded : K::kNone;
      return head == Word8("x-real-i") && tail == Word8("-real-ip") ? K::kXRealIp : K::kNone;
    case 10:
      if (head == Word8("user-age")) return tail == Word8("er-agent") ? K::kUserAgent : K::kNone;
      if (head == Word8("connecti")) return tail == Word8("nnection") ? K::kConnection : K::kNone;
      if (head == Word8("set-cook")) return tail == Word8("t-cookie") ? K::kSetCookie : K::kNone;
      return head == Word8("keep-ali") && tail == Word8("ep-alive") ? K::kKeepAlive : K::kNone;
    case 11:
      return head == Word8("retry-af") && tail == Word8("ry-after") ? K::kRetryAfter : K::kNone;
    case 12:
      if (head == Word8("content-")) return tail == Word8("ent-type") ? K::kContentType : K::kNone;
      return head == Word8("max-forw") && tail == Word8("forwards") ? K::kMaxForwards : K::kNone;
    case 13:
      if (head == Word8("cache-co")) return tail == Word8("-control") ? K::kCacheControl : K::kNone;
      if (head == Word8("if-none-")) return tail == Word8("ne-match") ? K::kIfNoneMatch : K::kNone;
      if (head == Word8("authoriz")) {
        return tail == Word8("rization") ? K::kAuthorization : K::kNone;
      }
      if (head == Word8("last-mod")) return tail == Word8("modified") ? K::kLastModified : K::kNone;
      if (head == Word8("content-")) return tail == Word8("nt-range") ? K::kContentRange : K::kNone;
      return head == Word8("accept-r") && tail == Word8("t-ranges") ? K::kAcceptRanges : K::kNone;
    default:
      return K::kNone;
  }
}

inline KnownField Match14AndMore(const char* p, size_t n) {
  using K = KnownField;
  const uint64_t head = Folded8(p);
  const uint64_t tail = Folded8(p + n - 8);
  switch (n) {
    case 14:
      return head == Word8("content-") && tail == Word8("t-length") ? K::kContentLength : K::kNone;
    case 15:
      if (head == Word8("accept-e")) {
        return tail == Word8("encoding") ? K::kAcceptEncoding : K::kNone;
      }
      if (head == Word8("accept-l")) {
        return tail == Word8("language") ? K::kAcceptLanguage : K::kNone;
      }
      return head == Word8("x-forwar") && tail == Word8("rded-for") ? K::kXForwardedFor : K::kNone;
    default:
      break;
  }
  const uint64_t middle = n >= 16 ? Folded8(p + 8) : 0;
  switch (n) {
    case 16:
      if (head == Word8("content-"))
        return tail == Word8("encoding") ? K::kContentEncoding : K::kNone;
      if (head == Word8("x-forwar"))
        return tail == Word8("ded-host") ? K::kXForwardedHost : K::kNone;
      if (head == Word8("x-reques"))
        return tail == Word8("ted-with") ? K::kXRequestedWith : K::kNone;
      if (head == Word8("proxy-co"))
        return tail == Word8("nnection") ? K::kProxyConnection : K::kNone;
      return head == Word8("www-auth") && tail == Word8("enticate") ? K::kWwwAuthenticate
                                                                    : K::kNone;
    case 17:
      if (head == Word8("if-modif")) {
        return middle == Word8("ied-sinc") && tail == Word8("ed-since") ? K::kIfModifiedSince
                                                                        : K::kNone;
      }
      if (head == Word8("transfer")) {
        return middle == Word8("-encodin") && tail == Word8("encoding") ? K::kTransferEncoding
                                                                        : K::kNone;
      }
      return head == Word8("x-forwar") && middle == Word8("ded-prot") && tail == Word8("ed-proto")
                 ? K::kXForwardedProto
                 : K::kNone;
    case 18:
      return head == Word8("proxy-au") && middle == Word8("thentica") && tail == Word8("enticate")
                 ? K::kProxyAuthenticate
                 : K::kNone;
    case 19:
      if (head == Word8("if-unmod")) {
        return middle == Word8("ified-si") && tail == Word8("ed-since") ? K::kIfUnmodifiedSince
                                                                        : K::kNone;
      }
      if (head == Word8("content-")) {
        return middle == Word8("disposit") && tail == Word8("position") ? K::kContentDisposition
                                                                        : K::kNone;
      }
      return head == Word8("proxy-au") && middle == Word8("thorizat") && tail == Word8("rization")
                 ? K::kProxyAuthorization
                 : K::kNone;
    case 25:
      return head == Word8("upgrade-") && middle == Word8("insecure") &&
                     Folded8(p + 16) == Word8("-request") && tail == Word8("requests")
                 ? K::kUpgradeInsecureRequests
                 : K::kNone;
    case 27:
      return head == Word8("access-c") && middle == Word8("ontrol-a") &&
                     Folded8(p + 16) == Word8("llow-ori") && tail == Word8("w-origin")
                 ? K::kAccessControlAllowOrigin
                 : K::kNone;
    default:
      return K::kNone;
  }
}

// The id of the token at p[0 .. n), n > 0; p[0 .. 8) must be readable. Folding by `| 0x20` is exact
// because the bytes are tchars and the names consist of letters, digits and '-': for those no other
// tchar becomes equal.
inline KnownField MatchKnownToken(const char* p, size_t n) {
  if (n < 8) return MatchUpTo7(p, n);
  return n < 14 ? Match8To13(p, n) : Match14AndMore(p, n);
}

}  // namespace
}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_KNOWN_FIELD_MATCH_H_
