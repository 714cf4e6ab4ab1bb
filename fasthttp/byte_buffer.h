// ByteBuffer: growable bytes in malloc memory, for the fields of messages.
//
// Why not std::string: a setter on the path of every response must cost about twenty instructions,
// and recycled memory must be poisoned. For the library's own use; users see views.
//
// Assign and Append take views into the buffer's own bytes. Clear keeps the memory; under ASan the
// bytes that are no longer in use are poisoned, so a view that outlived its owner's Reset is
// reported at its first use.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_BYTE_BUFFER_H_
#define FASTHTTP_BYTE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "fasthttp/base/copy.h"

#if defined(__SANITIZE_ADDRESS__)
#define FASTHTTP_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTHTTP_POISON 1
#endif
#endif
#ifdef FASTHTTP_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace fasthttp::internal {

inline void Poison([[maybe_unused]] const void* data, [[maybe_unused]] size_t size) {
#ifdef FASTHTTP_POISON
  if (size != 0) __asan_poison_memory_region(data, size);
#endif
}

inline void Unpoison([[maybe_unused]] const void* data, [[maybe_unused]] size_t size) {
#ifdef FASTHTTP_POISON
  if (size != 0) __asan_unpoison_memory_region(data, size);
#endif
}

// Not 0 if a byte of `word` may be a control byte: below 0x20 or 0x7F. Also not 0 for HTAB and most
// bytes from 0x80 on, which the slow path then finds harmless.
inline uint64_t ControlBits(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  return (((word - kOnes * 0x20) & ~word) | (word + kOnes)) & (kOnes * 0x80);
}

// Copies `n` bytes; the ranges may overlap. Returns true if a copied byte may be a control byte.
bool CopyAndCheckLong(char* dst, const char* src, size_t n);
inline bool CopyAndCheck(char* dst, const char* src, size_t n) {
  if (n - 8 <= 8) {
    uint64_t head, tail;
    std::memcpy(&head, src, 8);
    std::memcpy(&tail, src + n - 8, 8);
    std::memcpy(dst, &head, 8);
    std::memcpy(dst + n - 8, &tail, 8);
    return (ControlBits(head) | ControlBits(tail)) != 0;
  }
  return CopyAndCheckLong(dst, src, n);
}

// Replaces control bytes other than HTAB, CR, LF and NUL among them, by spaces.
void ReplaceControls(char* data, size_t n);

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~ByteBuffer() {
    if (data_ != nullptr) Free();
  }

  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  // Empties the buffer and keeps its memory.
  void Clear() {
    Poison(data_, size_);
    size_ = 0;
  }

  // Empties the buffer; keeps its memory if it is at most `limit` bytes.
  void ClearUpTo(size_t limit) {
    Clear();
    if (capacity_ > limit) Free();
  }

  void Free();

  void Assign(std::string_view bytes) {
    if (bytes.size() > capacity_) return AssignSlow(bytes);
    Unpoison(data_, bytes.size());
    base::CopyShort(data_, bytes.data(), bytes.size());
    if (bytes.size() < size_) Poison(data_ + bytes.size(), size_ - bytes.size());
    size_ = bytes.size();
  }

  // Assign with control bytes other than HTAB replaced by spaces.
  void AssignClean(std::string_view bytes) {
    if (bytes.size() > capacity_) return AssignCleanSlow(bytes);
    Unpoison(data_, bytes.size());
    if (CopyAndCheck(data_, bytes.data(), bytes.size())) ReplaceControls(data_, bytes.size());
    if (bytes.size() < size_) Poison(data_ + bytes.size(), size_ - bytes.size());
    size_ = bytes.size();
  }

  void Append(std::string_view bytes) {
    if (bytes.size() > capacity_ - size_) return AppendSlow(bytes);
    Unpoison(data_ + size_, bytes.size());
    base::CopyShort(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  void push_back(char c) { Append({&c, 1}); }

  // At least `n` writable bytes after the end, for Commit. Invalidates views.
  char* Prepare(size_t n) {
    if (n > capacity_ - size_) Grow(n);
    Unpoison(data_ + size_, n);
    return data_ + size_;
  }
  void Commit(size_t n) { size_ += n; }

  // Cuts the buffer to `n` bytes; `n` is at most size().
  void Truncate(size_t n) {
    Poison(data_ + n, size_ - n);
    size_ = n;
  }

  // Gives the memory (of malloc, or null) to the caller.
  char* Release();

 private:
  void AssignSlow(std::string_view bytes);
  void AssignCleanSlow(std::string_view bytes);
  void AppendSlow(std::string_view bytes);
  void Grow(size_t extra);
  static char* AllocateFor(size_t size, size_t& capacity);

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_BYTE_BUFFER_H_
