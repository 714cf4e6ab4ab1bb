// Select: waits for the first of several things: a value to receive or room to send on Channels,
// Events (a Context's Done() is one), a time.
//
//   std::optional<Job> job;
//   absl::StatusOr<size_t> first = fasthttp::Select(fasthttp::OnRecv(jobs, job),
//                                                   fasthttp::OnEvent(stop),
//                                                   fasthttp::After(absl::Seconds(1)));
//   if (!first.ok()) return;              // The request was cancelled.
//   if (*first == 0 && job) Work(*job);   // No job: the channel is closed and drained.
//
// Exactly one case happens, in one piece: its value is taken or sent, the others are left as if
// nobody had looked. Of several that are ready one is chosen at random, so none starves. What holds
// for all synchronisation objects stands in fasthttp/sync.h.
//
// A cancelled task gets the cause and nothing happens; but an Event that is set comes first, so
// that who waits for the end of his own Context sees it.
//
// Thread class: a case is for the thread that made it; the objects are thread-safe.
#ifndef FASTHTTP_SELECT_H_
#define FASTHTTP_SELECT_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/channel.h"
#include "fasthttp/event.h"
#include "fasthttp/runtime/wait_list.h"

namespace fasthttp {

// One case; made by the functions below. It refers to what it was made of.
class SelectCase {
 private:
  template <typename T>
  friend SelectCase OnRecv(Channel<T>& channel, std::optional<T>& into);
  template <typename T>
  friend SelectCase OnSend(Channel<T>& channel, std::type_identity_t<T>&& value);
  friend SelectCase OnEvent(Event& event);
  friend SelectCase After(absl::Duration duration);
  friend SelectCase Default();
  friend absl::StatusOr<size_t> Select(std::span<SelectCase> cases);

  enum Kind : uint8_t { kRecv, kSend, kEvent, kAfter, kDefault };

  explicit SelectCase(Kind kind) : kind_(kind), node_(nullptr, nullptr) {}
  template <typename T>
  SelectCase(Kind kind, Channel<T>& channel, void* value)
      : kind_(kind), channel_(&channel), node_(nullptr, value) {}

  // The guard of what it refers to; null if it refers to nothing.
  std::mutex* guard() const;
  // Under the guard: kOk if it has happened, kAgain if not, kChannelClosed.
  Errc Try(runtime::WakeList& woken);
  void Link(runtime::Waiter& waiter);
  void Unlink();
  runtime::WaitList* list() const;
  bool IsSetEvent() const { return kind_ == kEvent && event_->IsSet(); }

  Kind kind_;
  ChannelCore* channel_ = nullptr;
  Event* event_ = nullptr;
  int64_t nanoseconds_ = 0;
  ChannelCore::Node node_;
};

// Receives into `into`, which is emptied at once and stays so if the channel is closed and drained.
template <typename T>
SelectCase OnRecv(Channel<T>& channel, std::optional<T>& into) {
  into.reset();
  return SelectCase(SelectCase::kRecv, channel, &into);
}

// Sends `value`, which is moved from only if this case happens. Whether it does or not, Select
// fails with kChannelClosed if it finds the channel closed.
template <typename T>
SelectCase OnSend(Channel<T>& channel, std::type_identity_t<T>&& value) {
  return SelectCase(SelectCase::kSend, channel, &value);
}

SelectCase OnEvent(Event& event);

// Happens when `duration` has passed and nothing else has happened.
SelectCase After(absl::Duration duration);

// Happens at once if nothing else can: with it Select never waits.
SelectCase Default();

// Suspends until one of `cases` has happened and returns its index. kProgramming without any.
// Up to 8 channels and events cost no allocation.
absl::StatusOr<size_t> Select(std::span<SelectCase> cases);

template <std::same_as<SelectCase>... Cases>
absl::StatusOr<size_t> Select(Cases... cases) {
  SelectCase list[] = {cases...};
  return Select(std::span<SelectCase>(list));
}

}  // namespace fasthttp

#endif  // FASTHTTP_SELECT_H_
