// LightLoad: small requests at a steady rate over sockets, and how long each took.
//
// Open loop: a request is due at its time whether or not earlier ones were answered, and its
// latency counts from that time, so that a server that stands still is charged for every request
// that it keeps waiting and not for one only.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_BENCHMARKS_FAIRNESS_LIGHT_LOAD_H_
#define FASTHTTP_BENCHMARKS_FAIRNESS_LIGHT_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fasthttp::benchmarks {

struct LoadOptions {
  uint16_t port = 0;  // On 127.0.0.1.
  size_t conns = 64;
  int rate = 2'000;  // Requests a second.
  int64_t duration_ns = 2'000'000'000;
  // Of 100 requests this one is GET /sleep, whose latency does not count. Negative: none.
  int sleeper = -1;
};

// Latencies of GET /light in nanoseconds, sorted.
class Latencies {
 public:
  explicit Latencies(std::vector<int64_t> nanoseconds);
  size_t size() const { return sorted_.size(); }
  double Microseconds(double quantile) const;

 private:
  std::vector<int64_t> sorted_;
};

Latencies RunLightLoad(const LoadOptions& options);

// A socket that is connected to 127.0.0.1; ends the process if it can't be.
int ConnectTo(uint16_t port);

// The monotonic clock.
int64_t NowNanos();

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_FAIRNESS_LIGHT_LOAD_H_
