#include "fasthttp/runtime/poller_epoll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fasthttp/base/check.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp::runtime {
namespace {

constexpr uint64_t kWakeData = ~uint64_t{0};

uint8_t ReadyOf(uint32_t events) {
  static_assert(int{kReadable} == int{EPOLLIN} && int{kWritable} == int{EPOLLOUT});
  if ((events & ~uint32_t{EPOLLIN | EPOLLOUT}) == 0) [[likely]]
    return static_cast<uint8_t>(events);
  uint8_t ready = 0;
  if (events & EPOLLIN) ready |= kReadable;
  if (events & EPOLLOUT) ready |= kWritable;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ready |= kReadable | kHangup;
  if (events & (EPOLLHUP | EPOLLERR)) ready |= kWritable | kBroken;
  return ready;
}

}  // namespace

PollerEpoll::PollerEpoll() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  FASTHTTP_CHECK(epoll_ >= 0 && wake_ >= 0, "cannot create an epoll instance: out of descriptors?");
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeData;
  FASTHTTP_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0, "epoll_ctl failed");
}

PollerEpoll::~PollerEpoll() {
  ::close(wake_);
  ::close(epoll_);
}

int PollerEpoll::Poll(std::span<PollEvent> events, int64_t timeout_ns) {
  epoll_event raw[256];
  int room = static_cast<int>(std::min<size_t>(events.size(), std::size(raw)));
  // Rounded up: waking a millisecond early would spin.
  int timeout =
      timeout_ns == INT64_MAX
          ? -1
          : static_cast<int>(std::min<int64_t>((timeout_ns + 999'999) / 1'000'000, 60'000));
  int n = ::epoll_wait(epoll_, raw, room, timeout);
  PollEvent* to = events.data();
  for (int i = 0; i < n; ++i) {
    // Edge-triggered: the counter need not be read, only the next write matters.
    if (raw[i].data.u64 == kWakeData) continue;
    *to++ = {static_cast<uint32_t>(raw[i].data.u64), static_cast<uint32_t>(raw[i].data.u64 >> 32),
             ReadyOf(raw[i].events)};
  }
  return static_cast<int>(to - events.data());
}

void PollerEpoll::Wake() {
  uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) < 0 && errno == EAGAIN) {
    uint64_t drained;
    if (::read(wake_, &drained, sizeof drained) > 0) Wake();
  }
}

Errc PollerEpoll::Add(int fd, uint32_t slot, uint32_t generation) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = uint64_t{generation} << 32 | slot;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return Errc::kOk;
  // A new token for a socket that is known: what it is ready for is reported anew.
  if (errno == EEXIST && ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return Errc::kOk;
  return errno == ENOSPC || errno == ENOMEM ? Errc::kTooManyFiles : Errc::kIo;
}

void PollerEpoll::Remove(int fd) {
  epoll_event event = {};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &event);
}

int64_t PollerEpoll::Now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace fasthttp::runtime
