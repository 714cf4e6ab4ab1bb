// URI: scheme, authority, path, query and fragment of a request target or of an absolute http URI
// (RFC 3986, RFC 9110 section 4.2).
//
// Path() is normalised, in this order: percent-decoding of everything (also %2F and %00), then
// repeated slashes become one, then dot segments are removed (RFC 3986, section 5.2.4: "/a/../b" is
// "/b", "/a/." is "/a/"; ".." above the root stays at the root). Because decoding comes first,
// "%2e%2e%2f" cannot climb out of a directory; because %2F is decoded too, a slash in Path() may
// have been an escaped one: a proxy or an access rule that must tell them apart uses
// PathOriginal(). A malformed percent sequence stays as it is.
//
// Parsing refuses what other parsers read in two ways: control bytes anywhere; in the host
// backslashes, spaces, escaped ASCII, brackets that are no IPv6 address, more than one colon; a
// port that is not digits; a scheme that is not one. Errors are kBadUri, or kBadHost for the
// authority; the URI is empty afterwards. The input is never written to.
//
// Lifetimes: parts may be views into the text that was parsed; keep it valid as long as the URI is
// used, or call Own(). Views handed out are valid until the next call that changes the URI. Every
// function accepts {} and views into the URI itself.
//
// Thread class: thread-compatible. const calls of QueryArgs parse on first use: one thread at a
// time.
#ifndef FASTHTTP_URI_H_
#define FASTHTTP_URI_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "fasthttp/args.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/byte_buffer.h"

namespace fasthttp {

// Appends the normalised form of `path`, which is percent-encoded, as described above. The result
// begins with "/".
void AppendNormalizedPath(std::string& dst, std::string_view path);

// True if `scheme` is a letter followed by letters, digits, "+", "-" and "." (RFC 3986, 3.1).
bool IsScheme(std::string_view scheme);

// Checks an authority without userinfo: a name, an IPv4 address or a bracketed IPv6 address with
// an optional zone, then an optional ":" and digits. Appends its canonical form: lower case, %XX of
// non-ASCII bytes decoded, zone "%25en0" as "%en0".
Errc AppendCanonicalHost(std::string& dst, std::string_view host);

class URI {
 public:
  URI() = default;
  URI(URI&& other) = default;
  URI& operator=(URI&& other) = default;
  URI(const URI&) = delete;
  URI& operator=(const URI&) = delete;

  void Reset();
  // The copy owns all its bytes.
  void CopyTo(URI& to) const;
  // Copies what is still a view, so that the parsed text may go away.
  void Own();

  // Parses `text`: an absolute URI ("http://host/path"), a network reference ("//host/path") or,
  // with `host` not empty, a path. An authority in `text` wins over `host`; `host` may be empty.
  // Both must stay valid and unchanged, see Lifetimes.
  absl::Status Parse(std::string_view host, std::string_view text);
  absl::Status Parse(std::string_view text) { return Parse({}, text); }
  Errc TryParse(std::string_view host, std::string_view text);
  // The same, and Own: `host` and `text`, which are not this object's, may go away afterwards.
  Errc TryParseOwned(std::string_view host, std::string_view text);

  // For servers: the target of a received request whose path needs no normalising and whose
  // host was validated (see http1::TargetFlag). `query` is the offset of "?" in `target`, or its
  // size. Nothing is copied unless the host holds upper case.
  void BindPlain(std::string_view host, std::string_view target, size_t query);

  // --- Parts ---
  // "http" if none was given. Lower case.
  std::string_view Scheme() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return scheme_.empty() ? std::string_view("http") : scheme_.view();
  }
  // Ignored unless it is a scheme (IsScheme) or {}.
  void SetScheme(std::string_view scheme);

  // With the port, lower case.
  std::string_view Host() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return host_.view(); }
  // False if `host` is invalid; then the URI has no host, so that nothing goes to the wrong one.
  bool SetHost(std::string_view host);
  // Without port and brackets: what is to be resolved.
  std::string_view HostName() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // The digits behind the host; {} if there are none.
  std::string_view Port() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // "/" if none was given.
  std::string_view Path() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return path_.empty() ? std::string_view("/") : path_.view();
  }
  // `path` is decoded and normalised.
  void SetPath(std::string_view path);
  // The path as it was received or set.
  std::string_view PathOriginal() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return path_original_.view();
  }
  // What follows the last "/" of Path().
  std::string_view LastPathSegment() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // Without "?", not decoded. If QueryArgs() was changed it is stale: see AppendQueryString.
  std::string_view QueryString() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return query_.view(); }
  // Forgets the parsed arguments.
  void SetQueryString(std::string_view query);
  // Parsed at first use. A mutable reference counts as a change: the query is then written from the
  // arguments.
  const Args& QueryArgs() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  Args& MutableQueryArgs() ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // True if QueryArgs() was used since the last parse.
  bool HasParsedArgs() const { return args_parsed_; }
  // A cap on the number of arguments parsed (Args::Parse); kept by Reset.
  void SetMaxQueryArgs(size_t max) { max_args_ = max; }

  // Without "#".
  std::string_view Hash() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return hash_.view(); }
  void SetHash(std::string_view hash);

  // Userinfo, not percent-decoded. Never part of FullURI.
  std::string_view Username() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return username_.view(); }
  void SetUsername(std::string_view name);
  std::string_view Password() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return password_.view(); }
  void SetPassword(std::string_view password);

  // Off: Path() of later parses and setters is the original path. Cleared by Reset.
  bool DisablePathNormalizing() const { return no_normalizing_; }
  void SetDisablePathNormalizing(bool disable) { no_normalizing_ = disable; }

  // --- As text ---
  // Path and query as they go into a request line: the normalised path encoded again (the original
  // one with DisablePathNormalizing), then "?" and the arguments if they were changed, else the
  // query string as it is. Whatever was set, blanks and control bytes are written as %XX, and the
  // path begins with "/" or is "*".
  void AppendRequestURI(std::string& dst) const;
  std::string RequestURI() const;
  // For serializers, after TryParseOwned: path and query as they stand in the URL if they need no
  // normalising or encoding, nor Host() to be a Host field. {}: see AppendRequestURI.
  std::string_view PlainTarget() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return plain_target_; }
  // scheme://host, the request URI, #hash. Without userinfo, which must not leak into logs.
  void AppendBytes(std::string& dst) const;
  std::string FullURI() const;
  std::string String() const { return FullURI(); }

  // Resolves a reference against this URI, which becomes the result: absolute URIs, "//host/path",
  // "/path", "?query", "#hash", relative paths; "" changes nothing. On error the URI stays as it
  // was. "a//b" and "https//x" are relative paths: "//" counts only at the start or behind a valid
  // scheme and ":". A scheme without "//" ("mailto:x", also "host:80/x") is kBadUri.
  absl::Status Update(std::string_view reference);

 private:
  static constexpr size_t kKeepBytes = 4096;  // Of each buffer, from one URI to the next.

  // Bytes that are either somebody else's or a copy.
  class Part {
   public:
    std::string_view view() const { return bytes_; }
    bool empty() const { return bytes_.empty(); }
    void Borrow(std::string_view bytes) { bytes_ = bytes; }
    void Assign(std::string_view bytes) {
      buffer_.Assign(bytes);
      bytes_ = buffer_.view();
    }
    // CR, LF and NUL become spaces.
    void AssignClean(std::string_view bytes) {
      buffer_.AssignClean(bytes);
      bytes_ = buffer_.view();
    }
    void Own() {
      if (bytes_.data() != buffer_.data()) Assign(bytes_);
    }
    bool Holds(std::string_view text) const {
      return text.data() >= buffer_.data() && text.data() < buffer_.data() + buffer_.size();
    }
    internal::ByteBuffer& buffer() { return buffer_; }
    void UseBuffer() { bytes_ = buffer_.view(); }
    void Clear() {
      buffer_.ClearUpTo(kKeepBytes);
      bytes_ = {};
    }

   private:
    std::string_view bytes_;
    internal::ByteBuffer buffer_;  // Moving it does not move its bytes.
  };

  void Clear();
  bool ParsePlain(std::string_view text);
  [[gnu::noinline]] Errc ParseAndOwn(std::string_view host, std::string_view text);
  bool OwnsAny(std::string_view text) const;
  Errc ParseParts(std::string_view host, std::string_view text);
  Errc ParseAuthority(std::string_view authority);
  void ParsePathQueryHash(std::string_view text);
  Errc SetHostPart(std::string_view host);
  void SetSchemePart(std::string_view scheme);
  void SetPathPart();
  void AppendPath(std::string& dst) const;
  void AppendQuery(std::string& dst) const;

  Part scheme_, host_, path_, path_original_, query_, hash_, username_, password_;
  internal::ByteBuffer text_;      // Of TryParseOwned: parts may be views of it.
  std::string_view plain_target_;  // Empty once a setter was called.
  mutable std::unique_ptr<Args> args_;
  mutable bool args_parsed_ = false;
  bool args_changed_ = false;
  bool no_normalizing_ = false;
  size_t max_args_ = Args::kNoLimit;
};

}  // namespace fasthttp

#endif  // FASTHTTP_URI_H_
