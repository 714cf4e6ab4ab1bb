// Channel: values handed from those who send to those who receive, in order.
//
// A channel holds up to `capacity` values. Send waits while it is full, Recv while it is empty;
// with capacity 0 each Send waits for its Recv. Values come out in the order of the sends that went
// in. What holds for all synchronisation objects stands in fasthttp/sync.h.
//
//   fasthttp::Channel<Job> jobs(16);
//   ... jobs.Send(std::move(job)) ...                   // producers
//   while (true) {                                      // consumers
//     absl::StatusOr<Job> job = jobs.Recv();
//     if (!job.ok()) break;                             // closed and drained, or cancelled
//     Work(*job);
//   }
//
// Don't use one to guard a variable (a Mutex says what it is), nor between loops for every few
// bytes: a hand-over to another loop costs microseconds.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_CHANNEL_H_
#define FASTHTTP_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp {

class SelectCase;

// What does not depend on the type of the values. Not for use by itself.
class ChannelCore {
 public:
  ChannelCore(const ChannelCore&) = delete;
  ChannelCore& operator=(const ChannelCore&) = delete;

 protected:
  struct Node : runtime::WaitNode {
    Node(runtime::Waiter* waiter, void* v) : WaitNode(waiter), value(v) {}
    void* value;  // What is sent, or where to receive.
    bool closed = false;
  };

  explicit ChannelCore(size_t capacity) : capacity_(capacity) {}
  ~ChannelCore() = default;

  absl::Status SendUntil(void* value, int64_t deadline);
  absl::Status RecvUntil(void* into, int64_t deadline);
  bool TrySendNow(void* value);
  bool TryRecvNow(void* into);
  void CloseNow();
  static int64_t DeadlineIn(absl::Duration timeout);

  // Called under the guard, so they must not throw or come back here.
  virtual void Push(void* from) = 0;              // Into the buffer.
  virtual void Pop(void* into) = 0;               // Out of the buffer.
  virtual void Pass(void* from, void* into) = 0;  // From a sender to a receiver.

  mutable std::mutex guard_;
  const size_t capacity_;
  size_t size_ = 0;
  bool closed_ = false;

 private:
  friend class SelectCase;

  // Under the guard: kOk, kChannelClosed, or kAgain if it has to wait.
  Errc SendLocked(void* value, runtime::WakeList& woken);
  Errc RecvLocked(void* into, runtime::WakeList& woken);

  runtime::WaitList senders_;
  runtime::WaitList receivers_;
};

template <typename T>
class Channel final : private ChannelCore {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "a value must not be lost half-way");

 public:
  // Memory for `capacity` values is allocated here, and never again.
  explicit Channel(size_t capacity = 0)
      : ChannelCore(capacity), slots_(capacity == 0 ? nullptr : new Slot[capacity]) {}
  ~Channel() {
    for (; size_ != 0; --size_) std::destroy_at(&NextSlot());
  }

  // Suspends until there is room or a receiver. `value` is moved from if and only if it returns OK;
  // kChannelClosed if the channel is closed, also meanwhile.
  [[nodiscard]] absl::Status Send(T&& value) { return SendUntil(&value, INT64_MAX); }
  [[nodiscard]] absl::Status Send(const T& value) { return Send(T(value)); }
  [[nodiscard]] absl::Status SendFor(absl::Duration timeout, T&& value) {
    return SendUntil(&value, DeadlineIn(timeout));
  }
  // False if it is full or closed.
  [[nodiscard]] bool TrySend(T&& value) { return TrySendNow(&value); }
  [[nodiscard]] bool TrySend(const T& value) { return TrySend(T(value)); }

  // Suspends until there is a value. After Close() those that were sent before still come out, then
  // kChannelClosed.
  absl::StatusOr<T> Recv() { return RecvOr(INT64_MAX); }
  absl::StatusOr<T> RecvFor(absl::Duration timeout) { return RecvOr(DeadlineIn(timeout)); }
  // Nothing if it is empty.
  std::optional<T> TryRecv() {
    std::optional<T> value;
    (void)TryRecvNow(&value);
    return value;
  }

  // Ends sending: who waits to send, or sends later, gets kChannelClosed; who receives, the rest
  // and then that. The second time has no effect. Never blocks.
  void Close() { CloseNow(); }
  bool closed() const {
    std::lock_guard<std::mutex> guard(guard_);
    return closed_;
  }

  // The values that are held now, and that may be at most.
  size_t size() const {
    std::lock_guard<std::mutex> guard(guard_);
    return size_;
  }
  size_t capacity() const { return capacity_; }

 private:
  friend class SelectCase;

  union Slot {
    Slot() {}
    ~Slot() {}
    T value;
  };

  absl::StatusOr<T> RecvOr(int64_t deadline) {
    std::optional<T> value;
    absl::Status status = RecvUntil(&value, deadline);
    if (!status.ok()) return status;
    return *std::move(value);
  }

  T& NextSlot() {
    T& value = slots_[first_].value;
    if (++first_ == capacity_) first_ = 0;
    return value;
  }
  void Push(void* from) override {
    size_t at = first_ + size_;
    if (at >= capacity_) at -= capacity_;
    std::construct_at(&slots_[at].value, std::move(*static_cast<T*>(from)));
  }
  void Pop(void* into) override {
    T& value = NextSlot();
    static_cast<std::optional<T>*>(into)->emplace(std::move(value));
    std::destroy_at(&value);
  }
  void Pass(void* from, void* into) override {
    static_cast<std::optional<T>*>(into)->emplace(std::move(*static_cast<T*>(from)));
  }

  std::unique_ptr<Slot[]> slots_;
  size_t first_ = 0;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CHANNEL_H_
