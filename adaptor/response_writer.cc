#include "adaptor/response_writer.h"

#include "adaptor/body_stream.h"
#include "fasthttp/error.h"

namespace fasthttpadaptor {

ResponseWriter::ResponseWriter() = default;
ResponseWriter::~ResponseWriter() = default;

absl::Status ResponseWriter::Flush() { return absl::OkStatus(); }

absl::Status ResponseWriter::Hijack(fasthttp::HijackHandler) {
  return fasthttp::ToStatus(fasthttp::Errc::kUnsupported, "Hijack");
}

std::ostream& ResponseWriter::BodyStream() {
  if (stream_ == nullptr) stream_ = std::make_unique<WriterStream>(*this);
  return *stream_;
}

}  // namespace fasthttpadaptor
