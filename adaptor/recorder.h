// Recorder: a ResponseWriter that keeps what a handler answers, for tests without a server and for
// middleware that wants to see the answer before it goes out.
//
//   fasthttpadaptor::Request request;
//   request.url.path = "/alone";
//   fasthttpadaptor::Recorder recorder;
//   Legacy(recorder, request);
//   EXPECT_EQ(recorder.Result().StatusCode(), 201);
//
// It follows the rules of ResponseWriter as a server's writer does. What a server adds (Date,
// Content-Length, Server) is not there.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ADAPTOR_RECORDER_H_
#define FASTHTTP_ADAPTOR_RECORDER_H_

#include <string_view>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "adaptor/response_writer.h"
#include "adaptor/server_writer.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

class Recorder final : public ResponseWriter {
 public:
  Recorder() { writer_.Bind(ctx_); }

  fasthttpadaptor::Header& Header() override { return writer_.Header(); }
  void WriteHeader(int code) override { writer_.WriteHeader(code); }
  absl::Status Write(std::string_view bytes) override { return writer_.Write(bytes); }

  absl::Status Flush() override {
    flushed_ = true;
    return writer_.Flush();
  }

  // True if the handler asked for it: a server would have sent the response as a stream.
  bool Flushed() const { return flushed_; }
  // The answer, when the handler has returned.
  const fasthttp::Response& Result() ABSL_ATTRIBUTE_LIFETIME_BOUND {
    writer_.Finish();
    return ctx_.response();
  }

 private:
  fasthttp::RequestCtx ctx_;
  ServerWriter writer_;
  bool flushed_ = false;
};

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_RECORDER_H_
