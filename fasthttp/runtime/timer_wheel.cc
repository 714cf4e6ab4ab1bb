#include "fasthttp/runtime/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "fasthttp/base/check.h"

namespace fasthttp::runtime {

TimerWheel::TimerWheel() {
  for (TimerNode& head : slots_) head.prev = head.next = &head;
  expired_.prev = expired_.next = &expired_;
}

void TimerWheel::Add(TimerNode& node, uint32_t due) {
  FASTHTTP_DCHECK(!node.armed(), "timer armed twice");
  node.due = static_cast<int32_t>(due - now_) > 0 ? due : now_ + 1;
  ++size_;
  Place(node);
}

void TimerWheel::RemoveArmed(TimerNode& node) {
  --size_;
  Unlink(node);
}

void TimerWheel::Advance(uint32_t tick) {
  while (static_cast<int32_t>(tick - now_) > 0) {
    if ((occupied_[0] | occupied_[1] | occupied_[2] | occupied_[3]) == 0) {
      now_ = tick;
      return;
    }
    uint32_t block = now_ & ~uint32_t{kSlots - 1};
    uint32_t at = (now_ & (kSlots - 1)) + 1;
    uint64_t ahead = at == kSlots ? 0 : occupied_[0] & (~uint64_t{0} << at);
    uint32_t next = block + (ahead != 0 ? static_cast<uint32_t>(std::countr_zero(ahead)) : kSlots);
    if (static_cast<int32_t>(next - tick) > 0) {
      now_ = tick;
      return;
    }
    now_ = next;
    if ((now_ & (kSlots - 1)) == 0) Cascade(1);
    TimerNode& head = slots_[now_ & (kSlots - 1)];
    while (head.next != &head) {
      TimerNode& node = *head.next;
      Unlink(node);
      Link(expired_, node);
    }
  }
}

TimerNode* TimerWheel::PopFirst() {
  TimerNode* node = expired_.next;
  --size_;
  Unlink(*node);
  return node;
}

uint32_t TimerWheel::TicksToNext(uint32_t limit) const {
  if (expired_.next != &expired_) return 0;
  uint32_t best = limit;
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    int shift = level * kBits;
    uint32_t at = (now_ >> shift) & (kSlots - 1);
    // Slots after the current one come in this turn of the level, those up to it in the next.
    uint64_t turned = std::rotr(occupied_[level], static_cast<int>((at + 1) & (kSlots - 1)));
    uint32_t slots = static_cast<uint32_t>(std::countr_zero(turned)) + 1;
    uint32_t start = ((now_ >> shift) + slots) << shift;
    best = std::min(best, start - now_);
  }
  return best;
}

void TimerWheel::Place(TimerNode& node) {
  uint32_t delta = node.due - now_;
  const int level =
      std::min((static_cast<int>(std::bit_width(delta | 1)) - 1) / kBits, kLevels - 1);
  uint32_t due = node.due;
  constexpr uint32_t kReach = 1u << (kLevels * kBits);
  if (delta >= kReach) due = now_ + kReach - 1;
  uint32_t slot = (due >> (level * kBits)) & (kSlots - 1);
  occupied_[level] |= uint64_t{1} << slot;
  Link(slots_[level * kSlots + static_cast<int>(slot)], node);
}

void TimerWheel::Cascade(int level) {
  if (level == kLevels) return;
  uint32_t slot = (now_ >> (level * kBits)) & (kSlots - 1);
  if (slot == 0) Cascade(level + 1);
  TimerNode& head = slots_[level * kSlots + static_cast<int>(slot)];
  TimerNode* node = head.next;
  // Taken as a whole first: a node far ahead may be placed into this very slot again.
  if (node == &head) return;
  head.prev->next = nullptr;
  head.prev = head.next = &head;
  occupied_[level] &= ~(uint64_t{1} << slot);
  while (node != nullptr) {
    TimerNode* next = node->next;
    Place(*node);
    node = next;
  }
}

void TimerWheel::Link(TimerNode& head, TimerNode& node) {
  node.prev = head.prev;
  node.next = &head;
  head.prev->next = &node;
  head.prev = &node;
}

void TimerWheel::Unlink(TimerNode& node) {
  node.prev->next = node.next;
  node.next->prev = node.prev;
  TimerNode* head = node.next;
  if (head == node.prev && head != &expired_ && !std::less<TimerNode*>()(head, slots_) &&
      std::less<TimerNode*>()(head, slots_ + kLevels * kSlots)) {
    size_t i = static_cast<size_t>(head - slots_);
    occupied_[i / kSlots] &= ~(uint64_t{1} << (i % kSlots));
  }
  node.prev = node.next = nullptr;
}

}  // namespace fasthttp::runtime
