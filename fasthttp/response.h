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
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/string_view.h"
#include "fasthttp/body.h"
#include "fasthttp/header.h"

namespace fasthttp {

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
    rep_->header.Reset();
    rep_->body.ClearUpTo(ResponseBodyPoolLimit());
    rep_->skip_body = false;
  }

  // Header, body and switches.
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

  // Reading: the response has no body whatever its header says (the answer to HEAD). Writing: no
  // body is sent; Content-Length is still declared.
  bool SkipBody() const { return rep_->skip_body; }
  void SetSkipBody(bool skip) { rep_->skip_body = skip; }

  // absl::Format(&response, ...) appends to the body.
  friend void AbslFormatFlush(Response* response, absl::string_view text) {
    response->AppendBody(text);
  }

 private:
  struct Rep {
    ResponseHeader header;
    fasthttp::Body body;
    Rep* next = nullptr;  // In the pool.
    bool skip_body = false;
  };
  friend struct ResponsePool;

  static Rep* Acquire();
  static void Release(Rep* rep);

  Rep* rep_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_RESPONSE_H_
