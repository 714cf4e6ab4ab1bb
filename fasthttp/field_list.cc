#include "fasthttp/field_list.h"

#include <algorithm>
#include <cstdlib>

#include "fasthttp/base/check.h"

namespace fasthttp::internal {
namespace {

constexpr uint32_t kFirstEntries = 8;
constexpr uint32_t kFirstBytes = 256;
constexpr uint64_t kMaxBytes = 0xFFFFFFFF;

char* Allocate(size_t size) {
  char* block = static_cast<char*>(std::malloc(size));
  FASTHTTP_CHECK(block != nullptr, "out of memory for the fields of a message");
  return block;
}

}  // namespace

FieldList::~FieldList() {
  FreeBytes(bytes_, bytes_capacity_);
  std::free(entries_);
}

void FieldList::swap(FieldList& other) noexcept {
  std::swap(entries_, other.entries_);
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(bytes_size_, other.bytes_size_);
  std::swap(bytes_capacity_, other.bytes_capacity_);
  std::swap(garbage_, other.garbage_);
  std::swap(seen_, other.seen_);
}

void FieldList::FreeBytes(char* bytes, size_t capacity) {
  Unpoison(bytes, capacity);
  std::free(bytes);
}

size_t FieldList::Find(http1::KnownField id, size_t from) const {
  for (size_t i = from; i < size_; ++i) {
    if (entries_[i].id == static_cast<uint8_t>(id)) return i;
  }
  return kNotFound;
}

size_t FieldList::FindFold(std::string_view name, size_t from) const {
  for (size_t i = from; i < size_; ++i) {
    if (entries_[i].name_size == name.size() && http1::EqualFold(this->name(i), name)) return i;
  }
  return kNotFound;
}

size_t FieldList::FindExact(std::string_view name, size_t from) const {
  for (size_t i = from; i < size_; ++i) {
    if (this->name(i) == name) return i;
  }
  return kNotFound;
}

void FieldList::GrowEntries() {
  uint32_t capacity = capacity_ == 0 ? kFirstEntries : 2 * capacity_;
  void* block = std::realloc(entries_, capacity * sizeof(Entry));
  FASTHTTP_CHECK(block != nullptr, "out of memory for the fields of a message");
  entries_ = static_cast<Entry*>(block);
  capacity_ = capacity;
}

// Growing also drops the garbage: live bytes are copied in the order of the entries.
char* FieldList::GrowBytes(size_t n) {
  uint64_t live = bytes_size_ - garbage_;
  uint64_t capacity = bytes_capacity_ == 0 ? kFirstBytes : bytes_capacity_;
  // A quarter stays free, so that compacting is rare.
  while (capacity - capacity / 4 < live + n) capacity *= 2;
  if (capacity > kMaxBytes) capacity = kMaxBytes;
  FASTHTTP_CHECK(capacity >= live + n, "the fields of a message exceed 4 GiB");
  char* block = Allocate(capacity);
  uint32_t at = 0;
  for (size_t i = 0; i < size_; ++i) {
    Entry& e = entries_[i];
    base::CopyShort(block + at, bytes_ + e.name, e.name_size);
    base::CopyShort(block + at + e.name_size, bytes_ + e.value, e.value_size);
    e.name = at;
    e.value = at + e.name_size;
    at = e.value + e.value_size;
  }
  Poison(block + at, capacity - at);
  char* old = std::exchange(bytes_, block);
  bytes_size_ = at;
  bytes_capacity_ = static_cast<uint32_t>(capacity);
  garbage_ = 0;
  return old;
}

char* FieldList::AppendBytes(std::string_view text, Bytes bytes) {
  char* out = bytes_ + bytes_size_;
  Unpoison(out, text.size());
  if (bytes == Bytes::kAsGiven) {
    base::CopyShort(out, text.data(), text.size());
  } else if (CopyAndCheck(out, text.data(), text.size())) {
    ReplaceControls(out, text.size());
  }
  bytes_size_ += static_cast<uint32_t>(text.size());
  return out;
}

void FieldList::Add(http1::KnownField id, std::string_view name, std::string_view value,
                    Bytes bytes) {
  if (size_ == capacity_) GrowEntries();
  size_t n = name.size() + value.size();
  char* old = nullptr;
  uint32_t old_capacity = bytes_capacity_;
  if (n > bytes_capacity_ - bytes_size_) old = GrowBytes(n);
  Entry& e = entries_[size_];
  e.name = bytes_size_;
  e.name_size = static_cast<uint32_t>(name.size());
  AppendBytes(name, bytes);
  e.value = bytes_size_;
  e.value_size = static_cast<uint32_t>(value.size());
  AppendBytes(value, bytes);
  e.id = static_cast<uint8_t>(id);
  e.flags = 0;
  seen_ |= http1::MaskOf(id);
  ++size_;
  if (old != nullptr) FreeBytes(old, old_capacity);
}

void FieldList::AddLine(http1::KnownField id, const char* line, size_t name_size, size_t value,
                        size_t value_size) {
  if (size_ == capacity_) GrowEntries();
  const size_t n = value + value_size;
  if (n > bytes_capacity_ - bytes_size_) {
    const uint32_t old_capacity = bytes_capacity_;
    char* old = GrowBytes(n);
    if (old != nullptr) FreeBytes(old, old_capacity);
  }
  char* out = bytes_ + bytes_size_;
  Unpoison(out, n);
  base::CopyShort(out, line, n);
  Entry& e = entries_[size_++];
  e.name = bytes_size_;
  e.name_size = static_cast<uint32_t>(name_size);
  e.value = bytes_size_ + static_cast<uint32_t>(value);
  e.value_size = static_cast<uint32_t>(value_size);
  e.id = static_cast<uint8_t>(id);
  e.flags = 0;
  seen_ |= http1::MaskOf(id);
  garbage_ += static_cast<uint32_t>(value - name_size);
  bytes_size_ += static_cast<uint32_t>(n);
}

void FieldList::SetValue(size_t i, std::string_view value, Bytes bytes) {
  Entry& e = entries_[i];
  if (value.size() <= e.value_size) {
    char* out = bytes_ + e.value;
    if (!value.empty()) std::memmove(out, value.data(), value.size());
    if (bytes == Bytes::kWithoutControls) ReplaceControls(out, value.size());
    garbage_ += e.value_size - static_cast<uint32_t>(value.size());
    e.value_size = static_cast<uint32_t>(value.size());
    return;
  }
  char* old = nullptr;
  uint32_t old_capacity = bytes_capacity_;
  if (value.size() > bytes_capacity_ - bytes_size_) old = GrowBytes(value.size());
  garbage_ += e.value_size;
  e.value = bytes_size_;
  e.value_size = static_cast<uint32_t>(value.size());
  AppendBytes(value, bytes);
  if (old != nullptr) FreeBytes(old, old_capacity);
}

void FieldList::Erase(size_t i) {
  garbage_ += entries_[i].name_size + entries_[i].value_size;
  std::memmove(entries_ + i, entries_ + i + 1, (size_ - i - 1) * sizeof(Entry));
  --size_;
}

char* FieldList::PrepareBytes(size_t n) {
  if (n > bytes_capacity_ - bytes_size_) {
    uint32_t old_capacity = bytes_capacity_;
    char* old = GrowBytes(n);
    if (old != nullptr) FreeBytes(old, old_capacity);
  }
  Unpoison(bytes_ + bytes_size_, n);
  return bytes_ + bytes_size_;
}

char* FieldList::AddPrepared(char* name, size_t name_size, char* value, size_t value_size,
                             uint8_t flags) {
  if (size_ == capacity_) GrowEntries();
  Entry& e = entries_[size_++];
  e.name = static_cast<uint32_t>(name - bytes_);
  e.name_size = static_cast<uint32_t>(name_size);
  e.value = static_cast<uint32_t>(value - bytes_);
  e.value_size = static_cast<uint32_t>(value_size);
  e.id = 0;
  e.flags = flags;
  uint32_t end = static_cast<uint32_t>(value + value_size - bytes_);
  garbage_ += end - bytes_size_ - e.name_size - e.value_size;
  bytes_size_ = end;
  return bytes_ + end;
}

void FieldList::Sort(absl::FunctionRef<bool(const Pair& a, const Pair& b)> less) {
  std::stable_sort(entries_, entries_ + size_, [&](const Entry& a, const Entry& b) {
    auto pair = [&](const Entry& e) {
      return Pair{{bytes_ + e.name, e.name_size}, {bytes_ + e.value, e.value_size}};
    };
    return less(pair(a), pair(b));
  });
}

void FieldList::FreeMemory() {
  FreeBytes(std::exchange(bytes_, nullptr), bytes_capacity_);
  std::free(std::exchange(entries_, nullptr));
  bytes_capacity_ = 0;
  capacity_ = 0;
}

void FieldList::CopyFrom(const FieldList& other) {
  if (this == &other) return;
  Clear();
  while (capacity_ < other.size_) GrowEntries();
  PrepareBytes(other.bytes_size_ - other.garbage_);
  for (size_t i = 0; i < other.size_; ++i) {
    Add(other.id(i), other.name(i), other.value(i), Bytes::kAsGiven);
    entries_[i].flags = other.entries_[i].flags;
  }
}

}  // namespace fasthttp::internal
