#include "fasthttp/body.h"

#include <cstdlib>

namespace fasthttp {

// What frees the bytes: a string, or the user's function.
struct OwnedBytes::Holder {
  std::string text;
  absl::AnyInvocable<void() &&> release;
};

OwnedBytes::OwnedBytes(std::string bytes) : kind_(Kind::kHolder) {
  auto* holder = new Holder{std::move(bytes), nullptr};
  block_ = holder;
  bytes_ = holder->text;
}

OwnedBytes::OwnedBytes(std::string_view bytes, absl::AnyInvocable<void() &&> release)
    : bytes_(bytes) {
  if (release == nullptr) return;
  kind_ = Kind::kHolder;
  block_ = new Holder{{}, std::move(release)};
}

OwnedBytes OwnedBytes::FromMalloc(char* block, size_t size) {
  OwnedBytes owned;
  owned.bytes_ = {block, size};
  owned.block_ = block;
  owned.kind_ = Kind::kMalloc;
  return owned;
}

OwnedBytes& OwnedBytes::operator=(OwnedBytes&& other) noexcept {
  if (this == &other) return *this;
  Free();
  bytes_ = std::exchange(other.bytes_, {});
  block_ = std::exchange(other.block_, nullptr);
  kind_ = std::exchange(other.kind_, Kind::kNone);
  return *this;
}

// `this` is empty before user code runs.
void OwnedBytes::Free() {
  void* block = std::exchange(block_, nullptr);
  Kind kind = std::exchange(kind_, Kind::kNone);
  bytes_ = {};
  if (kind == Kind::kMalloc) std::free(block);
  if (kind != Kind::kHolder) return;
  std::unique_ptr<Holder> holder(static_cast<Holder*>(block));
  if (holder->release != nullptr) std::move(holder->release)();
}

Body& Body::operator=(Body&& other) noexcept {
  if (this == &other) return *this;
  buffer_ = std::move(other.buffer_);
  owned_ = std::move(other.owned_);
  bytes_ = std::exchange(other.bytes_, {});
  external_ = std::exchange(other.external_, false);
  other.buffer_.Clear();
  return *this;
}

// The old bytes go last: the new ones may be part of them.
void Body::SetSlow(std::string_view bytes) {
  buffer_.Assign(bytes);
  DropExternal();
  bytes_ = buffer_.view();
}

void Body::AppendSlow(std::string_view bytes) {
  buffer_.Assign(bytes_);
  buffer_.Append(bytes);
  DropExternal();
  bytes_ = buffer_.view();
}

void Body::SetOwned(OwnedBytes bytes) {
  Clear();
  owned_ = std::move(bytes);
  bytes_ = owned_.view();
  external_ = true;
}

std::span<char> Body::Prepare(size_t n) {
  if (external_) AppendSlow({});
  char* out = buffer_.Prepare(n);
  bytes_ = buffer_.view();
  return {out, n};
}

OwnedBytes Body::Take() {
  OwnedBytes taken;
  if (!external_) {
    size_t size = buffer_.size();
    taken = OwnedBytes::FromMalloc(buffer_.Release(), size);
  } else if (owned_.view().data() == bytes_.data() && owned_.size() == bytes_.size()) {
    taken = std::move(owned_);
  } else {
    taken = OwnedBytes(bytes_, nullptr);
  }
  Clear();
  return taken;
}

void SetBodySizePoolLimit(size_t request_limit, size_t response_limit) {
  internal::request_pool_limit.store(request_limit, std::memory_order_relaxed);
  internal::response_pool_limit.store(response_limit, std::memory_order_relaxed);
}

}  // namespace fasthttp
