#include "fasthttp/runtime/happy_eyeballs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/socket.h"

namespace fasthttp::runtime {
namespace {

void Discard(Loop& loop, Endpoint& endpoint) {
  endpoint.conn->Close(/*reset=*/false);
  loop.Release(endpoint);
}

class Sockets final : public Connector {
 public:
  Errc Start(Loop& loop, const Addr& to, const Addr& from, EventSink& sink,
             Endpoint*& into) override {
    int fd;
    if (Errc errc = StartConnect(to, from, fd); errc != Errc::kOk) return errc;
    Endpoint* endpoint = loop.Open(nullptr, &sink);
    if (endpoint == nullptr) {
      ::close(fd);
      return Errc::kTooManyFiles;
    }
    endpoint->conn = new (endpoint->socket) SocketConn(fd, to);
    // On this machine it is mostly done by now, and need not enter epoll for it.
    Errc errc = Result(*endpoint);
    if (errc == Errc::kAgain) {
      Errc armed = endpoint->conn->Arm(endpoint->token(loop));
      endpoint->armed = armed == Errc::kOk;
      if (!endpoint->armed) errc = armed;
    }
    if (errc == Errc::kOk || errc == Errc::kAgain) {
      into = endpoint;
    } else {
      Discard(loop, *endpoint);
    }
    return errc;
  }

  Errc Result(Endpoint& endpoint) override {
    Errc errc = ConnectResult(endpoint.conn->fd());
    if (errc == Errc::kTimeout) return Errc::kDialTimeout;  // The kernel's own.
    if (errc != Errc::kOk) return errc;
    // A connect to a free port of this machine may be given that very port as its own, and then
    // meets itself (RFC 9293, section 3.5, simultaneous open).
    const Addr remote = endpoint.conn->RemoteAddr();
    const bool itself = remote.network() == "tcp" && endpoint.conn->LocalAddr() == remote;
    return itself ? Errc::kConnectionRefused : Errc::kOk;
  }
};
constinit Sockets sockets;

class Race final : public EventSink {
 public:
  Race(Loop& loop, std::span<const Addr> addresses, const ConnectOptions& options,
       Connector& connector, std::vector<Attempt>& attempts)
      : loop_(loop),
        addresses_(addresses.first(std::min(addresses.size(), kMaxAddresses))),
        options_(options),
        connector_(connector),
        attempts_(attempts) {}

  Errc Run(int64_t deadline, Endpoint*& winner) {
    Errc errc = Decide(deadline);
    for (size_t i = 0; i < attempts_.size(); ++i) {
      if (endpoints_[i] == nullptr) continue;
      if (attempts_[i].errc == Errc::kOk && errc == Errc::kOk) {
        winner = endpoints_[i];
      } else {
        Discard(loop_, *endpoints_[i]);
      }
    }
    return errc;
  }

 private:
  Errc Decide(int64_t deadline) {
    for (;;) {
      while (next_ < addresses_.size() && (under_way_ == 0 || loop_.now() >= next_start_)) {
        next_start_ = loop_.FreshNow() + options_.attempt_delay;
        StartNext();
        if (connected_) return Errc::kOk;
      }
      if (under_way_ == 0) return error_;
      Wait wait;
      wait_ = &wait;
      loop_.Prepare(wait);
      const int64_t until = next_ < addresses_.size() ? std::min(deadline, next_start_) : deadline;
      const Errc cause = loop_.Block(wait, until);
      wait_ = nullptr;
      AskAll();
      if (connected_) return Errc::kOk;
      if (deadline <= loop_.now()) return cause == Errc::kOk ? Errc::kDialTimeout : Late(cause);
      const bool next_is_due = cause == Errc::kTimeout && until <= loop_.now() && until != deadline;
      if (cause != Errc::kOk && !next_is_due) return cause;
      if (Errc ended = loop_.CancelCause(); ended != Errc::kOk) return ended;
    }
  }

  static Errc Late(Errc cause) { return cause == Errc::kTimeout ? Errc::kDialTimeout : cause; }

  void StartNext() {
    const size_t i = attempts_.size();
    const Addr& to = addresses_[next_++];
    if (!options_.from.network().empty() &&
        (options_.from.is_ipv4() != to.is_ipv4() || options_.from.is_ipv6() != to.is_ipv6())) {
      return;
    }
    attempts_.push_back({to});
    Errc errc = connector_.Start(loop_, to, options_.from, *this, endpoints_[i]);
    if (errc == Errc::kAgain) {
      ++under_way_;
    } else {
      Settle(i, errc);
    }
  }

  void AskAll() {
    for (size_t i = 0; i < attempts_.size() && !connected_; ++i) {
      if (attempts_[i].errc != Errc::kAgain) continue;
      Errc errc = connector_.Result(*endpoints_[i]);
      if (errc == Errc::kAgain) continue;
      --under_way_;
      Settle(i, errc);
    }
  }

  void Settle(size_t i, Errc errc) {
    attempts_[i].errc = errc;
    connected_ |= errc == Errc::kOk;
    if (errc == Errc::kOk) return;
    if (error_ == Errc::kUnreachable) error_ = errc;
    next_start_ = 0;
  }

  void OnReady(Endpoint&, uint8_t) override {
    if (wait_ != nullptr) loop_.Fire(*wait_, Errc::kOk);
  }
  void OnTimer(Endpoint&) override {}

  Loop& loop_;
  const std::span<const Addr> addresses_;
  const ConnectOptions& options_;
  Connector& connector_;
  std::vector<Attempt>& attempts_;
  std::array<Endpoint*, kMaxAddresses> endpoints_ = {};
  size_t next_ = 0;
  size_t under_way_ = 0;
  bool connected_ = false;
  // The first that tells more than this: what a family without a route, or no address, amounts to.
  Errc error_ = Errc::kUnreachable;
  int64_t next_start_ = 0;
  Wait* wait_ = nullptr;
};

}  // namespace

Connector& SocketConnector() { return sockets; }

Errc ConnectFirst(Loop& loop, std::span<const Addr> addresses, const ConnectOptions& options,
                  int64_t deadline, Connector& connector, Endpoint*& winner,
                  std::vector<Attempt>& attempts) {
  if (Errc cancelled = loop.CancelCause(); cancelled != Errc::kOk) return cancelled;
  if (base::ChaosStrikes()) loop.Yield();
  if (deadline <= loop.FreshNow()) return Errc::kDialTimeout;
  attempts.clear();
  return Race(loop, addresses, options, connector, attempts).Run(deadline, winner);
}

std::vector<Addr> Interleave(std::span<const Addr> addresses, size_t rotation) {
  std::vector<Addr> families[2];  // That of the first address, the other one.
  for (const Addr& addr : addresses) {
    families[addr.is_ipv6() == addresses.front().is_ipv6() ? 0 : 1].push_back(addr);
  }
  std::vector<Addr> all;
  for (size_t i = 0; all.size() < addresses.size(); ++i) {
    for (std::vector<Addr>& family : families) {
      if (i < family.size()) all.push_back(family[(i + rotation) % family.size()]);
    }
  }
  return all;
}

}  // namespace fasthttp::runtime
