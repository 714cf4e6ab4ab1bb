#include "adaptor/server_writer.h"

#include "adaptor/detect_content_type.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/status.h"

namespace fasthttpadaptor {

using fasthttp::Errc;
using fasthttp::ToStatus;

namespace {

constexpr std::string_view kContentType = "Content-Type";

}  // namespace

void ServerWriter::WriteHeader(int code) {
  if (committed_) return;
  const bool valid = code >= 100 && code <= 999;
  if (valid && code < 200 && code != fasthttp::kStatusSwitchingProtocols) return;
  if (!valid) {
    bad_code_ = true;
    committed_ = true;
    response_->Reset();
    response_->SetStatusCode(fasthttp::kStatusInternalServerError);
    return;
  }
  response_->SetStatusCode(code);
  Commit();
}

absl::Status ServerWriter::Write(std::string_view bytes) {
  if (!committed_) Commit();
  if (bad_code_) return ToStatus(Errc::kProgramming, "WriteHeader was given no status code");
  if (fasthttp::StatusCodeHasNoBody(response_->StatusCode())) {
    return ToStatus(Errc::kProgramming, "the status code allows no body");
  }
  response_->AppendBody(bytes);
  return absl::OkStatus();
}

void ServerWriter::Commit() {
  committed_ = true;
  fasthttp::ResponseHeader& header = response_->header();
  for (const auto& [name, value] : header_) {
    if (name != kContentType && !fasthttp::EqualsIgnoreCase(name, kContentType)) {
      header.Add(name, value);
    } else if (value.empty()) {
      no_type_ = true;
      header.SetNoDefaultContentType(true);
    } else {
      header.SetContentType(value);
    }
  }
}

void ServerWriter::Finish() {
  if (!committed_) Commit();
  fasthttp::ResponseHeader& header = response_->header();
  if (header.HasContentType() || no_type_ || response_->Body().empty()) return;
  if (!header.ContentEncoding().empty()) return header.SetNoDefaultContentType(true);
  header.SetContentType(DetectContentType(response_->Body()));
}

void ServerWriter::Clear() {
  response_ = nullptr;
  header_.clear();
  committed_ = bad_code_ = no_type_ = false;
  DropBodyStream();
}

}  // namespace fasthttpadaptor
