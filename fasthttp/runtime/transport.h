// Conn and Listener: the one seam between the library and whatever moves bytes.
//
// Both have a non-blocking core: Try... calls that answer at once, and Arm, which asks for a
// notice when trying again makes sense. The blocking forms are built on that once, in
// runtime/blocking.h, for sockets, in-memory pipes, TLS layers and your own transports alike.
// Because the core never blocks, an idle connection holds no stack.
//
// When to implement them: to serve HTTP over something that is not a TCP or UNIX socket. When not:
// to filter or log bytes of a socket; wrap the handler instead.
//
// Thread class: a Conn is loop-confined: it is used only on the thread of the loop that accepted
// or dialled it. Listener::TryAccept is called by every loop of a server and must be thread-safe.
#ifndef FASTHTTP_RUNTIME_TRANSPORT_H_
#define FASTHTTP_RUNTIME_TRANSPORT_H_

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

class HijackedConn;
struct TLSConnectionState;

namespace runtime {
class Loop;
}

// A count of bytes or an error. Errc::kAgain: nothing could be done without waiting. A TryRecv of
// 0 bytes is the clean end of the stream (FIN).
class [[nodiscard]] IoResult {
 public:
  static IoResult Bytes(size_t n) { return IoResult(static_cast<int64_t>(n)); }
  static IoResult Error(Errc errc) { return IoResult(-static_cast<int64_t>(errc)); }

  bool ok() const { return value_ >= 0; }
  bool again() const { return value_ == -static_cast<int64_t>(Errc::kAgain); }
  size_t bytes() const { return static_cast<size_t>(value_); }
  Errc errc() const { return value_ >= 0 ? Errc::kOk : static_cast<Errc>(-value_); }

 private:
  explicit IoResult(int64_t value) : value_(value) {}
  int64_t value_;
};

// A network address as a value: an IPv4 or IPv6 address with port, or a name (a UNIX path, the
// label of an in-memory listener). 40 bytes; a copy does not allocate, and copies share the name.
class Addr {
 public:
  Addr() = default;
  static Addr IPv4(const void* four_bytes, uint16_t port);
  static Addr IPv6(const void* sixteen_bytes, uint16_t port, uint32_t scope = 0);
  // `network` must be a literal such as "unix" or "inmemory".
  static Addr Named(const char* network, std::string_view name);

  bool is_ipv4() const { return ip_.family == 4; }
  bool is_ipv6() const { return ip_.family == 6; }
  // "tcp" for IP addresses, else what Named() was given; "" for a default-made Addr.
  std::string_view network() const {
    return ip_.family != 0 ? "tcp" : name_ != nullptr ? name_->network : "";
  }
  uint16_t port() const { return ip_.port; }
  uint32_t scope() const { return ip_.scope; }  // Of a link-local IPv6 address; else 0.
  // 4 or 16 bytes in network order; empty for a named address. Valid while this lives.
  std::span<const uint8_t> ip() const { return {ip_.bytes, is_ipv4() ? 4u : is_ipv6() ? 16u : 0u}; }
  // "1.2.3.4:80", "[::1]:80", "[fe80::1%3]:80", or the name.
  std::string ToString() const;
  // The same without the port.
  std::string IpString() const;

  // `from` if no name has to be copied for it; else false, and nothing is done. Does not count as a
  // copy of the name: no atomic operation.
  bool AssignIp(const Addr& from) {
    if (name_ != from.name_) return false;
    ip_ = from.ip_;
    return true;
  }

  friend bool operator==(const Addr& a, const Addr& b) { return a.ToString() == b.ToString(); }

 private:
  struct Ip {  // Copied as a whole.
    uint8_t family = 0;
    uint16_t port = 0;
    uint32_t scope = 0;
    uint8_t bytes[16] = {};
  };
  struct Name {
    const char* network;
    std::string text;
  };

  Ip ip_;
  std::shared_ptr<const Name> name_;  // Null: an IP address, or none.
};

// What a Conn or Listener is to notify: a slot of a loop. A generation that is no longer the
// slot's makes the notice stale, and it is dropped.
struct ReadyToken {
  runtime::Loop* loop = nullptr;
  uint32_t slot = 0;
  uint32_t generation = 0;

  // Reports readiness (a set of Ready bits) to the loop: from its own thread it is queued, from
  // another one it is posted. Never calls back, so it may be called anywhere.
  void Notify(uint8_t ready) const;
};

// Bits of a readiness notice.
enum Ready : uint8_t {
  kReadable = 1,
  kHangup = 2,  // The peer ended its direction or the connection broke: read on to 0 or the error.
  kWritable = 4,
  kResume = 8,   // The loop's own: go on where the budget stopped.
  kBroken = 16,  // With kHangup: the connection is gone in both directions.
};

class Conn {
 public:
  Conn() = default;
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;

  // Receives up to into.size() bytes (> 0). Fewer than asked means drained for now.
  virtual IoResult TryRecv(std::span<char> into) = 0;

  // Sends from the first byte on; may take fewer than offered. Bytes that are taken are out of the
  // caller's hands: the memory may be reused at once.
  virtual IoResult TrySend(std::span<const iovec> from) = 0;

  // From now on every change to readable, writable or hung up is reported to `token`, also one
  // that happened just before. Edge-triggered; called again only with a new token.
  virtual Errc Arm(const ReadyToken& token) = 0;

  // Ends the sending direction: the peer reads what was sent, then the end.
  virtual void ShutdownWrite() = 0;

  // True if that, or the rest of what TrySend took, waits here for room: ShutdownWrite is to be
  // called again when the transport is writable. For layers that send something of their own.
  virtual bool HasOutput() const { return false; }

  // True if received bytes wait to be read: tells a FIN behind a pipelined request from one after
  // the last byte.
  virtual bool HasUnread() = 0;

  // Bytes that TrySend has taken and the peer has not yet got, as far as the transport can tell: a
  // socket reports writable only when much of its buffer is free, which takes a slow reader long.
  virtual size_t Unsent() { return 0; }

  // Ends the connection, once. The object belongs to its transport again and may be destroyed or
  // recycled before Close returns. `reset` drops what is unsent and tells the peer so (RST).
  virtual void Close(bool reset) = 0;

  virtual Addr LocalAddr() const = 0;
  virtual Addr RemoteAddr() const = 0;

  // The file descriptor, or -1: for sendfile and for options that this class does not know.
  virtual int fd() const { return -1; }

  // A socket of the operating system moves the bytes, if need be below a layer that changes them:
  // what has come since the loop last polled is known to it alone.
  virtual bool is_socket() const { return fd() >= 0; }

  // What the peer says to a send is never there when TrySend returns: it is told of later, to the
  // token. So a read right after a write is in vain.
  virtual bool answers_later() const { return is_socket(); }

  // The bytes are encrypted on their way; and what was agreed on for that, or null. The second
  // allocates at its first call; its result lives as long as this.
  virtual bool is_tls() const { return false; }
  virtual const TLSConnectionState* TLSState() { return nullptr; }

 protected:
  virtual ~Conn() = default;
};

// What TryAccept hands out: either a Conn, or a connected non-blocking socket, for which the
// server makes the Conn inside its own slot (no allocation).
struct Accepted {
  Conn* conn = nullptr;
  int fd = -1;
  Addr remote;
  bool counts = false;  // By the listener's PeerLimit: a Conn only.
  // Whom the server gives the connection in place of speaking HTTP on it: a Conn only. It counts
  // until it ends. Not every user of a listener looks at it.
  absl::AnyInvocable<void(HijackedConn&) &&> handler = nullptr;
};

// How many connections a peer may have, for listeners that hold some back before they hand them
// out, as one does that shakes hands first.
//
// Thread class: loop-confined.
class PeerLimit {
 public:
  // Counts one more; false, and not counted: the peer has its number, and this one is to be closed.
  virtual bool CountPeer(const Addr& peer) = 0;
  // It was closed before it was handed out.
  virtual void UncountPeer(const Addr& peer) = 0;

 protected:
  ~PeerLimit() = default;
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // Takes a waiting connection. kAgain: none. kListenerClosed: closed, no more to come.
  // kTooManyFiles: this process or the machine is out of descriptors; the loop pauses accepting.
  // Any other error concerns one connection and is skipped.
  virtual Errc TryAccept(Accepted& into) = 0;

  // From now on `token` is told when there is something to accept, or when the listener closes.
  // Every loop that serves the listener arms its own token.
  virtual Errc Arm(const ReadyToken& token) = 0;
  virtual void Disarm(const ReadyToken& token) = 0;

  // What connections that TryAccept takes on `loop` may be counted by from then on, until Disarm;
  // called before Arm. A connection that was counted is handed out with `counts` or uncounted.
  virtual void SetPeerLimit(runtime::Loop&, PeerLimit&) {}

  // Stops listening and wakes the loops. Idempotent, thread-safe.
  virtual void Close() = 0;

  virtual Addr address() const = 0;

  // A listener that must be used by one loop only says so.
  virtual bool one_loop() const { return false; }

  // A listener of the same address for another loop (SO_REUSEPORT), owned by the caller; null if
  // the loops are to share this one. Closing one of them closes them all.
  virtual Listener* CloneForLoop() { return nullptr; }
};

}  // namespace fasthttp

#endif  // FASTHTTP_RUNTIME_TRANSPORT_H_
