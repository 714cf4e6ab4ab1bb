#include "fasthttp/channel.h"

#include "fasthttp/error.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {

using runtime::Waiter;
using runtime::WaitNode;
using runtime::WakeList;
using Guard = std::unique_lock<std::mutex>;

int64_t ChannelCore::DeadlineIn(absl::Duration timeout) {
  return Waiter::DeadlineIn(absl::ToInt64Nanoseconds(timeout));
}

absl::Status ChannelCore::SendUntil(void* value, int64_t deadline) {
  runtime::ChaosPoint();
  Errc errc = Waiter::CauseOnEntry();
  if (errc != Errc::kOk) return ToStatus(errc, "Send");
  WakeList woken;
  Guard guard(guard_);
  errc = SendLocked(value, woken);
  if (errc != Errc::kAgain) {
    guard.unlock();
    woken.WakeAll();
    return ToStatus(errc, "Send");
  }
  Waiter waiter;
  Node node(&waiter, value);
  senders_.PushBack(node);
  guard.unlock();
  errc = waiter.Await(deadline);
  if (errc == Errc::kOk)
    return node.closed ? ToStatus(Errc::kChannelClosed, "Send") : absl::OkStatus();
  guard.lock();
  senders_.Remove(node);
  return ToStatus(errc, "Send");
}

absl::Status ChannelCore::RecvUntil(void* into, int64_t deadline) {
  runtime::ChaosPoint();
  Errc errc = Waiter::CauseOnEntry();
  if (errc != Errc::kOk) return ToStatus(errc, "Recv");
  WakeList woken;
  Guard guard(guard_);
  errc = RecvLocked(into, woken);
  if (errc != Errc::kAgain) {
    guard.unlock();
    woken.WakeAll();
    return ToStatus(errc, "Recv");
  }
  Waiter waiter;
  Node node(&waiter, into);
  receivers_.PushBack(node);
  guard.unlock();
  errc = waiter.Await(deadline);
  if (errc == Errc::kOk)
    return node.closed ? ToStatus(Errc::kChannelClosed, "Recv") : absl::OkStatus();
  guard.lock();
  receivers_.Remove(node);
  return ToStatus(errc, "Recv");
}

bool ChannelCore::TrySendNow(void* value) {
  WakeList woken;
  Guard guard(guard_);
  Errc errc = SendLocked(value, woken);
  guard.unlock();
  woken.WakeAll();
  return errc == Errc::kOk;
}

bool ChannelCore::TryRecvNow(void* into) {
  WakeList woken;
  Guard guard(guard_);
  Errc errc = RecvLocked(into, woken);
  guard.unlock();
  woken.WakeAll();
  return errc == Errc::kOk;
}

void ChannelCore::CloseNow() {
  WakeList woken;
  {
    Guard guard(guard_);
    closed_ = true;
    for (runtime::WaitList* list : {&senders_, &receivers_}) {
      while (WaitNode* node = list->PopClaimed()) {
        static_cast<Node*>(node)->closed = true;
        woken.Add(*node);
      }
    }
  }
  woken.WakeAll();
}

Errc ChannelCore::SendLocked(void* value, WakeList& woken) {
  if (closed_) return Errc::kChannelClosed;
  if (WaitNode* receiver = receivers_.PopClaimed()) {
    Pass(value, static_cast<Node*>(receiver)->value);
    woken.Add(*receiver);
    return Errc::kOk;
  }
  if (size_ == capacity_) return Errc::kAgain;
  Push(value);
  ++size_;
  return Errc::kOk;
}

Errc ChannelCore::RecvLocked(void* into, WakeList& woken) {
  if (size_ != 0) {
    Pop(into);
    --size_;
    if (WaitNode* sender = senders_.PopClaimed()) {
      Push(static_cast<Node*>(sender)->value);
      ++size_;
      woken.Add(*sender);
    }
    return Errc::kOk;
  }
  if (WaitNode* sender = senders_.PopClaimed()) {
    Pass(static_cast<Node*>(sender)->value, into);
    woken.Add(*sender);
    return Errc::kOk;
  }
  return closed_ ? Errc::kChannelClosed : Errc::kAgain;
}

}  // namespace fasthttp
