// TimerWheel: hierarchical timing wheel of intrusive nodes, in ticks of one millisecond.
//
// Four levels of 64 slots reach 4.6 hours; a later timer waits in the last slot and is placed
// again when that comes round. Adding and removing are O(1); nothing is allocated. Ticks are 32
// bits and wrap (49 days), so a timer may lie at most 24 days ahead.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_TIMER_WHEEL_H_
#define FASTHTTP_RUNTIME_TIMER_WHEEL_H_

#include <cstddef>
#include <cstdint>

namespace fasthttp::runtime {

struct TimerNode {
  TimerNode* prev = nullptr;
  TimerNode* next = nullptr;
  uint32_t due = 0;  // The tick at or after which it fires.

  bool armed() const { return next != nullptr; }
};

class TimerWheel {
 public:
  TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms `node`, which must not be armed, for the tick `due`. A tick that is not after now() fires
  // at the next Advance.
  void Add(TimerNode& node, uint32_t due);

  // Disarms `node`, also if it has expired and not been popped. No effect if it isn't armed.
  void Remove(TimerNode& node) {
    if (node.armed()) RemoveArmed(node);
  }

  // Moves time to `tick`; nodes due by then join the expired list in order of their ticks.
  void Advance(uint32_t tick);

  bool HasExpired() const { return expired_.next != &expired_; }
  // Takes the next expired node, disarmed; null if there is none.
  TimerNode* PopExpired() { return expired_.next == &expired_ ? nullptr : PopFirst(); }

  // Ticks from now() until something may be due, at most `limit`: a lower bound, since timers far
  // ahead are only known by their slot.
  uint32_t TicksToNext(uint32_t limit) const;

  uint32_t now() const { return now_; }
  size_t size() const { return size_; }  // Armed nodes, the expired ones included.

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 4;

  void RemoveArmed(TimerNode& node);
  TimerNode* PopFirst();
  void Place(TimerNode& node);
  void Cascade(int level);
  static void Link(TimerNode& head, TimerNode& node);
  void Unlink(TimerNode& node);

  uint32_t now_ = 0;
  size_t size_ = 0;
  uint64_t occupied_[kLevels] = {};
  TimerNode slots_[kLevels * kSlots];
  TimerNode expired_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_TIMER_WHEEL_H_
