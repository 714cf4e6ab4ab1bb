// FieldList: an ordered list of names and values in two blocks of memory.
//
// The store behind headers, cookies, trailers and Args: entries of fixed size that refer to one
// arena of bytes. Order is that of insertion, erasing keeps it, duplicates are allowed. Clear keeps
// the memory, so a list that is reused allocates nothing once it has grown to its working size.
// For the library's own use.
//
// Views that a list hands out are valid until its next mutating call. Every function may be given
// views into the list itself.
//
// Limits: 4 GiB - 1 bytes in total; to exceed it ends the process (the callers' limits are far
// below).
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_FIELD_LIST_H_
#define FASTHTTP_FIELD_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/function_ref.h"
#include "fasthttp/byte_buffer.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp::internal {

class FieldList {
 public:
  static constexpr size_t kNotFound = static_cast<size_t>(-1);

  FieldList() = default;
  FieldList(FieldList&& other) noexcept { swap(other); }
  FieldList& operator=(FieldList&& other) noexcept {
    swap(other);
    return *this;
  }
  ~FieldList();

  void swap(FieldList& other) noexcept;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  std::string_view name(size_t i) const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return {bytes_ + entries_[i].name, entries_[i].name_size};
  }
  std::string_view value(size_t i) const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return {bytes_ + entries_[i].value, entries_[i].value_size};
  }
  http1::KnownField id(size_t i) const { return static_cast<http1::KnownField>(entries_[i].id); }
  uint8_t flags(size_t i) const { return entries_[i].flags; }
  void set_flags(size_t i, uint8_t flags) { entries_[i].flags = flags; }

  // False means: no entry has this id. True means only that one has had it since the last Clear.
  bool MayHave(http1::KnownField id) const { return (seen_ & http1::MaskOf(id)) != 0; }

  // The first entry at or behind `from`. By known id; by name, ASCII case folded; by exact bytes.
  size_t Find(http1::KnownField id, size_t from = 0) const;
  size_t FindFold(std::string_view name, size_t from = 0) const;
  size_t FindExact(std::string_view name, size_t from = 0) const;

  // Whether CR, LF and NUL become spaces.
  enum class Bytes { kAsGiven, kWithoutControls };

  // Appends an entry.
  void Add(http1::KnownField id, std::string_view name, std::string_view value, Bytes bytes);

  // The same for a line of a received head: a name, and a value that begins `value` bytes behind
  // the name's first byte. Copied in one piece.
  void AddLine(http1::KnownField id, const char* line, size_t name_size, size_t value,
               size_t value_size);

  // Replaces the value of entry `i`.
  void SetValue(size_t i, std::string_view value, Bytes bytes);

  // The bytes of a name, to fold their case in place.
  char* MutableName(size_t i) { return bytes_ + entries_[i].name; }

  // Removes entry `i`; those behind it move up.
  void Erase(size_t i);

  // Appends an entry whose bytes the caller decodes itself. Reserve room with PrepareBytes first;
  // then write from there on, name and value one behind the other, and say with AddPrepared how
  // much of it is name and value. Returns the address behind the value, where the next entry's
  // bytes go. `skip` bytes before the name are lost.
  char* PrepareBytes(size_t n);
  char* AddPrepared(char* name, size_t name_size, char* value, size_t value_size, uint8_t flags);

  // Stable sort. Allocates.
  struct Pair {
    std::string_view name;
    std::string_view value;
  };
  void Sort(absl::FunctionRef<bool(const Pair& a, const Pair& b)> less);

  // Empties the list and keeps its memory, unless that is more than `limit` bytes.
  void Clear(size_t limit = kKeepBytes) {
    Poison(bytes_, bytes_size_);
    size_ = 0;
    bytes_size_ = 0;
    garbage_ = 0;
    seen_ = 0;
    if (MemoryBytes() > limit) FreeMemory();
  }

  void CopyFrom(const FieldList& other);

  // Bytes of memory that the list holds.
  size_t MemoryBytes() const { return bytes_capacity_ + sizeof(Entry) * capacity_; }

  // True if `text` lies in the list's own bytes.
  bool Owns(std::string_view text) const {
    return text.data() >= bytes_ && text.data() < bytes_ + bytes_size_;
  }

  static constexpr size_t kKeepBytes = 64 * 1024;

 private:
  struct Entry {
    uint32_t name;
    uint32_t name_size;
    uint32_t value;
    uint32_t value_size;
    uint8_t id;
    uint8_t flags;
  };

  void GrowEntries();
  void FreeMemory();
  // Room for `n` more bytes. Returns the old block if the bytes moved; the caller frees it with
  // FreeBytes once it has copied what may point into it.
  char* GrowBytes(size_t n);
  static void FreeBytes(char* bytes, size_t capacity);
  char* AppendBytes(std::string_view text, Bytes bytes);

  Entry* entries_ = nullptr;
  char* bytes_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint32_t bytes_size_ = 0;
  uint32_t bytes_capacity_ = 0;
  uint32_t garbage_ = 0;  // Bytes below bytes_size_ that no entry refers to.
  uint64_t seen_ = 0;
};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_FIELD_LIST_H_
