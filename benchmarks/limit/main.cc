// The physical limit: an epoll loop that knows beforehand how long each request is and what to
// answer. It reads, counts bytes, and sends as many canned responses as requests are complete. It
// parses nothing, allocates nothing and has no timeouts, so no HTTP server can do with fewer
// instructions and system calls; what one needs beyond this is the price of HTTP.
//
//   limit --port=8080 --request_bytes=40              answers hello
//   limit --port=8080 --request_bytes=1131 --echo     answers with the last 1024 bytes
//   limit --port=8080 --request_bytes=59 --close      one request a connection

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"

ABSL_FLAG(uint16_t, port, 8080, "on 127.0.0.1");
ABSL_FLAG(size_t, request_bytes, 0, "of every request");
ABSL_FLAG(bool, echo, false, "the body is the last 1024 bytes of the request");
ABSL_FLAG(bool, close, false, "one request a connection");

namespace {

constexpr size_t kEchoed = 1024;
constexpr size_t kBuffer = 65'536;

struct Settings {
  size_t request_bytes;
  bool echo;
  bool close;
  std::string response;  // Up to the echoed body.
};

// By descriptor: bytes received of a request that is incomplete, and the echoed part of them.
struct Conn {
  size_t received = 0;
  std::array<char, kEchoed> body;
};

std::string Canned(const Settings& settings) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nServer: limit\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                      settings.close ? "Connection: close\r\n" : "",
                      "Content-Type: text/plain\r\nContent-Length: ",
                      settings.echo ? "1024\r\n\r\n" : "13\r\n\r\nHello, World!");
}

int Listen(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FASTHTTP_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::listen(fd, 4096) == 0,
                 "cannot listen");
  return fd;
}

void Accept(int listener, int epoll, std::vector<Conn>& conns) {
  const int one = 1;
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (conns.size() <= static_cast<size_t>(fd)) conns.resize(static_cast<size_t>(fd) + 1);
    conns[static_cast<size_t>(fd)].received = 0;
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.fd = fd;
    FASTHTTP_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl failed");
  }
}

// Appends the answers to what is complete.
void Answer(const Settings& settings, Conn& conn, std::string_view bytes, std::string& out) {
  const size_t body_at = settings.request_bytes - kEchoed;  // Only of an echo.
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), settings.request_bytes - conn.received);
    if (settings.echo && conn.received + n > body_at) {
      const size_t skip = conn.received < body_at ? body_at - conn.received : 0;
      std::memcpy(conn.body.data() + conn.received + skip - body_at, bytes.data() + skip, n - skip);
    }
    conn.received += n;
    bytes.remove_prefix(n);
    if (conn.received == settings.request_bytes) {
      conn.received = 0;
      out += settings.response;
      if (settings.echo) out.append(conn.body.data(), conn.body.size());
    }
  }
}

// One read and one write an event, unless the buffer was too small.
void Serve(const Settings& settings, int fd, Conn& conn, std::string& out) {
  static char buffer[kBuffer];
  for (ssize_t n = kBuffer; n == kBuffer;) {
    n = ::recv(fd, buffer, kBuffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(fd);
      return;
    }
    out.clear();
    Answer(settings, conn, std::string_view(buffer, static_cast<size_t>(n)), out);
    if (out.empty()) continue;
    FASTHTTP_CHECK(
        ::send(fd, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size()),
        "the peer does not read");
    if (settings.close) {
      ::close(fd);
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  Settings settings = {absl::GetFlag(FLAGS_request_bytes), absl::GetFlag(FLAGS_echo),
                       absl::GetFlag(FLAGS_close), ""};
  settings.response = Canned(settings);
  FASTHTTP_CHECK(settings.request_bytes >= (settings.echo ? kEchoed : 1), "--request_bytes");

  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int listener = Listen(absl::GetFlag(FLAGS_port));
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = listener;
  FASTHTTP_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl failed");
  std::vector<Conn> conns;
  std::string out;
  for (;;) {
    std::array<epoll_event, 256> events;
    const int n = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener) {
        Accept(listener, epoll, conns);
      } else {
        Serve(settings, fd, conns[static_cast<size_t>(fd)], out);
      }
    }
  }
}
