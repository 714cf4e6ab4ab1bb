// Server: answers HTTP/1.1 on any number of listeners.
//
//   fasthttp::Server server({.handler = Hello, .max_request_body_size = 1 << 20});
//   absl::Status status = server.ListenAndServe(":8080");
//
// A request is read whole (head and body) before its handler is called, unless the server streams
// bodies; handlers run on the loops
// of the Runtime, one after the other on each, and may block. Requests of one connection are
// answered strictly in order.
//
// Strict by default: what RFC 9112 does not allow is answered with the status that fits and the
// connection is closed; `lenient` relaxes what some old peers need. Defaults bound every resource
// that a peer can claim; each limit says below what happens when it is met.
//
// When not to use it: for one handler and no settings, the free functions at the end are shorter.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_SERVER_H_
#define FASTHTTP_SERVER_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

// What a FIN of the client behind a complete request means while its handler runs.
enum class HalfClose {
  kCancel,  // The client is taken to be gone: the handler's waits end with kClientGone.
  kServe,   // Nothing: the client only stopped sending.
};

struct ServerSettings {
  // Required. Called from all loops at once.
  RequestHandler handler = nullptr;

  // Called when a request could not be read or its handler threw, before the answer goes out: to
  // log, or to change the prepared response. It may block. `error` may hold bytes of the request in
  // its raw part (RawBytesOf), never in its message. nullptr: nothing is told.
  absl::AnyInvocable<void(RequestCtx& ctx, const absl::Status& error) const> error_handler =
      nullptr;

  // The loops to run on; null: Runtime::Default(). Must outlive the server.
  Runtime* runtime = nullptr;

  // --- What every response says ---
  // The Server field of responses that set none; at most 128 bytes, the rest is cut.
  std::string name = "fasthttp";
  bool no_default_server_header = false;
  bool no_default_date = false;
  // Otherwise a response with a body and without a type is text/plain; charset=utf-8.
  bool no_default_content_type = false;

  // --- Limits in size and number ---
  // Head (request line and fields with their line ends); at most 65,535. Beyond: 431.
  uint32_t max_request_head_size = 16 * 1024;
  // Request-target. Beyond: 414.
  uint32_t max_request_target_size = 8 * 1024;
  // Fields of a head. Beyond: 431.
  uint16_t max_request_fields = 128;
  // Body, after chunked decoding. Beyond: 413, at once if the length is declared.
  uint64_t max_request_body_size = 4 * 1024 * 1024;
  // Connections that are open at once; each late handler (timeout_handler.h) and each pinned
  // request that is answered counts as one more. Beyond: 503 with Retry-After, and the connection
  // is closed.
  uint32_t concurrency = 256 * 1024;
  // Connections from one IPv4 address or one IPv6 /64; 0: off. Beyond: 429, closed. Over TLS a
  // connection counts from the accept on, and one too many is reset before its handshake.
  uint32_t max_conns_per_ip = 0;
  // Requests of one connection; 0: off. The last response says "Connection: close".
  uint32_t max_requests_per_conn = 0;

  // --- Limits in time; InfiniteDuration or 0: off ---
  // From the first byte of a head (for the first one: from the accept) to its end. Absolute, so
  // that a trickle of bytes does not extend it. Then 408.
  absl::Duration read_head_timeout = absl::Seconds(10);
  // For a keep-alive connection between requests. Then it is closed without a word.
  absl::Duration idle_timeout = absl::Seconds(75);
  // While a body is received or a response is sent: no byte moved for this long. Then 408, or the
  // connection is reset if it was the response.
  absl::Duration stall_timeout = absl::Seconds(30);
  // In both directions: fewer bytes per second than this, over each `min_rate_window`. 0: off.
  uint32_t min_rate = 240;
  absl::Duration min_rate_window = absl::Seconds(10);
  // Absolute limits of one body and of one response; off, since an honest slow peer meets them.
  absl::Duration read_body_timeout = absl::InfiniteDuration();
  absl::Duration write_timeout = absl::InfiniteDuration();
  // How long Shutdown() without a deadline, and the destructor, wait for running requests.
  absl::Duration drain_timeout = absl::Seconds(30);

  // --- Behaviour ---
  // Accepts bare LF as a line end and replaces obs-fold by spaces (RFC 9112, 2.2 and 5.2). Nothing
  // else becomes lenient.
  bool lenient = false;
  // Close after the first response of a connection.
  bool disable_keepalive = false;
  // Other methods than GET and HEAD are answered 405 before their body is read.
  bool get_only = false;
  // A handler is called when the head of its request is complete, and reads the body from
  // RequestCtx::RequestBodyStream while it comes. max_request_body_size holds all the same: a
  // larger length is refused before the handler is called, and Read fails with kBodyTooLarge once
  // more has come in chunks. stall_timeout, min_rate and read_body_timeout count the time in which
  // a Read waits. Body(), PostArgs() and FormValue() read the whole body first.
  //
  // What the handler leaves unread is dropped behind the answer, up to 256 KiB, so that the next
  // request can be read; if it is more, or was held back for a "100 Continue" that was never sent,
  // the connection is closed.
  bool stream_request_body = false;
  // A hijacked connection is not closed when its handler has returned, as long as somebody holds
  // what HijackedConn::Keep() gave.
  bool keep_hijacked_conns = false;
  HalfClose half_close = HalfClose::kCancel;
};

// How long requests took, from the complete head to the answer (of a streamed one: its head) in the
// send queue, as a histogram.
//
// No clock is read for it: a loop knows the time at which its last poll returned. So a request
// whose handler did not wait is counted with all the work of its loop from that poll to the next,
// which is an upper bound: a busy loop's requests seem to take as long as its rounds (some 10 us to
// 1 ms). One whose handler waited is counted up to the time at which the loop woke up for it.
struct LatencyStats {
  // Upper bounds in nanoseconds, inclusive: 1, 2, 5 times powers of ten from 10 us to 10 s.
  static constexpr std::array<int64_t, 19> kBounds = {
      10'000,        20'000,        50'000,        100'000,       200'000,
      500'000,       1'000'000,     2'000'000,     5'000'000,     10'000'000,
      20'000'000,    50'000'000,    100'000'000,   200'000'000,   500'000'000,
      1'000'000'000, 2'000'000'000, 5'000'000'000, 10'000'000'000};
  static constexpr size_t kBuckets = kBounds.size() + 1;

  // counts[i]: above bound i - 1 and at most bound i; the last one: above all bounds.
  std::array<uint64_t, kBuckets> counts = {};
  uint64_t total_nanos = 0;
};

// Counters of a server, summed over its loops.
struct ServerStats {
  uint64_t requests = 0;       // Heads that were complete and well-formed.
  uint64_t errors = 0;         // Requests answered by the server itself with 4xx or 5xx.
  uint64_t timeouts = 0;       // Requests answered by a TimeoutHandler in its handler's place.
  uint64_t requests_held = 0;  // Now: those answered whose handler still runs or that are pinned.
  uint64_t connections_accepted = 0;
  // By concurrency or max_conns_per_ip; those of TLSConfig::NextProto also while draining, and when
  // as many fibers as may be blocked are.
  uint64_t connections_rejected = 0;
  uint64_t connections_open = 0;
  // Now: with a handler that runs or is parked, those of TLSConfig::NextProto too. Not open ones.
  uint64_t connections_hijacked = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  // Answers to requests by the class of their status: [2] counts 200 to 299. [0]: any other number.
  // These, the latencies and the pools below are as of each loop's last poll.
  std::array<uint64_t, 6> responses = {};
  LatencyStats latency;  // Of the same answers.
  // Pools: blocks that hold received bytes, contexts of requests, and those of the latter that wait
  // for their next use.
  uint64_t blocks_in_use = 0;
  uint64_t turns = 0;
  uint64_t turns_spare = 0;
};

class Server {
 public:
  explicit Server(ServerSettings settings);
  // With default settings. A template, so that clang 14 takes `Server s({.handler = f})` for the
  // above.
  template <std::convertible_to<RequestHandler> Handler>
  explicit Server(Handler&& handler)
      : Server(ServerSettings{.handler = RequestHandler(std::forward<Handler>(handler))}) {}

  // Shuts down, with the drain timeout, and waits until no loop knows this server: also for
  // handlers that ignore their end, and for pins, which it names on stderr then. A handler may call
  // exit() all the same: a server of static storage is then left as it is.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens on "host:port", ":port" (IPv6 and IPv4), "[v6]:port" or "unix:/path" and serves until
  // Shutdown. TCP gets one listening socket per loop (SO_REUSEPORT). May be called from a plain
  // thread, which waits, or from a fiber, which parks. Returns OK after Shutdown.
  absl::Status ListenAndServe(std::string_view address);
  // The same on a UNIX socket; an old socket at `path` is replaced.
  absl::Status ListenAndServeUNIX(std::string_view path, uint32_t mode);

  // Listens and returns at once, with the address that was bound (for port 0).
  absl::StatusOr<Addr> Start(std::string_view address);
  // The same with a listener, which the server owns from then on. All loops accept from it, unless
  // it is one_loop(); it is destroyed on one of them.
  absl::StatusOr<Addr> Start(std::unique_ptr<Listener> listener);

  // Serves `listener`, which must outlive the call, until it is closed or Shutdown. Several calls
  // may be under way with several listeners. An error: the listener can't be watched.
  absl::Status Serve(Listener& listener);

  // Serves one connection, whose limits and errors are those of an accepted one, and returns when
  // it has ended, or was hijacked; the server, or the hijack handler's end, closes it.
  // kConcurrencyLimit and kPerIpLimit say that it was refused.
  absl::Status ServeConn(Conn& conn);

  // Closes the listeners and the idle connections, lets running requests end (their responses say
  // "Connection: close"), and returns when no connection, late handler or pin is left. Hijacked
  // connections are told at once: parked ones are closed, blocking calls of hijack handlers end
  // with kDraining, and their return is waited for. After `timeout` what is left is cut: waits of
  // handlers end with kDraining; the call then returns kTimeout (absl: DeadlineExceeded), at most a
  // second later. If handlers ignore their end, the message names them: path and how long they have
  // been at it. May be called again, also at the same time, and from a handler, whose own
  // connection is left to it: its response is sent when it returns. Not from a signal handler: see
  // docs/guide/timeouts.md. Afterwards the server may serve again.
  absl::Status Shutdown();
  absl::Status Shutdown(absl::Duration timeout);

  uint64_t GetOpenConnectionsCount() const;
  uint64_t GetRejectedConnectionsCount() const;
  ServerStats Stats() const;

  const ServerSettings& settings() const;

 private:
  friend class ServerLoop;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Serve with default settings until the process ends or the listener fails.
absl::Status ListenAndServe(std::string_view address, RequestHandler handler);
absl::Status ListenAndServeUNIX(std::string_view path, uint32_t mode, RequestHandler handler);
absl::Status Serve(Listener& listener, RequestHandler handler);

}  // namespace fasthttp

#endif  // FASTHTTP_SERVER_H_
