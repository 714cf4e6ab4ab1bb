// ServerWriter: the ResponseWriter that fills a fasthttp::Response.
//
// Bind, the handler, Finish, Clear; then it may be used again. It keeps its memory.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ADAPTOR_SERVER_WRITER_H_
#define FASTHTTP_ADAPTOR_SERVER_WRITER_H_

#include <string_view>

#include "absl/status/status.h"
#include "adaptor/response_writer.h"
#include "fasthttp/response.h"

namespace fasthttpadaptor {

class ServerWriter final : public ResponseWriter {
 public:
  // `response` outlives the use.
  void Bind(fasthttp::Response& response) { response_ = &response; }
  // When the handler has returned.
  void Finish();
  void Clear();

  fasthttpadaptor::Header& Header() override { return header_; }
  void WriteHeader(int code) override;
  absl::Status Write(std::string_view bytes) override;

 private:
  void Commit();

  fasthttp::Response* response_ = nullptr;
  fasthttpadaptor::Header header_;
  bool committed_ = false;
  bool bad_code_ = false;
  bool no_type_ = false;  // The handler wants none.
};

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_SERVER_WRITER_H_
