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

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "fasthttp/base/block_pool.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/conn.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
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
  // False if the peer has ended it or sent what nobody asked for.
  bool IsClean();

  BlockingConn conn;
  const std::string_view address;
  int64_t dialled = 0;     // Loop nanoseconds.
  int64_t idle_since = 0;  // The same.
  uint64_t exchanges = 0;
  // A transport that tells of every change, so that a read right after a write is in vain. Others
  // may answer at once.
  const bool is_socket;
  bool drained = false;  // The last read found less than it had room for.
  bool idle = false;
  ClientConn* newer = nullptr;  // In the list of idle ones.
  ClientConn* older = nullptr;
};

// Called for interim responses other than 100: see HostClientOptions::interim_response.
using InterimResponse = absl::AnyInvocable<void(int status, const ResponseHeader& header) const>;

struct ExchangeLimits {
  http1::HeadLimits head;
  http1::ChunkedLimits chunked;  // Its max_body_bytes holds for every framing.
  int max_interim_responses = 100;
  int64_t expect_continue = 0;  // Nanoseconds, as those below.
  int64_t write = runtime::kNoDeadline;
  int64_t read = runtime::kNoDeadline;
  const InterimResponse* interim_response = nullptr;  // Or null.
};

class ClientExchange {
 public:
  // `deadline` in loop nanoseconds; the limits of reading and writing count besides.
  ClientExchange(ClientLoop& client, ClientConn& conn, const WireRequest& request,
                 const ExchangeLimits& limits, int64_t deadline, Response& response);
  ~ClientExchange();
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;

  // kOk: `response` is complete. Otherwise it holds nothing that counts.
  Errc Run(bool close);

  // A byte of a response was received.
  bool response_started() const { return started_; }
  // After kOk: the connection may carry another exchange.
  bool reusable() const { return reusable_; }

 private:
  Errc Send(bool close);
  Errc SendPieces(std::span<iovec> pieces);
  Errc LookForEarlyResponse();
  Errc AwaitContinue();
  Errc SalvageResponse(Errc send_error);
  Errc ReadResponse();
  Errc ParseHead();
  Errc EndHead();
  Errc ReadBody();
  Errc ReadLengthBody(uint64_t length);
  Errc ReadChunkedBody();
  Errc ReadUntilClose();
  Errc EndTrailers(std::string& section);
  Errc Receive(int64_t deadline);
  Errc TryReceive();
  Errc Received(IoResult result);
  std::span<char> Room();
  IoResult Recv(std::span<char> into, int64_t deadline);
  IoResult TryRecv(std::span<char> into);
  Errc Await(uint8_t ready, int64_t deadline);
  int64_t Within(int64_t nanoseconds);

  ClientLoop& client_;
  runtime::Loop& loop_;
  ClientConn& conn_;
  runtime::Endpoint& endpoint_;
  const uint32_t generation_;
  const WireRequest& request_;
  const ExchangeLimits& limits_;
  const int64_t deadline_;
  int64_t read_deadline_;
  Response& response_;
  base::Block* in_ = nullptr;

  bool started_ = false;
  bool reusable_ = false;
  bool have_head_ = false;  // Of the final response.
  bool got_continue_ = false;
  bool sent_all_ = true;
  int interim_responses_ = 0;
  http1::ParseProgress progress_;
  http1::Framing framing_;
  std::unique_ptr<http1::Field[]> more_fields_;
  http1::Head head_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_CONN_H_
