#include "benchmarks/tcp/load.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "fasthttp/base/check.h"

namespace fasthttp::benchmarks {
namespace {

constexpr size_t kDateSize = 29;
constexpr int64_t kPatience = 10'000'000'000;

// The value of a field of a response head; empty without one.
std::string_view FieldValue(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        absl::EqualsIgnoreCase(line.substr(0, name.size()), name)) {
      return absl::StripAsciiWhitespace(line.substr(name.size() + 1));
    }
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
  }
  return {};
}

// What every response must look like.
class Pattern {
 public:
  explicit Pattern(std::string response) : bytes_(std::move(response)) {
    const std::string_view head = std::string_view(bytes_).substr(0, bytes_.find("\r\n\r\n"));
    const std::string_view date = FieldValue(head, "Date");
    date_ = date.size() == kDateSize ? static_cast<size_t>(date.data() - bytes_.data()) : size();
    after_date_ = std::min(date_ + kDateSize, size());
  }

  size_t size() const { return bytes_.size(); }

  // Whether `piece` is what stands at `at`.
  bool Matches(size_t at, std::string_view piece) const {
    return MatchesWithin(0, date_, at, piece) && MatchesWithin(after_date_, size(), at, piece);
  }

 private:
  bool MatchesWithin(size_t from, size_t to, size_t at, std::string_view piece) const {
    from = std::max(from, at);
    to = std::min(to, at + piece.size());
    return from >= to ||
           std::memcmp(bytes_.data() + from, piece.data() + from - at, to - from) == 0;
  }

  std::string bytes_;
  size_t date_;
  size_t after_date_;
};

// One end of a connection.
class Socket {
 public:
  Socket() = default;
  Socket(uint16_t port, const LayerFactory& layer) : fd_(ConnectTo(port)) {
    FASTHTTP_CHECK(::fcntl(fd_, F_SETFL, O_NONBLOCK) == 0, "fcntl failed");
    if (layer) layer_ = layer(fd_);
  }

  int fd() const { return fd_; }
  ssize_t Send(std::string_view bytes) {
    if (layer_ != nullptr) return layer_->Send(bytes);
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  ssize_t Receive(std::span<char> into) {
    if (layer_ != nullptr) return layer_->Receive(into);
    return ::recv(fd_, into.data(), into.size(), 0);
  }
  void Close() {
    layer_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // With an RST, or a port is held for a minute.
  void Reset() {
    const linger reset = {1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    Close();
  }

 private:
  int fd_ = -1;
  std::unique_ptr<Layer> layer_;
};

Pattern LearnPattern(const LoadOptions& options) {
  Socket socket(options.port, options.layer);
  const std::string_view request = options.request;
  FASTHTTP_CHECK(socket.Send(request) == static_cast<ssize_t>(request.size()),
                 "the server under test takes no request");
  std::string received;
  size_t size;
  do {
    pollfd readable = {socket.fd(), POLLIN, 0};
    FASTHTTP_CHECK(::poll(&readable, 1, kPatience / 1'000'000) == 1,
                   "the server under test sends no whole response");
    char buffer[4096];
    const ssize_t n = socket.Receive(buffer);
    size = 0;
    if (n < 0 && errno == EAGAIN) continue;
    FASTHTTP_CHECK(n > 0, "the server under test sends no whole response");
    received.append(buffer, static_cast<size_t>(n));
    size = ResponseSize(received);
  } while (size == 0);
  FASTHTTP_CHECK(size == received.size(), "the server under test sends more than a response");
  socket.Close();
  return Pattern(std::move(received));
}

class Load {
 public:
  explicit Load(const LoadOptions& options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult Run();

 private:
  struct Client {
    Socket socket;
    size_t owed = 0;  // Responses.
    size_t at = 0;    // In the response that arrives.
    bool counts = true;
    int64_t due = 0;
  };

  void Connect(Client& client);
  void Send(Client& client, size_t requests, std::string_view bytes);
  void SendNext(Client& client);
  void SendDue(int64_t now);
  void Receive(Client& client);
  void Check(Client& client, std::string_view received);
  void Answered(Client& client);
  void Wait(bool sending);

  const LoadOptions& options_;
  const uint64_t total_;  // Of an open loop.
  const Pattern pattern_;
  const int epoll_;
  std::string batch_;  // options_.pipeline requests.
  std::vector<Client> clients_;
  std::vector<Client*> free_;                     // Open loop.
  std::deque<std::pair<int64_t, bool>> waiting_;  // Due, and whether it counts.
  int64_t start_ = 0;
  int64_t last_progress_ = 0;
  int64_t now_ = 0;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  uint64_t due_ = 0;  // Open loop: requests whose time has come.
  uint64_t bytes_ = 0;
  std::vector<int64_t> latencies_;
};

Load::Load(const LoadOptions& options)
    : options_(options),
      total_(options.requests != 0 ? options.requests
                                   : static_cast<uint64_t>(options.rate * options.seconds)),
      pattern_(LearnPattern(options)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      clients_(options.conns) {
  FASTHTTP_CHECK(epoll_ >= 0, "epoll_create1 failed");
  for (size_t i = 0; i < options.pipeline; ++i) batch_ += options.request;
  for (Client& client : clients_) {
    if (!options.reconnect) Connect(client);
    free_.push_back(&client);
  }
}

Load::~Load() {
  for (Client& client : clients_) client.socket.Close();
  ::close(epoll_);
}

void Load::Connect(Client& client) {
  client.socket = Socket(options_.port, options_.layer);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = &client;
  FASTHTTP_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket.fd(), &event) == 0,
                 "epoll_ctl failed");
}

void Load::Send(Client& client, size_t requests, std::string_view bytes) {
  if (options_.reconnect) Connect(client);
  FASTHTTP_CHECK(client.socket.Send(bytes) == static_cast<ssize_t>(bytes.size()),
                 "the server under test has closed a connection, or takes no more");
  client.owed = requests;
  sent_ += requests;
}

// Closed loop.
void Load::SendNext(Client& client) {
  size_t n = options_.pipeline;
  if (options_.requests != 0) {
    n = std::min<uint64_t>(n, options_.requests - sent_);
  } else if (now_ - start_ >= static_cast<int64_t>(options_.seconds * 1e9)) {
    n = 0;
  }
  if (n != 0) Send(client, n, std::string_view(batch_).substr(0, n * options_.request.size()));
}

void Load::SendDue(int64_t now) {
  for (; due_ < total_; ++due_) {
    const int64_t at =
        start_ + static_cast<int64_t>(static_cast<double>(due_) * 1e9 / options_.rate);
    if (at > now) break;
    waiting_.emplace_back(at, static_cast<int>(due_ % 100) != options_.other_at);
  }
  while (!waiting_.empty() && !free_.empty()) {
    Client& client = *free_.back();
    free_.pop_back();
    std::tie(client.due, client.counts) = waiting_.front();
    waiting_.pop_front();
    Send(client, 1, client.counts ? options_.request : options_.other);
  }
}

void Load::Receive(Client& client) {
  std::array<char, 65'536> buffer;
  const ssize_t n = client.socket.Receive(buffer);
  if (n < 0 && errno == EAGAIN) return;
  if (n == 0 && options_.reconnect && client.owed == 0) {
    client.socket.Reset();
    ++answered_;
    return Answered(client);
  }
  FASTHTTP_CHECK(n > 0, "the server under test has closed a connection");
  bytes_ += static_cast<uint64_t>(n);
  Check(client, std::string_view(buffer.data(), static_cast<size_t>(n)));
  if (client.owed == 0 && !options_.reconnect) Answered(client);
}

void Load::Check(Client& client, std::string_view received) {
  while (!received.empty()) {
    FASTHTTP_CHECK(client.owed != 0, "the server under test sends more than was asked for");
    const size_t n = std::min(received.size(), pattern_.size() - client.at);
    FASTHTTP_CHECK(pattern_.Matches(client.at, received.substr(0, n)),
                   "a response of the server under test differs from its first");
    received.remove_prefix(n);
    client.at += n;
    if (client.at == pattern_.size()) {
      client.at = 0;
      --client.owed;
      if (!options_.reconnect) ++answered_;
    }
  }
}

void Load::Answered(Client& client) {
  last_progress_ = now_;
  if (options_.rate == 0) return SendNext(client);
  if (client.counts) latencies_.push_back(now_ - client.due);
  free_.push_back(&client);
}

// In an open loop with something yet to send it does not sleep: a wake-up that comes late would be
// taken for the server's latency.
void Load::Wait(bool sending) {
  std::array<epoll_event, 256> events;
  const int n = ::epoll_wait(epoll_, events.data(), events.size(), sending ? 0 : 1000);
  now_ = NowNanos();
  for (int i = 0; i < n; ++i) Receive(*static_cast<Client*>(events[i].data.ptr));
  if (answered_ == sent_) last_progress_ = now_;
  FASTHTTP_CHECK(now_ - last_progress_ < kPatience, "the server under test stands still");
}

LoadResult Load::Run() {
  start_ = now_ = last_progress_ = NowNanos();
  if (options_.rate == 0) {
    for (Client& client : clients_) SendNext(client);
    while (answered_ != sent_ || options_.requests > answered_) Wait(false);
  } else {
    latencies_.reserve(total_);
    while (answered_ != total_) {
      SendDue(NowNanos());
      Wait(due_ != total_);
    }
  }
  LoadResult result;
  result.requests = answered_;
  result.bytes = bytes_;
  result.seconds = static_cast<double>(NowNanos() - start_) / 1e9;
  result.latencies = Latencies(std::move(latencies_));
  return result;
}

}  // namespace

Latencies::Latencies(std::vector<int64_t> nanoseconds) : sorted_(std::move(nanoseconds)) {
  std::sort(sorted_.begin(), sorted_.end());
}

double Latencies::Microseconds(double quantile) const {
  if (sorted_.empty()) return 0;
  const auto at = static_cast<size_t>(quantile * static_cast<double>(sorted_.size()));
  return static_cast<double>(sorted_[std::min(at, sorted_.size() - 1)]) / 1e3;
}

LoadResult RunLoad(const LoadOptions& options) { return Load(options).Run(); }

size_t ResponseSize(std::string_view received) {
  const size_t head = received.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  FASTHTTP_CHECK(absl::StartsWith(received, "HTTP/1.1 200 "), "not a response of 200");
  const std::string_view length = FieldValue(received.substr(0, head), "Content-Length");
  if (length.empty()) {
    FASTHTTP_CHECK(absl::EqualsIgnoreCase(FieldValue(received.substr(0, head), "Transfer-Encoding"),
                                          "chunked"),
                   "a response without a length");
    const size_t last = received.find("\r\n0\r\n\r\n", head);
    return last == std::string_view::npos ? 0 : last + 7;
  }
  size_t body = 0;
  FASTHTTP_CHECK(absl::SimpleAtoi(length, &body), "a Content-Length that is no number");
  return received.size() < head + 4 + body ? 0 : head + 4 + body;
}

int ConnectTo(uint16_t port, uint32_t source) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FASTHTTP_CHECK(fd >= 0, "no socket is left");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  const int one = 1;
  if (source != 0) {
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    FASTHTTP_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                   "cannot bind to a source address");
  }
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FASTHTTP_CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                 "cannot connect to the server under test");
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

int64_t NowNanos() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace fasthttp::benchmarks
