// RunExchange: one request and its response on a client's connection.
//
// Nearly always the request is taken by one send, and one read brings all of a final response whose
// body has a length and behind which the connection goes on: that way is written here, straight
// down. Whatever differs goes on from there in client_exchange.cc.
//
// The connection may be used again only if both messages ended cleanly: the request was sent whole,
// the response's framing said where it ends, and nothing was received behind it. Everything else
// ends it, since the next request would get an answer that is not its own.
//
// Thread class: loop-confined; on a fiber of the connection's loop.
#ifndef FASTHTTP_CLIENT_EXCHANGE_H_
#define FASTHTTP_CLIENT_EXCHANGE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fasthttp/base/block_pool.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/client_call.h"
#include "fasthttp/client_conn.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/response.h"
#include "fasthttp/wire_request.h"

namespace fasthttp {

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

// What an exchange works with.
struct ExchangeParts {
  ClientLoop& client;
  ClientConn& conn;
  const ExchangeLimits& limits;  // Those of reading and writing count besides the call's deadline.
  RequestBytes request;
  // What is received into, of the client's smallest blocks, to which the exchange gives it back.
  // Empty before something is received, and then the request's head may be written in it.
  base::Block& in;
  CallParts& call;  // Its response is received.
};

struct ExchangeResult {
  Errc errc = Errc::kOk;          // Otherwise the response holds nothing that counts.
  bool reusable = false;          // The connection may carry another exchange.
  bool response_started = false;  // A byte of a response was received.
};

// The peer, or the way to it, has ended the connection.
inline bool IsConnectionLoss(Errc errc) {
  return errc == Errc::kConnectionClosed || errc == Errc::kConnectionReset;
}

// --- Where an exchange leaves the usual way ---------------------------------------------------

// Before it began: the server is to be asked whether it wants the body.
ExchangeResult ExchangeWithExpect(ExchangeParts parts);
// The first send gave `sent`, which is not all.
ExchangeResult GoOnSending(ExchangeParts parts, IoResult sent);
// All is sent. The first read gave `received`, which is no complete final head.
ExchangeResult GoOnReading(ExchangeParts parts, int64_t read_deadline, IoResult received);
// The head is read, and the block begins behind it. What follows is not just the body.
ExchangeResult GoOnWithBody(ExchangeParts parts, int64_t read_deadline, http1::Framing framing);

// `nanoseconds` from now on, but not beyond `deadline`.
int64_t DeadlineWithin(runtime::Loop& loop, int64_t nanoseconds, int64_t deadline);

// True: all went well, and the connection may carry another exchange. Else `result` says more.
[[gnu::always_inline]] inline bool RunExchange(ClientLoop& client, ClientConn& conn,
                                               const ExchangeLimits& limits,
                                               const RequestBytes& request, base::Block& in,
                                               CallParts& call, ExchangeResult& result) {
  // Not before they are needed: they would be stored for nothing.
  const auto parts = [&] { return ExchangeParts{client, conn, limits, request, in, call}; };
  const auto leave = [&result](ExchangeResult how) {
    result = how;
    return how.reusable;
  };
  if (base::ChaosStrikes()) call.loop.Yield();
  ++conn.exchanges;
  if (request.expect_continue) [[unlikely]]
    return leave(ExchangeWithExpect(parts()));

  iovec pieces[RequestBytes::kPieces];
  const IoResult sent = conn.endpoint().conn->TrySend({pieces, request.Gather(pieces)});
  if (sent.bytes() != request.size()) [[unlikely]]  // So is an error.
    return leave(GoOnSending(parts(), sent));

  const int64_t read_deadline = limits.read == runtime::kNoDeadline
                                    ? call.deadline
                                    : DeadlineWithin(call.loop, limits.read, call.deadline);
  const IoResult received = conn.Recv({in.data(), base::BlockPool::kCapacities[0]}, read_deadline);
  if (!received.ok() || received.bytes() == 0) [[unlikely]]
    return leave(GoOnReading(parts(), read_deadline, received));

  in.Commit(received.bytes());
  http1::Head& head = call.response.header().HeadToReceive();
  http1::ParseProgress progress;
  http1::Framing framing;
  if (http1::ParseResponseHead({in.data(), in.end}, limits.head, limits.leniency, progress, head) !=
          Errc::kOk ||
      head.status < 200 ||
      http1::DecideResponseFraming(head, request.method, limits.leniency, framing) != Errc::kOk)
      [[unlikely]] {
    return leave(GoOnReading(parts(), read_deadline, IoResult::Bytes(in.end)));
  }
  in.begin = head.size;
  // What has a length is no upgrade.
  if (framing.kind != http1::Framing::kLength || framing.length != in.unread_size() ||
      framing.length > limits.chunked.max_body_bytes || !framing.keep_alive || request.close ||
      call.response.IsSpecial()) [[unlikely]] {
    return leave(GoOnWithBody(parts(), read_deadline, framing));
  }

  call.response.Receive({in.unread(), framing.length}, conn.local, conn.remote);
  client.blocks().Give(&in);
  return true;
}

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_EXCHANGE_H_
