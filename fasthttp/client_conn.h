// ClientConn: a client's connection, and one exchange of a request and a response on it.
//
// A connection carries one exchange at a time. It may be used again only if both messages ended
// cleanly: the request was sent whole, the response's framing said where it ends, and nothing was
// received behind it. Everything else ends it, since the next request would get an answer that is
// not its own.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_CLIENT_CONN_H_
#define FASTHTTP_CLIENT_CONN_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/conn.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/response.h"
#include "fasthttp/wire_request.h"

namespace fasthttp {

struct ClientConn {
  // `conn` is open, and lives on the calling loop. `address` is what was dialled; it outlives this.
  ClientConn(BlockingConn conn, std::string_view address);

  runtime::Endpoint& endpoint() { return *conn.endpoint(); }

  // A read may find something: it was not drained, or something has happened since.
  bool MayHaveBytes() {
    return !drained || (endpoint().latched & (kReadable | kHangup | kBroken)) != 0;
  }
  bool IsWorthARead() { return !answers_later || MayHaveBytes(); }
  // False if the peer has ended it or sent what nobody asked for. A socket is asked in any case:
  // what has come since the last poll is not known here.
  bool IsClean() { return !is_socket && !MayHaveBytes() ? true : AskIfClean(); }

  BlockingConn conn;
  const std::string_view address;
  const Addr local;
  const Addr remote;
  int64_t dialled = 0;     // Loop nanoseconds.
  int64_t idle_since = 0;  // The same.
  int64_t idle_end = 0;    // When it is too old to be used again.
  uint64_t exchanges = 0;
  const bool is_socket;  // As Conn has them.
  const bool answers_later;
  bool drained = false;  // The last read found less than it had room for.
  bool idle = false;
  ClientConn* newer = nullptr;  // In the list of idle ones.
  ClientConn* older = nullptr;

 private:
  bool AskIfClean();
};

// Called for interim responses other than 100: see HostClientOptions::interim_response.
using InterimResponse = absl::AnyInvocable<void(int status, const ResponseHeader& header) const>;

struct ExchangeLimits {
  http1::HeadLimits head;
  http1::ChunkedLimits chunked;  // Its max_body_bytes holds for every framing.
  int max_interim_responses = 100;
  http1::Leniency leniency = http1::Leniency::kStrict;
  int64_t expect_continue = 0;  // Nanoseconds, as those below.
  int64_t write = runtime::kNoDeadline;
  int64_t read = runtime::kNoDeadline;
  const InterimResponse* interim_response = nullptr;  // Or null.
};

struct ExchangeResult {
  Errc errc = Errc::kOk;          // Otherwise the response holds nothing that counts.
  bool reusable = false;          // The connection may carry another exchange.
  bool response_started = false;  // A byte of a response was received.
};

// Sends `request` and receives `response`. `deadline` in loop nanoseconds; the limits of reading
// and writing count besides. On a fiber of the connection's loop.
ExchangeResult RunExchange(ClientLoop& client, ClientConn& conn, const WireRequest& request,
                           const ExchangeLimits& limits, int64_t deadline, Response& response);

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_CONN_H_
