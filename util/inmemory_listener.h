// InmemoryListener: a listener that is dialled from within the process, without a network.
//
//   fasthttputil::InmemoryListener listener;
//   std::thread server_thread([&] { (void)server.Serve(listener); });
//   absl::StatusOr<fasthttp::BlockingConn> conn = listener.Dial();
//
// A dial from a fiber of a loop that serves the listener is accepted on that same loop: both ends
// are local, and the connection has no lock. Other dials go to the serving loops in turn. A plain
// thread's dial lives on a serving loop as well. Connections behave as util/pipe_conns.h says.
//
// Limits: 1024 dials wait at most; more fail with kOverloaded. Addresses print "InmemoryListener"
// with the network "inmemory" unless set.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_UTIL_INMEMORY_LISTENER_H_
#define FASTHTTP_UTIL_INMEMORY_LISTENER_H_

#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttputil {

class InmemoryListener final : public fasthttp::Listener {
 public:
  static constexpr size_t kQueueLimit = 1024;

  // `runtime` is where plain threads' dials live while no loop serves the listener; the default
  // one if null.
  explicit InmemoryListener(fasthttp::Runtime* runtime = nullptr);

  // Closes it. No dial may be under way, and no loop serve it, any more.
  ~InmemoryListener() override;

  // Waits until the connection is accepted. kDialTimeout when `deadline` passes first,
  // kListenerClosed if the listener is closed before or meanwhile, kOverloaded if the queue is
  // full; the task's own cancellation or deadline ends it too. A connection that was accepted in
  // that moment is returned all the same.
  absl::StatusOr<fasthttp::BlockingConn> Dial(absl::Time deadline = absl::InfiniteFuture());
  // Dial for a client: `client_options.dial = listener.Dialer();`. The listener must outlive it.
  auto Dialer() {
    return [this](std::string_view, absl::Time deadline) { return Dial(deadline); };
  }
  // The same, with an address of the dialling side: what the server sees as its remote address.
  absl::StatusOr<fasthttp::BlockingConn> DialWithLocalAddr(
      const fasthttp::Addr& local, absl::Time deadline = absl::InfiniteFuture());
  // The same on a fiber of `loop`, without a Status; `deadline` in loop nanoseconds.
  fasthttp::Errc DialOn(fasthttp::runtime::Loop& loop, const fasthttp::Addr& local,
                        int64_t deadline, fasthttp::BlockingConn& into);

  // The address of connections accepted from now on, and of address().
  void SetLocalAddr(const fasthttp::Addr& address);

  // Listener. Close fails the dials that wait; a second one has no effect.
  fasthttp::Errc TryAccept(fasthttp::Accepted& into) override;
  fasthttp::Errc Arm(const fasthttp::ReadyToken& token) override;
  void Disarm(const fasthttp::ReadyToken& token) override;
  void Close() override { (void)CloseOnce(); }
  fasthttp::Addr address() const override;

  // Close() that tells: kListenerClosed if the listener was closed before.
  fasthttp::Errc CloseOnce();

 private:
  struct Request;

  fasthttp::runtime::Loop* ServingLoop();
  void Enqueue(Request& request);
  void Unlink(Request& request);
  void TellSomeone(Request& request);

  fasthttp::Runtime* const runtime_;
  mutable std::mutex mutex_;
  fasthttp::Addr address_;
  bool closed_ = false;
  Request* head_ = nullptr;  // Oldest first.
  Request** tail_ = &head_;
  size_t queued_ = 0;
  std::vector<fasthttp::ReadyToken> serving_;
  size_t next_serving_ = 0;
};

}  // namespace fasthttputil

#endif  // FASTHTTP_UTIL_INMEMORY_LISTENER_H_
