#include "adaptor/server_writer.h"

#include <string>
#include <utility>

#include "adaptor/detect_content_type.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/hijack.h"
#include "fasthttp/status.h"

namespace fasthttpadaptor {

using fasthttp::Errc;
using fasthttp::ToStatus;

void ServerWriter::WriteHeader(int code) {
  if (state_ != State::kOpen) return;
  const bool valid = code >= 100 && code <= 999;
  if (valid && code < 200 && code != fasthttp::kStatusSwitchingProtocols) return;
  if (!valid) {
    state_ = State::kBadCode;
    ctx_->response().Reset();
    ctx_->SetStatusCode(fasthttp::kStatusInternalServerError);
    return;
  }
  ctx_->SetStatusCode(code);
  Commit();
}

absl::Status ServerWriter::Write(std::string_view bytes) {
  if (state_ == State::kOpen) Commit();
  if (state_ != State::kCommitted) return WriteElsewhere(bytes);
  fasthttp::Response& response = ctx_->response();
  if (fasthttp::StatusCodeHasNoBody(response.StatusCode())) {
    return ToStatus(Errc::kProgramming, "the status code allows no body");
  }
  response.AppendBody(bytes);
  return absl::OkStatus();
}

absl::Status ServerWriter::WriteElsewhere(std::string_view bytes) {
  switch (state_) {
    case State::kStreaming:
      if (fasthttp::StatusCodeHasNoBody(ctx_->response().StatusCode())) {
        return ToStatus(Errc::kProgramming, "the status code allows no body");
      }
      return ctx_->StartBodyStream().Write(bytes);
    case State::kHijacked:
      return ToStatus(Errc::kProgramming, "the connection is hijacked");
    default:
      return ToStatus(Errc::kProgramming, "WriteHeader was given no status code");
  }
}

absl::Status ServerWriter::Flush() {
  if (state_ == State::kOpen) Commit();
  if (state_ == State::kCommitted) {
    DecideType();
    state_ = State::kStreaming;
  }
  if (state_ != State::kStreaming) return WriteElsewhere({});
  return ctx_->StartBodyStream().Flush();
}

absl::Status ServerWriter::Hijack(fasthttp::HijackHandler handler) {
  if (state_ == State::kStreaming) return ToStatus(Errc::kProgramming, "the response has begun");
  if (state_ == State::kHijacked) return WriteElsewhere({});
  if (ctx_->exchange() == nullptr) return ToStatus(Errc::kUnsupported, "there is no connection");
  state_ = State::kHijacked;
  ctx_->HijackSetNoResponse(true);
  ctx_->Hijack([unflushed = std::string(ctx_->response().Body()),
                handler = std::move(handler)](fasthttp::HijackedConn& conn) mutable {
    // A connection that is broken tells the handler so, too.
    if (!unflushed.empty()) (void)conn.Write(unflushed);
    std::move(handler)(conn);
  });
  return absl::OkStatus();
}

void ServerWriter::Commit() {
  state_ = State::kCommitted;
  if (header_.only_type_) return SetType(header_.type_.view());
  for (const auto& [name, value] : header_) {
    if (fasthttp::EqualsIgnoreCase(name, fasthttpadaptor::Header::kContentType)) {
      SetType(value);
    } else {
      ctx_->response().header().Add(name, value);
    }
  }
}

void ServerWriter::SetType(std::string_view type) {
  fasthttp::ResponseHeader& header = ctx_->response().header();
  if (!type.empty()) return header.SetContentType(type);
  no_type_ = true;
  header.SetNoDefaultContentType(true);
}

// From what of the body there is by now.
void ServerWriter::DecideType() {
  fasthttp::Response& response = ctx_->response();
  fasthttp::ResponseHeader& header = response.header();
  if (header.HasContentType() || no_type_) return;
  if (response.Body().empty() || !header.ContentEncoding().empty()) {
    return header.SetNoDefaultContentType(true);
  }
  header.SetContentType(DetectContentType(response.Body()));
}

void ServerWriter::Finish() {
  if (state_ == State::kOpen) Commit();
  if (state_ == State::kCommitted) DecideType();
}

}  // namespace fasthttpadaptor
