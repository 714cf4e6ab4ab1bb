#include "adaptor/request.h"

#include <algorithm>
#include <array>

#include "adaptor/body_stream.h"
#include "fasthttp/args.h"
#include "fasthttp/error.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Errc;

fasthttp::Args ParseQuery(std::string_view query) {
  fasthttp::Args args;
  (void)args.Parse(query);  // Without a cap nothing is dropped.
  return args;
}

}  // namespace

std::string URL::QueryValue(std::string_view name) const {
  return std::string(ParseQuery(query).Peek(name));
}

std::vector<std::string> URL::QueryValues(std::string_view name) const {
  fasthttp::Args args = ParseQuery(query);
  std::vector<std::string> values;
  for (std::string_view value : args.PeekMulti(name)) values.emplace_back(value);
  return values;
}

Request::Request() = default;
Request::~Request() = default;

std::string_view Request::Host() const { return ctx_ != nullptr ? ctx_->Host() : host_; }

void Request::SetHost(std::string_view host) { host_ = host; }

std::string_view Request::TransferEncoding() const {
  return ctx_ != nullptr ? ctx_->request().header().Peek("Transfer-Encoding") : transfer_encoding_;
}

std::string Request::RemoteAddr() const {
  return ctx_ != nullptr ? ctx_->RemoteAddr().ToString() : remote_addr_;
}

void Request::SetRemoteAddr(std::string_view address) { remote_addr_ = address; }

std::string_view Request::Body() const { return ctx_ != nullptr ? ctx_->PostBody() : body_; }

absl::StatusOr<std::string_view> Request::ReadBody() const {
  if (ctx_ == nullptr) return body_;
  return ctx_->request().ReadBody();
}

std::istream& Request::BodyStream() const {
  if (stream_ != nullptr) return *stream_;
  if (reader_ != nullptr) {
    stream_ = std::make_unique<ReaderStream>(*reader_);
  } else {
    stream_ = std::make_unique<ViewStream>(Body());
  }
  return *stream_;
}

absl::Status Request::BodyStreamStatus() const {
  if (reader_ == nullptr || stream_ == nullptr) return absl::OkStatus();
  return static_cast<ReaderStream&>(*stream_).status();
}

Errc Request::Refer(const fasthttp::RequestCtx& ctx, fasthttp::BodyReader* body) {
  const fasthttp::Request& from = ctx.request();
  const fasthttp::RequestHeader& fields = from.header();
  if (from.HasPlainTarget()) {
    // Not parsed: the path is what stands before the query.
    request_uri = fields.head()->Target();
    url.raw_path = from.Path();
    url.query = request_uri.substr(std::min(url.raw_path.size() + 1, request_uri.size()));
    url.path = url.raw_path;
  } else {
    if (Errc errc = from.TryParseURI(); errc != Errc::kOk) return errc;
    url.raw_path = from.URI().PathOriginal();
    url.query = from.URI().QueryString();
    url.path = from.URI().Path();
    request_uri = fields.RequestURI();
  }
  ctx_ = &ctx;
  method = fields.Method();
  proto = fields.IsHTTP11() ? "HTTP/1.1" : "HTTP/1.0";
  header.Refer(fields);
  tls = from.IsTLS();
  reader_ = body;
  return Errc::kOk;
}

absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request) {
  absl::StatusOr<std::string_view> body = ctx.request().ReadBody();
  if (!body.ok()) return body.status();
  request.Clear();
  if (Errc errc = request.Refer(ctx, nullptr); errc != Errc::kOk) return ToStatus(errc);
  request.body_ = *body;
  request.remote_addr_ = request.RemoteAddr();
  request.transfer_encoding_ = request.TransferEncoding();
  request.host_ = request.Host();
  (void)request.header.size();  // Copies the fields.
  request.ctx_ = nullptr;
  const std::array views = {
      &request.method, &request.url.raw_path,       &request.url.query, &request.request_uri,
      &request.host_,  &request.transfer_encoding_, &request.body_};
  size_t size = 0;
  for (const std::string_view* view : views) size += view->size();
  std::string& bytes = request.bytes_;
  bytes.clear();
  bytes.reserve(size);  // It does not move while it is filled.
  for (std::string_view* view : views) {
    const size_t at = bytes.size();
    bytes.append(*view);
    *view = {bytes.data() + at, view->size()};
  }
  return absl::OkStatus();
}

}  // namespace fasthttpadaptor
