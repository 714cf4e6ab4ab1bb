// Happy Eyeballs (RFC 8305): connects to the first of several addresses of a host that answers.
//
// The addresses are tried in their order, the next one after `attempt_delay` or as soon as an
// attempt fails. The first connection to stand wins, and the others are closed. So a host whose
// IPv6 is broken costs a quarter of a second and not a connect timeout.
//
// It all runs on the calling fiber with one wait: no fiber and no allocation for each attempt.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_HAPPY_EYEBALLS_H_
#define FASTHTTP_RUNTIME_HAPPY_EYEBALLS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp::runtime {

// More addresses than this of one host are left out.
constexpr size_t kMaxAddresses = 16;

// How one address is connected: by a socket, or by what a test wrote down.
class Connector {
 public:
  // Begins to connect. kOk: `into` is a connected endpoint. kAgain: it is under way, and `sink` is
  // told when Result() should be asked. Else there is no endpoint.
  virtual Errc Start(Loop& loop, const Addr& to, const Addr& from, EventSink& sink,
                     Endpoint*& into) = 0;
  // kOk, kAgain while it is under way, or why the attempt failed.
  virtual Errc Result(Endpoint& endpoint) = 0;

 protected:
  ~Connector() = default;
};

Connector& SocketConnector();

struct ConnectOptions {
  // Section 8: 250 ms is the recommended Connection Attempt Delay. In nanoseconds.
  int64_t attempt_delay = 250 * kMillisecond;
  // The address to connect from; default-made: the kernel's choice. Addresses of the other family
  // are not tried.
  Addr from = {};
};

// What became of one attempt; kAgain: it was under way when the race ended.
struct Attempt {
  Addr to;
  Errc errc = Errc::kAgain;
};

// Suspends until one of `addresses` is connected: `winner` is an open endpoint then, which the
// caller must give a sink of its own. Else the error that tells most (a host that refused tells
// more than one without a route), kDialTimeout when `deadline` (loop nanoseconds) passes, or the
// cause of the task's cancellation; `attempts` tells of each address that was tried.
Errc ConnectFirst(Loop& loop, std::span<const Addr> addresses, const ConnectOptions& options,
                  int64_t deadline, Connector& connector, Endpoint*& winner,
                  std::vector<Attempt>& attempts);

// Section 4: the families by turns, beginning with that of the first address. Within its family
// the list begins at position `rotation`, so that the addresses of a host share the load.
std::vector<Addr> Interleave(std::span<const Addr> addresses, size_t rotation);

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_HAPPY_EYEBALLS_H_
