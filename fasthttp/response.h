// Response: status code, header and buffered body of a response.
//
// A handle of one pointer to pooled memory: moving it, and with it StatusOr<Response>, costs
// nothing. Destroying it gives the memory, with its buffers, to a small pool of the thread that
// does so, whichever that is. A Response that was moved from may only be destroyed or assigned to.
//
//   absl::StatusOr<fasthttp::Response> r = client.Get(url);
//   if (r.ok() && r->StatusCode() == fasthttp::kStatusOK) Use(r->Body());
//
// What it hands out is valid until the next call that changes the response, and in a handler at
// most until that returns.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_RESPONSE_H_
#define FASTHTTP_RESPONSE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/body.h"
#include "fasthttp/body_reader.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/header.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

// Where a streamed body comes from: one of the two is set.
struct BodySource {
  std::unique_ptr<BodyReader> reader;
  absl::AnyInvocable<void(BodyWriter&) &&> writer;
  int64_t size = -1;  // -1: as the reader says.
};

class Response {
 public:
  Response() : rep_(Acquire()) {}
  Response(Response&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Response& operator=(Response&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;
  ~Response() {
    if (rep_ != nullptr) Release(rep_);
  }

  // Back to the state of a new object, with memory kept for the next use; a body buffer above the
  // pool limit (SetBodySizePoolLimit) is freed.
  void Reset() {
    Rep& rep = *rep_;
    rep.header.Reset();
    rep.body.ClearUpTo(ResponseBodyPoolLimit());
    rep.has_addrs = false;
    if (rep.special != 0) rep.ResetSpecial();
  }

  // For clients: empties it too, but keeps the body's buffer, and SkipBody, which says how to read.
  void ResetToReceive() {
    Rep& rep = *rep_;
    const bool skip_body = SkipBody();
    rep.header.Reset();
    rep.body.Clear();
    rep.has_addrs = false;
    if (rep.special != 0) rep.ResetSpecial();
    SetSkipBody(skip_body);
  }

  // Header, body and switches; not a stream.
  void CopyTo(Response& to) const;

  ResponseHeader& header() ABSL_ATTRIBUTE_LIFETIME_BOUND { return rep_->header; }
  const ResponseHeader& header() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return rep_->header; }

  int StatusCode() const { return rep_->header.StatusCode(); }
  void SetStatusCode(int code) { rep_->header.SetStatusCode(code); }
  std::string_view ContentType() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return rep_->header.ContentType();
  }
  void SetContentType(std::string_view type) { rep_->header.SetContentType(type); }
  bool ConnectionClose() const { return rep_->header.ConnectionClose(); }
  void SetConnectionClose() { rep_->header.SetConnectionClose(); }

  // --- Body ---
  std::string_view Body() const& ABSL_ATTRIBUTE_LIFETIME_BOUND { return rep_->body.view(); }
  std::string_view Body() const&& = delete;  // The bytes would die with the temporary.
  // Copies. `bytes` may be a view of this body.
  void SetBody(std::string_view bytes) { rep_->body.Set(bytes); }
  void SetBodyString(std::string_view bytes) { rep_->body.Set(bytes); }
  // Refers to bytes that outlive the response's sending, typically of static storage.
  void SetBodyRaw(std::string_view bytes) { rep_->body.SetRaw(bytes); }
  // Takes ownership. `release` is called once, on whatever thread ends the body's life.
  void SetBodyOwned(std::string bytes) { rep_->body.SetOwned(OwnedBytes(std::move(bytes))); }
  void SetBodyOwned(std::string_view bytes, absl::AnyInvocable<void() &&> release) {
    rep_->body.SetOwned(OwnedBytes(bytes, std::move(release)));
  }
  void SetBodyOwned(OwnedBytes bytes) { rep_->body.SetOwned(std::move(bytes)); }
  void AppendBody(std::string_view bytes) { rep_->body.Append(bytes); }
  void AppendBodyString(std::string_view bytes) { rep_->body.Append(bytes); }
  void Write(std::string_view bytes) { rep_->body.Append(bytes); }
  // Receives straight into the body: see Body::Prepare.
  std::span<char> PrepareBody(size_t n) { return rep_->body.Prepare(n); }
  void CommitBody(size_t n) { rep_->body.Commit(n); }
  // Takes the bytes out without copying, for instance into an out queue; the body is empty then.
  OwnedBytes TakeBody() { return rep_->body.Take(); }
  // Exchanges the body's bytes for others without copying.
  OwnedBytes SwapBody(OwnedBytes bytes);
  void ResetBody() { rep_->body.Clear(); }
  // Drops the body with its buffer if the buffer's capacity is above `size`.
  void ReleaseBody(size_t size) { rep_->body.ReleaseAbove(size); }

  // --- A body that is made while it is sent ---
  // The response of a handler gets its body from `reader`, which is read when the handler has
  // returned, on its stack: it may suspend. `size` >= 0, or reader->Size(), becomes the
  // Content-Length: no more than that is read, and if less comes the connection is cut. Else the
  // body is sent in chunks, each as soon as a Read has given it. If the first Read fails, the
  // answer is a 500. In the answer to HEAD, and with 204 or 304, the reader is not read.
  //
  // A stream wins over a buffered body; Reset, and what begins with it such as RequestCtx::Error,
  // drops it.
  void SetBodyStream(std::unique_ptr<BodyReader> reader, int64_t size = -1);
  // The same from a function, called when the handler has returned. See body_writer.h.
  void SetBodyStreamWriter(absl::AnyInvocable<void(BodyWriter&) &&> writer);
  bool IsBodyStream() const { return (rep_->special & Rep::kStream) != 0; }
  // Drops the stream unread.
  void CloseBodyStream() { (void)TakeBodyStream(); }
  // Takes the stream out.
  BodySource TakeBodyStream();
  // The head of a streamed response goes out at once, and not with the first bytes of its body or
  // when the handler first waits.
  bool ImmediateHeaderFlush() const { return (rep_->special & Rep::kFlushHead) != 0; }
  void SetImmediateHeaderFlush(bool flush) { rep_->Set(Rep::kFlushHead, flush); }

  // --- As bytes ---
  // The response as it would be sent, without what the server adds: the header's fields and a
  // Content-Length that fits the body. A status without body, and SkipBody, leave the body out.
  void AppendBytes(std::string& dst) const;
  std::string String() const;
  // Reads one final response to a request with `request_method` from the beginning of `bytes`,
  // which are copied; up to 100 interim responses (1xx) before it are skipped. Gives how many bytes
  // it took. A body without a length goes on to the end of `bytes`. kUnexpectedEof: `bytes` end
  // within the response; kBodyTooLarge; kTooManyInterimResponses; or what is malformed. After an
  // error the response is empty.
  absl::StatusOr<size_t> Read(std::string_view bytes, std::string_view request_method = "GET",
                              size_t max_body_size = 4 << 20);

  // Reading: the response has no body whatever its header says (the answer to HEAD). Writing: no
  // body is sent; Content-Length is still declared. A server that so leaves out a body which the
  // client waits for closes the connection behind the head; a stream is dropped unread, and counts
  // as an empty body. RequestCtx::StartBodyStream does not look at it.
  bool SkipBody() const { return (rep_->special & Rep::kSkipBody) != 0; }
  // For servers, a quick test: not empty only if this is a Content-Type, a buffered body and else
  // at most a status code and ConnectionClose.
  std::string_view PlainContentType() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return rep_->special != 0 ? std::string_view() : rep_->header.PlainContentType();
  }
  // For clients, a quick test: SkipBody is set, or something that only handlers set.
  bool IsSpecial() const { return rep_->special != 0; }
  void SetSkipBody(bool skip) { rep_->Set(Rep::kSkipBody, skip); }

  // The ends of the connection that brought this response to a client: with redirects and retries
  // the last one. A default-made Addr if none did, as in a handler.
  Addr LocalAddr() const { return rep_->has_addrs ? rep_->local : Addr(); }
  Addr RemoteAddr() const { return rep_->has_addrs ? rep_->remote : Addr(); }
  // For a RoundTripper that receives by itself.
  void SetAddrs(const Addr& local, const Addr& remote);

  // For clients: the head that was parsed into header().HeadToReceive(), a body of the length that
  // it declares, and the ends of the connection.
  void Receive(std::string_view body, const Addr& local, const Addr& remote);

  // absl::Format(&response, ...) appends to the body.
  friend void AbslFormatFlush(Response* response, absl::string_view text) {
    response->AppendBody(text);
  }

 private:
  struct Rep {
    ResponseHeader header;
    fasthttp::Body body;
    Rep* next = nullptr;  // In the pool.

    // What most responses have not.
    enum Special : uint8_t { kSkipBody = 1, kFlushHead = 2, kStream = 4 };
    uint8_t special = 0;
    bool has_addrs = false;  // Else the two are an earlier use's.
    Addr local;
    Addr remote;
    std::unique_ptr<BodySource> source;  // With kStream; else kept for its memory.

    void Set(Special bit, bool on) {
      special = static_cast<uint8_t>(on ? special | bit : special & ~bit);
    }
    void ResetSpecial();
  };
  friend struct ResponsePool;

  static Rep* Acquire();
  static void Release(Rep* rep);
  Errc ReadAll(std::string_view bytes, std::string_view request_method, size_t max_body_size,
               size_t& used);

  Rep* rep_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_RESPONSE_H_
