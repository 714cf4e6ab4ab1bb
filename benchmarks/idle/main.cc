// Holds idle connections, each of which has had one request answered, while somebody looks at the
// memory of the server.
//
//   idle --port=8080 --conns=19000
//
// Says "idle" when all are. Then, for each line on standard input, sends a request on every one of
// them before it reads the first response, and says "idle" again. Ends at the end of the input.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "benchmarks/tcp/load.h"
#include "benchmarks/tcp/requests.h"
#include "fasthttp/base/check.h"

ABSL_FLAG(uint16_t, port, 8080, "of the server, on 127.0.0.1");
ABSL_FLAG(size_t, conns, 1000, "connections");

namespace fasthttp::benchmarks {
namespace {

// Of the ports that a source address has towards one server.
constexpr size_t kConnsPerSource = 19'000;

void Send(int fd, std::string_view request) {
  FASTHTTP_CHECK(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                     static_cast<ssize_t>(request.size()),
                 "the server under test has closed a connection");
}

void ReadResponse(int fd) {
  std::string received;
  do {
    char buffer[4096];
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    FASTHTTP_CHECK(n > 0, "the server under test has closed a connection");
    received.append(buffer, static_cast<size_t>(n));
  } while (ResponseSize(received) == 0);
  FASTHTTP_CHECK(ResponseSize(received) == received.size(), "more than a response");
}

void Say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

int Main() {
  const std::string request = RequestNamed("hello");
  std::vector<int> fds;
  for (size_t i = 0; i < absl::GetFlag(FLAGS_conns); ++i) {
    const auto source = static_cast<uint32_t>(1 + i / kConnsPerSource);
    fds.push_back(ConnectTo(absl::GetFlag(FLAGS_port), source));
    Send(fds.back(), request);
    ReadResponse(fds.back());
  }
  Say("idle");
  for (int c; (c = std::getchar()) != EOF;) {
    if (c != '\n') continue;
    for (int fd : fds) Send(fd, request);
    for (int fd : fds) ReadResponse(fd);
    Say("idle");
  }
  for (int fd : fds) ::close(fd);
  return 0;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return fasthttp::benchmarks::Main();
}
