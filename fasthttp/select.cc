#include "fasthttp/select.h"

#include <algorithm>
#include <functional>

#include "absl/container/inlined_vector.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/waiter.h"

namespace fasthttp {
namespace {

using runtime::kNoDeadline;
using runtime::Waiter;
using runtime::WakeList;

// The guards of all cases. In the order of their addresses, so that two Selects never hold what the
// other wants.
class Guards {
 public:
  void Add(std::mutex* guard) {
    if (guard != nullptr) guards_.push_back(guard);
  }
  void Sort() {
    std::sort(guards_.begin(), guards_.end(), std::less<>());
    guards_.erase(std::unique(guards_.begin(), guards_.end()), guards_.end());
  }
  void lock() {
    for (std::mutex* guard : guards_) guard->lock();
  }
  void unlock() {
    for (std::mutex* guard : guards_) guard->unlock();
  }

 private:
  absl::InlinedVector<std::mutex*, 8> guards_;
};

}  // namespace

SelectCase OnEvent(Event& event) {
  SelectCase result(SelectCase::kEvent);
  result.event_ = &event;
  return result;
}

SelectCase After(absl::Duration duration) {
  SelectCase result(SelectCase::kAfter);
  result.nanoseconds_ = std::max<int64_t>(absl::ToInt64Nanoseconds(duration), 0);
  return result;
}

SelectCase Default() { return SelectCase(SelectCase::kDefault); }

std::mutex* SelectCase::guard() const {
  if (channel_ != nullptr) return &channel_->guard_;
  return event_ != nullptr ? &event_->guard_ : nullptr;
}

runtime::WaitList* SelectCase::list() const {
  switch (kind_) {
    case kRecv:
      return &channel_->receivers_;
    case kSend:
      return &channel_->senders_;
    case kEvent:
      return &event_->waiters_;
    default:
      return nullptr;
  }
}

Errc SelectCase::Try(WakeList& woken) {
  switch (kind_) {
    case kRecv: {
      Errc errc = channel_->RecvLocked(node_.value, woken);
      return errc == Errc::kChannelClosed ? Errc::kOk : errc;
    }
    case kSend:
      return channel_->SendLocked(node_.value, woken);
    case kEvent:
      return event_->IsSet() ? Errc::kOk : Errc::kAgain;
    default:
      return Errc::kAgain;
  }
}

void SelectCase::Link(Waiter& waiter) {
  if (runtime::WaitList* waiters = list()) {
    node_.waiter = &waiter;
    waiters->PushBack(node_);
  }
}

void SelectCase::Unlink() {
  if (runtime::WaitList* waiters = list()) waiters->Remove(node_);
}

absl::StatusOr<size_t> Select(std::span<SelectCase> cases) {
  runtime::ChaosPoint();
  const size_t none = cases.size();
  if (none == 0) return ToStatus(Errc::kProgramming, "Select");
  auto find = [&](auto predicate) {
    return static_cast<size_t>(std::find_if(cases.begin(), cases.end(), predicate) - cases.begin());
  };
  auto set_event = [](const SelectCase& c) { return c.IsSetEvent(); };
  Errc errc = Waiter::CauseOnEntry();
  if (errc != Errc::kOk) {
    size_t event = find(set_event);
    if (event != none) return event;
    return ToStatus(errc, "Select");
  }

  Guards guards;
  for (const SelectCase& c : cases) guards.Add(c.guard());
  guards.Sort();
  std::unique_lock<Guards> lock(guards);
  WakeList woken;
  for (size_t i = 0, at = Waiter::Draw() % none; i < none; ++i, at = at + 1 == none ? 0 : at + 1) {
    errc = cases[at].Try(woken);
    if (errc == Errc::kAgain) continue;
    lock.unlock();
    woken.WakeAll();
    if (errc != Errc::kOk) return ToStatus(errc, "Select");
    return at;
  }
  size_t otherwise = find([](const SelectCase& c) { return c.kind_ == SelectCase::kDefault; });
  if (otherwise != none) return otherwise;

  size_t timer = none;
  for (size_t i = 0; i < none; ++i) {
    if (cases[i].kind_ != SelectCase::kAfter) continue;
    if (timer == none || cases[i].nanoseconds_ < cases[timer].nanoseconds_) timer = i;
  }
  if (timer != none && cases[timer].nanoseconds_ == 0) return timer;
  Waiter waiter;
  for (SelectCase& c : cases) c.Link(waiter);
  lock.unlock();
  const int64_t until = timer == none ? kNoDeadline : Waiter::DeadlineIn(cases[timer].nanoseconds_);
  errc = waiter.Await(until);
  lock.lock();
  for (SelectCase& c : cases) c.Unlink();
  lock.unlock();

  if (errc == Errc::kOk) {
    size_t at = find([&](const SelectCase& c) { return &c.node_ == waiter.claimed_node; });
    const SelectCase& c = cases[at];
    if (c.kind_ == SelectCase::kSend && c.node_.closed) {
      return ToStatus(Errc::kChannelClosed, "Select");
    }
    return at;
  }
  size_t event = find(set_event);
  if (event != none) return event;
  if (errc == Errc::kTimeout && until <= Waiter::TaskDeadline()) return timer;
  return ToStatus(errc, "Select");
}

}  // namespace fasthttp
