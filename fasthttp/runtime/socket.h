// Sockets as Conn and Listener: TCP over IPv4 and IPv6, and UNIX stream sockets.
//
// SocketConn is small enough (40 bytes) to live inside an Endpoint. It enters epoll only when it is
// armed, which owners do at the first kAgain: a short-lived connection whose request is already
// there costs no epoll_ctl (measured: 2,000 to 5,000 kernel instructions less).
#ifndef FASTHTTP_RUNTIME_SOCKET_H_
#define FASTHTTP_RUNTIME_SOCKET_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp::runtime {

class SocketConn final : public Conn {
 public:
  // Takes over `fd`, which must be connected and non-blocking.
  SocketConn(int fd, const Addr& remote);

  IoResult TryRecv(std::span<char> into) override;
  IoResult TrySend(std::span<const iovec> from) override;
  Errc Arm(const ReadyToken& token) override;
  void ShutdownWrite() override;
  bool HasUnread() override;
  size_t Unsent() override;
  // Closes the descriptor and destroys this object, whose memory the endpoint owns.
  void Close(bool reset) override;
  Addr LocalAddr() const override;
  Addr RemoteAddr() const override;
  int fd() const override { return fd_; }

 private:
  // Under chaos, and of several pieces: apart from what is usual, whose registers they would save.
  IoResult ReceiveLess(std::span<char> into);
  IoResult SendPieces(std::span<const iovec> from);

  int fd_;
  uint8_t family_;
  uint16_t port_;
  uint8_t ip_[16];
  uint32_t scope_;
};
static_assert(sizeof(SocketConn) <= Endpoint::kSocketBytes);

struct ListenOptions {
  // Listener::CloneForLoop makes further listeners of the address, one for each loop
  // (SO_REUSEPORT). The address must be free all the same.
  bool reuse_port = false;
  // 0: what the kernel allows (somaxconn).
  int backlog = 0;
};

// Listens on "host:port", "[v6]:port", ":port" (all addresses, IPv6 and IPv4 on one socket where
// the machine has IPv6) or "unix:/path" (an old socket file is replaced; mode of the file from
// `unix_mode`). Port 0 takes a free one; Listener::address() tells.
absl::StatusOr<std::unique_ptr<Listener>> Listen(std::string_view address,
                                                 const ListenOptions& options = {},
                                                 uint32_t unix_mode = 0600);

// Begins a non-blocking connect: ConnectResult tells of the descriptor, again when it is writable.
// `from` is the local address to connect from (port 0: any); a default-made one leaves it to the
// kernel.
Errc StartConnect(const Addr& to, const Addr& from, int& into);
// kAgain while it is under way.
Errc ConnectResult(int fd);

// "host:port" or "[v6]:port" in its parts, as views of the text.
struct HostPort {
  std::string_view host;  // Without brackets; never empty.
  uint16_t port = 0;
  bool bracketed = false;
};
// Null, or what is wrong with `text` as a fragment of a sentence: "missing port".
const char* SplitHostPort(std::string_view text, HostPort& into);

// True if the host is an IPv4 address, or an IPv6 one that stood in brackets (with "%3" or "%eth0"
// behind it for its zone).
bool ParseIp(const HostPort& from, Addr& into);

// "1.2.3.4:80", "[::1]:80", "localhost:80" (127.0.0.1) or "unix:/path" as an address to listen on;
// no names are looked up.
Errc ParseAddr(std::string_view text, Addr& into);

// The Errc of an errno value.
Errc ErrcOfErrno(int error);

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_SOCKET_H_
