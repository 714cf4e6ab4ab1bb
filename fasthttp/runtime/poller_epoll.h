// PollerEpoll: edge-triggered epoll; each descriptor is registered once, for both directions.
#ifndef FASTHTTP_RUNTIME_POLLER_EPOLL_H_
#define FASTHTTP_RUNTIME_POLLER_EPOLL_H_

#include "fasthttp/runtime/poller.h"

namespace fasthttp::runtime {

class PollerEpoll final : public Poller {
 public:
  PollerEpoll();
  ~PollerEpoll() override;
  PollerEpoll(const PollerEpoll&) = delete;
  PollerEpoll& operator=(const PollerEpoll&) = delete;

  int Poll(std::span<PollEvent> events, int64_t timeout_ns) override;
  void Wake() override;
  Errc Add(int fd, uint32_t slot, uint32_t generation) override;
  void Remove(int fd) override;
  int64_t Now() override;

 private:
  int epoll_ = -1;
  int wake_ = -1;  // eventfd
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_POLLER_EPOLL_H_
