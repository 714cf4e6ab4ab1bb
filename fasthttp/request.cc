#include "fasthttp/request.h"

#include <span>
#include <utility>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/message_reader.h"
#include "fasthttp/wire_request.h"

namespace fasthttp {

namespace {

constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

}  // namespace

Request::~Request() = default;

void Request::ResetTouched() {
  touched_ = false;
  use_host_header_ = false;
  disable_redirect_path_normalizing_ = false;
  timeout_ = absl::InfiniteDuration();
  if (parsed_ == nullptr) return;
  // A URI that was only read is cleared when the next one is parsed.
  if (parsed_->uri_changed || parsed_->uri.HasParsedArgs()) parsed_->uri.Reset();
  if (parsed_->post_parsed || parsed_->post_changed) parsed_->post_args.Reset();
  parsed_->uri_errc = Errc::kOk;
  parsed_->uri_parsed = false;
  parsed_->uri_changed = false;
  parsed_->post_parsed = false;
  parsed_->post_changed = false;
}

void Request::ResetStream() {
  stream_ = unread_ = nullptr;
  stream_errc_ = Errc::kOk;
  streamed_ = reader_set_ = false;
}

void Request::CopyTo(Request& to) const {
  if (this == &to) return;
  to.Reset();
  header_.CopyTo(to.header_);
  to.SetBody(body_.view());
  to.tls_ = tls_;
  to.touched_ = touched_;
  to.use_host_header_ = use_host_header_;
  to.disable_redirect_path_normalizing_ = disable_redirect_path_normalizing_;
  to.timeout_ = timeout_;
  to.max_args_ = max_args_;
  if (parsed_ == nullptr) return;
  if (parsed_->uri_changed) to.SetURI(parsed_->uri);
  if (parsed_->post_changed) parsed_->post_args.CopyTo(to.MutablePostArgs());
}

Request::Parsed& Request::EnsureParsed() const {
  touched_ = true;
  if (parsed_ == nullptr) parsed_ = std::make_unique<Parsed>();
  return *parsed_;
}

Errc Request::ParseURIOnce() const {
  Parsed& parsed = EnsureParsed();
  parsed.uri_parsed = true;
  parsed.uri.SetMaxQueryArgs(max_args_);
  // The bytes of a header that the program made may change under views.
  Errc errc =
      header_.IsBare() ? parsed.uri.TryParseOwned({}, header_.RequestURI()) : BindURI(parsed);
  if (errc == Errc::kOk && tls_) parsed.uri.SetScheme("https");
  return parsed.uri_errc = errc;
}

// A received target without anything to normalise is used as it stands.
Errc Request::BindURI(Parsed& parsed) const {
  const http1::Head* head = header_.head();
  if (head == nullptr) return parsed.uri.TryParseOwned(header_.Host(), header_.RequestURI());
  if (head->target_form == http1::TargetForm::kAuthority) {
    return parsed.uri.TryParse(head->Target(), "/");
  }
  if (!IsPlain(*head)) return parsed.uri.TryParse(header_.Host(), header_.RequestURI());
  parsed.uri.BindPlain(header_.Host(), head->Target(), PathSize(*head));
  return Errc::kOk;
}

absl::Status Request::ParseURI() const { return ToStatus(TryParseURI()); }

fasthttp::URI& Request::MutableURI() {
  (void)TryParseURI();
  parsed_->uri_changed = true;
  return parsed_->uri;
}

void Request::SetURI(const fasthttp::URI& uri) {
  Parsed& parsed = EnsureParsed();
  uri.CopyTo(parsed.uri);
  parsed.uri_errc = Errc::kOk;
  parsed.uri_parsed = true;
  parsed.uri_changed = true;
}

std::string Request::RequestURI() const {
  if (parsed_ != nullptr && parsed_->uri_changed && parsed_->uri_errc == Errc::kOk) {
    return parsed_->uri.RequestURI();
  }
  return std::string(header_.RequestURI());
}

void Request::SetRequestURI(std::string_view uri) {
  header_.SetRequestURI(uri);
  if (parsed_ != nullptr) {
    parsed_->uri_parsed = false;
    parsed_->uri_changed = false;
  }
}

void Request::SetHost(std::string_view host) { MutableURI().SetHost(host); }

const Args& Request::PostArgs() const {
  Parsed& parsed = EnsureParsed();
  if (parsed.post_parsed || parsed.post_changed) return parsed.post_args;
  parsed.post_parsed = true;
  if (EqualsIgnoreCase(header_.ContentType().substr(0, kFormType.size()), kFormType)) {
    parsed.post_args.Parse(Body(), max_args_);
  } else {
    parsed.post_args.Reset();
  }
  return parsed.post_args;
}

Args& Request::MutablePostArgs() {
  (void)PostArgs();
  parsed_->post_changed = true;
  return parsed_->post_args;
}

OwnedBytes Request::SwapBody(OwnedBytes bytes) {
  // The body of a small received request lies in the connection's block.
  if (body_.IsRaw()) body_.Append({});
  OwnedBytes old = TouchBody().Take();
  body_.SetOwned(std::move(bytes));
  return old;
}

// --- Streams ---

BodyReader& Request::BodyStream() {
  if (stream_ != nullptr) return *stream_;
  if (reader_ == nullptr) reader_ = std::make_unique<BytesReader>();
  if (!reader_set_) reader_->Reset(body_.view());
  reader_set_ = body_touched_ = streamed_ = true;
  return *reader_;
}

Errc Request::TryReadBody() const {
  constexpr size_t kPiece = 16 * 1024;
  BodyReader* stream = std::exchange(unread_, nullptr);
  while (stream != nullptr && stream_errc_ == Errc::kOk) {
    const std::span<char> room = body_.Prepare(kPiece);
    absl::StatusOr<size_t> n = stream->Read(room);
    stream_errc_ = ErrcOf(n.status());
    if (!n.ok()) body_.Clear();
    if (!n.ok() || *n == 0) break;
    body_.Commit(*n);
  }
  return stream_errc_;
}

absl::StatusOr<std::string_view> Request::ReadBody() const {
  if (Errc errc = TryReadBody(); errc != Errc::kOk) return ToStatus(errc, "body");
  return body_.view();
}

// --- As bytes ---

bool Request::MayContinue() const {
  return EqualsIgnoreCase(header_.Peek(http1::KnownField::kExpect), "100-continue");
}

absl::Status Request::AppendBytes(std::string& dst) const {
  WireRequest wire;
  if (Errc errc = wire.Describe(*this, {}, {}); errc != Errc::kOk) return ToStatus(errc);
  const size_t start = dst.size();
  dst.resize(start + wire.Bound());
  const RequestBytes bytes = wire.Write(&dst[start]);
  dst.resize(start + bytes.head.size());
  dst.append(bytes.body).append(bytes.suffix);
  return absl::OkStatus();
}

std::string Request::String() const {
  std::string text;
  (void)AppendBytes(text);
  return text;
}

absl::StatusOr<size_t> Request::Read(std::string_view bytes, size_t max_body_size) {
  size_t used = 0;
  Errc errc = ReadAll(bytes, max_body_size, used);
  if (errc == Errc::kOk) return used;
  Reset();
  return ToStatus(errc);
}

Errc Request::ReadAll(std::string_view bytes, size_t max_body_size, size_t& used) {
  internal::MessageReader reader(bytes);  // `bytes` may be those of this request.
  Reset();
  http1::Framing framing;
  Errc errc = reader.ReadHead(header_, framing);
  if (errc != Errc::kOk) return errc;
  errc = reader.ReadBody(framing, max_body_size, header_,
                         [this](std::string_view piece) { AppendBody(piece); });
  used = reader.used();
  return errc;
}

}  // namespace fasthttp
