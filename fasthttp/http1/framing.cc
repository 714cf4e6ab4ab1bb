#include "fasthttp/http1/framing.h"

#include <algorithm>
#include <cstdint>

#include "fasthttp/http1/ascii.h"

namespace fasthttp::http1 {
namespace {

using K = KnownField;

constexpr uint64_t kLengthFields = MaskOf(K::kContentLength) | MaskOf(K::kTransferEncoding);

std::string_view Trim(std::string_view s) {
  while (!s.empty() && IsBlank(s.front())) s.remove_prefix(1);
  while (!s.empty() && IsBlank(s.back())) s.remove_suffix(1);
  return s;
}

// Takes the next member off a comma-separated list.
std::string_view NextMember(std::string_view* list) {
  const size_t comma = list->find(',');
  const std::string_view member = Trim(list->substr(0, comma));
  *list = comma == std::string_view::npos ? std::string_view() : list->substr(comma + 1);
  return member;
}

bool IsTokenString(std::string_view s) {
  for (char c : s) {
    if (!IsToken(c)) return false;
  }
  return !s.empty();
}

// The first value of a field that the head has.
std::string_view FirstValue(const Head& head, KnownField id) {
  return head.ValueOf(head.fields[head.first[static_cast<size_t>(id)]]);
}

// Calls f(value) for each field with this id, which the head has, in order, until it answers
// something else than kOk.
template <typename F>
Errc ForEachValue(const Head& head, KnownField id, F f) {
  Errc errc = f(FirstValue(head, id));
  if (!head.HasMany(id)) return errc;
  for (const Field *field = head.Find(id), *end = head.fields + head.field_count;
       errc == Errc::kOk && ++field != end;) {
    if (LookupKnownField(head.NameOf(*field)) == id) errc = f(head.ValueOf(*field));
  }
  return errc;
}

// --- Host, RFC 9112 section 3.2 ---------------------------------------------------------------

[[gnu::noinline]] Errc CheckHost(const Head& head) {
  if (head.HasMany(K::kHost)) return Errc::kDuplicateHost;
  const std::string_view host = head.Value(K::kHost);
  if (host.empty()) return head.minor_version == 0 ? Errc::kOk : Errc::kMissingHost;
  return IsValidHost(host) ? Errc::kOk : Errc::kBadHost;
}

// --- Length, RFC 9112 section 6 ---------------------------------------------------------------

// RFC 9112 sections 6.1 and 7. Only a lone "chunked" is understood.
Errc CheckTransferEncoding(const Head& head) {
  if (head.HasMany(K::kTransferEncoding)) return Errc::kBadTransferEncoding;
  std::string_view list = head.Value(K::kTransferEncoding);
  if (EqualFold(list, "chunked")) return Errc::kOk;
  bool chunked = false;
  bool other = false;
  do {
    const std::string_view member = NextMember(&list);
    // Nothing may follow chunked, and a parameter on it is an error (section 7.1).
    if (chunked || member.empty()) return Errc::kBadTransferEncoding;
    const std::string_view coding = Trim(member.substr(0, member.find(';')));
    if (!IsTokenString(coding)) return Errc::kBadTransferEncoding;
    if (EqualFold(coding, "chunked")) {
      if (coding.size() != member.size()) return Errc::kBadTransferEncoding;
      chunked = true;
    } else {
      other = true;
    }
  } while (!list.empty());
  return other ? Errc::kUnsupportedTransferEncoding : Errc::kBadTransferEncoding;
}

Errc DecideLength(const Head& head, Framing& framing) {
  if (head.Has(K::kTransferEncoding)) {
    if (head.minor_version == 0) return Errc::kTransferEncodingOnHttp10;
    if (head.Has(K::kContentLength)) return Errc::kLengthAndTransferEncoding;
    framing.kind = Framing::kChunked;
    return CheckTransferEncoding(head);
  }
  if (head.HasMany(K::kContentLength)) return Errc::kDuplicateContentLength;
  return internal::FrameByLength(head, framing);
}

// --- Connection, RFC 9112 section 9.3, RFC 9110 section 7.6.1 -----------------------------------

[[gnu::noinline]] void ReadConnectionLists(const Head& head, Framing& framing) {
  bool close = false;
  bool upgrade = false;
  static_cast<void>(ForEachValue(head, K::kConnection, [&](std::string_view list) {
    while (!list.empty()) {
      const std::string_view member = NextMember(&list);
      close |= EqualFold(member, "close");
      framing.keep_alive |= EqualFold(member, "keep-alive");
      upgrade |= EqualFold(member, "upgrade");
    }
    return Errc::kOk;
  }));
  framing.keep_alive &= !close;
  framing.upgrade = upgrade && head.minor_version > 0 && head.Has(K::kUpgrade);
}

// `framing` has keep_alive as the version says.
void ReadConnection(const Head& head, Framing& framing) {
  if (!head.Has(K::kConnection)) return;
  // What browsers send.
  if (FirstValue(head, K::kConnection) == "keep-alive" && !head.HasMany(K::kConnection)) {
    framing.keep_alive = true;
    return;
  }
  ReadConnectionLists(head, framing);
}

// --- Expect and Trailer -------------------------------------------------------------------------

[[gnu::noinline]] Errc CheckExpect(const Head& head) {
  return ForEachValue(head, K::kExpect, [](std::string_view value) {
    return EqualFold(value, "100-continue") ? Errc::kOk : Errc::kBadExpectation;
  });
}

// RFC 9110 sections 6.5.1 and 6.6.2.
[[gnu::noinline]] Errc CheckTrailerNames(const Head& head) {
  return ForEachValue(head, K::kTrailer, [](std::string_view list) {
    while (!list.empty()) {
      const std::string_view name = NextMember(&list);
      if (name.empty()) continue;
      if (!IsTokenString(name) || IsForbiddenTrailer(name)) return Errc::kBadTrailer;
    }
    return Errc::kOk;
  });
}

bool HasNoBody(const Head& head, MethodId request_method) {
  return head.status < 200 || head.status == 204 || head.status == 304 ||
         request_method == MethodId::kHead;
}

}  // namespace

Errc internal::FrameRequestByRules(const Head& head, Framing& framing) {
  if (!head.plain_host) {
    if (Errc errc = CheckHost(head); errc != Errc::kOk) return errc;
  }
  if ((head.seen & kLengthFields) != 0) {
    if (Errc errc = DecideLength(head, framing); errc != Errc::kOk) return errc;
    // Whoever takes the bytes behind the head for the tunnel's would read another message.
    if (head.method_id == MethodId::kConnect &&
        (framing.kind == Framing::kChunked || framing.length != 0)) {
      return Errc::kUnexpectedContent;
    }
  }
  ReadConnection(head, framing);
  if (head.Has(K::kExpect)) {
    if (Errc errc = CheckExpect(head); errc != Errc::kOk) return errc;
    framing.expect_continue =
        head.minor_version > 0 && (framing.kind == Framing::kChunked || framing.length > 0);
  }
  return head.Has(K::kTrailer) ? CheckTrailerNames(head) : Errc::kOk;
}

Errc internal::FrameResponseByRules(const Head& head, MethodId request_method, Framing& framing) {
  ReadConnection(head, framing);
  // RFC 9112 section 6.3, in its order.
  framing.upgrade =
      head.status == 101 || (request_method == MethodId::kConnect && head.status / 100 == 2);
  if (framing.upgrade || HasNoBody(head, request_method)) return Errc::kOk;
  if (head.Has(K::kTransferEncoding) && head.minor_version > 0) {
    if (head.Has(K::kContentLength)) return Errc::kLengthAndTransferEncoding;
    framing.kind = Framing::kChunked;
    return CheckTransferEncoding(head);
  }
  if (head.Has(K::kContentLength)) {
    if (head.HasMany(K::kContentLength)) return Errc::kDuplicateContentLength;
    // An HTTP/1.0 peer that also sends Transfer-Encoding may frame by it: don't reuse
    // (section 6.1).
    if (head.Has(K::kTransferEncoding)) framing.keep_alive = false;
    return FrameByLength(head, framing);
  }
  framing.kind = Framing::kUntilClose;
  framing.keep_alive = false;
  return Errc::kOk;
}

bool ListHasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (EqualFold(NextMember(&list), token)) return true;
  }
  return false;
}

Errc ParseContentLength(std::string_view value, uint64_t* length) {
  constexpr size_t kDigits = 19;  // Of 2^63 - 1; so many never pass 2^64.
  if (value.size() - 1 >= kDigits) [[unlikely]] {
    if (value.empty()) return Errc::kBadContentLength;
    value.remove_prefix(std::min(value.find_first_not_of('0'), value.size() - 1));
    if (value.size() > kDigits) return Errc::kBadContentLength;
  }
  uint64_t n = 0;
  const char* p = value.data();
  const char* const end = p + value.size();
  do {
    const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
    if (digit > 9) return Errc::kBadContentLength;
    n = n * 10 + digit;
  } while (++p != end);
  *length = n;
  return n <= INT64_MAX ? Errc::kOk : Errc::kBadContentLength;
}

bool IsForbiddenTrailer(std::string_view name) {
  switch (LookupKnownField(name)) {
    case K::kAuthorization:
    case K::kConnection:
    case K::kContentEncoding:
    case K::kContentLength:
    case K::kContentRange:
    case K::kContentType:
    case K::kCookie:
    case K::kExpect:
    case K::kForwarded:
    case K::kHost:
    case K::kKeepAlive:
    case K::kLocation:
    case K::kMaxForwards:
    case K::kProxyAuthenticate:
    case K::kProxyConnection:
    case K::kRange:
    case K::kSetCookie:
    case K::kTe:
    case K::kTrailer:
    case K::kTransferEncoding:
    case K::kUpgrade:
    case K::kWwwAuthenticate:
    case K::kXRealIp:
      return true;
    default:
      break;
  }
  constexpr std::string_view kPrefix = "x-forwarded";
  return EqualFold(name.substr(0, kPrefix.size()), kPrefix) ||
         EqualFold(name, "proxy-authorization");
}

}  // namespace fasthttp::http1
