// BlockPool: recycled blocks of bytes for what is received.
//
// A block has room for the parser's padding behind its capacity. Three sizes: nearly every request
// fits the first; a head that does not moves up, to at most the largest head there can be.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_BASE_BLOCK_POOL_H_
#define FASTHTTP_BASE_BLOCK_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fasthttp/base/slabs.h"

namespace fasthttp::base {

struct Block {
  static constexpr size_t kPadding = 64;

  uint32_t capacity = 0;
  uint32_t begin = 0;  // The bytes [begin, end) are received and not used up.
  uint32_t end = 0;
  uint8_t size_class = 0;
  Block* next = nullptr;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  char* unread() { return data() + begin; }
  size_t unread_size() const { return end - begin; }
  bool all_read() const { return begin == end; }
  char* room() { return data() + end; }
  size_t room_size() const { return capacity - end; }

  // Records `n` received bytes and writes the padding behind them.
  void Commit(size_t n) {
    end += static_cast<uint32_t>(n);
    std::memset(data() + end, 0, kPadding);
  }
};

class BlockPool {
 public:
  static constexpr std::array<uint32_t, 3> kCapacities = {4096, 20'480, 69'632};

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // An empty block of the smallest class.
  Block* Take() {
    Block* block = free_[0];
    if (block == nullptr) return TakeClass(0);
    free_[0] = block->next;
    --free_count_[0];
    block->begin = block->end = 0;
    return block;
  }

  // A block of the next class with the unread bytes of `block`, which goes back; null (and `block`
  // untouched) if it is of the largest class.
  Block* Grow(Block* block);

  void Give(Block* block) {
    block->next = free_[block->size_class];
    free_[block->size_class] = block;
    ++free_count_[block->size_class];
  }

  // Frees half of what is unused; false if nothing is left.
  bool Trim();

  size_t in_use() const {
    size_t count = made_;
    for (size_t free : free_count_) count -= free;
    return count;
  }

 private:
  Block* TakeClass(size_t size_class) {
    Block* block = free_[size_class];
    if (block == nullptr) return Make(size_class);
    free_[size_class] = block->next;
    --free_count_[size_class];
    block->begin = block->end = 0;
    return block;
  }
  static constexpr size_t SlotSize(size_t size_class) {
    return sizeof(Block) + kCapacities[size_class] + Block::kPadding;
  }
  Block* Make(size_t size_class);

  Block* free_[kCapacities.size()] = {};
  size_t free_count_[kCapacities.size()] = {};
  size_t made_ = 0;  // And not freed.
  Slabs slabs_[kCapacities.size()] = {Slabs(SlotSize(0)), Slabs(SlotSize(1)), Slabs(SlotSize(2))};
};

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_BLOCK_POOL_H_
