#include <algorithm>
#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/header.h"
#include "fasthttp/header_ops.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/message_reader.h"
#include "fasthttp/method.h"
#include "fasthttp/quality.h"

namespace fasthttp {

using http1::KnownField;
using http1::LookupKnownField;

namespace {

constexpr std::string_view kClose = "close";

// The fields that DisableSpecialHeader leaves without a slot. All but Cookie have one value.
bool HasSlot(KnownField id) {
  return id == KnownField::kHost || id == KnownField::kContentType ||
         id == KnownField::kUserAgent || id == KnownField::kCookie;
}

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
  SwapTrailers(other);
  std::swap(owned_used_, other.owned_used_);
  std::swap(more_, other.more_);
  std::swap(close_, other.close_);
  return *this;
}

RequestHeader::~RequestHeader() = default;

void RequestHeader::ResetOwned() {
  ClearTrailers();
  used_ = false;
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
  o.no_slots = false;
  owned_used_ = more_ = false;
}

RequestHeader::Owned& RequestHeader::Materialize() {
  if (owned_ == nullptr) owned_ = std::make_unique<Owned>();
  owned_used_ = used_ = true;
  if (head_ != nullptr) CopyFields();
  return *owned_;
}

// The head's bytes stay where they are, so views taken before remain valid.
void RequestHeader::CopyFields() {
  const http1::Head& head = *head_;
  Owned& o = *owned_;
  more_ = true;
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
  CopyTrailersTo(to);
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
  o.no_slots = owned_->no_slots;
  to.more_ = more_;
}

// --- Method and target ---

void RequestHeader::SetMethod(std::string_view method) {
  if (method.empty() || IsToken(method)) Own().method.Assign(method);
}

void RequestHeader::SetRequestURI(std::string_view target) {
  if (internal::HasBlankOrControl(target)) return SetEscapedURI(target);
  OwnTarget().target.Assign(target);
}

void RequestHeader::SetEscapedURI(std::string_view target) {
  std::string escaped;
  internal::AppendWithoutBlanks(escaped, target);
  OwnTarget().target.Assign(escaped);
}

// --- Fields with an accessor ---

std::string_view RequestHeader::Host() const { return Peek(KnownField::kHost); }
std::string_view RequestHeader::Referer() const { return Peek(KnownField::kReferer); }
std::string_view RequestHeader::ContentEncoding() const {
  return Peek(KnownField::kContentEncoding);
}

void RequestHeader::SetSlot(KnownField id, internal::ByteBuffer& slot, std::string_view value) {
  if (!owned_->no_slots) return slot.AssignClean(value);
  if (value.empty()) return internal::DelField(owned_->fields, id, http1::KnownFieldName(id));
  SetKnown(id, value);
}

void RequestHeader::SetHost(std::string_view host) {
  SetSlot(KnownField::kHost, Own().host, http1::IsValidHost(host) ? host : std::string_view());
}
void RequestHeader::SetContentType(std::string_view type) {
  SetSlot(KnownField::kContentType, Own().content_type, type);
}
void RequestHeader::SetUserAgent(std::string_view agent) {
  SetSlot(KnownField::kUserAgent, Own().user_agent, agent);
}
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
  char text[20];
  const char* end = http1::WriteDecimal(text, static_cast<uint64_t>(length));
  o.content_length_text.Assign({text, static_cast<size_t>(end - text)});
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

bool RequestHeader::ReceivedClose() const {
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
  // The members of several fields are one list (RFC 9110, section 5.3).
  if (head_ == nullptr || !head_->HasMany(KnownField::kAcceptEncoding)) {
    return QualityOf(Peek(KnownField::kAcceptEncoding), coding) > 0;
  }
  std::string list;
  for (std::string_view value : PeekAll("Accept-Encoding")) list.append(value).append(",");
  return QualityOf(list, coding) > 0;
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
  char range[64] = "bytes=";
  char* out = range + 6;
  if (start < 0) {
    *out++ = '-';
    out = http1::WriteDecimal(out, 0 - static_cast<uint64_t>(start));
  } else {
    out = http1::WriteDecimal(out, static_cast<uint64_t>(start));
    *out++ = '-';
    if (end >= 0) out = http1::WriteDecimal(out, static_cast<uint64_t>(end));
  }
  SetKnown(KnownField::kRange, {range, static_cast<size_t>(out - range)});
}

// --- All fields ---

std::string_view RequestHeader::Peek(KnownField id) const {
  if (head_ != nullptr) return id != KnownField::kNone ? head_->Value(id) : std::string_view();
  if (id == KnownField::kTrailer && trailers_used_) return TrailerLine();
  if (id == KnownField::kConnection && close_) return kClose;
  if (!owned_used_) return {};
  if (owned_->no_slots && id != KnownField::kContentLength) {
    return id != KnownField::kNone ? internal::PeekField(owned_->fields, id, {})
                                   : std::string_view();
  }
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
  if (o.no_slots && HasSlot(id)) {
    if (id != KnownField::kHost || http1::IsValidHost(value)) return false;
    internal::DelField(o.fields, id, "Host");
    return true;
  }
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
  if (HasSlot(id) && id != KnownField::kCookie) return Set(name, value);
  internal::AddField(owned_->fields, id, name, value, owned_->normalize);
}

void RequestHeader::Del(std::string_view name) {
  Owned& o = Own();
  KnownField id = LookupKnownField(name);
  if (o.no_slots && HasSlot(id)) return internal::DelField(o.fields, id, name);
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
      return ClearTrailers();
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
  if (!TrailerLine().empty()) f("Trailer", TrailerLine());
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
  if (head_ == nullptr && !SpecialHeaderDisabled()) {
    return VisitRequestCookies(Peek(KnownField::kCookie), visit);
  }
  if (head_ == nullptr) {
    const internal::FieldList& fields = owned_->fields;
    for (size_t i = fields.Find(KnownField::kCookie); i != internal::FieldList::kNotFound;
         i = fields.Find(KnownField::kCookie, i + 1)) {
      VisitRequestCookies(fields.value(i), visit);
    }
    return;
  }
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
  VisitAllCookie([&](std::string_view n, std::string_view v) {
    if (n != name) {
      add_pair(n, v);
    } else if (value != nullptr) {
      add_pair(name, *value);
      value = nullptr;
    }
  });
  if (value != nullptr) add_pair(name, *value);
  if (!o.no_slots) return std::swap(o.scratch, o.cookie_line);
  if (o.scratch.empty()) return DelAllCookies();
  SetKnown(KnownField::kCookie, o.scratch.view());
}

void RequestHeader::SetCookie(std::string_view name, std::string_view value) {
  RewriteCookies(name, &value);
}

void RequestHeader::DelCookie(std::string_view name) { RewriteCookies(name, nullptr); }
void RequestHeader::DelAllCookies() { Del("Cookie"); }

// --- Trailers ---

void RequestHeader::VisitAllTrailer(FieldVisitor f) const {
  VisitTrailers([this](std::string_view name) { return Peek(name); }, f);
}

// --- Switches ---

void RequestHeader::DisableSpecialHeader() {
  if (SpecialHeaderDisabled()) return;
  if (owned_ == nullptr) owned_ = std::make_unique<Owned>();
  Owned& o = *owned_;
  o.no_slots = true;
  // A received head is copied with the switch on, which keeps its order.
  if (head_ != nullptr || !owned_used_) return void(Materialize());
  internal::FieldList fields;
  auto add = [&](KnownField id, internal::ByteBuffer& slot) {
    if (!slot.empty()) {
      internal::AddField(fields, id, http1::KnownFieldName(id), slot.view(), o.normalize);
    }
    slot.Clear();
  };
  add(KnownField::kHost, o.host);
  add(KnownField::kUserAgent, o.user_agent);
  add(KnownField::kContentType, o.content_type);
  for (size_t i = 0; i < o.fields.size(); ++i) {
    internal::AddField(fields, o.fields.id(i), o.fields.name(i), o.fields.value(i),
                       /*normalize=*/false);
  }
  add(KnownField::kCookie, o.cookie_line);
  o.fields.swap(fields);
}

void RequestHeader::EnableSpecialHeader() {
  if (!SpecialHeaderDisabled()) return;
  Owned& o = *owned_;
  o.no_slots = false;
  internal::FieldList fields;
  for (size_t i = 0; i < o.fields.size(); ++i) {
    if (HasSlot(o.fields.id(i))) {
      SetSpecial(o.fields.id(i), o.fields.value(i), /*add=*/true);
    } else {
      internal::AddField(fields, o.fields.id(i), o.fields.name(i), o.fields.value(i),
                         /*normalize=*/false);
    }
  }
  o.fields.swap(fields);
}

// --- As text ---

void RequestHeader::AppendBytes(std::string& dst) const {
  dst.append(Method()).append(" ").append(RequestURI());
  dst.append(IsHTTP11() ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  VisitAll([&](std::string_view name, std::string_view value) {
    internal::AppendFieldLine(dst, name, value);
  });
  if (head_ == nullptr && ContentLength() == kContentLengthChunked) {
    internal::AppendFieldLine(dst, "Transfer-Encoding", "chunked");
  }
  dst.append("\r\n");
}

std::string RequestHeader::String() const {
  std::string text;
  AppendBytes(text);
  return text;
}

absl::StatusOr<size_t> RequestHeader::Read(std::string_view bytes) {
  internal::MessageReader reader(bytes);  // `bytes` may be those of this header.
  Reset();
  http1::Framing framing;
  if (Errc errc = reader.ReadHead(*this, framing); errc != Errc::kOk) return ToStatus(errc);
  return reader.used();
}

}  // namespace fasthttp
