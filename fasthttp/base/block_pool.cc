#include "fasthttp/base/block_pool.h"

#include <cstdlib>
#include <new>

#include "fasthttp/base/check.h"

namespace fasthttp::base {

BlockPool::~BlockPool() {
  for (Block* list : free_) {
    while (list != nullptr) {
      Block* next = list->next;
      std::free(list);
      list = next;
    }
  }
}

Block* BlockPool::Make(size_t size_class) {
  uint32_t capacity = kCapacities[size_class];
  void* memory = std::malloc(sizeof(Block) + capacity + Block::kPadding);
  FASTHTTP_CHECK(memory != nullptr, "out of memory for a receive block");
  Block* block = new (memory) Block;
  block->capacity = capacity;
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
      std::free(block);
    }
    more |= free_[i] != nullptr;
  }
  return more;
}

}  // namespace fasthttp::base
