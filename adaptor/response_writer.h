// ResponseWriter: how a handler of the standard style answers.
//
// An abstract class, so that a test may call a handler with a writer of its own (or with a
// Recorder, adaptor/recorder.h), and middleware may wrap one in another. Use it in the handler
// only: it is gone when that returns.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ADAPTOR_RESPONSE_WRITER_H_
#define FASTHTTP_ADAPTOR_RESPONSE_WRITER_H_

#include <memory>
#include <ostream>
#include <string_view>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "adaptor/header.h"
#include "adaptor/request.h"
#include "fasthttp/exchange.h"

namespace fasthttpadaptor {

class ResponseWriter {
 public:
  ResponseWriter();
  ResponseWriter(const ResponseWriter&) = delete;
  ResponseWriter& operator=(const ResponseWriter&) = delete;
  virtual ~ResponseWriter();

  // The fields to send. They are taken over by the first WriteHeader or Write; changes after that
  // have no effect. CR, LF and NUL in them become spaces. Managed by the server, and ignored here:
  // Date, Transfer-Encoding, and Content-Length unless the request was HEAD or the response is
  // flushed.
  //
  // A handler that sets no Content-Type gets the one that DetectContentType finds in the first 512
  // bytes of the body; none if the body is empty, if Content-Encoding is set, or if Content-Type
  // was set to "".
  virtual fasthttpadaptor::Header& Header() = 0;

  // Decides the status code, once: later calls have no effect. Without it the first Write, or
  // returning, sends 200, or the code that was set on the RequestCtx before. Codes from 100 to 199
  // are no answer and are skipped, but 101. A code outside 100 to 999 is a mistake of the program:
  // the answer becomes an empty 500, and every Write says so.
  virtual void WriteHeader(int code) = 0;

  // Appends to the body. kProgramming if the code allows none (204, 304) or was no code; the bytes
  // are dropped then. In the answer to HEAD they are counted and not sent.
  [[nodiscard]] virtual absl::Status Write(std::string_view bytes) = 0;

  // Sends the code, the fields and what was written so far, and returns when the operating system
  // has taken it. From then on the response is a stream: what is written later goes out with the
  // next Flush, when 4 KiB are gathered, or at the end, in chunks; or, if Content-Length was set,
  // as it is, and then not a byte beyond that, and the connection is cut if fewer were written. A
  // peer that is too slow makes Write and Flush wait; an exception cuts the connection.
  //
  // Errors, of Write too from then on: kClientGone, kDraining, the cause if the current Context has
  // ended (fasthttp/body_writer.h); kProgramming after Hijack and after a bad code. A writer of a
  // test's own need not know it: OK.
  [[nodiscard]] virtual absl::Status Flush();

  // Takes the connection over: there is no response, and when the handler has returned `handler`
  // gets the connection, on a fiber of its own, to read and write as it likes; see
  // fasthttp/hijack.h. What was written to the body before goes out first, as it is. It is dropped
  // uncalled if the request said "Connection: close", and if the server drains.
  //
  // kProgramming: it is the second time, or the response has begun with Flush; kUnsupported: this
  // writer has no connection.
  [[nodiscard]] virtual absl::Status Hijack(fasthttp::HijackHandler handler);

  // The body as a stream, made at the first call: every piece goes to Write at once, and badbit
  // tells that it was refused. std::flush and std::endl do nothing more.
  std::ostream& BodyStream() ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // absl::Format(&w, ...) appends to the body.
  friend void AbslFormatFlush(ResponseWriter* w, absl::string_view text) { (void)w->Write(text); }

 protected:
  // For a writer that is used again.
  void DropBodyStream() {
    if (stream_ != nullptr) stream_.reset();
  }

 private:
  std::unique_ptr<std::ostream> stream_;
};

// A handler. Called from all loops at once, hence const: a mutable lambda does not compile.
using HandlerFunc = absl::AnyInvocable<void(ResponseWriter&, const Request&) const>;

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_RESPONSE_WRITER_H_
