#include "fasthttp/wire_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "fasthttp/bytes.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp {
namespace {

using http1::BodyHeader;
using http1::KnownField;
using http1::MethodId;

// A pooled object keeps no more than this of what one request needed.
constexpr size_t kKeepBytes = 8192;

MethodId MethodOf(const RequestHeader& header) {
  if (header.head() != nullptr) return header.head()->method_id;
  if (header.Method() == "GET") return MethodId::kGet;
  if (header.IsPost()) return MethodId::kPost;
  if (header.IsHead()) return MethodId::kHead;
  if (header.IsPut()) return MethodId::kPut;
  if (header.IsDelete()) return MethodId::kDelete;
  if (header.IsConnect()) return MethodId::kConnect;
  if (header.IsOptions()) return MethodId::kOptions;
  if (header.IsTrace()) return MethodId::kTrace;
  return header.IsPatch() ? MethodId::kPatch : MethodId::kOther;
}

// A request with one of these and without content declares nothing (RFC 9110, section 8.6).
bool ExpectsNoContent(MethodId method) {
  return method == MethodId::kGet || method == MethodId::kHead || method == MethodId::kDelete ||
         method == MethodId::kConnect || method == MethodId::kOptions || method == MethodId::kTrace;
}

// A zone, or what is no ASCII.
bool NeedsEncoding(char c) { return c == '%' || static_cast<signed char>(c) < 0; }

}  // namespace

void WireRequest::ClearMemory() {
  used_memory_ = false;
  size_t kept = fields_.capacity() * sizeof(http1::FieldView);
  for (std::string* text : {&target_, &host_, &authorization_, &post_args_, &suffix_}) {
    kept += text->capacity();
  }
  if (kept > kKeepBytes) *this = WireRequest();
}

Errc WireRequest::DescribeConnect(const Request& request) {
  head_.host = head_.target = request.header().RequestURI();
  return http1::IsAuthorityForm(head_.target) ? Errc::kOk : Errc::kBadTarget;
}

inline Errc WireRequest::DescribeTarget(const Request& request, std::string_view default_host) {
  if (Errc errc = request.TryParseURI(); errc != Errc::kOk) return errc;
  const URI& uri = request.URI();
  head_.target = uri.PlainTarget();
  head_.host = uri.Host();
  if (head_.target.empty() || request.HasChangedURI()) {
    if (Errc errc = DescribeOtherTarget(request); errc != Errc::kOk) return errc;
  }
  if (request.UseHostHeader() && !request.header().Host().empty()) {
    head_.host = request.header().Host();
  }
  if (head_.host.empty()) head_.host = default_host;
  return head_.host.empty() ? Errc::kMissingHost : Errc::kOk;
}

Errc WireRequest::DescribeOtherTarget(const Request& request) {
  DescribeHost(request);
  const http1::Head* received = request.header().head();
  if (received != nullptr && !request.HasChangedURI() &&
      received->target_form != http1::TargetForm::kAbsolute &&
      (received->target_flags & http1::kTargetHash) == 0) {
    head_.target = received->Target();  // A gateway passes it on as it came.
    return Errc::kOk;
  }
  used_memory_ = true;
  target_.clear();
  request.URI().AppendRequestURI(target_);
  head_.target = target_;
  // RFC 9112, section 3.2.4.
  return target_ == "*" && method_ != MethodId::kOptions ? Errc::kBadTarget : Errc::kOk;
}

// A URI keeps its host decoded; a zone means nothing to the other side (RFC 6874, section 4).
void WireRequest::DescribeHost(const Request& request) {
  if (std::none_of(head_.host.begin(), head_.host.end(), NeedsEncoding)) return;
  used_memory_ = true;
  host_ = request.URI().FullURI();
  host_.erase(0, host_.find("://") + 3);
  host_.resize(std::min(host_.find_first_of("/?#"), host_.size()));
  const size_t zone = host_[0] == '[' ? host_.find('%') : std::string::npos;
  if (zone != std::string::npos) host_.erase(zone, host_.find(']') - zone);
  head_.host = host_;
}

inline void WireRequest::DescribeBody(const Request& request) {
  const RequestHeader& header = request.header();
  body_ = request.Body();
  head_.content_type = header.ContentType();
  if (body_.empty() && request.HasPostArgs()) {
    used_memory_ = true;
    post_args_.clear();
    request.PostArgs().AppendBytes(post_args_);
    body_ = post_args_;
    if (head_.content_type.empty()) head_.content_type = "application/x-www-form-urlencoded";
  }
  if (header.Trailers() != nullptr && header.Trailers()->size() != 0) return AddTrailers(request);
  head_.content_length = body_.size();
  const bool none = body_.empty() && ExpectsNoContent(method_);
  head_.body = none ? BodyHeader::kNone : BodyHeader::kLength;
  if (!body_.empty() && head_.content_type.empty() && !header.NoDefaultContentType()) {
    head_.content_type = "application/octet-stream";
  }
}

// Only a chunked body has room for trailers.
void WireRequest::AddTrailers(const Request& request) {
  used_memory_ = true;
  head_.body = BodyHeader::kChunked;
  fields_.push_back({"Trailer", request.header().Trailers()->Line()});
  if (!body_.empty()) suffix_.append(http1::kChunkEnd);
  suffix_.append(http1::kLastChunkLine);
  request.header().VisitAllTrailer([this](std::string_view name, std::string_view value) {
    suffix_.append(name).append(": ").append(value).append("\r\n");
  });
  suffix_.append("\r\n");
}

inline void WireRequest::DescribeFields(const Request& request) {
  const RequestHeader& header = request.header();
  expect_continue_ = false;
  has_authorization_ = false;
  if (header.head() != nullptr) {
    header.VisitAll([&](std::string_view name, std::string_view value) {
      AddField(header, http1::LookupKnownField(name), name, value);
    });
  } else if (const internal::FieldList* made = header.MadeFields()) {
    for (size_t i = 0; i < made->size(); ++i) {
      AddField(header, made->id(i), made->name(i), made->value(i));
    }
    const std::string_view cookies =
        header.SpecialHeaderDisabled() ? std::string_view() : header.CookieLine();
    if (!cookies.empty()) fields_.push_back({"Cookie", cookies});
  }
  if (method_ != MethodId::kConnect && !has_authorization_ && !request.URI().Username().empty()) {
    AddCredentials(request);
  }
}

// Writes a slot's field here, among the others, and not before them.
void WireRequest::MoveSlot(std::string_view name, std::string_view& slot) {
  if (!slot.empty()) fields_.push_back({name, std::exchange(slot, {})});
}

void WireRequest::AddField(const RequestHeader& header, KnownField id, std::string_view name,
                           std::string_view value) {
  const bool in_place = header.SpecialHeaderDisabled();
  switch (id) {
    case KnownField::kHost:
      if (in_place) MoveSlot(name, head_.host);
      return;
    case KnownField::kUserAgent:
      if (in_place) MoveSlot(name, head_.user_agent);
      return;
    case KnownField::kContentType:
      if (in_place) MoveSlot(name, head_.content_type);
      return;
    case KnownField::kContentLength:
    case KnownField::kTransferEncoding:
    case KnownField::kTrailer:
      return;
    case KnownField::kConnection:
      head_.close |= http1::ListHasToken(value, "close");
      if (EqualsIgnoreCase(value, "close") || EqualsIgnoreCase(value, "keep-alive")) return;
      break;
    case KnownField::kExpect:
      if (!EqualsIgnoreCase(value, "100-continue")) break;
      if (body_.empty() && suffix_.empty()) return;  // RFC 9110, section 10.1.1.
      expect_continue_ = true;
      break;
    case KnownField::kAuthorization:
      has_authorization_ = true;
      break;
    default:
      break;
  }
  const TrailerList* trailers = header.Trailers();
  if (trailers != nullptr && trailers->Has(name)) return;
  fields_.push_back({name, value});
}

// RFC 7617.
void WireRequest::AddCredentials(const Request& request) {
  used_memory_ = true;
  std::string pair;
  AppendUnquotedPath(pair, request.URI().Username());
  pair.push_back(':');
  AppendUnquotedPath(pair, request.URI().Password());
  authorization_ = "Basic " + absl::Base64Escape(pair);
  fields_.push_back({"Authorization", authorization_});
}

Errc WireRequest::Describe(const Request& request, std::string_view user_agent,
                           std::string_view default_host) {
  const RequestHeader& header = request.header();
  fields_.clear();
  if (!suffix_.empty()) suffix_.clear();
  method_ = MethodOf(header);
  head_.method = header.Method();
  Errc errc = method_ == MethodId::kConnect ? DescribeConnect(request)
                                            : DescribeTarget(request, default_host);
  if (errc != Errc::kOk) return errc;
  head_.user_agent = header.UserAgent();
  if (head_.user_agent.empty()) head_.user_agent = user_agent;
  head_.close = header.ConnectionClose();
  DescribeBody(request);
  // RFC 9110, sections 9.3.6 and 9.3.8.
  if (head_.body != BodyHeader::kNone &&
      (method_ == MethodId::kConnect || method_ == MethodId::kTrace)) {
    return Errc::kUnexpectedContent;
  }
  DescribeFields(request);
  head_.fields = fields_;
  used_memory_ |= fields_.capacity() > kInlineFields;
  return Errc::kOk;
}

RequestBytes WireRequest::Write(char* out) const {
  char* end = http1::WriteRequestHead(out, head_);
  if (head_.body == BodyHeader::kChunked && !body_.empty()) {
    end += http1::WriteChunkHeader(end, body_.size());
  }
  return {.head = {out, static_cast<size_t>(end - out)},
          .body = body_,
          .suffix = suffix_,
          .method = method_,
          .close = head_.close,
          .expect_continue = expect_continue_};
}

bool WireRequest::idempotent() const {
  switch (method_) {
    case MethodId::kGet:
    case MethodId::kHead:
    case MethodId::kPut:
    case MethodId::kDelete:
    case MethodId::kOptions:
    case MethodId::kTrace:
      return true;
    default:
      return false;
  }
}

}  // namespace fasthttp
