#include "fasthttp/byte_buffer.h"

#include <algorithm>
#include <cstdlib>

#include "fasthttp/base/check.h"

namespace fasthttp::internal {
namespace {

constexpr size_t kSmallest = 32;

using Sixteen = signed char __attribute__((vector_size(16)));

bool IsControl(char c) {
  const unsigned char byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

size_t RoundUp(size_t size) { return size < kSmallest ? kSmallest : (size + 15) & ~size_t{15}; }

}  // namespace

bool CopyAndCheckLong(char* dst, const char* src, size_t n) {
  if (n == 0) return false;  // Both may be null.
  if (n - 16 <= 16) {
    Sixteen head, tail;
    std::memcpy(&head, src, 16);
    std::memcpy(&tail, src + n - 16, 16);
    std::memcpy(dst, &head, 16);
    std::memcpy(dst + n - 16, &tail, 16);
    const Sixteen bits = (head < 0x20) | (head == 0x7f) | (tail < 0x20) | (tail == 0x7f);
    uint64_t words[2];
    std::memcpy(words, &bits, 16);
    return (words[0] | words[1]) != 0;
  }
  std::memmove(dst, src, n);
  if (n < 8) return std::any_of(dst, dst + n, IsControl);
  uint64_t word;
  for (size_t i = 0; i + 8 <= n; i += 8) {
    std::memcpy(&word, dst + i, 8);
    if (ControlBits(word) != 0) return true;
  }
  std::memcpy(&word, dst + n - 8, 8);
  return ControlBits(word) != 0;
}

void ReplaceControls(char* data, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (IsControl(data[i])) data[i] = ' ';
  }
}

void ByteBuffer::Free() {
  Unpoison(data_, capacity_);
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

char* ByteBuffer::Release() {
  Unpoison(data_, capacity_);
  size_ = 0;
  capacity_ = 0;
  return std::exchange(data_, nullptr);
}

char* ByteBuffer::AllocateFor(size_t size, size_t& capacity) {
  capacity = RoundUp(size);
  char* block = static_cast<char*>(std::malloc(capacity));
  FASTHTTP_CHECK(block != nullptr, "out of memory for the bytes of a message");
  return block;
}

// The old block is freed last: `bytes` may lie in it.
void ByteBuffer::AssignSlow(std::string_view bytes) {
  size_t capacity;
  char* block = AllocateFor(bytes.size(), capacity);
  base::CopyShort(block, bytes.data(), bytes.size());
  Poison(block + bytes.size(), capacity - bytes.size());
  Free();
  data_ = block;
  size_ = bytes.size();
  capacity_ = capacity;
}

void ByteBuffer::AssignCleanSlow(std::string_view bytes) {
  AssignSlow(bytes);
  ReplaceControls(data_, size_);
}

void ByteBuffer::AppendSlow(std::string_view bytes) {
  size_t size = size_;
  size_t capacity;
  size_t wanted = size + bytes.size();
  char* block = AllocateFor(wanted > 2 * size ? wanted : 2 * size, capacity);
  base::CopyShort(block, data_, size);
  base::CopyShort(block + size, bytes.data(), bytes.size());
  Free();
  data_ = block;
  size_ = size + bytes.size();
  capacity_ = capacity;
  Poison(data_ + size_, capacity_ - size_);
}

void ByteBuffer::Grow(size_t extra) {
  size_t size = size_;
  size_t capacity;
  char* block = AllocateFor(size + extra > 2 * size ? size + extra : 2 * size, capacity);
  base::CopyShort(block, data_, size);
  Free();
  data_ = block;
  size_ = size;
  capacity_ = capacity;
  Poison(data_ + size_, capacity_ - size_);
}

}  // namespace fasthttp::internal
