#include "adaptor/response_writer.h"

#include "adaptor/body_stream.h"

namespace fasthttpadaptor {

ResponseWriter::ResponseWriter() = default;
ResponseWriter::~ResponseWriter() = default;

std::ostream& ResponseWriter::BodyStream() {
  if (stream_ == nullptr) stream_ = std::make_unique<WriterStream>(*this);
  return *stream_;
}

}  // namespace fasthttpadaptor
