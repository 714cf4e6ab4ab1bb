#include "fasthttp/body_writer.h"

#include "fasthttp/error.h"

namespace fasthttp {

Errc BodyWriter::TryWrite(std::string_view bytes) {
  const Errc errc = DoWrite(bytes);
  if (errc == Errc::kOk) written_ += bytes.size();
  return errc;
}

absl::Status BodyWriter::Write(std::string_view bytes) {
  const Errc errc = TryWrite(bytes);
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "Write");
}

absl::Status BodyWriter::Flush() {
  const Errc errc = DoFlush();
  return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "Flush");
}

}  // namespace fasthttp
