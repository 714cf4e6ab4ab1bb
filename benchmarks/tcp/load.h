// Load: requests over loopback sockets, from one thread on raw epoll, every response checked.
//
// Closed loop: each connection sends its next requests when all its responses are there; that
// shows what a server can do. Open loop: a request is due at its time whether or not earlier ones
// were answered, and its latency counts from that time, so that a server that stands still is
// charged for every request that it keeps waiting and not for one only.
//
// The first response is read whole and becomes the pattern: all others must equal it byte for byte
// but for the value of Date. Whatever goes wrong (another byte, a closed connection, ten seconds
// without progress) ends the process with a sentence.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_BENCHMARKS_TCP_LOAD_H_
#define FASTHTTP_BENCHMARKS_TCP_LOAD_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasthttp::benchmarks {

// What changes the bytes of a connection on their way, over a socket that does not block; its calls
// are as send and recv. The first may be made at once, whatever has to be agreed on before.
class Layer {
 public:
  virtual ~Layer() = default;
  virtual ssize_t Send(std::string_view bytes) = 0;
  virtual ssize_t Receive(std::span<char> into) = 0;
};
using LayerFactory = std::function<std::unique_ptr<Layer>(int fd)>;

struct LoadOptions {
  uint16_t port = 0;  // On 127.0.0.1.
  size_t conns = 64;
  std::string request;
  size_t pipeline = 1;     // Closed loop: requests that a connection sends at once.
  bool reconnect = false;  // A connection for each request, which the server closes.
  double rate = 0;         // Open loop: requests a second. 0: closed loop.
  double seconds = 1;      // After which no request is sent any more.
  uint64_t requests = 0;   // If not 0: exactly so many, however long it takes.
  // Open loop: of 100 requests that with this number is `other`, whose latency does not count. The
  // response must be the same. Negative: none.
  int other_at = -1;
  std::string other;
  LayerFactory layer = nullptr;  // Null: what is sent is what goes out.
};

// Nanoseconds, sorted.
class Latencies {
 public:
  Latencies() = default;
  explicit Latencies(std::vector<int64_t> nanoseconds);
  size_t size() const { return sorted_.size(); }
  double Microseconds(double quantile) const;

 private:
  std::vector<int64_t> sorted_;
};

struct LoadResult {
  uint64_t requests = 0;  // Answered; in an open loop or with a fixed number, all that were due.
  uint64_t bytes = 0;     // Received.
  double seconds = 0;     // From the first request to the last response.
  Latencies latencies;    // Of an open loop.
};

LoadResult RunLoad(const LoadOptions& options);

// The size of a whole response at the beginning of `received`; 0 if there is more to come. Ends the
// process if its status is not 200 or it is not framed by Content-Length or chunks.
size_t ResponseSize(std::string_view received);

// A socket that is connected to 127.0.0.1; ends the process if it can't be. `source`: 0, or n for
// the source address 127.0.x.y that is n behind 127.0.0.1.
int ConnectTo(uint16_t port, uint32_t source = 0);

// The monotonic clock.
int64_t NowNanos();

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_TCP_LOAD_H_
