// Request: method, target, header and body of a request.
//
// A program makes requests for a client:
//
//   fasthttp::Request request;
//   request.header().SetMethod("POST");
//   request.SetRequestURI("http://example.com/items?x=1");
//   request.SetBody(json);
//
// In a handler the request is a view over the bytes that were received: nothing is copied, and what
// it hands out is valid until the handler returns or the next call that changes the request. CopyTo
// makes an independent copy. A Request may be destroyed on any thread.
//
// Thread class: thread-compatible. URI() and PostArgs() parse on first use: one thread at a time.
#ifndef FASTHTTP_REQUEST_H_
#define FASTHTTP_REQUEST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/args.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body.h"
#include "fasthttp/body_reader.h"
#include "fasthttp/header.h"
#include "fasthttp/uri.h"

namespace fasthttp {

class Request {
 public:
  Request() = default;
  Request(Request&&) noexcept = default;
  Request& operator=(Request&&) noexcept = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request();

  // Back to the state of a new object, with memory kept for the next use.
  void Reset() {
    Bind(nullptr, false);
    DropBody();
  }

  // Header, URI, body and switches; the copy owns its bytes.
  void CopyTo(Request& to) const;

  // For servers: makes this a view over a received head. `tls` makes the URI's scheme https. The
  // body follows by SetBodyRaw, SetBodyOwned or PrepareBody; the one before is dropped by then.
  void Bind(const http1::Head* head, bool tls) {
    header_.Bind(head);
    if (touched_) ResetTouched();
    tls_ = tls;
  }

  // For servers: the body comes by `stream`, which lives until DropBody.
  void BindBodyStream(BodyReader& stream) {
    body_touched_ = streamed_ = true;
    stream_ = unread_ = &stream;
  }
  // What is in memory of it, whatever is still to come.
  std::string_view BufferedBody() const { return body_.view(); }

  // For servers: the request is answered. What a large body holds is freed.
  void DropBody() {
    if (body_touched_) ResetBodyPooled();
  }

  // A quick test: true only if nothing was set that would be sent, but a target.
  bool IsBare() const { return header_.IsBare() && !body_touched_ && !HasPostArgs(); }

  RequestHeader& header() ABSL_ATTRIBUTE_LIFETIME_BOUND { return header_; }
  const RequestHeader& header() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return header_; }

  // --- Target ---
  // The parsed target together with the host, parsed at first use. Empty if that fails: ParseURI
  // tells. A server has validated both before the handler runs.
  const fasthttp::URI& URI() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    (void)TryParseURI();
    return parsed_->uri;
  }
  // Parts of URI(), without the cost of the others as long as nobody has asked for it and the
  // target needs no normalising.
  std::string_view Path() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    const http1::Head* head = PlainHead();
    return head != nullptr ? head->Target().substr(0, PathSize(*head)) : URI().Path();
  }
  std::string_view PathOriginal() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    const http1::Head* head = PlainHead();
    return head != nullptr ? head->Target().substr(0, PathSize(*head)) : URI().PathOriginal();
  }
  std::string_view QueryString() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    const http1::Head* head = PlainHead();
    if (head == nullptr) return URI().QueryString();
    return PathSize(*head) == head->target_size ? std::string_view()
                                                : head->Target().substr(PathSize(*head) + 1);
  }
  // True if they, and Host() but for the case of its letters, stand in the received head as they
  // are: then there is nothing that ParseURI could refuse.
  bool HasPlainTarget() const { return PlainHead() != nullptr; }
  // For changes, which take effect when the request is sent: from here on RequestURI() is made from
  // the URI.
  fasthttp::URI& MutableURI() ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // Parses now, if that has not happened.
  absl::Status ParseURI() const;
  Errc TryParseURI() const {
    return parsed_ != nullptr && parsed_->uri_parsed ? parsed_->uri_errc : ParseURIOnce();
  }
  // True from MutableURI, SetURI or SetHost until the next Reset or SetRequestURI: the URI, not the
  // received target, is what is sent.
  bool HasChangedURI() const { return parsed_ != nullptr && parsed_->uri_changed; }
  // Copies `uri`.
  void SetURI(const fasthttp::URI& uri);

  // The target as received or set; rebuilt from URI() once that was changed.
  std::string RequestURI() const;
  // Relative or absolute.
  void SetRequestURI(std::string_view uri);
  // Lower case, with the port; an absolute target's authority wins over the Host field.
  std::string_view Host() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return URI().Host(); }
  void SetHost(std::string_view host);

  const Args& QueryArgs() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return URI().QueryArgs(); }
  // The body's arguments if Content-Type begins with application/x-www-form-urlencoded, else empty.
  // Parsed at first use.
  const Args& PostArgs() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // For a client's request: arguments that become the body when it is sent with an empty one.
  Args& MutablePostArgs() ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // A cap on the entries that QueryArgs and PostArgs parse; the rest is dropped. Kept by Reset.
  void SetMaxArgs(size_t max) { max_args_ = max; }

  // True if MutablePostArgs() holds any: they are the body if there is no other.
  bool HasPostArgs() const {
    return parsed_ != nullptr && parsed_->post_changed && !parsed_->post_args.empty();
  }

  // --- Body ---
  // If the server streams it (ServerSettings::stream_request_body), what is left of the body is
  // read first: the call suspends, and gives {} if that fails. ReadBody tells why.
  std::string_view Body() const& ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (unread_ != nullptr) [[unlikely]]
      (void)TryReadBody();
    return body_.view();
  }
  std::string_view Body() const&& = delete;
  // The same with the error: kBodyTooLarge, kBodyTimeout, kUnexpectedEof, kClientGone, or what is
  // malformed in the body.
  absl::StatusOr<std::string_view> ReadBody() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // The body piece by piece: as it comes if the server streams it, else from memory. One reader a
  // request; what it has given is not part of Body().
  BodyReader& BodyStream() ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // True if the body comes, or came, by a stream of the server's.
  bool IsBodyStream() const { return stream_ != nullptr; }
  // Copies. `bytes` may be a view of this body.
  void SetBody(std::string_view bytes) { TouchBody().Set(bytes); }
  void SetBodyString(std::string_view bytes) { TouchBody().Set(bytes); }
  // Refers to bytes that outlive the request's use, typically of static storage.
  void SetBodyRaw(std::string_view bytes) { TouchBody().SetRaw(bytes); }
  // Takes ownership. `release` is called once, on whatever thread ends the body's life.
  void SetBodyOwned(std::string bytes) { TouchBody().SetOwned(OwnedBytes(std::move(bytes))); }
  void SetBodyOwned(std::string_view bytes, absl::AnyInvocable<void() &&> release) {
    TouchBody().SetOwned(OwnedBytes(bytes, std::move(release)));
  }
  void SetBodyOwned(OwnedBytes bytes) { TouchBody().SetOwned(std::move(bytes)); }
  void AppendBody(std::string_view bytes) { TouchBody().Append(bytes); }
  void AppendBodyString(std::string_view bytes) { TouchBody().Append(bytes); }
  void Write(std::string_view bytes) { TouchBody().Append(bytes); }
  // Receives straight into the body: see Body::Prepare.
  std::span<char> PrepareBody(size_t n) { return TouchBody().Prepare(n); }
  void CommitBody(size_t n) { body_.Commit(n); }
  // Exchanges the body's bytes for others without copying.
  OwnedBytes SwapBody(OwnedBytes bytes);
  void ResetBody() { body_.Clear(); }
  // Drops the body with its buffer if the buffer's capacity is above `size`.
  void ReleaseBody(size_t size) { body_.ReleaseAbove(size); }

  // --- As bytes ---
  // Appends the request as a client sends it, but for the User-Agent that a client adds: Host from
  // the URI (see SetUseHostHeader), credentials of the URI as Authorization, post arguments as the
  // body if there is no other, one framing field that fits the body. kMissingHost, kBadUri,
  // kBadHost, or kBadTarget (CONNECT to what is no authority, "*" without OPTIONS): nothing is
  // appended.
  absl::Status AppendBytes(std::string& dst) const;
  // The same; {} if it can't be sent.
  std::string String() const;
  // Reads one request, head and body, from the beginning of `bytes`, which are copied, as a server
  // would read it. Gives how many bytes it took; the next request begins there. kUnexpectedEof:
  // `bytes` end within it; kBodyTooLarge; or what is malformed. After an error the request is
  // empty. The default limit of the body is that of a server, 4 MiB.
  absl::StatusOr<size_t> Read(std::string_view bytes, size_t max_body_size = 4 << 20);

  // --- Switches, cleared by Reset ---
  // Send the Host field as it is set even if the URI names another host.
  bool UseHostHeader() const { return use_host_header_; }
  void SetUseHostHeader(bool use) {
    touched_ = true;
    use_host_header_ = use;
  }
  bool DisableRedirectPathNormalizing() const { return disable_redirect_path_normalizing_; }
  void SetDisableRedirectPathNormalizing(bool off) {
    touched_ = true;
    disable_redirect_path_normalizing_ = off;
  }
  // The limit of a client's Do with this request; infinite by default.
  absl::Duration Timeout() const { return timeout_; }
  void SetTimeout(absl::Duration timeout) {
    touched_ = true;
    timeout_ = timeout;
  }
  // True if the client waits for "100 Continue" before it sends the body: it sent "Expect:
  // 100-continue" (RFC 9110, section 10.1.1). A server sees to that before the handler is called.
  bool MayContinue() const;
  bool ConnectionClose() const { return header_.ConnectionClose(); }
  void SetConnectionClose() { header_.SetConnectionClose(); }
  bool IsTLS() const { return tls_; }

  friend void AbslFormatFlush(Request* request, absl::string_view text) {
    request->AppendBody(text);
  }

 private:
  // What is parsed on first use; allocated then and kept.
  struct Parsed {
    fasthttp::URI uri;
    Args post_args;
    Errc uri_errc = Errc::kOk;
    bool uri_parsed = false;
    bool uri_changed = false;
    bool post_parsed = false;
    bool post_changed = false;
  };

  fasthttp::Body& TouchBody() {
    body_touched_ = true;
    unread_ = nullptr;
    if (parsed_ != nullptr) parsed_->post_parsed = false;
    return body_;
  }
  // The received head if its target is what URI() would make of it, and URI() was not made yet.
  const http1::Head* PlainHead() const {
    const http1::Head* head = header_.head();
    const bool plain = head != nullptr && IsPlain(*head);
    return plain && (parsed_ == nullptr || !parsed_->uri_parsed) ? head : nullptr;
  }
  static bool IsPlain(const http1::Head& head) {
    constexpr uint8_t kNeedsWork = http1::kTargetPercent | http1::kTargetDot |
                                   http1::kTargetDoubleSlash | http1::kTargetHash |
                                   http1::kTargetBackslash;
    return head.target_form == http1::TargetForm::kOrigin && (head.target_flags & kNeedsWork) == 0;
  }
  // Of a plain target.
  static size_t PathSize(const http1::Head& head) {
    return (head.target_flags & http1::kTargetQuery) != 0
               ? static_cast<size_t>(head.query - head.target)
               : head.target_size;
  }

  Parsed& EnsureParsed() const;
  void ResetTouched();
  void ResetBodyPooled() {
    body_.ClearUpTo(RequestBodyPoolLimit());
    body_touched_ = false;
    if (streamed_) ResetStream();
  }
  void ResetStream();
  Errc ParseURIOnce() const;
  [[gnu::noinline]] Errc BindURI(Parsed& parsed) const;
  Errc ReadAll(std::string_view bytes, size_t max_body_size, size_t& used);
  Errc TryReadBody() const;

  RequestHeader header_;
  mutable fasthttp::Body body_;
  mutable std::unique_ptr<Parsed> parsed_;
  size_t max_args_ = Args::kNoLimit;
  bool body_touched_ = false;
  bool streamed_ = false;  // Something of the streams below is set.
  bool reader_set_ = false;
  bool tls_ = false;
  mutable bool touched_ = false;  // *parsed_, or a switch below.
  bool use_host_header_ = false;
  bool disable_redirect_path_normalizing_ = false;
  absl::Duration timeout_ = absl::InfiniteDuration();
  BodyReader* stream_ = nullptr;          // The server's.
  mutable BodyReader* unread_ = nullptr;  // The same, until Body() has read it.
  mutable Errc stream_errc_ = Errc::kOk;  // How that ended.
  std::unique_ptr<BytesReader> reader_;   // Of a body in memory.
};

}  // namespace fasthttp

#endif  // FASTHTTP_REQUEST_H_
