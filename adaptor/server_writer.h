// ServerWriter: the ResponseWriter that fills the response of a RequestCtx.
//
// Bind, the handler, Finish, Clear; then it may be used again. It keeps its memory.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ADAPTOR_SERVER_WRITER_H_
#define FASTHTTP_ADAPTOR_SERVER_WRITER_H_

#include <string_view>

#include "absl/status/status.h"
#include "adaptor/response_writer.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

class ServerWriter final : public ResponseWriter {
 public:
  ServerWriter() { header_.of_response_ = true; }

  // `ctx` outlives the use.
  void Bind(fasthttp::RequestCtx& ctx) { ctx_ = &ctx; }
  // When the handler has returned.
  void Finish();
  void Clear() {
    ctx_ = nullptr;
    header_.clear();
    state_ = State::kOpen;
    no_type_ = false;
    DropBodyStream();
  }

  fasthttpadaptor::Header& Header() override { return header_; }
  void WriteHeader(int code) override;
  absl::Status Write(std::string_view bytes) override;
  absl::Status Flush() override;
  absl::Status Hijack(fasthttp::HijackHandler handler) override;

 private:
  enum class State : uint8_t {
    kOpen,       // Code and fields may still be set.
    kCommitted,  // The body is gathered.
    kBadCode,    // WriteHeader was given no code: an empty 500.
    kStreaming,  // The body goes out as it is written.
    kHijacked,   // There is no response.
  };

  void Commit();
  void SetType(std::string_view type);
  void DecideType();
  absl::Status WriteElsewhere(std::string_view bytes);

  fasthttp::RequestCtx* ctx_ = nullptr;
  fasthttpadaptor::Header header_;
  State state_ = State::kOpen;
  bool no_type_ = false;  // The handler wants none.
};

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_SERVER_WRITER_H_
