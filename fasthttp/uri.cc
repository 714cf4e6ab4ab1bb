#include "fasthttp/uri.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "fasthttp/base/check.h"
#include "fasthttp/base/copy.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/http1/framing.h"

namespace fasthttp {
namespace {

constexpr size_t kNpos = std::string_view::npos;

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    unsigned char byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

bool IsUserinfo(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:%@";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    char lower = AsciiLower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != kNpos;
  });
}

// The length of the scheme that stands before "://" in `text`; kNpos if there is none.
size_t SchemeLength(std::string_view text) {
  size_t mark = text.find("://");
  if (mark == kNpos || !IsScheme(text.substr(0, mark))) return kNpos;
  return mark;
}

// True if `reference` has a scheme but no authority (RFC 3986, sections 3 and 4.2): "mailto:x".
bool IsOpaque(std::string_view reference) {
  const size_t colon = reference.find_first_of(":/?#");
  return colon != kNpos && reference[colon] == ':' && IsScheme(reference.substr(0, colon)) &&
         reference.substr(colon + 1, 2) != "//";
}

// True if `path` is what normalising would make of it.
bool IsNormalPath(std::string_view path) {
  if (path.empty() || path[0] != '/') return false;
  char last = 0;
  for (char c : path) {
    if (c == '%' || (last == '/' && (c == '/' || c == '.'))) return false;
    last = c;
  }
  return true;
}

// Makes runs of slashes one, in place. Returns the new size.
size_t CollapseSlashes(char* path, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    if (path[i] == '/' && out != 0 && path[out - 1] == '/') continue;
    path[out++] = path[i];
  }
  return out;
}

// Removes "." and ".." segments, in place (RFC 3986, section 5.2.4).
size_t RemoveDotSegments(char* path, size_t size) {
  size_t out = 1;  // path[0 .. out) ends with "/".
  size_t in = 1;
  while (in < size) {
    size_t end = in;
    while (end < size && path[end] != '/') ++end;
    std::string_view segment(path + in, end - in);
    bool last = end == size;
    if (segment == "..") {
      if (out > 1) --out;
      while (path[out - 1] != '/') --out;
    } else if (segment != ".") {
      std::copy(path + in, path + end, path + out);
      out += segment.size();
      if (!last) path[out++] = '/';
    }
    in = end + 1;
  }
  return out;
}

size_t NormalizePath(char* out, std::string_view path) {
  size_t size = 0;
  if (path.empty() || path[0] != '/') out[size++] = '/';
  size += internal::Unquote(out + size, path, /*plus=*/false);
  size = CollapseSlashes(out, size);
  if (std::string_view(out, size).find("/.") == kNpos) return size;
  return RemoveDotSegments(out, size);
}

// The reverse of AppendCanonicalHost: non-ASCII bytes as %XX, and the "%" before a zone as "%25".
void AppendEncodedHost(std::string& dst, std::string_view host) {
  const bool bracketed = !host.empty() && host[0] == '[';
  const size_t zone = bracketed ? host.find('%') : kNpos;
  for (size_t i = 0; i < host.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(host[i]);
    if (i == zone) {
      dst.append("%25");
    } else if (byte >= 0x80) {
      constexpr char kHex[] = "0123456789ABCDEF";
      const char escaped[3] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      dst.append(escaped, 3);
    } else {
      dst.push_back(host[i]);
    }
  }
}

// A path that is written as it was given: with "/" before it and without what ends a path.
void AppendRawPath(std::string& dst, std::string_view path) {
  if (path.empty() || path[0] != '/') dst.push_back('/');
  internal::AppendWithoutBlanks(dst, path, "?#");
}

// What a byte may be in a URL that is used as it stands.
enum PlainByte : uint8_t { kHostByte = 1, kPortByte = 2, kSegmentByte = 4, kQueryByte = 8 };

constexpr std::array<uint8_t, 256> kPlainBytes = [] {
  std::array<uint8_t, 256> bytes = {};
  for (size_t c = 0x21; c < 0x7F; ++c) bytes[c] = kQueryByte;
  bytes['#'] = 0;
  for (size_t c = '0'; c <= '9'; ++c) bytes[c] |= kHostByte | kPortByte | kSegmentByte;
  for (size_t c = 'a'; c <= 'z'; ++c) bytes[c] |= kHostByte | kSegmentByte;
  for (size_t c = 'A'; c <= 'Z'; ++c) bytes[c] |= kSegmentByte;
  for (char c : {'-', '.', '_'}) bytes[static_cast<uint8_t>(c)] |= kHostByte | kSegmentByte;
  for (char c : {'~', '=', '&', ',', ';', ':', '@', '!', '*', '+', '$'}) {
    bytes[static_cast<uint8_t>(c)] |= kSegmentByte;
  }
  return bytes;
}();

// `at` is within bytes with a NUL behind them.
template <PlainByte kWhat>
[[gnu::always_inline]] inline const char* SkipPlain(const char* at) {
  auto is = [](char c) { return (kPlainBytes[static_cast<uint8_t>(c)] & kWhat) != 0; };
  for (;; at += 4) {
    if (!is(at[0])) return at;
    if (!is(at[1])) return at + 1;
    if (!is(at[2])) return at + 2;
    if (!is(at[3])) return at + 3;
  }
}

bool HasUpper(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

void AppendNormalizedPath(std::string& dst, std::string_view path) {
  if (IsNormalPath(path)) {
    dst.append(path);
    return;
  }
  std::string normal(path.size() + 1, '\0');
  normal.resize(NormalizePath(normal.data(), path));
  dst.append(normal);
}

bool IsScheme(std::string_view scheme) {
  auto is_letter = [](char c) { return AsciiLower(c) >= 'a' && AsciiLower(c) <= 'z'; };
  if (scheme.empty() || !is_letter(scheme[0])) return false;
  return std::all_of(scheme.begin(), scheme.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

Errc AppendCanonicalHost(std::string& dst, std::string_view host) {
  if (!http1::IsValidHost(host)) return Errc::kBadHost;
  size_t percent = host.find('%');
  if (percent == kNpos) {
    AppendLower(dst, host);
    return Errc::kOk;
  }
  if (host[0] == '[') {
    // A zone: "%25en0". Its case is kept, it names an interface.
    size_t end = host.find(']');
    AppendLower(dst, host.substr(0, percent));
    dst.push_back('%');
    dst.append(host.substr(percent + 3, end - percent - 3));
    dst.append(host.substr(end));
    return Errc::kOk;
  }
  for (size_t i = 0; i < host.size(); ++i) {
    if (host[i] != '%') {
      dst.push_back(AsciiLower(host[i]));
      continue;
    }
    char decoded[3];
    internal::Unquote(decoded, host.substr(i, 3), /*plus=*/false);
    dst.push_back(decoded[0]);
    i += 2;
  }
  return Errc::kOk;
}

// --- URI::Part ---

bool URI::OwnsAny(std::string_view text) const {
  for (const Part* part :
       {&scheme_, &host_, &path_, &path_original_, &query_, &hash_, &username_, &password_}) {
    if (part->Holds(text)) return true;
  }
  return text.data() >= text_.data() && text.data() < text_.data() + text_.size();
}

// --- Parsing ---

void URI::Clear() {
  for (Part* part :
       {&scheme_, &host_, &path_, &path_original_, &query_, &hash_, &username_, &password_}) {
    part->Clear();
  }
  text_.ClearUpTo(kKeepBytes);
  plain_target_ = {};
  args_parsed_ = false;
  args_changed_ = false;
}

void URI::Reset() {
  Clear();
  if (args_ != nullptr) args_->Reset();
  no_normalizing_ = false;
}

void URI::Own() {
  for (Part* part :
       {&scheme_, &host_, &path_, &path_original_, &query_, &hash_, &username_, &password_}) {
    part->Own();
  }
}

void URI::CopyTo(URI& to) const {
  if (this == &to) return;
  to.Reset();
  to.scheme_.Assign(scheme_.view());
  to.host_.Assign(host_.view());
  to.path_.Assign(path_.view());
  to.path_original_.Assign(path_original_.view());
  to.query_.Assign(query_.view());
  to.hash_.Assign(hash_.view());
  to.username_.Assign(username_.view());
  to.password_.Assign(password_.view());
  to.no_normalizing_ = no_normalizing_;
  to.max_args_ = max_args_;
  if (args_changed_) args_->CopyTo(to.MutableQueryArgs());
}

absl::Status URI::Parse(std::string_view host, std::string_view text) {
  return ToStatus(TryParse(host, text));
}

Errc URI::TryParse(std::string_view host, std::string_view text) {
  if (OwnsAny(host) || OwnsAny(text)) {
    std::string host_copy(host);
    std::string text_copy(text);
    Errc errc = TryParse(host_copy, text_copy);
    Own();
    return errc;
  }
  Clear();
  Errc errc = ParseParts(host, text);
  if (errc != Errc::kOk) Clear();
  return errc;
}

// Nearly every URL of a client: "http://name:port/path?query" or its path alone, of bytes that
// stand for themselves. One look at each byte of the copy; false if it is anything else.
[[gnu::always_inline]] inline bool URI::ParsePlain(std::string_view text) {
  // Behind another plain one only text_ holds anything.
  if (plain_target_.empty() || text_.capacity() > kKeepBytes) Clear();
  args_parsed_ = args_changed_ = false;
  plain_target_ = {};
  text_.Clear();
  char* const begin = text_.Prepare(text.size() + 1);
  char* const end = base::CopyShort(begin, text.data(), text.size());
  *end = '\0';
  text_.Commit(text.size() + 1);
  const bool http = text.size() > 7 && std::memcmp(begin, "http://", 7) == 0;
  const bool https = !http && text.size() > 8 && std::memcmp(begin, "https://", 8) == 0;
  const size_t scheme = http ? 4 : https ? 5 : 0;
  const char* const host = scheme != 0 ? begin + scheme + 3 : begin;
  const char* path = host;
  if (scheme != 0) {
    path = SkipPlain<kHostByte>(host);
    if (path == host) return false;
    if (*path == ':') {
      const char* const port = path + 1;
      path = SkipPlain<kPortByte>(port);
      if (path == port) return false;
    }
  }
  const char* at = path;
  do {  // A segment, behind its "/".
    if (*at++ != '/' || *at == '/' || *at == '.') return false;
    at = SkipPlain<kSegmentByte>(at);
  } while (*at == '/');
  const char* const path_end = at;
  if (*at == '?') at = SkipPlain<kQueryByte>(at);
  if (at != end) return false;
  auto between = [](const char* from, const char* to) {
    return std::string_view(from, static_cast<size_t>(to - from));
  };
  scheme_.Borrow(std::string_view("https", scheme));
  host_.Borrow(between(host, path));
  path_original_.Borrow(between(path, path_end));
  path_.Borrow(path_original_.view());
  query_.Borrow(path_end != end ? between(path_end + 1, end) : std::string_view());
  plain_target_ = between(path, end);
  return true;
}

Errc URI::TryParseOwned(std::string_view host, std::string_view text) {
  FASTHTTP_DCHECK(!OwnsAny(text), "a part of a URI is parsed into it");
  if (host.empty() && !no_normalizing_ && ParsePlain(text)) return Errc::kOk;
  return ParseAndOwn(host, text);
}

Errc URI::ParseAndOwn(std::string_view host, std::string_view text) {
  Errc errc = TryParse(host, text);
  Own();
  return errc;
}

// std::string_view::find_first_of calls memchr for every byte.
static size_t EndOfAuthority(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && text[i] != '/' && text[i] != '?' && text[i] != '#') ++i;
  return i;
}

Errc URI::ParseParts(std::string_view host, std::string_view text) {
  if (HasControl(text) || HasControl(host)) return Errc::kBadUri;
  size_t mark = text.find("://");
  bool absolute = mark != kNpos && EndOfAuthority(text.substr(0, mark)) == mark;
  if (absolute || (host.empty() && text.substr(0, 2) == "//")) {
    if (absolute) {
      if (!IsScheme(text.substr(0, mark))) return Errc::kBadUri;
      SetSchemePart(text.substr(0, mark));
      text.remove_prefix(mark + 1);
    }
    text.remove_prefix(2);
    size_t end = EndOfAuthority(text);
    Errc errc = ParseAuthority(text.substr(0, end));
    if (errc != Errc::kOk) return errc;
    text.remove_prefix(end);
  } else if (!host.empty()) {
    Errc errc = SetHostPart(host);
    if (errc != Errc::kOk) return errc;
  }
  ParsePathQueryHash(text);
  return Errc::kOk;
}

// The fragment goes first: a "?" behind "#" is part of it.
void URI::ParsePathQueryHash(std::string_view text) {
  size_t hash = text.find('#');
  if (hash != kNpos) {
    hash_.Borrow(text.substr(hash + 1));
    text = text.substr(0, hash);
  }
  size_t query = text.find('?');
  if (query != kNpos) {
    query_.Borrow(text.substr(query + 1));
    text = text.substr(0, query);
  }
  path_original_.Borrow(text);
  SetPathPart();
}

Errc URI::ParseAuthority(std::string_view authority) {
  size_t at = authority.rfind('@');
  if (at != kNpos) {
    std::string_view userinfo = authority.substr(0, at);
    if (!IsUserinfo(userinfo)) return Errc::kBadHost;
    size_t colon = userinfo.find(':');
    username_.Borrow(userinfo.substr(0, colon));
    if (colon != kNpos) password_.Borrow(userinfo.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  // http and https have no meaning without a host (RFC 9110, section 4.2.1); file:///x has one.
  bool http = Scheme() == "http" || Scheme() == "https";
  if (authority.empty()) return http ? Errc::kBadHost : Errc::kOk;
  return SetHostPart(authority);
}

Errc URI::SetHostPart(std::string_view host) {
  if (!HasUpper(host) && host.find('%') == kNpos) {
    if (!http1::IsValidHost(host)) return Errc::kBadHost;
    host_.Borrow(host);
    return Errc::kOk;
  }
  std::string canonical;
  Errc errc = AppendCanonicalHost(canonical, host);
  if (errc == Errc::kOk) host_.Assign(canonical);
  return errc;
}

void URI::SetSchemePart(std::string_view scheme) {
  if (!HasUpper(scheme)) return scheme_.Borrow(scheme);
  std::string lower;
  AppendLower(lower, scheme);
  scheme_.Assign(lower);
}

// Makes the path from path_original_.
void URI::SetPathPart() {
  std::string_view original = path_original_.view();
  if (no_normalizing_ || original == "*" || IsNormalPath(original)) return path_.Borrow(original);
  internal::ByteBuffer& buffer = path_.buffer();
  buffer.Clear();
  char* out = buffer.Prepare(original.size() + 1);
  buffer.Commit(NormalizePath(out, original));
  path_.UseBuffer();
}

void URI::BindPlain(std::string_view host, std::string_view target, size_t query) {
  Clear();
  if (HasUpper(host) || host.find('%') != kNpos) {
    (void)SetHostPart(host);  // It was validated.
  } else {
    host_.Borrow(host);
  }
  path_original_.Borrow(target.substr(0, query));
  path_.Borrow(target.substr(0, query));
  if (query < target.size()) query_.Borrow(target.substr(query + 1));
}

// --- Parts ---

void URI::SetScheme(std::string_view scheme) {
  if (!scheme.empty() && !IsScheme(scheme)) return;
  std::string lower;
  AppendLower(lower, scheme);
  scheme_.Assign(lower);
  plain_target_ = {};
}

bool URI::SetHost(std::string_view host) {
  plain_target_ = {};
  std::string canonical;
  bool valid = host.empty() || AppendCanonicalHost(canonical, host) == Errc::kOk;
  if (!valid) {
    // What Host() of another URI gave.
    std::string encoded;
    AppendEncodedHost(encoded, host);
    valid = AppendCanonicalHost(canonical, encoded) == Errc::kOk;
  }
  host_.Assign(canonical);
  return valid;
}

std::string_view URI::HostName() const {
  std::string_view host = Host();
  if (!host.empty() && host[0] == '[')
    return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  return host.substr(0, host.rfind(':'));
}

std::string_view URI::Port() const {
  std::string_view host = Host();
  size_t colon = host.rfind(':');
  if (colon == kNpos || host.find(']', colon) != kNpos) return {};
  return host.substr(colon + 1);
}

void URI::SetPath(std::string_view path) {
  plain_target_ = {};
  path_original_.AssignClean(path);
  SetPathPart();
}

std::string_view URI::LastPathSegment() const {
  std::string_view path = Path();
  return path.substr(path.rfind('/') + 1);
}

void URI::SetQueryString(std::string_view query) {
  plain_target_ = {};
  query_.AssignClean(query);
  args_parsed_ = false;
  args_changed_ = false;
}

const Args& URI::QueryArgs() const {
  if (args_ == nullptr) args_ = std::make_unique<Args>();
  if (!args_parsed_) {
    args_parsed_ = true;
    args_->Parse(query_.view(), max_args_);
  }
  return *args_;
}

Args& URI::MutableQueryArgs() {
  (void)QueryArgs();
  plain_target_ = {};
  args_changed_ = true;
  return *args_;
}

void URI::SetHash(std::string_view hash) {
  plain_target_ = {};
  hash_.AssignClean(hash);
}
void URI::SetUsername(std::string_view name) {
  plain_target_ = {};
  username_.AssignClean(name);
}
void URI::SetPassword(std::string_view password) {
  plain_target_ = {};
  password_.AssignClean(password);
}

// --- As text ---

void URI::AppendRequestURI(std::string& dst) const {
  if (Path() != "*") {
    AppendPath(dst);
    return AppendQuery(dst);
  }
  const size_t start = dst.size();
  dst.push_back('*');
  AppendQuery(dst);
  if (dst.size() != start + 1) dst[start] = '/';  // "*?x" is no target.
}

void URI::AppendPath(std::string& dst) const {
  if (!no_normalizing_) return AppendQuotedPath(dst, Path());
  AppendRawPath(dst, path_original_.view());
}

void URI::AppendQuery(std::string& dst) const {
  if (args_changed_) {
    if (args_->empty()) return;
    dst.push_back('?');
    args_->AppendBytes(dst);
  } else if (!query_.empty()) {
    dst.push_back('?');
    internal::AppendWithoutBlanks(dst, query_.view(), "#");
  }
}

std::string URI::RequestURI() const {
  std::string text;
  AppendRequestURI(text);
  return text;
}

void URI::AppendBytes(std::string& dst) const {
  dst.append(Scheme()).append("://");
  AppendEncodedHost(dst, Host());
  // The target "*" has no path (RFC 9112, section 3.3).
  if (Path() != "*") AppendPath(dst);
  AppendQuery(dst);
  if (hash_.empty()) return;
  dst.push_back('#');
  internal::AppendWithoutBlanks(dst, hash_.view());
}

std::string URI::FullURI() const {
  std::string text;
  AppendBytes(text);
  return text;
}

// The reference is written out as an absolute URI and parsed into an object of its own, so that an
// error leaves this one alone.
absl::Status URI::Update(std::string_view reference) {
  if (reference.empty()) return absl::OkStatus();
  if (IsOpaque(reference)) return ToStatus(Errc::kBadUri);
  bool absolute = SchemeLength(reference) != kNpos;
  bool network = reference.substr(0, 2) == "//";
  std::string text;
  if (!absolute) text.append(Scheme()).append(network ? ":" : "://");
  if (!absolute && !network) {
    text.append("host");  // Stands for the real one, which may carry a decoded zone.
    bool keeps_path = reference[0] == '?' || reference[0] == '#';
    std::string path;
    if (Path() != "*") AppendPath(path);
    if (path.empty()) path.push_back('/');
    if (!keeps_path) path.resize(path.rfind('/') + 1);
    if (reference[0] != '/') text.append(path);
    if (reference[0] == '#') AppendQuery(text);
  }
  text.append(reference);
  URI next;
  next.no_normalizing_ = no_normalizing_;
  next.max_args_ = max_args_;
  Errc errc = next.TryParse({}, text);
  if (errc != Errc::kOk) return ToStatus(errc);
  next.Own();
  if (!absolute && !network) {
    // Only a reference within the same authority keeps its credentials.
    next.host_.Assign(host_.view());
    next.username_.Assign(username_.view());
    next.password_.Assign(password_.view());
  }
  std::swap(*this, next);
  return absl::OkStatus();
}

}  // namespace fasthttp
