#include "benchmarks/fairness/light_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include "fasthttp/base/check.h"

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kLight = "GET /light HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kSleep = "GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Client {
  int fd = -1;
  bool busy = false;
  bool counts = false;
  int64_t due = 0;
};

}  // namespace

int ConnectTo(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FASTHTTP_CHECK(fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0,
                 "cannot connect to the server under test");
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

int64_t NowNanos() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Latencies::Latencies(std::vector<int64_t> nanoseconds) : sorted_(std::move(nanoseconds)) {
  std::sort(sorted_.begin(), sorted_.end());
}

double Latencies::Microseconds(double quantile) const {
  if (sorted_.empty()) return 0;
  const auto at = static_cast<size_t>(quantile * static_cast<double>(sorted_.size()));
  return static_cast<double>(sorted_[std::min(at, sorted_.size() - 1)]) / 1e3;
}

Latencies RunLightLoad(const LoadOptions& options) {
  std::vector<Client> clients(options.conns);
  std::vector<pollfd> polled(options.conns);
  std::vector<size_t> free;
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].fd = ConnectTo(options.port);
    polled[i] = {clients[i].fd, POLLIN, 0};
    free.push_back(i);
  }
  std::vector<int64_t> latencies;
  std::deque<std::pair<int64_t, bool>> waiting;  // Due, and whether it is a light one.
  const int64_t start = NowNanos();
  const int64_t gap = 1'000'000'000 / options.rate;
  int64_t next = 0;
  const int64_t total = options.duration_ns / gap;
  size_t busy = 0;
  while (next < total || !waiting.empty() || busy != 0) {
    for (const int64_t now = NowNanos(); next < total && start + next * gap <= now; ++next) {
      waiting.emplace_back(start + next * gap, next % 100 != options.sleeper);
    }
    while (!waiting.empty() && !free.empty()) {
      Client& client = clients[free.back()];
      free.pop_back();
      client.due = waiting.front().first;
      client.counts = waiting.front().second;
      waiting.pop_front();
      client.busy = true;
      ++busy;
      const std::string_view request = client.counts ? kLight : kSleep;
      FASTHTTP_CHECK(::send(client.fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                         static_cast<ssize_t>(request.size()),
                     "the server under test has closed a connection");
    }
    timespec timeout = {0, gap};
    if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) continue;
    const int64_t now = NowNanos();
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      char response[1024];  // Small ones arrive whole.
      const ssize_t n = ::recv(clients[i].fd, response, sizeof response, 0);
      FASTHTTP_CHECK(n > 12 && std::string_view(response, 12) == "HTTP/1.1 200" && clients[i].busy,
                     "not a response of 200 from the server under test");
      if (clients[i].counts) latencies.push_back(now - clients[i].due);
      clients[i].busy = false;
      --busy;
      free.push_back(i);
    }
  }
  for (Client& client : clients) ::close(client.fd);
  return Latencies(std::move(latencies));
}

}  // namespace fasthttp::benchmarks
