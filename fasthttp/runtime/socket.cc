#include "fasthttp/runtime/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp {

Addr Addr::IPv4(const void* four_bytes, uint16_t port) {
  Addr addr;
  addr.ip_.family = 4;
  addr.ip_.port = port;
  std::memcpy(addr.ip_.bytes, four_bytes, 4);
  return addr;
}

Addr Addr::IPv6(const void* sixteen_bytes, uint16_t port, uint32_t scope) {
  // A v4 peer of a dual-stack socket is shown as what it is.
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const uint8_t* bytes = static_cast<const uint8_t*>(sixteen_bytes);
  if (std::memcmp(bytes, kMapped, sizeof kMapped) == 0) return IPv4(bytes + 12, port);
  Addr addr;
  addr.ip_.family = 6;
  addr.ip_.port = port;
  addr.ip_.scope = scope;
  std::memcpy(addr.ip_.bytes, bytes, 16);
  return addr;
}

Addr Addr::Named(const char* network, std::string_view name) {
  Addr addr;
  addr.name_ = std::make_shared<const Name>(Name{network, std::string(name)});
  return addr;
}

std::string Addr::IpString() const {
  if (ip_.family == 0) return name_ != nullptr ? name_->text : "";
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(is_ipv4() ? AF_INET : AF_INET6, ip_.bytes, text, sizeof text);
  return ip_.scope == 0 ? std::string(text) : absl::StrCat(text, "%", ip_.scope);
}

std::string Addr::ToString() const {
  if (ip_.family == 0) return IpString();
  if (is_ipv4()) return absl::StrCat(IpString(), ":", ip_.port);
  return absl::StrCat("[", IpString(), "]:", ip_.port);
}

namespace runtime {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

struct RawAddr {
  RawAddr() {}  // Not cleared: 128 bytes, of which the kernel writes what there is.

  sockaddr_storage storage;
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// What a system call gives, or an errno value below zero. recv, send, accept and close are
// cancellation points: in a process with threads glibc spends 45 instructions on that each time,
// and 25 more on its syscall().
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
inline int64_t SystemCall(int64_t number, int fd, const void* data = nullptr, size_t size = 0) {
  int64_t result;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(fd), "S"(data), "d"(size)
               : "rcx", "r11", "memory");
  return result;
}
inline int64_t SystemCall(int64_t number, int fd, const void* data, size_t size, int64_t flags) {
  register int64_t fourth asm("r10") = flags;
  register const void* address asm("r8") = nullptr;
  register size_t address_size asm("r9") = 0;
  int64_t result;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(fd), "S"(data), "d"(size), "r"(fourth), "r"(address),
                 "r"(address_size)
               : "rcx", "r11", "memory");
  return result;
}
inline int64_t Receive(int fd, char* into, size_t size) {
  return SystemCall(SYS_read, fd, into, size);
}
inline int64_t Send(int fd, const void* from, size_t size) {
  return SystemCall(SYS_sendto, fd, from, size, MSG_NOSIGNAL);
}
inline int64_t Accept(int fd, RawAddr& peer) {
  return SystemCall(SYS_accept4, fd, &peer.storage, reinterpret_cast<size_t>(&peer.size),
                    SOCK_NONBLOCK | SOCK_CLOEXEC);
}
inline void CloseFd(int fd) { SystemCall(SYS_close, fd); }
#else
int64_t Receive(int fd, char* into, size_t size) {
  const ssize_t n = ::recv(fd, into, size, 0);
  return n >= 0 ? n : -errno;
}
int64_t Send(int fd, const void* from, size_t size) {
  const ssize_t n = ::send(fd, from, size, MSG_NOSIGNAL);
  return n >= 0 ? n : -errno;
}
int64_t Accept(int fd, RawAddr& peer) {
  const int accepted = ::accept4(fd, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return accepted >= 0 ? accepted : -errno;
}
void CloseFd(int fd) { ::close(fd); }
#endif

Addr FromRaw(const RawAddr& raw) {
  if (raw.storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(raw.storage);
    return Addr::IPv4(&in.sin_addr, ntohs(in.sin_port));
  }
  if (raw.storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(raw.storage);
    return Addr::IPv6(&in.sin6_addr, ntohs(in.sin6_port), in.sin6_scope_id);
  }
  const auto& un = reinterpret_cast<const sockaddr_un&>(raw.storage);
  size_t head = offsetof(sockaddr_un, sun_path);
  size_t room = raw.size > head ? raw.size - head : 0;
  return Addr::Named("unix", {un.sun_path, ::strnlen(un.sun_path, room)});
}

Errc ToRaw(const Addr& addr, RawAddr& raw) {
  raw.storage = {};
  if (addr.is_ipv4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(raw.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(addr.port());
    std::memcpy(&in.sin_addr, addr.ip().data(), 4);
    raw.size = sizeof in;
    return Errc::kOk;
  }
  if (addr.is_ipv6()) {
    auto& in = reinterpret_cast<sockaddr_in6&>(raw.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(addr.port());
    std::memcpy(&in.sin6_addr, addr.ip().data(), 16);
    in.sin6_scope_id = addr.scope();
    raw.size = sizeof in;
    return Errc::kOk;
  }
  auto& un = reinterpret_cast<sockaddr_un&>(raw.storage);
  std::string path = addr.ToString();
  if (addr.network() != "unix" || path.empty() || path.size() >= sizeof un.sun_path) {
    return Errc::kBadAddress;
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  raw.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return Errc::kOk;
}

void SetNoDelay(int fd) {
  int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// The sockets of one address (SO_REUSEPORT), which are closed together. The loops that serve them
// are told by a shutdown(2), which epoll reports as a hang-up on every loop.
class ListeningSockets {
 public:
  explicit ListeningSockets(Addr address) : address_(std::move(address)) {}

  const Addr& address() const { return address_; }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

  void Add(int fd) {
    std::lock_guard<std::mutex> lock(mutex_);
    fds_.push_back(fd);
    if (closed()) ::shutdown(fd, SHUT_RDWR);
  }
  void Remove(int fd) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::erase(fds_, fd);
    ::close(fd);
  }
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_.exchange(true)) return;
    if (address_.network() == "unix") ::unlink(address_.ToString().c_str());
    for (int fd : fds_) ::shutdown(fd, SHUT_RDWR);
  }

 private:
  const Addr address_;
  std::atomic<bool> closed_{false};
  std::mutex mutex_;
  std::vector<int> fds_;
};

class SocketListener final : public Listener {
 public:
  SocketListener(int fd, std::shared_ptr<ListeningSockets> all, const ListenOptions& options)
      : fd_(fd), all_(std::move(all)), options_(options) {
    all_->Add(fd_);
  }

  ~SocketListener() override {
    Close();
    all_->Remove(fd_);
  }

  Errc TryAccept(Accepted& into) override {
    if (all_->closed()) return Errc::kListenerClosed;
    RawAddr peer;
    peer.size = sizeof peer.storage;
    const auto fd = static_cast<int>(Accept(fd_, peer));
    if (fd < 0) [[unlikely]] {
      if (all_->closed() || fd == -EINVAL) return Errc::kListenerClosed;
      return ErrcOfErrno(-fd);
    }
    into.conn = nullptr;
    into.fd = fd;
    into.remote = FromRaw(peer);
    return Errc::kOk;
  }

  Errc Arm(const ReadyToken& token) override {
    return token.loop->poller().Add(fd_, token.slot, token.generation);
  }
  void Disarm(const ReadyToken& token) override { token.loop->poller().Remove(fd_); }

  void Close() override { all_->Close(); }
  Addr address() const override { return all_->address(); }

  Listener* CloneForLoop() override;

 private:
  const int fd_;
  const std::shared_ptr<ListeningSockets> all_;
  const ListenOptions options_;
};

absl::Status SystemError(std::string_view what, std::string_view address) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", address));
}

// `first`: the address must not be in use, not even by somebody who shares ports. So the first
// socket of an address becomes shareable only once it is bound.
int OpenListening(RawAddr& raw, const ListenOptions& options, bool first, bool* unsupported) {
  *unsupported = false;
  int fd = ::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    *unsupported = errno == EAFNOSUPPORT;
    return -1;
  }
  int one = 1;
  int zero = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  auto share = [&] { ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one); };
  if (options.reuse_port && !first) share();
  if (raw.storage.ss_family == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  }
  // Accepted sockets have it from the listening one.
  if (raw.storage.ss_family != AF_UNIX) SetNoDelay(fd);
  int backlog = options.backlog > 0 ? options.backlog : 65'535;  // The kernel clips to somaxconn.
  if (::bind(fd, raw.get(), raw.size) == 0) {
    if (options.reuse_port && first) share();
    if (::listen(fd, backlog) == 0) return fd;
  }
  *unsupported = errno == EADDRNOTAVAIL;
  int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

std::unique_ptr<Listener> Adopt(int fd, const ListenOptions& options) {
  RawAddr bound;
  bound.size = sizeof bound.storage;
  FASTHTTP_CHECK(::getsockname(fd, bound.get(), &bound.size) == 0, "a listener has no address");
  return std::make_unique<SocketListener>(fd, std::make_shared<ListeningSockets>(FromRaw(bound)),
                                          options);
}

Listener* SocketListener::CloneForLoop() {
  if (!options_.reuse_port || address().network() == "unix") return nullptr;
  RawAddr raw;
  raw.size = sizeof raw.storage;
  // As it was bound: the address as shown folds v4-mapped ones.
  if (::getsockname(fd_, raw.get(), &raw.size) != 0) return nullptr;
  bool unsupported;
  int fd = OpenListening(raw, options_, /*first=*/false, &unsupported);
  return fd < 0 ? nullptr : new SocketListener(fd, all_, options_);
}

absl::StatusOr<std::unique_ptr<Listener>> ListenUnix(std::string_view path, uint32_t mode) {
  RawAddr raw;
  if (ToRaw(Addr::Named("unix", path), raw) != Errc::kOk) {
    return absl::InvalidArgumentError(absl::StrCat("listen unix:", path, ": bad path"));
  }
  std::string name(path);
  struct stat old;
  // Only a socket is replaced; removing a user's file would lose it.
  if (::lstat(name.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) ::unlink(name.c_str());
  bool unsupported;
  int fd = OpenListening(raw, {}, /*first=*/true, &unsupported);
  if (fd < 0) return SystemError("listen", absl::StrCat("unix:", path));
  if (::chmod(name.c_str(), mode) != 0) {
    absl::Status status = SystemError("chmod", name);
    ::close(fd);
    ::unlink(name.c_str());
    return status;
  }
  return Adopt(fd, {});
}

}  // namespace

SocketConn::SocketConn(int fd, const Addr& remote)
    : fd_(fd),
      family_(remote.is_ipv4()   ? 4
              : remote.is_ipv6() ? 6
                                 : 0),
      port_(remote.port()) {
  if (remote.is_ipv4()) std::memcpy(ip_, remote.ip().data(), 4);
  if (remote.is_ipv6()) std::memcpy(ip_, remote.ip().data(), 16);
  scope_ = remote.scope();
}

// Off the way of those that succeed: what these need would be saved there.
[[gnu::noinline]] static IoResult Failed(int64_t error) {
  return IoResult::Error(ErrcOfErrno(static_cast<int>(-error)));
}

static inline IoResult ReceiveInto(int fd, std::span<char> into) {
  for (;;) {
    const int64_t n = Receive(fd, into.data(), into.size());
    if (n >= 0) [[likely]]
      return IoResult::Bytes(static_cast<size_t>(n));
    if (n != -EINTR) return Failed(n);
  }
}

// What Send was called with and what it gave: all is still in registers.
[[gnu::noinline]] static IoResult SendOn(int fd, const void* from, size_t size, int64_t n) {
  while (n == -EINTR) n = Send(fd, from, size);
  return n >= 0 ? IoResult::Bytes(static_cast<size_t>(n)) : Failed(n);
}

IoResult SocketConn::TryRecv(std::span<char> into) {
  if (base::chaos_enabled) [[unlikely]]
    return ReceiveLess(into);
  return ReceiveInto(fd_, into);
}

[[gnu::noinline]] IoResult SocketConn::ReceiveLess(std::span<char> into) {
  return ReceiveInto(fd_, into.first(base::ChaosSize(into.size())));
}

IoResult SocketConn::TrySend(std::span<const iovec> from) {
  if (from.size() != 1 || base::chaos_enabled) [[unlikely]]
    return SendPieces(from);
  const int fd = fd_;
  const iovec piece = from[0];
  const int64_t n = Send(fd, piece.iov_base, piece.iov_len);
  if (n >= 0) [[likely]]
    return IoResult::Bytes(static_cast<size_t>(n));
  return SendOn(fd, piece.iov_base, piece.iov_len, n);
}

[[gnu::noinline]] IoResult SocketConn::SendPieces(std::span<const iovec> from) {
  iovec less;
  if (!from.empty() && base::ChaosStrikes()) {
    less = {from[0].iov_base, base::ChaosSize(from[0].iov_len)};
    if (less.iov_len != 0) from = {&less, 1};
  }
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = std::min<size_t>(from.size(), 1024);
  for (;;) {
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) return IoResult::Bytes(static_cast<size_t>(n));
    if (errno != EINTR) return IoResult::Error(ErrcOfErrno(errno));
  }
}

Errc SocketConn::Arm(const ReadyToken& token) {
  return token.loop->poller().Add(fd_, token.slot, token.generation);
}

void SocketConn::ShutdownWrite() { ::shutdown(fd_, SHUT_WR); }

bool SocketConn::HasUnread() {
  int unread = 0;
  return ::ioctl(fd_, FIONREAD, &unread) == 0 && unread > 0;
}

size_t SocketConn::Unsent() {
  int unsent = 0;
  return ::ioctl(fd_, TIOCOUTQ, &unsent) == 0 && unsent > 0 ? static_cast<size_t>(unsent) : 0;
}

void SocketConn::Close(bool reset) {
  if (reset) {
    linger now = {1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  CloseFd(fd_);
  this->~SocketConn();
}

Addr SocketConn::LocalAddr() const {
  RawAddr raw;
  raw.size = sizeof raw.storage;
  if (::getsockname(fd_, raw.get(), &raw.size) != 0) return {};
  return FromRaw(raw);
}

Addr SocketConn::RemoteAddr() const {
  if (family_ == 4) return Addr::IPv4(ip_, port_);
  if (family_ == 6) return Addr::IPv6(ip_, port_, scope_);
  RawAddr raw;
  raw.size = sizeof raw.storage;
  if (::getpeername(fd_, raw.get(), &raw.size) != 0) return Addr::Named("unix", "");
  return FromRaw(raw);
}

const char* SplitHostPort(std::string_view text, HostPort& into) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.back() == ']') return "missing port";
  const std::string_view digits = text.substr(colon + 1);
  uint32_t port = 0;
  if (digits.empty()) return "missing port";
  if (digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(digits, &port) || port > 65'535) {
    return "bad port";
  }
  std::string_view host = text.substr(0, colon);
  into.bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (into.bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return "missing host";
  // Without brackets the last group of an IPv6 address would be taken for the port.
  if (!into.bracketed && host.find_first_of("[]:") != host.npos) {
    return "an IPv6 address must stand in brackets";
  }
  into.host = host;
  into.port = static_cast<uint16_t>(port);
  return nullptr;
}

bool ParseIp(const HostPort& from, Addr& into) {
  uint8_t bytes[16] = {};
  if (!from.bracketed) {
    if (::inet_pton(AF_INET, std::string(from.host).c_str(), bytes) != 1) return false;
    into = Addr::IPv4(bytes, from.port);
    return from.host.find('\0') == from.host.npos;
  }
  const size_t percent = std::min(from.host.find('%'), from.host.size());
  if (::inet_pton(AF_INET6, std::string(from.host.substr(0, percent)).c_str(), bytes) != 1) {
    return false;
  }
  uint32_t scope = 0;
  if (percent < from.host.size()) {
    const std::string zone(from.host.substr(percent + 1));
    if (!absl::SimpleAtoi(zone, &scope)) scope = ::if_nametoindex(zone.c_str());
    if (scope == 0) return false;
  }
  into = Addr::IPv6(bytes, from.port, scope);
  return from.host.find('\0') == from.host.npos;
}

Errc ParseAddr(std::string_view text, Addr& into) {
  if (text.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    into = Addr::Named("unix", text.substr(kUnixPrefix.size()));
    return Errc::kOk;
  }
  HostPort parts;
  if (SplitHostPort(text, parts) != nullptr) return Errc::kBadAddress;
  if (parts.host == "localhost" && !parts.bracketed) parts.host = "127.0.0.1";
  return ParseIp(parts, into) ? Errc::kOk : Errc::kBadAddress;
}

absl::StatusOr<std::unique_ptr<Listener>> Listen(std::string_view address,
                                                 const ListenOptions& options, uint32_t unix_mode) {
  if (address.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    return ListenUnix(address.substr(kUnixPrefix.size()), unix_mode);
  }
  const bool all = !address.empty() && address.front() == ':';
  Addr addr;
  if (ParseAddr(all ? absl::StrCat("[::]", address) : std::string(address), addr) != Errc::kOk) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen ", address, ": want host:port, [v6]:port, :port or unix:/path"));
  }
  RawAddr raw;
  if (Errc errc = ToRaw(addr, raw); errc != Errc::kOk) {
    return absl::InvalidArgumentError(absl::StrCat("listen ", address, ": ", ErrcText(errc)));
  }
  bool unsupported;
  int fd = OpenListening(raw, options, /*first=*/true, &unsupported);
  if (fd < 0 && all && unsupported) {  // A machine without IPv6.
    static constexpr uint8_t kAny[4] = {};
    if (ToRaw(Addr::IPv4(kAny, addr.port()), raw) == Errc::kOk) {
      fd = OpenListening(raw, options, /*first=*/true, &unsupported);
    }
  }
  if (fd < 0) return SystemError("listen", address);
  return Adopt(fd, options);
}

Errc StartConnect(const Addr& to, const Addr& from, int& into) {
  RawAddr raw;
  RawAddr local;
  if (Errc errc = ToRaw(to, raw); errc != Errc::kOk) return errc;
  if (!from.network().empty()) {
    if (Errc errc = ToRaw(from, local); errc != Errc::kOk) return errc;
  }
  int fd = ::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrcOfErrno(errno);
  if (to.network() == "tcp") SetNoDelay(fd);
  int result = 0;
  if (local.size != 0) {
    // Else every dial would take a port of its own, whatever it connects to.
    int one = 1;
    if (from.port() == 0) ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    result = ::bind(fd, local.get(), local.size);
  }
  if (result == 0) result = ::connect(fd, raw.get(), raw.size);
  if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
    Errc errc = errno == EAGAIN ? Errc::kOverloaded : ErrcOfErrno(errno);  // UNIX: queue full.
    ::close(fd);
    return errc;
  }
  into = fd;
  return Errc::kOk;
}

Errc ConnectResult(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return Errc::kIo;
  if (error != 0) return ErrcOfErrno(error);
  pollfd state = {fd, POLLOUT, 0};
  return ::poll(&state, 1, 0) == 1 ? Errc::kOk : Errc::kAgain;
}

Errc ErrcOfErrno(int error) {
  switch (error) {
    case 0:
      return Errc::kOk;
    case EAGAIN:
      return Errc::kAgain;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
      return Errc::kConnectionReset;
    case ECONNREFUSED:
      return Errc::kConnectionRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
      return Errc::kUnreachable;
    case ETIMEDOUT:
      return Errc::kTimeout;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Errc::kTooManyFiles;
    case EADDRINUSE:
      return Errc::kAddressInUse;
    case EACCES:
    case EPERM:
      return Errc::kPermission;
    case ENOENT:
      return Errc::kBadAddress;
    case ENOTCONN:
    case EBADF:
      return Errc::kConnectionClosed;
    default:
      return Errc::kIo;
  }
}

}  // namespace runtime
}  // namespace fasthttp
