#include "fasthttp/client_conn.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fasthttp/base/block_pool.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/runtime/blocking.h"

namespace fasthttp {
namespace {

using http1::Framing;

// A body is received in pieces of at most this: its buffer grows with what has arrived, never with
// what was declared.
constexpr uint64_t kBodyPiece = 64 * 1024;

bool IsConnectionLoss(Errc errc) {
  return errc == Errc::kConnectionClosed || errc == Errc::kConnectionReset;
}

// In the order in which they are called. What most exchanges do not need stays out of line.
class Exchange {
 public:
  Exchange(ClientLoop& client, ClientConn& conn, const WireRequest& request,
           const ExchangeLimits& limits, int64_t deadline, Response& response)
      : client_(client),
        loop_(client.loop()),
        conn_(conn),
        endpoint_(conn.endpoint()),
        request_(request),
        limits_(limits),
        deadline_(deadline),
        read_deadline_(deadline),
        response_(response),
        head_(response.header().HeadToReceive()) {}
  ~Exchange() {
    client_.blocks().Give(in_);
    if (out_ != nullptr) client_.blocks().Give(out_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  ExchangeResult Run();

 private:
  Errc Send();
  Errc SendFrom(char* head);
  [[gnu::noinline]] Errc SendLargeHead(size_t bound);
  [[gnu::noinline]] Errc SendPieces(std::span<iovec> pieces);
  [[gnu::noinline]] Errc SendRest(std::span<iovec> pieces, IoResult result);
  [[gnu::noinline]] Errc LookForEarlyResponse();
  [[gnu::noinline]] Errc AwaitContinue();
  [[gnu::noinline]] Errc SalvageResponse(Errc send_error);
  Errc ReadResponse();
  // What was received is `received`; kOk: takes what heads there are.
  [[gnu::noinline]] Errc TakeHeads(Errc received) {
    return received == Errc::kOk ? ParseHeads() : received;
  }
  Errc ParseHeads();
  Errc EndHead();
  [[gnu::noinline]] Errc EndInterimHead();
  Errc ReadBody();
  Errc ReadLengthBody(uint64_t length);
  [[gnu::noinline]] Errc ReadRestOfBody(uint64_t left);
  [[gnu::noinline]] Errc ReadOtherBody();
  Errc ReadChunkedBody();
  Errc ReadUntilClose();
  Errc EndTrailers(std::string& section);
  [[gnu::noinline]] Errc Receive(int64_t deadline);
  Errc AwaitAndReceive(int64_t deadline);
  Errc TryReceive();
  Errc Commit(IoResult result);
  std::span<char> Room() {
    if (in_->unread_size() == 0) {
      in_->begin = in_->end = 0;
    } else if (in_->room_size() == 0) {
      MakeRoom();
    }
    return {in_->room(), in_->room_size()};
  }
  [[gnu::noinline]] void MakeRoom();
  [[gnu::noinline]] IoResult Recv(std::span<char> into, int64_t deadline);
  [[gnu::noinline]] IoResult AwaitAndRecv(std::span<char> into, int64_t deadline);
  IoResult TryRecv(std::span<char> into);
  Errc Await(uint8_t ready, int64_t deadline);
  int64_t Within(int64_t nanoseconds) {
    return nanoseconds == runtime::kNoDeadline ? deadline_ : WithinLimit(nanoseconds);
  }
  [[gnu::noinline]] int64_t WithinLimit(int64_t nanoseconds);

  ClientLoop& client_;
  runtime::Loop& loop_;
  ClientConn& conn_;
  runtime::Endpoint& endpoint_;
  const WireRequest& request_;
  const ExchangeLimits& limits_;
  const int64_t deadline_;
  int64_t read_deadline_;
  Response& response_;
  base::Block* in_ = nullptr;   // What is received.
  base::Block* out_ = nullptr;  // The head that is being sent, if that is not the same one.

  bool started_ = false;
  bool have_head_ = false;  // Of the final response.
  bool got_continue_ = false;
  bool sent_all_ = true;
  int interim_responses_ = 0;
  http1::ParseProgress progress_;
  http1::Framing framing_;
  std::unique_ptr<http1::Field[]> more_fields_;
  http1::Head& head_;  // The response's.
};

ExchangeResult Exchange::Run() {
  if (base::ChaosStrikes()) loop_.Yield();
  ++conn_.exchanges;
  ExchangeResult result;
  result.errc = Send();
  if (result.errc != Errc::kOk && IsConnectionLoss(result.errc)) {
    result.errc = SalvageResponse(result.errc);
  }
  if (result.errc == Errc::kOk) result.errc = ReadResponse();
  result.response_started = started_;
  if (result.errc == Errc::kOk) response_.SetAddrs(conn_.local, conn_.remote);
  // A byte behind the response was asked for by nobody.
  result.reusable = result.errc == Errc::kOk && framing_.keep_alive && !framing_.upgrade &&
                    !request_.close() && sent_all_ && in_->unread_size() == 0;
  return result;
}

int64_t Exchange::WithinLimit(int64_t nanoseconds) {
  const int64_t now = loop_.FreshNow();
  return nanoseconds < deadline_ - now ? now + nanoseconds : deadline_;
}

// --- Sending ----------------------------------------------------------------------------------

// The block that the head is written to then serves to receive, unless a response comes before the
// head is out.
Errc Exchange::Send() {
  in_ = client_.blocks().Take();
  const size_t bound = request_.Bound();
  return bound <= in_->capacity ? SendFrom(in_->data()) : SendLargeHead(bound);
}

Errc Exchange::SendLargeHead(size_t bound) {
  std::unique_ptr<char[]> head(new char[bound]);
  return SendFrom(head.get());
}

Errc Exchange::SendFrom(char* head) {
  iovec pieces[3];
  pieces[0] = {head, static_cast<size_t>(request_.Write(head) - head)};
  if (request_.body().empty() && request_.suffix().empty()) {
    const IoResult result = endpoint_.conn->TrySend({pieces, 1});
    const bool all = result.ok() && result.bytes() == pieces[0].iov_len;
    return all ? Errc::kOk : SendRest({pieces, 1}, result);
  }
  pieces[1] = {const_cast<char*>(request_.body().data()), request_.body().size()};
  pieces[2] = {const_cast<char*>(request_.suffix().data()), request_.suffix().size()};
  if (!request_.expect_continue()) return SendPieces({pieces, request_.suffix().empty() ? 2u : 3u});
  Errc errc = SendPieces({pieces, 1});
  if (errc == Errc::kOk) errc = AwaitContinue();
  if (errc == Errc::kOk && !have_head_) errc = SendPieces({pieces + 1, 2});
  if (have_head_) sent_all_ = false;
  return errc;
}

Errc Exchange::SendPieces(std::span<iovec> pieces) {
  return SendRest(pieces, endpoint_.conn->TrySend(pieces));
}

// Sends all of it, unless the final response comes before. `result` is what the first try gave.
Errc Exchange::SendRest(std::span<iovec> pieces, IoResult result) {
  const int64_t deadline = Within(limits_.write);
  for (Errc cause = Errc::kOk;; result = endpoint_.conn->TrySend(pieces)) {
    if (result.ok()) {
      size_t n = result.bytes();
      while (n >= pieces[0].iov_len) {
        n -= pieces[0].iov_len;
        pieces = pieces.subspan(1);
        if (pieces.empty()) return Errc::kOk;
      }
      pieces[0].iov_base = static_cast<char*>(pieces[0].iov_base) + n;
      pieces[0].iov_len -= n;
      continue;
    }
    if (!result.again()) return result.errc();
    if (cause != Errc::kOk) return cause;
    endpoint_.latched &= ~kWritable;
    if (Errc errc = LookForEarlyResponse(); errc != Errc::kOk) return errc;
    if (have_head_) {
      sent_all_ = false;
      return Errc::kOk;
    }
    cause = Await(kWritable | kReadable, deadline);
  }
}

// A server that refuses a body need not read it. Before each wait for room: what has come is read,
// at most one head of it.
Errc Exchange::LookForEarlyResponse() {
  if (out_ == nullptr && in_->end == 0) out_ = std::exchange(in_, client_.blocks().Take());
  while (!have_head_) {
    Errc errc = conn_.MayHaveBytes() ? TryReceive() : Errc::kAgain;
    if (errc == Errc::kAgain) return Errc::kOk;
    errc = TakeHeads(errc);
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// RFC 9110, section 10.1.1: a server that does not know the expectation never answers it.
Errc Exchange::AwaitContinue() {
  const int64_t until = Within(limits_.expect_continue);
  while (!have_head_ && !got_continue_) {
    Errc errc = Receive(until);
    if (errc == Errc::kTimeout && loop_.now() < deadline_ && until < deadline_) return Errc::kOk;
    errc = TakeHeads(errc);
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// The peer has ended the connection under our request. It may have said why before.
Errc Exchange::SalvageResponse(Errc send_error) {
  sent_all_ = false;
  while (!have_head_) {
    if (TryReceive() != Errc::kOk) return send_error;
    const Errc errc = TakeHeads(Errc::kOk);
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// --- Reading the head -------------------------------------------------------------------------

Errc Exchange::ReadResponse() {
  read_deadline_ = Within(limits_.read);
  if (!have_head_) {
    Errc errc = conn_.IsWorthARead() ? TryReceive() : Errc::kAgain;
    if (errc == Errc::kAgain) errc = AwaitAndReceive(read_deadline_);
    for (;;) {
      if (errc == Errc::kOk) errc = ParseHeads();
      if (errc == Errc::kOk) break;
      if (errc != Errc::kNeedMore) return errc;
      errc = Receive(read_deadline_);
    }
  }
  return ReadBody();
}

// Takes what heads there are in the block: interim responses up to the final one. kNeedMore: that
// one is not complete.
inline Errc Exchange::ParseHeads() {
  while (!have_head_) {
    if (in_->unread_size() == 0) return Errc::kNeedMore;
    Errc errc = http1::ParseResponseHead({in_->unread(), in_->unread_size()}, limits_.head,
                                         limits_.leniency, progress_, head_);
    if (errc == Errc::kNeedFieldSpace) {
      more_fields_.reset(new http1::Field[limits_.head.max_fields]);
      head_.UseArena({more_fields_.get(), limits_.head.max_fields});
      continue;
    }
    if (errc != Errc::kOk) return errc;
    in_->begin += head_.size;
    progress_ = {};
    if (errc = EndHead(); errc != Errc::kOk) return errc;
  }
  return Errc::kOk;
}

Errc Exchange::EndHead() {
  if (head_.status < 200 && head_.status != 101) return EndInterimHead();
  have_head_ = true;
  return http1::DecideResponseFraming(head_, request_.method(), limits_.leniency, framing_);
}

// RFC 9110, section 15.2: any number of interim responses may come, asked for or not.
Errc Exchange::EndInterimHead() {
  if (++interim_responses_ > limits_.max_interim_responses) {
    return Errc::kTooManyInterimResponses;
  }
  Errc errc = http1::DecideResponseFraming(head_, request_.method(), limits_.leniency, framing_);
  if (errc != Errc::kOk) return errc;
  if (head_.status == 100) {
    got_continue_ = true;
  } else if (limits_.interim_response != nullptr) {
    ResponseHeader header;
    header.CopyFrom(head_);
    (*limits_.interim_response)(head_.status, header);
  }
  return Errc::kOk;
}

// --- Reading the body -------------------------------------------------------------------------

Errc Exchange::ReadBody() {
  response_.header().TakeReceived(framing_.kind == Framing::kLength
                                      ? static_cast<int64_t>(framing_.length)
                                      : kContentLengthNone);
  if (framing_.kind == Framing::kLength && !response_.SkipBody()) {
    return ReadLengthBody(framing_.length);
  }
  return ReadOtherBody();
}

Errc Exchange::ReadLengthBody(uint64_t length) {
  if (length > limits_.chunked.max_body_bytes) return Errc::kBodyTooLarge;
  const size_t here = static_cast<size_t>(std::min<uint64_t>(in_->unread_size(), length));
  response_.SetBody({in_->unread(), here});
  in_->begin += static_cast<uint32_t>(here);
  return here == length ? Errc::kOk : ReadRestOfBody(length - here);
}

Errc Exchange::ReadRestOfBody(uint64_t left) {
  while (left != 0) {
    const size_t want = static_cast<size_t>(std::min(left, kBodyPiece));
    IoResult result = Recv(response_.PrepareBody(want).first(want), read_deadline_);
    if (!result.ok()) return result.errc();
    if (result.bytes() == 0) return Errc::kUnexpectedEof;
    response_.CommitBody(result.bytes());
    left -= result.bytes();
  }
  return Errc::kOk;
}

Errc Exchange::ReadOtherBody() {
  response_.ResetBody();
  if (framing_.kind == Framing::kNone) return Errc::kOk;
  if (response_.SkipBody()) {
    if (framing_.kind != Framing::kLength || framing_.length != 0) framing_.keep_alive = false;
    return Errc::kOk;
  }
  return framing_.kind == Framing::kChunked ? ReadChunkedBody() : ReadUntilClose();
}

Errc Exchange::ReadChunkedBody() {
  http1::ChunkedDecoder decoder(limits_.chunked);
  std::string trailers;
  while (!decoder.done()) {
    size_t consumed = 0;
    std::string_view piece;
    Errc errc = decoder.Decode(in_->unread(), in_->unread_size(), &consumed, &piece);
    if (decoder.in_trailer()) {
      trailers.append(piece);
    } else if (!piece.empty()) {
      response_.AppendBody(piece);
    }
    in_->begin += static_cast<uint32_t>(consumed);
    if (errc == Errc::kNeedMore) errc = Receive(read_deadline_);
    if (errc != Errc::kOk) return errc;
  }
  return trailers.empty() ? Errc::kOk : EndTrailers(trailers);
}

Errc Exchange::EndTrailers(std::string& section) {
  std::vector<http1::Field> fields(limits_.head.max_fields);
  const size_t size = section.size();
  section.append(http1::kPadding, '\0');
  size_t count = 0;
  Errc errc = http1::ParseTrailers({section.data(), size}, fields, &count);
  for (size_t i = 0; i < count && errc == Errc::kOk; ++i) {
    errc = response_.header().MutableTrailers().AddReceived(
        {section.data() + fields[i].name, fields[i].name_size},
        {section.data() + fields[i].value, fields[i].value_size});
  }
  return errc;
}

// RFC 9112, section 6.3, rule 8. Only the transport's clean end is an end.
Errc Exchange::ReadUntilClose() {
  const uint64_t limit = limits_.chunked.max_body_bytes;
  if (in_->unread_size() > limit) return Errc::kBodyTooLarge;
  response_.SetBody({in_->unread(), in_->unread_size()});
  in_->begin = in_->end;
  for (;;) {
    // One byte above the limit tells a body that is too large from one that just fits.
    const uint64_t left = limit - response_.Body().size();
    const size_t want = static_cast<size_t>(std::min(left, kBodyPiece - 1)) + 1;
    IoResult result = Recv(response_.PrepareBody(want).first(want), read_deadline_);
    if (!result.ok()) return result.errc();
    if (result.bytes() == 0) return Errc::kOk;
    if (result.bytes() > left) return Errc::kBodyTooLarge;
    response_.CommitBody(result.bytes());
  }
}

// --- Receiving --------------------------------------------------------------------------------

// At least one byte more in the block; kUnexpectedEof at the end, or kConnectionClosed if that
// comes before the first byte.
Errc Exchange::Receive(int64_t deadline) { return Commit(Recv(Room(), deadline)); }

Errc Exchange::AwaitAndReceive(int64_t deadline) { return Commit(AwaitAndRecv(Room(), deadline)); }

// The same without waiting: kAgain.
inline Errc Exchange::TryReceive() { return Commit(TryRecv(Room())); }

inline Errc Exchange::Commit(IoResult result) {
  Errc errc = result.ok() && result.bytes() == 0 ? Errc::kUnexpectedEof : result.errc();
  // TLS tells an end without its closing alert by that error: between messages it is the common
  // one.
  if (errc == Errc::kUnexpectedEof && !started_) errc = Errc::kConnectionClosed;
  if (errc == Errc::kOk) in_->Commit(result.bytes());
  return errc;
}

// Only an incomplete head is ever moved.
void Exchange::MakeRoom() {
  if (in_->begin != 0) {
    const size_t size = in_->unread_size();
    std::memmove(in_->data(), in_->unread(), size);
    in_->begin = in_->end = 0;
    in_->Commit(size);
    return;
  }
  base::Block* grown = client_.blocks().Grow(in_);
  FASTHTTP_CHECK(grown != nullptr, "the parser wants more than the largest head");
  in_ = grown;
}

IoResult Exchange::Recv(std::span<char> into, int64_t deadline) {
  if (conn_.IsWorthARead()) {
    const IoResult result = TryRecv(into);
    if (!result.again()) return result;
  }
  return AwaitAndRecv(into, deadline);
}

IoResult Exchange::AwaitAndRecv(std::span<char> into, int64_t deadline) {
  const uint32_t generation = endpoint_.generation;
  for (;;) {
    const Errc cause = Await(kReadable, deadline);
    if (endpoint_.generation != generation) return IoResult::Error(Errc::kConnectionClosed);
    IoResult result = TryRecv(into);
    if (!result.again()) return result;
    // Tried once more after waking: what has come wins over a deadline of that moment.
    if (cause != Errc::kOk) return IoResult::Error(cause);
  }
}

inline IoResult Exchange::TryRecv(std::span<char> into) {
  IoResult result = endpoint_.conn->TryRecv(into);
  if (result.again()) {
    endpoint_.latched &= ~kReadable;
    conn_.drained = true;
    return result;
  }
  // A short read means drained, unless the end was announced: no second event would come for it.
  conn_.drained = result.ok() && result.bytes() != 0 && result.bytes() < into.size() &&
                  !(endpoint_.latched & kHangup) && !base::chaos_enabled;
  if (conn_.drained) endpoint_.latched &= ~kReadable;
  started_ |= result.ok() && result.bytes() != 0;
  return result;
}

Errc Exchange::Await(uint8_t ready, int64_t deadline) {
  return runtime::AwaitReady(loop_, endpoint_, ready, deadline, /*moves_timer=*/true);
}

}  // namespace

ExchangeResult RunExchange(ClientLoop& client, ClientConn& conn, const WireRequest& request,
                           const ExchangeLimits& limits, int64_t deadline, Response& response) {
  return Exchange(client, conn, request, limits, deadline, response).Run();
}

// --- The connection ---------------------------------------------------------------------------

ClientConn::ClientConn(BlockingConn c, std::string_view a)
    : conn(std::move(c)),
      address(a),
      local(endpoint().conn->LocalAddr()),
      remote(endpoint().conn->RemoteAddr()),
      is_socket(endpoint().conn->is_socket()),
      answers_later(endpoint().conn->answers_later()) {}

bool ClientConn::AskIfClean() {
  char byte;
  if (!endpoint().conn->TryRecv({&byte, 1}).again()) return false;
  endpoint().latched &= ~kReadable;
  drained = true;
  return true;
}

}  // namespace fasthttp
