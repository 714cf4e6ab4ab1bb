// RequestHeader and ResponseHeader: the fields of a message, and what stands before them.
//
// A header is an ordered list of fields. Names are looked up with ASCII case folded; duplicates and
// order are kept, also by Del. Fields that the library itself works with have accessors of their
// own (ContentType, Host, ConnectionClose, ...); Peek, Set, Add and Del reach them too.
//
// Nothing that a setter accepts can split a message or make it malformed, whoever chose the bytes.
// Control bytes in values, CR, LF and NUL among them, become spaces (HTAB stays); a field whose
// name is not a token is ignored, and so is such a method; blanks and control bytes of a target are
// percent-encoded; an invalid host leaves the header without one. Names are written in canonical
// form ("content-type" becomes "Content-Type") unless DisableNormalizing() was called; the names of
// a received message keep their bytes.
//
// Managed by the library, and ignored when set: Transfer-Encoding in both, Date in responses. A
// Content-Length that is not a number is ignored.
//
// Lifetimes: a view that a header hands out is valid until the next call that changes the header,
// and, in a handler, at most until the handler returns. Passing such a view back to a setter of the
// same header is fine. Every function that takes a view accepts {}.
//
// Memory: a header that is reset and reused allocates nothing once it has grown to its working
// size. Memory of malloc only; a header may be destroyed on any thread.
//
// No HTTP/1 text is held: no version, no reason phrase. "Connection: close" is a flag.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_HEADER_H_
#define FASTHTTP_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/byte_buffer.h"
#include "fasthttp/cookie.h"
#include "fasthttp/field_list.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp {

// What a Content-Type getter of a response gives when none was set.
inline constexpr std::string_view kDefaultContentType = "text/plain; charset=utf-8";

// Values of ContentLength() below zero.
inline constexpr int64_t kContentLengthChunked = -1;  // Transfer-Encoding: chunked.
inline constexpr int64_t kContentLengthNone = -2;     // Not declared.

// Called with a name and a value.
using FieldVisitor = absl::FunctionRef<void(std::string_view name, std::string_view value)>;

// The values of one name, or the names of a header, in order.
using FieldViews = absl::InlinedVector<std::string_view, 4>;

// Walks the parameters of a field value such as `form-data; name="a b"; size=3`: f(name, value) for
// each, until f returns false or a parameter is malformed. Quotes around a value are removed;
// backslash escapes in it are understood but handed out as they are. RFC 9110, section 5.6.6.
void VisitHeaderParams(std::string_view value,
                       absl::FunctionRef<bool(std::string_view name, std::string_view value)> f);

// The trailer part that both headers share. Trailers are kept apart from the fields: a name that
// was announced is written behind a chunked body, with the value that the header has for it by
// then; trailers that were received do not mix with the header's fields.
class TrailerList {
 public:
  // Announces the names of a comma-separated list. Names that are not tokens or may not be trailers
  // are skipped and reported as kBadTrailer; the good ones are kept.
  absl::Status Set(std::string_view names);
  absl::Status Add(std::string_view names);

  // The codec's door: a trailer field that was received.
  Errc AddReceived(std::string_view name, std::string_view value);

  bool Has(std::string_view name) const;
  std::string_view Peek(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  size_t size() const { return list_.size(); }
  std::string_view name(size_t i) const ABSL_ATTRIBUTE_LIFETIME_BOUND { return list_.name(i); }
  std::string_view value(size_t i) const ABSL_ATTRIBUTE_LIFETIME_BOUND { return list_.value(i); }
  void Del(std::string_view name);
  void Clear();
  void CopyFrom(const TrailerList& other);
  // The names as the value of a Trailer field: "A, B".
  std::string_view Line() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return line_; }

 private:
  void UpdateLine();

  internal::FieldList list_;
  std::string line_;
};

// What both headers offer for their trailers.
class HeaderTrailers {
 public:
  absl::Status SetTrailer(std::string_view names) { return MutableTrailers().Set(names); }
  absl::Status AddTrailer(std::string_view names) { return MutableTrailers().Add(names); }
  // Null if the message has no trailers.
  const TrailerList* Trailers() const { return trailers_used_ ? trailers_.get() : nullptr; }
  TrailerList& MutableTrailers();
  FieldViews PeekTrailerKeys() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

 protected:
  void SwapTrailers(HeaderTrailers& other);
  void CopyTrailersTo(HeaderTrailers& to) const;
  void ClearTrailers() {
    if (trailers_used_) trailers_->Clear();
    trailers_used_ = false;
  }
  // The value of the Trailer field; {} without trailers.
  std::string_view TrailerLine() const {
    return trailers_used_ ? trailers_->Line() : std::string_view();
  }
  // f(name, value) for announced names with the value that `peek` gives, and for received trailers.
  void VisitTrailers(absl::FunctionRef<std::string_view(std::string_view name)> peek,
                     FieldVisitor f) const;

  bool trailers_used_ = false;
  bool used_ = false;  // They, or what the header itself says: Reset has something to clear.

 private:
  std::unique_ptr<TrailerList> trailers_;
};

// --- RequestHeader ----------------------------------------------------------------------------

// The header of a request: method, target and fields.
//
// A request that a server received is a view over the parsed head: nothing is copied. The first
// call that changes a field copies the head once, after which the header behaves like one that the
// program made; views taken before stay valid until the handler returns.
class RequestHeader : public HeaderTrailers {
 public:
  RequestHeader() = default;
  RequestHeader(RequestHeader&& other) noexcept;
  RequestHeader& operator=(RequestHeader&& other) noexcept;
  RequestHeader(const RequestHeader&) = delete;
  RequestHeader& operator=(const RequestHeader&) = delete;
  ~RequestHeader();

  // For servers: makes this header a view over `head`, which must outlive it or its next Reset,
  // CopyTo target or change.
  void Bind(const http1::Head* head) {
    if (used_) ResetOwned();
    head_ = head;
    close_ = false;
  }

  // The head that this header is a view over; null once it was changed or if it never was.
  const http1::Head* head() const { return head_; }
  // A quick test: true only if nothing that would be sent but a target was set.
  bool IsBare() const { return head_ == nullptr && !more_ && !close_ && !trailers_used_; }

  void Reset() { Bind(nullptr); }
  void CopyTo(RequestHeader& to) const;

  // --- Method and target ---
  // "GET" if none was set.
  std::string_view Method() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (head_ != nullptr) return head_->Method();
    return owned_used_ && !owned_->method.empty() ? owned_->method.view() : std::string_view("GET");
  }
  // Ignored unless it is a token; {} goes back to GET.
  void SetMethod(std::string_view method);
  bool IsGet() const { return Is(http1::MethodId::kGet, "GET"); }
  bool IsHead() const { return Is(http1::MethodId::kHead, "HEAD"); }
  bool IsPost() const { return Is(http1::MethodId::kPost, "POST"); }
  bool IsPut() const { return Is(http1::MethodId::kPut, "PUT"); }
  bool IsDelete() const { return Is(http1::MethodId::kDelete, "DELETE"); }
  bool IsConnect() const { return Is(http1::MethodId::kConnect, "CONNECT"); }
  bool IsOptions() const { return Is(http1::MethodId::kOptions, "OPTIONS"); }
  bool IsTrace() const { return Is(http1::MethodId::kTrace, "TRACE"); }
  bool IsPatch() const { return Is(http1::MethodId::kPatch, "PATCH"); }

  // The target as received or as set; "/" if none was set. Request::URI() is its parsed form.
  std::string_view RequestURI() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (head_ != nullptr) return head_->Target();
    return owned_used_ && !owned_->target.empty() ? owned_->target.view() : std::string_view("/");
  }
  // Blanks and control bytes are written as %XX.
  void SetRequestURI(std::string_view target);

  // True if the message came with HTTP/1.1 or a later minor version, or was made by the program.
  bool IsHTTP11() const {
    return head_ != nullptr ? head_->minor_version != 0 : !owned_used_ || !owned_->http10;
  }

  // --- Fields with an accessor; {} if absent ---
  std::string_view Host() const ABSL_ATTRIBUTE_LIFETIME_BOUND;  // The field, as it is.
  // A host that is not uri-host [":" port] (http1::IsValidHost) counts as {}.
  void SetHost(std::string_view host);
  std::string_view ContentType() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (head_ != nullptr || SpecialHeaderDisabled()) return Peek(http1::KnownField::kContentType);
    return owned_used_ ? owned_->content_type.view() : std::string_view();
  }
  void SetContentType(std::string_view type);
  std::string_view UserAgent() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (head_ != nullptr || SpecialHeaderDisabled()) return Peek(http1::KnownField::kUserAgent);
    return owned_used_ ? owned_->user_agent.view() : std::string_view();
  }
  void SetUserAgent(std::string_view agent);
  std::string_view ContentEncoding() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void SetContentEncoding(std::string_view coding);
  std::string_view Referer() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void SetReferer(std::string_view referer);

  // The declared length of the body; kContentLengthChunked; 0 if nothing was declared, since a
  // request without framing has no body (RFC 9112, section 6.3).
  int64_t ContentLength() const;
  // A negative length means chunked. The length of a buffered body is declared without this call.
  void SetContentLength(int64_t length);

  // Whether the connection ends with this exchange. Of a received request: Connection says close,
  // or it is HTTP/1.0 without keep-alive.
  bool ConnectionClose() const { return close_ || (head_ != nullptr && ReceivedClose()); }
  void SetConnectionClose() { close_ = true; }
  void ResetConnectionClose();

  // True if the Connection field lists "Upgrade".
  bool ConnectionUpgrade() const;

  // True if Accept-Encoding admits `coding` ("gzip"): listed with a weight above 0, or covered by
  // "*". RFC 9110, section 12.5.3. A request without the field gives false, since bare clients that
  // send none rarely decode anything.
  bool HasAcceptEncoding(std::string_view coding) const;

  // The boundary parameter of a multipart/form-data Content-Type; {} if it is something else.
  std::string_view MultipartFormBoundary() const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  void SetMultipartFormBoundary(std::string_view boundary);

  // Range: bytes=start-end, both inclusive. A negative start asks for the last -start bytes, a
  // negative end for all from start on. RFC 9110, section 14.2.
  void SetByteRange(int64_t start, int64_t end);

  // --- All fields ---
  // The first value; {} if absent or empty (Has tells them apart). Cookie gives the whole line.
  std::string_view Peek(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  std::string_view Peek(http1::KnownField id) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  FieldViews PeekAll(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  FieldViews PeekKeys() const ABSL_ATTRIBUTE_LIFETIME_BOUND;  // With duplicates.
  bool Has(std::string_view name) const;

  // Replaces all fields of that name by one (Set), or appends one (Add). Fields with an accessor
  // have one value, so Add replaces it.
  void Set(std::string_view name, std::string_view value);
  void Add(std::string_view name, std::string_view value);
  // Set with the name written as given, whatever the normalising switch says.
  void SetCanonical(std::string_view name, std::string_view value);
  void Del(std::string_view name);

  // The number of fields that VisitAll visits.
  size_t Len() const;
  // Every field. Received: in the order received. Made here: Host, User-Agent, Content-Type, then
  // the others in the order they were added, then Cookie, Trailer, and Connection if it is "close".
  // Content-Length is visited if it was set or received. `f` must not change the header.
  void VisitAll(FieldVisitor f) const;
  // The order on the wire; the same as VisitAll here, since received order is kept.
  void VisitAllInOrder(FieldVisitor f) const { VisitAll(f); }

  // The fields of a received request as bytes, from the first name to the empty line; {} once the
  // header was changed.
  std::string_view RawHeaders() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // --- Cookies (RFC 6265, section 4.2) ---
  // The value of the first cookie with this name; {} if there is none. All Cookie fields count.
  // Quotes around a value are removed; a pair with an invalid value is skipped.
  std::string_view Cookie(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // Besides CR, LF and NUL, ";" in a name or value becomes a space.
  void SetCookie(std::string_view name, std::string_view value);
  void DelCookie(std::string_view name);
  void DelAllCookies();
  void VisitAllCookie(FieldVisitor f) const;

  // Announced trailers with the header's values, and received ones with theirs.
  void VisitAllTrailer(FieldVisitor f) const;

  // --- Switches, kept until Reset ---
  // Keeps every field in one list, in the order and with the case in which it was received or
  // added, and sends it so: for proxies, and for peers that look at the order. The accessors above
  // then read and write that list. Without values of its own remain Content-Length,
  // Transfer-Encoding and Trailer, which whoever sends the message writes.
  void DisableSpecialHeader();
  // Back to the default: what has a slot moves there from the list, which then is written behind
  // the slots. Of several values the last stays, of cookies all.
  void EnableSpecialHeader();
  bool SpecialHeaderDisabled() const { return owned_used_ && owned_->no_slots; }
  void DisableNormalizing() { Own().normalize = false; }
  void EnableNormalizing() { Own().normalize = true; }
  // Without it, a request with a body and no Content-Type is sent as application/octet-stream.
  void SetNoDefaultContentType(bool none) { Own().no_default_content_type = none; }
  bool NoDefaultContentType() const { return owned_used_ && owned_->no_default_content_type; }

  // --- As text ---
  // The head as it would be sent: request-line, fields in the order of VisitAll, the empty line.
  // Framing fields are those that were set or received.
  void AppendBytes(std::string& dst) const;
  std::string String() const;
  // Reads a head alone from the beginning of `bytes`, which are copied, as a server would; gives
  // how many bytes it took, behind which the body begins. kUnexpectedEof: `bytes` end within it.
  // After an error the header is empty.
  absl::StatusOr<size_t> Read(std::string_view bytes);

  // --- For serializers: the parts of a header that the program made ---
  // The list without the fields that have a slot (Host, User-Agent, Content-Type, Content-Length,
  // Cookie, Trailer, "Connection: close"). After DisableSpecialHeader that is all of them but
  // Content-Length, Trailer and "Connection: close". A received header is copied first.
  const internal::FieldList& OtherFields() ABSL_ATTRIBUTE_LIFETIME_BOUND { return Own().fields; }
  // The same, but null for a received header and where nothing was ever set.
  const internal::FieldList* MadeFields() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return head_ == nullptr && owned_used_ ? &owned_->fields : nullptr;
  }
  // The value of the Cookie field, "a=1; b=2"; {} without cookies. Of a received request the first
  // such field.
  std::string_view CookieLine() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    if (head_ != nullptr || SpecialHeaderDisabled()) return Peek(http1::KnownField::kCookie);
    return owned_used_ ? owned_->cookie_line.view() : std::string_view();
  }

 private:
  struct Owned {
    internal::ByteBuffer method, target, host, user_agent, content_type;
    internal::ByteBuffer cookie_line;
    internal::ByteBuffer scratch;  // The next cookie_line while it is made.
    internal::ByteBuffer content_length_text;
    internal::FieldList fields;
    int64_t content_length = kContentLengthNone;
    bool http10 = false;
    bool normalize = true;
    bool no_default_content_type = false;
    bool no_slots = false;
  };

  bool Is(http1::MethodId id, std::string_view text) const {
    return head_ != nullptr ? head_->method_id == id : Method() == text;
  }
  bool ReceivedClose() const;
  // The owned form, copied from head_ if this is still a view.
  Owned& Own() {
    more_ = true;
    return OwnTarget();
  }
  Owned& OwnTarget() { return head_ == nullptr && owned_used_ ? *owned_ : Materialize(); }
  Owned& Materialize();
  void ResetOwned();
  [[gnu::noinline]] void SetEscapedURI(std::string_view target);
  void CopyFields();
  bool SetSpecial(http1::KnownField id, std::string_view value, bool add);
  void SetSlot(http1::KnownField id, internal::ByteBuffer& slot, std::string_view value);
  void SetKnown(http1::KnownField id, std::string_view value);
  void RewriteCookies(std::string_view name, const std::string_view* value);
  bool ConnectionLists(std::string_view token) const;

  const http1::Head* head_ = nullptr;
  std::unique_ptr<Owned> owned_;
  bool owned_used_ = false;  // owned_ holds something, and with it used_ is set,
  bool more_ = false;        // and not only a target.
  bool close_ = false;
};

// --- ResponseHeader ---------------------------------------------------------------------------

// The header of a response: status code and fields.
//
// What the server adds by itself, and is not part of this object: Date, Server (unless SetServer),
// Content-Length of a buffered body, Transfer-Encoding, Content-Type if there is a body and none
// was set.
//
// A response that a client received keeps its head as it came, in memory of its own: nothing of the
// connection is held on to. The first call that changes a field takes the fields apart, after which
// the header behaves like one that the program made.
class ResponseHeader : public HeaderTrailers {
 public:
  ResponseHeader() = default;
  ResponseHeader(const ResponseHeader&) = delete;
  ResponseHeader& operator=(const ResponseHeader&) = delete;

  void Reset() {
    status_code_ = 200;
    close_ = false;
    normalize_ = true;
    no_default_content_type_ = false;
    content_type_.Clear();
    if (MayHaveMore()) ResetMore();
  }
  void CopyTo(ResponseHeader& to) const;

  // --- Status code ---
  int StatusCode() const { return status_code_; }  // 200 if none was set.
  // A code outside 100 to 999 becomes 500.
  void SetStatusCode(int code) {
    status_code_ = static_cast<uint16_t>(static_cast<unsigned>(code) - 100 < 900 ? code : 500);
  }

  // --- Fields with an accessor; {} if absent ---
  // kDefaultContentType if none was set, unless SetNoDefaultContentType(true).
  std::string_view ContentType() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    const std::string_view type = Slot(http1::KnownField::kContentType, content_type_);
    return !type.empty() || no_default_content_type_ ? type : kDefaultContentType;
  }
  bool HasContentType() const {
    return !Slot(http1::KnownField::kContentType, content_type_).empty();
  }
  void SetContentType(std::string_view type) {
    Own();
    content_type_.AssignClean(type);
  }
  void SetNoDefaultContentType(bool none) { no_default_content_type_ = none; }
  bool NoDefaultContentType() const { return no_default_content_type_; }

  std::string_view ContentEncoding() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return Slot(http1::KnownField::kContentEncoding, content_encoding_);
  }
  void SetContentEncoding(std::string_view coding) {
    OwnMore();
    content_encoding_.AssignClean(coding);
  }

  std::string_view Server() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return Slot(http1::KnownField::kServer, server_);
  }
  void SetServer(std::string_view server) {
    OwnMore();
    server_.AssignClean(server);
  }

  // The declared length; kContentLengthChunked; kContentLengthNone (the default). The length of a
  // buffered body is declared without it: set it for a HEAD answer or a streamed body.
  int64_t ContentLength() const { return content_length_; }
  void SetContentLength(int64_t length);

  bool ConnectionClose() const { return close_; }
  void SetConnectionClose() { close_ = true; }
  void ResetConnectionClose() { close_ = false; }
  bool ConnectionUpgrade() const;

  // Content-Range: bytes start-end/total. RFC 9110, section 14.4.
  void SetContentRange(int64_t start, int64_t end, int64_t total);
  // Last-Modified, cut to seconds.
  void SetLastModified(absl::Time time);

  // --- All fields ---
  // The first value; {} if absent or empty. PeekAll("Set-Cookie") gives every line.
  std::string_view Peek(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  std::string_view Peek(http1::KnownField id) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  FieldViews PeekAll(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  FieldViews PeekKeys() const ABSL_ATTRIBUTE_LIFETIME_BOUND;  // With duplicates.
  bool Has(std::string_view name) const;

  // Replaces all fields of that name by one (Set), or appends one (Add). Content-Type,
  // Content-Encoding, Server, Content-Length and "Connection: close" have one value, so Add
  // replaces it. Set("Set-Cookie", ...) replaces the cookie of the same name only.
  void Set(std::string_view name, std::string_view value);
  void Add(std::string_view name, std::string_view value);
  // Set with the name written as given, whatever the normalising switch says.
  void SetCanonical(std::string_view name, std::string_view value);
  void Del(std::string_view name);

  size_t Len() const;
  // Server, Content-Type, Content-Encoding, Content-Length (if set), the others in the order they
  // were added, "Connection: close". `f` must not change the header.
  void VisitAll(FieldVisitor f) const;
  void VisitAllInOrder(FieldVisitor f) const { VisitAll(f); }

  // --- Cookies (RFC 6265, section 4.1) ---
  // Replaces the cookie of the same name.
  void SetCookie(const fasthttp::Cookie& cookie);
  // Parses the cookie called cookie.Key() into `cookie`; false if there is none or it is malformed.
  bool Cookie(fasthttp::Cookie& cookie) const;
  // The Set-Cookie line of that cookie; {} if there is none.
  std::string_view PeekCookie(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // Forgets the cookie here. The client keeps what it has.
  void DelCookie(std::string_view name);
  // Tells the client to drop the cookie: sends an empty value that expired in 2009. It must have
  // been set without Path and Domain, or the client keeps it.
  void DelClientCookie(std::string_view name);
  void DelAllCookies();
  // f(name, whole Set-Cookie line).
  void VisitAllCookie(FieldVisitor f) const;

  // Announced trailers with the header's values, and received ones with theirs.
  void VisitAllTrailer(FieldVisitor f) const;

  // --- Switches, kept until Reset ---
  void DisableNormalizing() { normalize_ = false; }
  void EnableNormalizing() { normalize_ = true; }

  // --- As text ---
  // The head as it would be sent, without what the server adds: status line, fields in the order of
  // VisitAll, the empty line.
  void AppendBytes(std::string& dst) const;
  std::string String() const;
  // Its first line, "HTTP/1.1 200 OK", with the line end.
  void AppendStatusLine(std::string& dst) const;
  // Reads a head alone, interim or final, from the beginning of `bytes`, which are copied, as a
  // client would that sent a GET; gives how many bytes it took. kUnexpectedEof: `bytes` end within
  // it. After an error the header is empty.
  absl::StatusOr<size_t> Read(std::string_view bytes);

  // --- For codecs ---
  // The fields without those that have a slot (Content-Type, Content-Encoding, Server,
  // Content-Length, "Connection: close"); Set-Cookie lines are among them.
  const internal::FieldList& OtherFields() ABSL_ATTRIBUTE_LIFETIME_BOUND {
    Own();
    return fields_;
  }
  // A quick test: not empty only if a Content-Type is set and else at most a status code and
  // ConnectionClose.
  std::string_view PlainContentType() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return MayHaveMore() ? std::string_view() : content_type_.view();
  }
  // Makes this header a copy of a received head; names keep their bytes. `length`: that of the
  // body, if framing has read it from the Content-Length of this head.
  void CopyFrom(const http1::Head& head, int64_t length = kContentLengthNone);
  // The same in two steps, without the copy of each field: gives the head to parse into; then,
  // while the bytes that were parsed are still there, makes it this header's. In between what this
  // header says means nothing; Reset, if nothing comes of it.
  http1::Head& HeadToReceive() {
    // Of a head that is still as it came everything is set anew.
    if (std::exchange(head_, nullptr) == nullptr || trailers_used_) PrepareToReceive();
    return received_->head;
  }
  void TakeReceived(int64_t length = kContentLengthNone);

 private:
  // A head, and the bytes that it refers to.
  struct Received {
    http1::Head head;
    internal::ByteBuffer bytes;
  };

  // The value of a field that has a slot.
  std::string_view Slot(http1::KnownField id, const internal::ByteBuffer& slot) const {
    if (head_ == nullptr) return slot.view();
    return id == http1::KnownField::kContentLength ? ReceivedLength() : head_->Value(id);
  }
  std::string_view ReceivedLength() const;
  // Before any change of a field.
  void Own() {
    if (head_ != nullptr) [[unlikely]]
      CopyReceived();
  }
  void OwnMore() {
    Own();
    used_ = true;
  }
  // False if there is nothing that most responses have not.
  bool MayHaveMore() const {
    FASTHTTP_DCHECK(
        used_ || (fields_.size() == 0 && server_.empty() && content_encoding_.empty() &&
                  content_length_text_.empty() && content_length_ == kContentLengthNone),
        "a setter of a response header did not tell");
    return used_;
  }
  // For changes that may add.
  internal::FieldList& MoreFields() {
    OwnMore();
    return fields_;
  }
  void ResetMore();
  [[gnu::noinline]] void PrepareToReceive();
  void KeepReceived(int64_t length, bool close);
  static bool IsSimple(const http1::Head& head, int64_t length);
  [[gnu::noinline]] void TakeOtherReceived(int64_t length);
  void CopyReceived();
  void VisitOthersReceived(FieldVisitor f) const;
  const internal::ByteBuffer* SlotOf(http1::KnownField id) const;
  bool SetSpecial(http1::KnownField id, std::string_view value);
  void SetKnown(http1::KnownField id, std::string_view value);
  void CopySlots(const http1::Head& head, int64_t length);
  void CopyFields(const http1::Head& head, uint64_t done, uint64_t known);
  void CopyContentLength(std::string_view value, int64_t length);
  size_t FindCookie(std::string_view name) const;

  // A few fields mean more than a value. They are rare, or come with others that cost more, so a
  // head that has one is taken apart at once: what reads a head as it came need not know them.
  // Connection is one of them if it is more than keep-alive.
  static constexpr uint64_t kNotSimple = http1::MaskOf(http1::KnownField::kTransferEncoding) |
                                         http1::MaskOf(http1::KnownField::kSetCookie) |
                                         http1::MaskOf(http1::KnownField::kTrailer);

  uint16_t status_code_ = 200;
  bool close_ = false;
  bool normalize_ = true;
  bool no_default_content_type_ = false;
  // What follows, content_type_ aside, is set only with used_.
  int64_t content_length_ = kContentLengthNone;
  internal::ByteBuffer content_type_, content_encoding_, server_;
  internal::ByteBuffer content_length_text_;
  internal::FieldList fields_;
  std::string cookie_text_;  // Of SetCookie, kept for its memory.
  // Where the fields are as long as none was changed; then the slots and the list hold nothing.
  // Null, or that of received_, which is made at the first use and kept.
  const http1::Head* head_ = nullptr;
  std::unique_ptr<Received> received_;
};

// --- Implementation ---------------------------------------------------------------------------

inline void ResponseHeader::KeepReceived(int64_t length, bool close) {
  http1::Head& head = received_->head;
  status_code_ = head.status;  // The parser takes three digits only.
  close_ = close;
  normalize_ = no_default_content_type_ = used_ = true;
  content_length_ = length;
  head_ = &head;
  received_->bytes.ClearUpTo(internal::FieldList::kKeepBytes);
  const char* const from = std::exchange(head.base, received_->bytes.Prepare(head.size));
  received_->bytes.Commit(head.size);
  std::memcpy(received_->bytes.data(), from, head.size);
}

inline void ResponseHeader::TakeReceived(int64_t length) {
  FASTHTTP_DCHECK(received_ != nullptr && head_ == nullptr, "no head was received");
  constexpr uint64_t kMore = kNotSimple | http1::MaskOf(http1::KnownField::kConnection);
  const http1::Head& head = received_->head;
  if (((head.seen & kMore) | head.duplicate) != 0 || head.minor_version == 0 ||
      head.fields != head.inline_fields || length < 0) {
    return TakeOtherReceived(length);
  }
  KeepReceived(length, /*close=*/false);
}

}  // namespace fasthttp

#endif  // FASTHTTP_HEADER_H_
