// HostClient: an HTTP/1.1 client of one host, with a pool of connections to it.
//
//   fasthttp::HostClient users({.addr = "10.0.0.1:8080,10.0.0.2:8080", .max_conns = 100});
//   absl::StatusOr<fasthttp::Response> r = users.Get("/u/1");
//
// The calls, their deadlines and errors: fasthttp/caller.h. A URL may be a mere path; the Host
// field then names the first address. A URL with a host sets that field and nothing else: the
// request goes to `addr` all the same.
//
// When to use it: for the backends that a service talks to. When not: for URLs of any host, that is
// what Client is for.
//
// The pool. Connections are kept open between calls, each on the loop that dialled it, at most
// max_conns over all loops. A call that finds none free, and may open no more, waits in one queue
// for all loops, first come first served, until its deadline. An idle connection that the server
// ends, or on which it says something unasked, is closed when the loop learns of it; what came
// since is looked for before the connection is used again. So is every connection after anything
// but a clean end of both messages. An idle connection costs a few hundred bytes and no stack.
//
// Retries. If a connection that was used before is lost before the first byte of a response, the
// request is sent once more, on a new connection, whatever its method: a server closing an idle
// connection at that moment is by far the likeliest cause (RFC 9112, section 9.3.1). Beyond that,
// requests with an idempotent method (RFC 9110, section 9.2.2) are tried max_idempotent_attempts
// times if the connection is lost that early. Nothing else is retried, unless `retry_if` says so.
//
// Every limit has a finite default; what happens at it stands beside it.
//
// Thread class: thread-safe. No call may be under way when it is destroyed, but by exit(), which
// leaves a client of static storage as it is then. Its runtime must outlive it. Its idle
// connections are closed a moment later, each by its loop.
#ifndef FASTHTTP_HOST_CLIENT_H_
#define FASTHTTP_HOST_CLIENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/caller.h"
#include "fasthttp/client_call.h"
#include "fasthttp/client_pool.h"
#include "fasthttp/client_tls.h"
#include "fasthttp/conn.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp {

class HostClient;

// Opens a connection to `address` ("host:port"), on a fiber, where it may block. The connection
// must live on the calling fiber's loop, as those of Dial and InmemoryListener::Dial do; it is
// refused with kProgramming otherwise. For https it is the bare connection.
using DialFunc = absl::AnyInvocable<absl::StatusOr<BlockingConn>(std::string_view address,
                                                                 absl::Time deadline) const>;

// Carries out one attempt in place of the built-in way, which `client.RoundTrip` is: to sign, to
// count, to answer from elsewhere. On a fiber, where it may block.
using RoundTripper = absl::AnyInvocable<absl::Status(
    HostClient& client, const Request& request, Response& response, absl::Time deadline) const>;

// What RetryIf decides by.
struct FailedAttempt {
  int attempts = 0;  // So far, this one included.
  Errc errc = Errc::kOk;
  bool reused_connection = false;  // It had carried exchanges before.
  bool response_started = false;   // A byte of a response had come.
  std::string_view address;        // What was dialled; {} if it did not come to that.
};

// Whether to try again, in place of the rules above; for failures of dialling and of the exchange,
// while attempts and time are left. Must not block. Never asked after kBodyTooLarge, which the next
// attempt would meet too, nor when the caller's deadline or cancellation ended the attempt.
using RetryIf = absl::AnyInvocable<bool(const Request& request, const FailedAttempt& failed) const>;

enum class ConnPoolStrategy {
  kLifo,  // The newest idle connection is used: the others may end when load falls.
  kFifo,  // The oldest: all are used evenly.
};

struct HostClientOptions {
  // "host:port", or several between commas, which are dialled in turn. Without a port: 80, with
  // is_tls 443. IPv6 in brackets. "unix:/path". Required; without it calls fail with kBadAddress.
  std::string addr;
  // Speak TLS. Needs //fasthttp:tls to be linked; otherwise calls fail with kUnsupported.
  bool is_tls = false;
  // Whom to trust then, and who this client is: fasthttp/client_tls.h.
  ClientTLSConfig tls = {};

  // The loops to run on; null: Runtime::Default(). Must outlive the client.
  Runtime* runtime = nullptr;

  // The User-Agent of requests that set none.
  std::string name = "fasthttp";
  bool no_default_user_agent_header = false;

  // --- Connections ---
  // In place of fasthttp::Dial.
  DialFunc dial = nullptr;
  // For opening one connection, over all its addresses. Beyond: kDialTimeout, or
  // kTlsHandshakeTimeout if it was in a handshake.
  absl::Duration dial_timeout = absl::Seconds(5);
  // Connections open at once, over all loops.
  uint32_t max_conns = 512;
  // How long a call may wait for a free one. 0: not at all. Beyond: kNoFreeConns; the call's own
  // deadline is kTimeout as ever.
  absl::Duration max_conn_wait_timeout = absl::InfiniteDuration();
  // Calls that wait at once. Beyond: kOverloaded, at once.
  uint32_t max_conn_waiters = 4096;
  // An idle connection is closed after this. Infinite: never. Keep it below the server's limit.
  absl::Duration max_idle_conn_duration = absl::Seconds(10);
  // A connection of this age is not used again: lets a new address of a name come into use.
  absl::Duration max_conn_duration = absl::InfiniteDuration();
  ConnPoolStrategy conn_pool_strategy = ConnPoolStrategy::kLifo;

  // --- Time; besides the deadline of the call ---
  // Of a call that brings no limit of its own, as a whole. Beyond: kTimeout.
  absl::Duration call_timeout = absl::Seconds(60);
  // Each attempt: for sending the request, and from there to the end of its response. kTimeout.
  absl::Duration write_timeout = absl::InfiniteDuration();
  absl::Duration read_timeout = absl::InfiniteDuration();
  // With "Expect: 100-continue": how long the content is held back for the server to answer.
  absl::Duration expect_continue_timeout = absl::Seconds(1);

  // --- Limits of a response ---
  // Status line and fields with their line ends; at most 65,535. Beyond: kHeadTooLarge.
  uint32_t max_response_header_size = 64 * 1024 - 1;
  // Fields. Beyond: kTooManyFields.
  uint16_t max_response_fields = 256;
  // Body, after chunked decoding; declared or received, memory grows with what is received.
  // Beyond: kBodyTooLarge.
  uint64_t max_response_body_size = 64 * 1024 * 1024;
  // The trailer section of a chunked body. Beyond: kTrailerTooLarge.
  uint32_t max_response_trailer_size = 8 * 1024;
  // Interim responses (1xx) before the final one. Beyond: kTooManyInterimResponses.
  int max_interim_responses = 100;

  // --- Behaviour ---
  // Accepts bare LF as a line end of a response's head, and replaces obs-fold in it by spaces
  // (RFC 9112, 2.2 and 5.2), as some old servers need. Nothing else becomes lenient.
  bool lenient = false;
  // Attempts in all of a request with an idempotent method. (The original's
  // MaxIdemponentCallAttempts.)
  int max_idempotent_attempts = 5;
  RetryIf retry_if = nullptr;
  RoundTripper transport = nullptr;
  // Called for interim responses other than 100, such as 103 Early Hints. Must not block.
  InterimResponse interim_response = nullptr;
};

// Counters of a client, summed over its loops.
struct HostClientStats {
  uint64_t calls = 0;
  uint64_t pending = 0;     // Calls under way, those that wait for a connection included.
  uint64_t conns = 0;       // Open, or being opened.
  uint64_t idle_conns = 0;  // Of these.
  uint64_t waiting = 0;     // Calls that wait for a connection.
  uint64_t dials = 0;
  uint64_t dial_errors = 0;
  uint64_t reused = 0;  // Attempts on a connection that had been used before.
  uint64_t retries = 0;
};

class HostClient final : public Caller {
 public:
  explicit HostClient(HostClientOptions options);
  explicit HostClient(std::string_view addr);
  ~HostClient();

  // One attempt, without retries, `transport` and redirects: what a RoundTripper builds on.
  absl::Status RoundTrip(const Request& request, Response& response, absl::Time deadline);

  // Ends the connections that are idle now, on every loop, and returns when that is done.
  void CloseIdleConnections();

  // A lower limit takes effect as connections end.
  void SetMaxConns(uint32_t max_conns);

  size_t ConnsCount() const { return Stats().conns; }
  size_t IdleConnsCount() const { return Stats().idle_conns; }
  size_t PendingRequests() const { return Stats().pending; }
  HostClientStats Stats() const;

  const HostClientOptions& options() const;

 private:
  friend class Client;
  class Impl;

  // The part of one loop; it lives as long as this client.
  ClientPool::Share& ShareOf(runtime::Loop& loop);
  Errc Exchange(ClientPool::Share& share, CallParts& call);

  ClientLoop& LoopPart(runtime::Loop& loop) override;
  Errc Exchange(CallParts& call) override;
  void CompleteURI(Request& request) override;
  Errc MayRedirect(const URI& from, const URI& to) override;

  std::unique_ptr<Impl> impl_;
};

// "host" as "host:80", with `is_tls` "host:443"; what has a port, and "unix:/path", stays.
std::string AddMissingPort(std::string_view addr, bool is_tls);

}  // namespace fasthttp

#endif  // FASTHTTP_HOST_CLIENT_H_
