#include "fasthttp/base/block_pool.h"

#include <new>

#include "fasthttp/base/check.h"

namespace fasthttp::base {

BlockPool::~BlockPool() {
  while (Trim()) {
  }
}

Block* BlockPool::Make(size_t size_class) {
  void* memory = slabs_[size_class].Allocate();
  FASTHTTP_CHECK(memory != nullptr, "out of memory for a receive block");
  ++made_;
  Block* block = new (memory) Block;
  block->capacity = kCapacities[size_class];
  block->size_class = static_cast<uint8_t>(size_class);
  return block;
}

Block* BlockPool::Grow(Block* block) {
  size_t larger = block->size_class + size_t{1};
  if (larger == kCapacities.size()) return nullptr;
  Block* grown = TakeClass(larger);
  std::memcpy(grown->data(), block->unread(), block->unread_size());
  grown->Commit(block->unread_size());
  Give(block);
  return grown;
}

bool BlockPool::Trim() {
  bool more = false;
  for (size_t i = 0; i < kCapacities.size(); ++i) {
    for (size_t n = (free_count_[i] + 1) / 2; n > 0; --n) {
      Block* block = free_[i];
      free_[i] = block->next;
      --free_count_[i];
      slabs_[i].Free(block);
      --made_;
    }
    more |= free_[i] != nullptr;
  }
  return more;
}

}  // namespace fasthttp::base
