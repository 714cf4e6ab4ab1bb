#include <algorithm>
#include <bit>
#include <iterator>
#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/date.h"
#include "fasthttp/error.h"
#include "fasthttp/header.h"
#include "fasthttp/header_ops.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/message_reader.h"
#include "fasthttp/status.h"

namespace fasthttp {

using http1::KnownField;
using http1::LookupKnownField;
using internal::FieldList;

namespace {

constexpr std::string_view kClose = "close";

// The fields with a slot, as VisitAll gives them.
constexpr KnownField kSlots[] = {KnownField::kServer, KnownField::kContentType,
                                 KnownField::kContentEncoding, KnownField::kContentLength};

// The name of the cookie that a Set-Cookie line sets.
std::string_view CookieName(std::string_view line) {
  std::string_view pair = line.substr(0, line.find(';'));
  size_t equals = pair.find('=');
  return equals == std::string_view::npos ? std::string_view() : TrimOws(pair.substr(0, equals));
}

}  // namespace

void ResponseHeader::ResetMore() {
  used_ = false;
  content_length_ = kContentLengthNone;
  ClearTrailers();
  if (received_ != nullptr) received_->bytes.ClearUpTo(FieldList::kKeepBytes);
  if (std::exchange(head_, nullptr) != nullptr) return;
  content_encoding_.Clear();
  server_.Clear();
  content_length_text_.Clear();
  fields_.Clear();
}

void ResponseHeader::CopyTo(ResponseHeader& to) const {
  if (this == &to) return;
  to.Reset();
  to.used_ = used_;
  if (head_ != nullptr) {
    to.CopySlots(*head_, content_length_);
  } else {
    to.content_type_.Assign(content_type_.view());
    to.content_encoding_.Assign(content_encoding_.view());
    to.server_.Assign(server_.view());
    to.content_length_text_.Assign(content_length_text_.view());
    to.fields_.CopyFrom(fields_);
  }
  to.status_code_ = status_code_;
  to.close_ = close_;
  to.normalize_ = normalize_;
  to.no_default_content_type_ = no_default_content_type_;
  to.content_length_ = content_length_;
  CopyTrailersTo(to);
}

inline void ResponseHeader::CopyContentLength(std::string_view value, int64_t length) {
  if (length < 0) {
    uint64_t parsed = 0;
    if (http1::ParseContentLength(value, &parsed) != Errc::kOk) return;
    length = static_cast<int64_t>(parsed);
  }
  if (value[0] == '0' && value.size() != 1) return SetContentLength(length);
  content_length_ = length;
  content_length_text_.Assign(value);
}

// The parser has told known names from others, and validated every byte.
void ResponseHeader::CopyFrom(const http1::Head& head, int64_t length) {
  Reset();
  SetStatusCode(head.status);
  no_default_content_type_ = true;
  used_ = true;
  close_ = head.minor_version == 0;
  CopySlots(head, length);
}

void ResponseHeader::CopySlots(const http1::Head& head, int64_t length) {
  // The fields that nearly all responses have, each once; the others one by one.
  uint64_t done = 0;
  uint64_t known = head.seen;
  size_t left = head.field_count;
  auto once = [&](KnownField id) {
    if (!head.Has(id) || head.HasMany(id)) return false;
    const uint16_t at = head.first[static_cast<size_t>(id)];
    if (at >= 64) return false;
    done |= uint64_t{1} << at;
    known &= ~http1::MaskOf(id);
    --left;
    return true;
  };
  if (once(KnownField::kContentType)) content_type_.Assign(head.Value(KnownField::kContentType));
  if (once(KnownField::kContentLength)) {
    CopyContentLength(head.Value(KnownField::kContentLength), length);
  }
  if (once(KnownField::kServer)) server_.Assign(head.Value(KnownField::kServer));
  if (left != 0) CopyFields(head, done, known);
}

// All fields but those with a bit in `done`, by index; `known` has the bits of their known names.
void ResponseHeader::CopyFields(const http1::Head& head, uint64_t done, uint64_t known) {
  uint8_t ids[http1::Head::kInlineFields] = {};
  for (; known != 0; known &= known - 1) {
    const int id = std::countr_zero(known);
    if (head.first[id] < std::size(ids)) ids[head.first[id]] = static_cast<uint8_t>(id);
  }
  bool lists_close = false;
  bool lists_keep_alive = false;
  for (size_t i = 0; i < head.field_count; ++i) {
    if (i < 64 && (done >> i & 1) != 0) continue;
    const std::string_view name = head.NameOf(head.fields[i]);
    const std::string_view value = head.ValueOf(head.fields[i]);
    KnownField id = i < std::size(ids) ? static_cast<KnownField>(ids[i]) : KnownField::kNone;
    if (id == KnownField::kNone && (head.duplicate != 0 || i >= std::size(ids))) {
      id = LookupKnownField(name);
    }
    switch (id) {
      case KnownField::kContentType:
        content_type_.Assign(value);
        continue;
      case KnownField::kContentEncoding:
        content_encoding_.Assign(value);
        continue;
      case KnownField::kServer:
        server_.Assign(value);
        continue;
      case KnownField::kContentLength:
        CopyContentLength(value, kContentLengthNone);
        continue;
      case KnownField::kTransferEncoding:
        content_length_ = kContentLengthChunked;
        continue;
      case KnownField::kConnection:
        lists_close |= http1::ListHasToken(value, kClose);
        lists_keep_alive |= http1::ListHasToken(value, "keep-alive");
        if (EqualsIgnoreCase(value, kClose)) continue;
        break;
      default:
        break;
    }
    if (value.empty()) {
      fields_.Add(id, name, value, FieldList::Bytes::kAsGiven);
    } else {
      fields_.AddLine(id, name.data(), name.size(), static_cast<size_t>(value.data() - name.data()),
                      value.size());
    }
  }
  close_ = lists_close || (close_ && !lists_keep_alive);
}

void ResponseHeader::PrepareToReceive() {
  Reset();
  if (received_ == nullptr) received_ = std::make_unique<Received>();
  received_->head.UseInlineFields();
}

bool ResponseHeader::IsSimple(const http1::Head& head, int64_t length) {
  if ((head.seen & kNotSimple) != 0 || head.duplicate != 0) return false;
  if (head.fields != head.inline_fields) return false;
  if (head.Has(KnownField::kConnection) &&
      !EqualsIgnoreCase(head.Value(KnownField::kConnection), "keep-alive")) {
    return false;
  }
  return head.Has(KnownField::kContentLength) == (length >= 0);
}

void ResponseHeader::TakeOtherReceived(int64_t length) {
  const http1::Head& head = received_->head;
  if (!IsSimple(head, length)) return CopyFrom(head, length);
  KeepReceived(length, head.minor_version == 0 && !head.Has(KnownField::kConnection));
}

// Without leading zeros, as the other forms have it.
std::string_view ResponseHeader::ReceivedLength() const {
  std::string_view text = head_->Value(KnownField::kContentLength);
  while (text.size() > 1 && text[0] == '0') text.remove_prefix(1);
  return text;
}

// What was handed out as a view stays valid: the bytes remain.
void ResponseHeader::CopyReceived() {
  const bool close = close_;
  CopySlots(*std::exchange(head_, nullptr), content_length_);
  close_ = close;
}

bool ResponseHeader::ConnectionUpgrade() const {
  for (size_t i = fields_.Find(KnownField::kConnection); i != FieldList::kNotFound;
       i = fields_.Find(KnownField::kConnection, i + 1)) {
    if (http1::ListHasToken(fields_.value(i), "upgrade")) return true;
  }
  return false;
}

void ResponseHeader::SetContentLength(int64_t length) {
  OwnMore();
  content_length_ = length >= 0 ? length : kContentLengthChunked;
  content_length_text_.Clear();
  if (length < 0) return;
  char text[20];
  const char* end = http1::WriteDecimal(text, static_cast<uint64_t>(length));
  content_length_text_.Assign({text, static_cast<size_t>(end - text)});
}

void ResponseHeader::SetContentRange(int64_t start, int64_t end, int64_t total) {
  char range[80] = "bytes ";
  char* out = http1::WriteDecimal(range + 6, static_cast<uint64_t>(start));
  *out++ = '-';
  out = http1::WriteDecimal(out, static_cast<uint64_t>(end));
  *out++ = '/';
  out = http1::WriteDecimal(out, static_cast<uint64_t>(total));
  SetKnown(KnownField::kContentRange, {range, static_cast<size_t>(out - range)});
}

void ResponseHeader::SetLastModified(absl::Time time) {
  char date[kHTTPDateSize];
  WriteHTTPDate(date, absl::ToUnixSeconds(time));
  SetKnown(KnownField::kLastModified, {date, kHTTPDateSize});
}

// --- All fields ---

const internal::ByteBuffer* ResponseHeader::SlotOf(KnownField id) const {
  switch (id) {
    case KnownField::kContentType:
      return &content_type_;
    case KnownField::kContentEncoding:
      return &content_encoding_;
    case KnownField::kServer:
      return &server_;
    case KnownField::kContentLength:
      return &content_length_text_;
    default:
      return nullptr;
  }
}

std::string_view ResponseHeader::Peek(KnownField id) const {
  if (id == KnownField::kConnection && close_) return kClose;
  if (id == KnownField::kTrailer && !TrailerLine().empty()) return TrailerLine();
  if (const internal::ByteBuffer* slot = SlotOf(id)) return Slot(id, *slot);
  if (head_ != nullptr && id != KnownField::kNone) return head_->Value(id);
  return id != KnownField::kNone ? internal::PeekField(fields_, id, {}) : std::string_view();
}

std::string_view ResponseHeader::Peek(std::string_view name) const {
  KnownField id = LookupKnownField(name);
  if (id != KnownField::kNone) return Peek(id);
  if (head_ == nullptr) return internal::PeekField(fields_, id, name);
  const http1::Field* field = head_->Find(name);
  return field != nullptr ? head_->ValueOf(*field) : std::string_view();
}

FieldViews ResponseHeader::PeekAll(std::string_view name) const {
  FieldViews values;
  VisitAll([&](std::string_view n, std::string_view value) {
    if (http1::EqualFold(n, name)) values.push_back(value);
  });
  return values;
}

FieldViews ResponseHeader::PeekKeys() const {
  FieldViews names;
  VisitAll([&](std::string_view name, std::string_view) { names.push_back(name); });
  return names;
}

bool ResponseHeader::Has(std::string_view name) const {
  bool found = false;
  VisitAll([&](std::string_view n, std::string_view) { found |= http1::EqualFold(n, name); });
  return found;
}

// Fields with a slot, and those that the library manages. False for all others.
bool ResponseHeader::SetSpecial(KnownField id, std::string_view value) {
  Own();
  switch (id) {
    case KnownField::kContentType:
      SetContentType(value);
      return true;
    case KnownField::kContentEncoding:
      SetContentEncoding(value);
      return true;
    case KnownField::kServer:
      SetServer(value);
      return true;
    case KnownField::kDate:
    case KnownField::kTransferEncoding:
      return true;
    case KnownField::kContentLength: {
      uint64_t length = 0;
      if (ParseUint(value, length) == Errc::kOk && length <= INT64_MAX) {
        SetContentLength(static_cast<int64_t>(length));
      }
      return true;
    }
    case KnownField::kConnection:
      close_ = http1::ListHasToken(value, kClose);
      internal::DelField(fields_, id, "Connection");
      return EqualsIgnoreCase(value, kClose);
    default:
      return false;
  }
}

void ResponseHeader::SetKnown(KnownField id, std::string_view value) {
  internal::SetField(MoreFields(), id, http1::KnownFieldName(id), value, normalize_);
}

void ResponseHeader::Set(std::string_view name, std::string_view value) {
  KnownField id = LookupKnownField(name);
  if (SetSpecial(id, value)) return;
  if (id == KnownField::kTrailer) return SetTrailer(value).IgnoreError();
  if (id != KnownField::kSetCookie) {
    return internal::SetField(MoreFields(), id, name, value, normalize_);
  }
  size_t i = FindCookie(CookieName(value));
  if (i == FieldList::kNotFound)
    return internal::AddField(MoreFields(), id, name, value, normalize_);
  fields_.SetValue(i, value, FieldList::Bytes::kWithoutControls);
}

void ResponseHeader::SetCanonical(std::string_view name, std::string_view value) {
  bool normalize = std::exchange(normalize_, false);
  Set(name, value);
  normalize_ = normalize;
}

void ResponseHeader::Add(std::string_view name, std::string_view value) {
  KnownField id = LookupKnownField(name);
  if (SetSpecial(id, value)) return;
  if (id == KnownField::kTrailer) return AddTrailer(value).IgnoreError();
  internal::AddField(MoreFields(), id, name, value, normalize_);
}

void ResponseHeader::Del(std::string_view name) {
  Own();
  KnownField id = LookupKnownField(name);
  switch (id) {
    case KnownField::kContentType:
      return content_type_.Clear();
    case KnownField::kContentEncoding:
      return content_encoding_.Clear();
    case KnownField::kServer:
      return server_.Clear();
    case KnownField::kContentLength:
      content_length_ = kContentLengthNone;
      return content_length_text_.Clear();
    case KnownField::kTrailer:
      ClearTrailers();
      break;
    case KnownField::kConnection:
      close_ = false;
      break;
    default:
      break;
  }
  internal::DelField(fields_, id, name);
}

size_t ResponseHeader::Len() const {
  size_t count = 0;
  VisitAll([&](std::string_view, std::string_view) { ++count; });
  return count;
}

void ResponseHeader::VisitAll(FieldVisitor f) const {
  for (KnownField id : kSlots) {
    const std::string_view value = Slot(id, *SlotOf(id));
    if (!value.empty()) f(http1::KnownFieldName(id), value);
  }
  if (head_ != nullptr) VisitOthersReceived(f);
  for (size_t i = 0; i < fields_.size(); ++i) f(fields_.name(i), fields_.value(i));
  if (!TrailerLine().empty()) f("Trailer", TrailerLine());
  if (close_) f("Connection", kClose);
}

void ResponseHeader::VisitOthersReceived(FieldVisitor f) const {
  for (uint16_t i = 0; i < head_->field_count; ++i) {
    const bool has_slot = std::any_of(std::begin(kSlots), std::end(kSlots), [&](KnownField id) {
      return head_->Has(id) && head_->first[static_cast<size_t>(id)] == i;
    });
    if (!has_slot) f(head_->NameOf(head_->fields[i]), head_->ValueOf(head_->fields[i]));
  }
}

// --- Cookies ---

size_t ResponseHeader::FindCookie(std::string_view name) const {
  if (!fields_.MayHave(KnownField::kSetCookie)) return FieldList::kNotFound;
  for (size_t i = fields_.Find(KnownField::kSetCookie); i != FieldList::kNotFound;
       i = fields_.Find(KnownField::kSetCookie, i + 1)) {
    if (CookieName(fields_.value(i)) == name) return i;
  }
  return FieldList::kNotFound;
}

void ResponseHeader::SetCookie(const fasthttp::Cookie& cookie) {
  cookie_text_.clear();
  cookie.AppendBytes(cookie_text_);
  Set("Set-Cookie", cookie_text_);
  if (cookie_text_.capacity() > internal::FieldList::kKeepBytes) cookie_text_ = {};
}

bool ResponseHeader::Cookie(fasthttp::Cookie& cookie) const {
  std::string_view line = PeekCookie(cookie.Key());
  return line.data() != nullptr && cookie.TryParse(line) == Errc::kOk;
}

std::string_view ResponseHeader::PeekCookie(std::string_view name) const {
  size_t i = FindCookie(name);
  return i == FieldList::kNotFound ? std::string_view() : fields_.value(i);
}

void ResponseHeader::DelCookie(std::string_view name) {
  // `name` may lie in the list: erasing an entry leaves its bytes.
  for (size_t i = FindCookie(name); i != FieldList::kNotFound; i = FindCookie(name)) {
    fields_.Erase(i);
  }
}

void ResponseHeader::DelClientCookie(std::string_view name) {
  fasthttp::Cookie cookie;
  cookie.SetKey(name);
  cookie.SetExpire(kCookieExpireDelete);
  DelCookie(name);
  SetCookie(cookie);
}

void ResponseHeader::DelAllCookies() {
  internal::DelField(fields_, KnownField::kSetCookie, "Set-Cookie");
}

void ResponseHeader::VisitAllCookie(FieldVisitor f) const {
  for (size_t i = fields_.Find(KnownField::kSetCookie); i != FieldList::kNotFound;
       i = fields_.Find(KnownField::kSetCookie, i + 1)) {
    f(CookieName(fields_.value(i)), fields_.value(i));
  }
}

// --- Trailers ---

void ResponseHeader::VisitAllTrailer(FieldVisitor f) const {
  VisitTrailers([this](std::string_view name) { return Peek(name); }, f);
}

// --- As text ---

void ResponseHeader::AppendStatusLine(std::string& dst) const {
  dst.append("HTTP/1.1 ");
  AppendUint(dst, static_cast<uint64_t>(StatusCode()));
  dst.append(" ").append(StatusMessage(StatusCode())).append("\r\n");
}

void ResponseHeader::AppendBytes(std::string& dst) const {
  AppendStatusLine(dst);
  VisitAll([&](std::string_view name, std::string_view value) {
    internal::AppendFieldLine(dst, name, value);
  });
  if (content_length_ == kContentLengthChunked) {
    internal::AppendFieldLine(dst, "Transfer-Encoding", "chunked");
  }
  dst.append("\r\n");
}

std::string ResponseHeader::String() const {
  std::string text;
  AppendBytes(text);
  return text;
}

absl::StatusOr<size_t> ResponseHeader::Read(std::string_view bytes) {
  internal::MessageReader reader(bytes);  // `bytes` may be those of this header.
  Reset();
  http1::Framing framing;
  if (Errc errc = reader.ReadHead(*this, http1::MethodId::kGet, framing); errc != Errc::kOk)
    return ToStatus(errc);
  return reader.used();
}

}  // namespace fasthttp
