// Body: the buffered bytes of a message, and who owns them.
//
// A body is in one of four states: empty; in its own buffer (SetBody, AppendBody); a view of bytes
// that somebody else keeps (SetBodyRaw); bytes handed over together with the way to free them
// (SetBodyOwned). Reset and the setters keep the buffer for the next message, unless it is larger
// than the pool limit. Request and Response forward to it.
//
// Thread class: thread-compatible. Memory of malloc only.
#ifndef FASTHTTP_BODY_H_
#define FASTHTTP_BODY_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "fasthttp/byte_buffer.h"

namespace fasthttp {

// Bytes together with the way to free them; movable, not copyable. The form in which a body is
// handed to a connection's out queue, or swapped out of a message. May be destroyed on any thread,
// where `release` is then called.
class OwnedBytes {
 public:
  OwnedBytes() = default;
  // Takes the string; its bytes do not move if it is longer than a dozen or so.
  explicit OwnedBytes(std::string bytes);
  // `bytes` stay valid and unchanged until `release` is called, once, by the destructor. An empty
  // `release` stands for bytes that live forever.
  OwnedBytes(std::string_view bytes, absl::AnyInvocable<void() &&> release);
  // Bytes in a block of malloc.
  static OwnedBytes FromMalloc(char* block, size_t size);

  OwnedBytes(OwnedBytes&& other) noexcept { *this = std::move(other); }
  OwnedBytes& operator=(OwnedBytes&& other) noexcept;
  ~OwnedBytes() {
    if (kind_ != Kind::kNone) Free();
  }

  std::string_view view() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // Frees them now.
  void Drop() {
    if (kind_ != Kind::kNone) Free();
    bytes_ = {};
  }

 private:
  enum class Kind : uint8_t { kNone, kMalloc, kHolder };
  struct Holder;

  void Free();

  std::string_view bytes_;
  void* block_ = nullptr;  // Of malloc, or a Holder.
  Kind kind_ = Kind::kNone;
};

class Body {
 public:
  Body() = default;
  Body(Body&& other) noexcept { *this = std::move(other); }
  Body& operator=(Body&& other) noexcept;

  std::string_view view() const ABSL_ATTRIBUTE_LIFETIME_BOUND { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // Copies `bytes`, which may be a view into this body.
  void Set(std::string_view bytes) {
    if (external_) return SetSlow(bytes);
    buffer_.Assign(bytes);
    bytes_ = buffer_.view();
  }

  // Refers to `bytes`, which the caller keeps valid and unchanged until the message is reset, gets
  // another body or, in a server, has been sent. Meant for bytes of static storage.
  void SetRaw(std::string_view bytes) {
    Clear();
    bytes_ = bytes;
    external_ = true;
  }

  void SetOwned(OwnedBytes bytes);

  // Appends a copy. A raw or owned body is copied into the buffer first.
  void Append(std::string_view bytes) {
    if (external_) return AppendSlow(bytes);
    buffer_.Append(bytes);
    bytes_ = buffer_.view();
  }

  // At least `n` writable bytes behind the body; Commit(k) makes the first k of them part of it.
  // For readers that receive straight into the body. Invalidates views.
  std::span<char> Prepare(size_t n);
  void Commit(size_t n) {
    buffer_.Commit(n);
    bytes_ = buffer_.view();
  }

  // Empties the body and keeps the buffer.
  void Clear() {
    if (external_) DropExternal();
    buffer_.Clear();
    bytes_ = {};
  }

  // Clear, but a buffer of more than `limit` bytes is freed.
  void ClearUpTo(size_t limit) {
    if (external_) DropExternal();
    buffer_.ClearUpTo(limit);
    bytes_ = {};
  }

  // Drops the body with its buffer if the buffer's capacity is above `size`.
  void ReleaseAbove(size_t size) {
    if (buffer_.capacity() > size) ClearUpTo(size);
  }

  // Takes the bytes out without copying them (raw bytes too, which stay the caller's to keep);
  // the body is empty afterwards.
  OwnedBytes Take();

  // True if the bytes belong to somebody else, who may end their life.
  bool IsRaw() const { return external_ && owned_.empty(); }

  // True if the bytes would be moved, not copied, by Take, and stay valid without this body.
  bool IsExternal() const { return external_; }

 private:
  void SetSlow(std::string_view bytes);
  void AppendSlow(std::string_view bytes);
  void DropExternal() {
    external_ = false;
    bytes_ = {};
    owned_.Drop();
  }

  std::string_view bytes_;
  bool external_ = false;  // bytes_ are raw or those of owned_.
  internal::ByteBuffer buffer_;
  OwnedBytes owned_;
};

namespace internal {
inline std::atomic<size_t> request_pool_limit{64 * 1024};
inline std::atomic<size_t> response_pool_limit{64 * 1024};
}  // namespace internal

// A buffer whose capacity is above these limits is freed when its message is reset, so that one
// large body does not pin memory in every pooled object. Bytes; 0 keeps nothing. Process-wide,
// thread-safe. Default for both: 64 KiB.
void SetBodySizePoolLimit(size_t request_limit, size_t response_limit);
inline size_t RequestBodyPoolLimit() {
  return internal::request_pool_limit.load(std::memory_order_relaxed);
}
inline size_t ResponseBodyPoolLimit() {
  return internal::response_pool_limit.load(std::memory_order_relaxed);
}

}  // namespace fasthttp

#endif  // FASTHTTP_BODY_H_
