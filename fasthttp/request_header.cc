#include <algorithm>
#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/header.h"
#include "fasthttp/header_ops.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/method.h"
#include "fasthttp/quality.h"

namespace fasthttp {

using http1::KnownField;
using http1::LookupKnownField;

namespace {

constexpr std::string_view kClose = "close";

// A field of a received head that is called `name`.
size_t FindInHead(const http1::Head& head, std::string_view name, size_t from) {
  for (size_t i = from; i < head.field_count; ++i) {
    if (http1::EqualFold(head.NameOf(head.fields[i]), name)) return i;
  }
  return head.field_count;
}

}  // namespace

RequestHeader::RequestHeader(RequestHeader&& other) noexcept { *this = std::move(other); }

RequestHeader& RequestHeader::operator=(RequestHeader&& other) noexcept {
  std::swap(head_, other.head_);
  std::swap(owned_, other.owned_);
  std::swap(trailers_, other.trailers_);
  std::swap(owned_used_, other.owned_used_);
  std::swap(trailers_used_, other.trailers_used_);
  std::swap(close_, other.close_);
  return *this;
}

RequestHeader::~RequestHeader() = default;

void RequestHeader::ResetOwned() {
  if (trailers_used_) trailers_->Clear();
  trailers_used_ = false;
  if (!owned_used_) return;
  Owned& o = *owned_;
  for (internal::ByteBuffer* buffer : {&o.method, &o.target, &o.host, &o.user_agent,
                                       &o.content_type, &o.cookie_line, &o.content_length_text}) {
    buffer->ClearUpTo(internal::FieldList::kKeepBytes);
  }
  o.fields.Clear();
  o.content_length = kContentLengthNone;
  o.http10 = false;
  o.normalize = true;
  o.no_default_content_type = false;
  owned_used_ = false;
}

RequestHeader::Owned& RequestHeader::Materialize() {
  if (owned_ == nullptr) owned_ = std::make_unique<Owned>();
  owned_used_ = true;
  if (head_ != nullptr) CopyFields();
  return *owned_;
}

// The head's bytes stay where they are, so views taken before remain valid.
void RequestHeader::CopyFields() {
  const http1::Head& head = *head_;
  Owned& o = *owned_;
  close_ = ConnectionClose();
  o.content_length = ContentLength();
  o.http10 = head.minor_version == 0;
  o.method.Assign(head.Method());
  o.target.Assign(head.Target());
  head_ = nullptr;
  const bool declared = head.Has(KnownField::kContentLength) && o.content_length >= 0;
  if (declared) SetContentLength(o.content_length);
  for (const http1::Field& field : head.Fields()) {
    std::string_view name = head.NameOf(field);
    std::string_view value = head.ValueOf(field);
    KnownField id = LookupKnownField(name);
    if (id == KnownField::kContentLength || id == KnownField::kTransferEncoding) continue;
    if (id == KnownField::kConnection && EqualsIgnoreCase(value, kClose)) continue;
    if (id == KnownField::kConnection || !SetSpecial(id, value, /*add=*/true)) {
      internal::AddField(o.fields, id, name, value, /*normalize=*/false);
    }
  }
}

void RequestHeader::CopyTo(RequestHeader& to) const {
  if (this == &to) return;
  to.Reset();
  to.close_ = close_;
  if (trailers_ != nullptr) to.MutableTrailers().CopyFrom(*trailers_);
  if (head_ != nullptr) {
    to.head_ = head_;
    to.Materialize();
    return;
  }
  if (!owned_used_) return;
  Owned& o = to.Own();
  o.method.Assign(owned_->method.view());
  o.target.Assign(owned_->target.view());
  o.host.Assign(owned_->host.view());
  o.user_agent.Assign(owned_->user_agent.view());
  o.content_type.Assign(owned_->content_type.view());
  o.cookie_line.Assign(owned_->cookie_line.view());
  o.content_length_text.Assign(owned_->content_length_text.view());
  o.fields.CopyFrom(owned_->fields);
  o.content_length = owned_->content_length;
  o.http10 = owned_->http10;
  o.normalize = owned_->normalize;
  o.no_default_content_type = owned_->no_default_content_type;
}

// --- Method and target ---

std::string_view RequestHeader::Method() const {
  if (head_ != nullptr) return head_->Method();
  return owned_used_ && !owned_->method.empty() ? owned_->method.view() : kMethodGet;
}

void RequestHeader::SetMethod(std::string_view method) {
  if (method.empty() || IsToken(method)) Own().method.Assign(method);
}

std::string_view RequestHeader::RequestURI() const {
  if (head_ != nullptr) return head_->Target();
  return owned_used_ && !owned_->target.empty() ? owned_->target.view() : std::string_view("/");
}

void RequestHeader::SetRequestURI(std::string_view target) {
  if (std::none_of(target.begin(), target.end(), internal::IsBlankOrControl)) {
    return Own().target.Assign(target);
  }
  std::string escaped;
  internal::AppendWithoutBlanks(escaped, target);
  Own().target.Assign(escaped);
}

// --- Fields with an accessor ---

std::string_view RequestHeader::Host() const { return Peek(KnownField::kHost); }
std::string_view RequestHeader::ContentType() const { return Peek(KnownField::kContentType); }
std::string_view RequestHeader::UserAgent() const { return Peek(KnownField::kUserAgent); }
std::string_view RequestHeader::Referer() const { return Peek(KnownField::kReferer); }
std::string_view RequestHeader::ContentEncoding() const {
  return Peek(KnownField::kContentEncoding);
}

void RequestHeader::SetHost(std::string_view host) {
  Own().host.Assign(http1::IsValidHost(host) ? host : std::string_view());
}
void RequestHeader::SetContentType(std::string_view type) { Own().content_type.AssignClean(type); }
void RequestHeader::SetUserAgent(std::string_view agent) { Own().user_agent.AssignClean(agent); }
void RequestHeader::SetReferer(std::string_view referer) {
  SetKnown(KnownField::kReferer, referer);
}
void RequestHeader::SetContentEncoding(std::string_view coding) {
  SetKnown(KnownField::kContentEncoding, coding);
}

int64_t RequestHeader::ContentLength() const {
  if (head_ == nullptr) {
    int64_t length = owned_used_ ? owned_->content_length : kContentLengthNone;
    return length == kContentLengthNone ? 0 : length;
  }
  if (head_->Has(KnownField::kTransferEncoding)) return kContentLengthChunked;
  uint64_t length = 0;
  Errc errc = ParseUint(head_->Value(KnownField::kContentLength), length);
  return errc == Errc::kOk && length <= INT64_MAX ? static_cast<int64_t>(length) : 0;
}

void RequestHeader::SetContentLength(int64_t length) {
  Owned& o = Own();
  o.content_length = length >= 0 ? length : kContentLengthChunked;
  o.content_length_text.Clear();
  if (length < 0) return;
  std::string text;
  AppendUint(text, static_cast<uint64_t>(length));
  o.content_length_text.Assign(text);
}

bool RequestHeader::ConnectionLists(std::string_view token) const {
  if (head_ == nullptr) {
    if (!owned_used_) return false;
    const internal::FieldList& fields = owned_->fields;
    for (size_t i = fields.Find(KnownField::kConnection); i != internal::FieldList::kNotFound;
         i = fields.Find(KnownField::kConnection, i + 1)) {
      if (http1::ListHasToken(fields.value(i), token)) return true;
    }
    return false;
  }
  if (!head_->Has(KnownField::kConnection)) return false;
  if (!head_->HasMany(KnownField::kConnection)) {
    return http1::ListHasToken(head_->Value(KnownField::kConnection), token);
  }
  for (size_t i = FindInHead(*head_, "Connection", 0); i < head_->field_count;
       i = FindInHead(*head_, "Connection", i + 1)) {
    if (http1::ListHasToken(head_->ValueOf(head_->fields[i]), token)) return true;
  }
  return false;
}

bool RequestHeader::ConnectionClose() const {
  if (close_ || head_ == nullptr) return close_;
  if (ConnectionLists(kClose)) return true;
  return head_->minor_version == 0 && !ConnectionLists("keep-alive");
}

void RequestHeader::ResetConnectionClose() {
  if (!ConnectionClose()) return;
  Own();
  close_ = false;
}

bool RequestHeader::ConnectionUpgrade() const { return ConnectionLists("upgrade"); }

bool RequestHeader::HasAcceptEncoding(std::string_view coding) const {
  return QualityOf(Peek(KnownField::kAcceptEncoding), coding) > 0;
}

std::string_view RequestHeader::MultipartFormBoundary() const {
  constexpr std::string_view kFormData = "multipart/form-data";
  std::string_view type = ContentType();
  if (!EqualsIgnoreCase(TrimOws(type.substr(0, type.find(';'))), kFormData)) return {};
  std::string_view boundary;
  VisitHeaderParams(type, [&](std::string_view name, std::string_view value) {
    if (!EqualsIgnoreCase(name, "boundary")) return true;
    boundary = value;
    return false;
  });
  return boundary;
}

void RequestHeader::SetMultipartFormBoundary(std::string_view boundary) {
  std::string type = "multipart/form-data; boundary=";
  type.append(boundary);
  SetContentType(type);
}

void RequestHeader::SetByteRange(int64_t start, int64_t end) {
  std::string range = "bytes=";
  if (start < 0) {
    range.push_back('-');
    AppendUint(range, 0 - static_cast<uint64_t>(start));
  } else {
    AppendUint(range, static_cast<uint64_t>(start));
    range.push_back('-');
    if (end >= 0) AppendUint(range, static_cast<uint64_t>(end));
  }
  SetKnown(KnownField::kRange, range);
}

// --- All fields ---

std::string_view RequestHeader::Peek(KnownField id) const {
  if (head_ != nullptr) return id != KnownField::kNone ? head_->Value(id) : std::string_view();
  if (id == KnownField::kTrailer && trailers_used_) return trailers_->Line();
  if (id == KnownField::kConnection && close_) return kClose;
  if (!owned_used_) return {};
  switch (id) {
    case KnownField::kHost:
      return owned_->host.view();
    case KnownField::kContentType:
      return owned_->content_type.view();
    case KnownField::kUserAgent:
      return owned_->user_agent.view();
    case KnownField::kCookie:
      return owned_->cookie_line.view();
    case KnownField::kContentLength:
      return owned_->content_length_text.view();
    default:
      return internal::PeekField(owned_->fields, id, {});
  }
}

std::string_view RequestHeader::Peek(std::string_view name) const {
  KnownField id = LookupKnownField(name);
  if (id != KnownField::kNone) return Peek(id);
  if (head_ != nullptr) {
    size_t i = FindInHead(*head_, name, 0);
    return i < head_->field_count ? head_->ValueOf(head_->fields[i]) : std::string_view();
  }
  return owned_used_ ? internal::PeekField(owned_->fields, id, name) : std::string_view();
}

FieldViews RequestHeader::PeekAll(std::string_view name) const {
  FieldViews values;
  VisitAll([&](std::string_view n, std::string_view value) {
    if (http1::EqualFold(n, name)) values.push_back(value);
  });
  return values;
}

FieldViews RequestHeader::PeekKeys() const {
  FieldViews names;
  VisitAll([&](std::string_view name, std::string_view) { names.push_back(name); });
  return names;
}

bool RequestHeader::Has(std::string_view name) const {
  if (head_ != nullptr) {
    KnownField id = LookupKnownField(name);
    if (id != KnownField::kNone) return head_->Has(id);
    return FindInHead(*head_, name, 0) < head_->field_count;
  }
  bool found = false;
  VisitAll([&](std::string_view n, std::string_view) { found |= http1::EqualFold(n, name); });
  return found;
}

// Fields with a slot, and those that the library manages. False for all others.
bool RequestHeader::SetSpecial(KnownField id, std::string_view value, bool add) {
  Owned& o = Own();
  switch (id) {
    case KnownField::kHost:
      SetHost(value);
      return true;
    case KnownField::kContentType:
      o.content_type.AssignClean(value);
      return true;
    case KnownField::kUserAgent:
      o.user_agent.AssignClean(value);
      return true;
    case KnownField::kTransferEncoding:
      return true;
    case KnownField::kContentLength: {
      uint64_t length = 0;
      if (ParseUint(value, length) == Errc::kOk && length <= INT64_MAX) {
        SetContentLength(static_cast<int64_t>(length));
      }
      return true;
    }
    case KnownField::kCookie:
      if (add && !o.cookie_line.empty()) {
        o.scratch.AssignClean(value);
        o.cookie_line.Append("; ");
        o.cookie_line.Append(o.scratch.view());
      } else {
        o.cookie_line.AssignClean(value);
      }
      return true;
    case KnownField::kTrailer:
      // Names that may not be trailers are dropped, as AddTrailer would report.
      (add ? MutableTrailers().Add(value) : MutableTrailers().Set(value)).IgnoreError();
      return true;
    case KnownField::kConnection:
      close_ = http1::ListHasToken(value, kClose);
      internal::DelField(o.fields, id, "Connection");
      return EqualsIgnoreCase(value, kClose);
    default:
      return false;
  }
}

void RequestHeader::SetKnown(KnownField id, std::string_view value) {
  Owned& o = Own();
  internal::SetField(o.fields, id, http1::KnownFieldName(id), value, o.normalize);
}

void RequestHeader::Set(std::string_view name, std::string_view value) {
  KnownField id = LookupKnownField(name);
  if (SetSpecial(id, value, /*add=*/false)) return;
  internal::SetField(owned_->fields, id, name, value, owned_->normalize);
}

void RequestHeader::SetCanonical(std::string_view name, std::string_view value) {
  KnownField id = LookupKnownField(name);
  if (SetSpecial(id, value, /*add=*/false)) return;
  internal::SetField(owned_->fields, id, name, value, /*normalize=*/false);
}

void RequestHeader::Add(std::string_view name, std::string_view value) {
  KnownField id = LookupKnownField(name);
  if (SetSpecial(id, value, /*add=*/true)) return;
  internal::AddField(owned_->fields, id, name, value, owned_->normalize);
}

void RequestHeader::Del(std::string_view name) {
  Owned& o = Own();
  KnownField id = LookupKnownField(name);
  switch (id) {
    case KnownField::kHost:
      return o.host.Clear();
    case KnownField::kContentType:
      return o.content_type.Clear();
    case KnownField::kUserAgent:
      return o.user_agent.Clear();
    case KnownField::kCookie:
      return o.cookie_line.Clear();
    case KnownField::kContentLength:
      o.content_length = kContentLengthNone;
      return o.content_length_text.Clear();
    case KnownField::kTrailer:
      if (trailers_ != nullptr) trailers_->Clear();
      return;
    case KnownField::kConnection:
      close_ = false;
      [[fallthrough]];
    default:
      internal::DelField(o.fields, id, name);
  }
}

size_t RequestHeader::Len() const {
  if (head_ != nullptr) return head_->field_count;
  size_t count = 0;
  VisitAll([&](std::string_view, std::string_view) { ++count; });
  return count;
}

void RequestHeader::VisitAll(FieldVisitor f) const {
  if (head_ != nullptr) {
    for (const http1::Field& field : head_->Fields())
      f(head_->NameOf(field), head_->ValueOf(field));
    return;
  }
  if (owned_used_) {
    const Owned& o = *owned_;
    if (!o.host.empty()) f("Host", o.host.view());
    if (!o.user_agent.empty()) f("User-Agent", o.user_agent.view());
    if (!o.content_type.empty()) f("Content-Type", o.content_type.view());
    if (!o.content_length_text.empty()) f("Content-Length", o.content_length_text.view());
    for (size_t i = 0; i < o.fields.size(); ++i) f(o.fields.name(i), o.fields.value(i));
    if (!o.cookie_line.empty()) f("Cookie", o.cookie_line.view());
  }
  if (trailers_used_ && trailers_->size() != 0) f("Trailer", trailers_->Line());
  if (close_) f("Connection", kClose);
}

std::string_view RequestHeader::RawHeaders() const {
  if (head_ == nullptr || head_->field_count == 0) return {};
  size_t start = head_->fields[0].name;
  return {head_->base + start, head_->size - start};
}

// --- Cookies ---

void RequestHeader::VisitAllCookie(FieldVisitor f) const {
  auto visit = [&](std::string_view name, std::string_view value) {
    f(name, value);
    return true;
  };
  if (head_ == nullptr) return VisitRequestCookies(Peek(KnownField::kCookie), visit);
  if (!head_->Has(KnownField::kCookie)) return;
  for (size_t i = head_->first[static_cast<size_t>(KnownField::kCookie)]; i < head_->field_count;
       i = FindInHead(*head_, "Cookie", i + 1)) {
    VisitRequestCookies(head_->ValueOf(head_->fields[i]), visit);
  }
}

std::string_view RequestHeader::Cookie(std::string_view name) const {
  std::string_view found;
  bool done = false;
  VisitAllCookie([&](std::string_view n, std::string_view value) {
    if (done || n != name) return;
    found = value;
    done = true;
  });
  return found;
}

// Writes the cookies again, without those called `name`; at the place of the first of them, or at
// the end, stands one with the new value, if there is one.
void RequestHeader::RewriteCookies(std::string_view name, const std::string_view* value) {
  Owned& o = Own();
  o.scratch.Clear();
  auto append = [&](std::string_view text) {
    size_t start = o.scratch.size();
    o.scratch.Append(text);
    char* bytes = o.scratch.data();
    for (size_t i = start; i < o.scratch.size(); ++i) {
      char c = bytes[i];
      if (c == ';') bytes[i] = ' ';
    }
    internal::ReplaceControls(bytes + start, text.size());
  };
  auto add_pair = [&](std::string_view n, std::string_view v) {
    if (!o.scratch.empty()) o.scratch.Append("; ");
    append(n);
    // An empty name is written only where the value would give one.
    if (!n.empty() || v.find('=') != std::string_view::npos) o.scratch.push_back('=');
    append(v);
  };
  VisitRequestCookies(o.cookie_line.view(), [&](std::string_view n, std::string_view v) {
    if (n != name) {
      add_pair(n, v);
    } else if (value != nullptr) {
      add_pair(name, *value);
      value = nullptr;
    }
    return true;
  });
  if (value != nullptr) add_pair(name, *value);
  std::swap(o.scratch, o.cookie_line);
}

void RequestHeader::SetCookie(std::string_view name, std::string_view value) {
  RewriteCookies(name, &value);
}

void RequestHeader::DelCookie(std::string_view name) { RewriteCookies(name, nullptr); }
void RequestHeader::DelAllCookies() { Own().cookie_line.Clear(); }

// --- Trailers ---

TrailerList& RequestHeader::MutableTrailers() {
  if (trailers_ == nullptr) trailers_ = std::make_unique<TrailerList>();
  trailers_used_ = true;
  return *trailers_;
}

FieldViews RequestHeader::PeekTrailerKeys() const {
  FieldViews names;
  for (size_t i = 0; trailers_ != nullptr && i < trailers_->size(); ++i) {
    names.push_back(trailers_->name(i));
  }
  return names;
}

void RequestHeader::VisitAllTrailer(FieldVisitor f) const {
  internal::VisitTrailers(trailers_.get(), [&](std::string_view name) { return Peek(name); }, f);
}

}  // namespace fasthttp
