#include "fasthttp/client_exchange.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fasthttp/base/check.h"

namespace fasthttp {
namespace {

using http1::Framing;

// A body is received in pieces of at most this: its buffer grows with what has arrived, never with
// what was declared.
constexpr uint64_t kBodyPiece = 64 * 1024;

// The rest of an exchange, from wherever it left the usual way. In the order in which they are
// called.
class Exchange {
 public:
  explicit Exchange(const ExchangeParts& parts)
      : client_(parts.client),
        loop_(parts.call.loop),
        conn_(parts.conn),
        endpoint_(parts.conn.endpoint()),
        request_(parts.request),
        limits_(parts.limits),
        deadline_(parts.call.deadline),
        read_deadline_(parts.call.deadline),
        response_(parts.call.response),
        in_(&parts.in),
        head_(Emptied(parts.call.response).header().HeadToReceive()) {}
  ~Exchange() {
    client_.blocks().Give(in_);
    if (out_ != nullptr) client_.blocks().Give(out_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  ExchangeResult RunWithExpect();
  ExchangeResult GoOnSending(IoResult sent);
  ExchangeResult GoOnReading(int64_t read_deadline, IoResult received);
  ExchangeResult GoOnWithBody(int64_t read_deadline, Framing framing);

 private:
  static Response& Emptied(Response& response) {
    response.ResetToReceive();
    return response;
  }
  Errc SendWithExpect();
  ExchangeResult ReadAfter(Errc sent);
  ExchangeResult End(Errc errc);

  Errc SendAll(std::span<iovec> pieces) {
    return SendRest(pieces, endpoint_.conn->TrySend(pieces));
  }
  Errc SendRest(std::span<iovec> pieces, IoResult result);
  Errc LookForEarlyResponse();
  Errc AwaitContinue();
  Errc SalvageResponse(Errc send_error);

  Errc ReadResponse(Errc received);
  // What was received is `received`; kOk: takes what heads there are.
  Errc TakeHeads(Errc received) { return received == Errc::kOk ? ParseHeads() : received; }
  Errc ParseHeads();
  Errc EndHead();
  Errc EndInterimHead();
  Errc ReadBody();
  Errc ReadLengthBody(uint64_t length);
  Errc ReadOtherBody();
  Errc ReadChunkedBody();
  Errc ReadUntilClose();
  Errc EndTrailers(std::string& section);
  Errc Receive(int64_t deadline) { return Commit(conn_.Recv(Room(), deadline)); }
  Errc TryReceive() { return Commit(conn_.TryRecv(Room())); }
  Errc Commit(IoResult result);
  std::span<char> Room();
  void MakeRoom();
  int64_t Within(int64_t nanoseconds) { return DeadlineWithin(loop_, nanoseconds, deadline_); }

  ClientLoop& client_;
  runtime::Loop& loop_;
  ClientConn& conn_;
  runtime::Endpoint& endpoint_;
  const RequestBytes request_;
  const ExchangeLimits& limits_;
  const int64_t deadline_;
  int64_t read_deadline_;
  Response& response_;
  base::Block* in_;             // What is received.
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

ExchangeResult Exchange::RunWithExpect() { return ReadAfter(SendWithExpect()); }

ExchangeResult Exchange::GoOnSending(IoResult sent) {
  iovec pieces[RequestBytes::kPieces];
  return ReadAfter(SendRest({pieces, request_.Gather(pieces)}, sent));
}

ExchangeResult Exchange::ReadAfter(Errc sent) {
  Errc errc = sent;
  if (IsConnectionLoss(errc)) errc = SalvageResponse(errc);
  read_deadline_ = Within(limits_.read);
  return End(errc == Errc::kOk ? ReadResponse(Errc::kNeedMore) : errc);
}

ExchangeResult Exchange::GoOnReading(int64_t read_deadline, IoResult received) {
  read_deadline_ = read_deadline;
  in_->begin = in_->end = 0;
  return End(ReadResponse(Commit(received)));
}

ExchangeResult Exchange::GoOnWithBody(int64_t read_deadline, Framing framing) {
  read_deadline_ = read_deadline;
  framing_ = framing;
  started_ = have_head_ = true;
  return End(ReadBody());
}

ExchangeResult Exchange::End(Errc errc) {
  if (errc != Errc::kOk) {
    response_.header().Reset();
    return {.errc = errc, .reusable = false, .response_started = started_};
  }
  response_.SetAddrs(conn_.local, conn_.remote);
  // A byte behind the response was asked for by nobody.
  const bool reusable = framing_.keep_alive && !framing_.upgrade && !request_.close && sent_all_ &&
                        in_->unread_size() == 0;
  return {.errc = Errc::kOk, .reusable = reusable, .response_started = started_};
}

// --- Sending ----------------------------------------------------------------------------------

Errc Exchange::SendWithExpect() {
  iovec pieces[RequestBytes::kPieces];
  const size_t count = request_.Gather(pieces);
  Errc errc = SendAll({pieces, 1});
  if (errc == Errc::kOk) errc = AwaitContinue();
  if (errc == Errc::kOk && !have_head_) errc = SendAll({pieces + 1, count - 1});
  if (have_head_) sent_all_ = false;
  return errc;
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
    cause = conn_.Await(kWritable | kReadable, deadline);
  }
}

// A server that refuses a body need not read it. Before each wait for room: what has come is read,
// at most one head of it. The block that the head is sent from then stays as it is.
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

// `received`: kOk if something was, kNeedMore if not yet.
Errc Exchange::ReadResponse(Errc received) {
  Errc errc = received;
  while (!have_head_) {
    if (errc == Errc::kNeedMore) errc = Receive(read_deadline_);
    if (errc == Errc::kOk) errc = ParseHeads();
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return ReadBody();
}

// Takes what heads there are in the block: interim responses up to the final one. kNeedMore: that
// one is not complete.
Errc Exchange::ParseHeads() {
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
  return http1::DecideResponseFraming(head_, request_.method, limits_.leniency, framing_);
}

// RFC 9110, section 15.2: any number of interim responses may come, asked for or not.
Errc Exchange::EndInterimHead() {
  if (++interim_responses_ > limits_.max_interim_responses) {
    return Errc::kTooManyInterimResponses;
  }
  Errc errc = http1::DecideResponseFraming(head_, request_.method, limits_.leniency, framing_);
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
  for (uint64_t left = length - here; left != 0;) {
    const size_t want = static_cast<size_t>(std::min(left, kBodyPiece));
    const IoResult result = conn_.Recv(response_.PrepareBody(want).first(want), read_deadline_);
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
    const IoResult result = conn_.Recv(response_.PrepareBody(want).first(want), read_deadline_);
    if (!result.ok()) return result.errc();
    if (result.bytes() == 0) return Errc::kOk;
    if (result.bytes() > left) return Errc::kBodyTooLarge;
    response_.CommitBody(result.bytes());
  }
}

// --- Receiving --------------------------------------------------------------------------------

// At least one byte more in the block; kUnexpectedEof at the end, or kConnectionClosed if that
// comes before the first byte.
Errc Exchange::Commit(IoResult result) {
  if (result.ok() && result.bytes() != 0) {
    started_ = true;
    in_->Commit(result.bytes());
    return Errc::kOk;
  }
  const Errc errc = result.ok() ? Errc::kUnexpectedEof : result.errc();
  // TLS tells an end without its closing alert by that error: between messages it is the common
  // one.
  return errc == Errc::kUnexpectedEof && !started_ ? Errc::kConnectionClosed : errc;
}

std::span<char> Exchange::Room() {
  if (in_->all_read()) {
    in_->begin = in_->end = 0;
  } else if (in_->room_size() == 0) {
    MakeRoom();
  }
  return {in_->room(), in_->room_size()};
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

}  // namespace

int64_t DeadlineWithin(runtime::Loop& loop, int64_t nanoseconds, int64_t deadline) {
  if (nanoseconds == runtime::kNoDeadline) return deadline;
  const int64_t now = loop.FreshNow();
  return nanoseconds < deadline - now ? now + nanoseconds : deadline;
}

ExchangeResult ExchangeWithExpect(ExchangeParts parts) { return Exchange(parts).RunWithExpect(); }

ExchangeResult GoOnSending(ExchangeParts parts, IoResult sent) {
  return Exchange(parts).GoOnSending(sent);
}

ExchangeResult GoOnReading(ExchangeParts parts, int64_t read_deadline, IoResult received) {
  return Exchange(parts).GoOnReading(read_deadline, received);
}

ExchangeResult GoOnWithBody(ExchangeParts parts, int64_t read_deadline, http1::Framing framing) {
  return Exchange(parts).GoOnWithBody(read_deadline, framing);
}

}  // namespace fasthttp
