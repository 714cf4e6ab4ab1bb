#include "fasthttp/client_conn.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
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

}  // namespace

// --- The connection ---------------------------------------------------------------------------

ClientConn::ClientConn(BlockingConn c, std::string_view a)
    : conn(std::move(c)), address(a), is_socket(endpoint().conn->is_socket()) {}

bool ClientConn::IsClean() {
  // A socket is asked in any case: what has come since the last poll is not known here.
  if (!is_socket && !MayHaveBytes()) return true;
  char byte;
  if (!endpoint().conn->TryRecv({&byte, 1}).again()) return false;
  endpoint().latched &= ~kReadable;
  drained = true;
  return true;
}

// --- The exchange -----------------------------------------------------------------------------

ClientExchange::ClientExchange(ClientLoop& client, ClientConn& conn, const WireRequest& request,
                               const ExchangeLimits& limits, int64_t deadline, Response& response)
    : client_(client),
      loop_(client.loop()),
      conn_(conn),
      endpoint_(conn.endpoint()),
      generation_(endpoint_.generation),
      request_(request),
      limits_(limits),
      deadline_(deadline),
      read_deadline_(deadline),
      response_(response) {}

ClientExchange::~ClientExchange() {
  if (in_ != nullptr) client_.blocks().Give(in_);
}

Errc ClientExchange::Run(bool close) {
  if (base::ChaosStrikes()) loop_.Yield();
  Errc errc = Send(close);
  if (IsConnectionLoss(errc)) errc = SalvageResponse(errc);
  if (errc == Errc::kOk) errc = ReadResponse();
  ++conn_.exchanges;
  if (errc != Errc::kOk) return errc;
  // A byte behind the response was asked for by nobody.
  reusable_ = framing_.keep_alive && !framing_.upgrade && !close && !request_.close() &&
              sent_all_ && (in_ == nullptr || in_->unread_size() == 0);
  return Errc::kOk;
}

int64_t ClientExchange::Within(int64_t nanoseconds) {
  if (nanoseconds == runtime::kNoDeadline) return deadline_;
  const int64_t now = loop_.FreshNow();
  return nanoseconds < deadline_ - now ? now + nanoseconds : deadline_;
}

// --- Sending ----------------------------------------------------------------------------------

Errc ClientExchange::Send(bool close) {
  base::Block* block = client_.blocks().Take();
  std::unique_ptr<char[]> large;
  char* head = block->data();
  if (request_.Bound() > block->capacity) {
    large.reset(new char[request_.Bound()]);
    head = large.get();
  }
  iovec pieces[3];
  pieces[0] = {head, static_cast<size_t>(request_.Write(head, close) - head)};
  pieces[1] = {const_cast<char*>(request_.body().data()), request_.body().size()};
  pieces[2] = {const_cast<char*>(request_.suffix().data()), request_.suffix().size()};
  Errc errc = Errc::kOk;
  if (!request_.expect_continue()) {
    const size_t count = pieces[2].iov_len != 0 ? 3 : pieces[1].iov_len != 0 ? 2 : 1;
    errc = SendPieces({pieces, count});
  } else {
    errc = SendPieces({pieces, 1});
    if (errc == Errc::kOk) errc = AwaitContinue();
    if (errc == Errc::kOk && !have_head_) errc = SendPieces({pieces + 1, 2});
    if (have_head_) sent_all_ = false;
  }
  client_.blocks().Give(block);
  return errc;
}

// Sends all of it, unless the final response comes before.
Errc ClientExchange::SendPieces(std::span<iovec> pieces) {
  const int64_t deadline = Within(limits_.write);
  for (Errc cause = Errc::kOk; !pieces.empty();) {
    IoResult result = endpoint_.conn->TrySend(pieces);
    if (result.ok()) {
      size_t n = result.bytes();
      while (!pieces.empty() && n >= pieces[0].iov_len) {
        n -= pieces[0].iov_len;
        pieces = pieces.subspan(1);
      }
      if (pieces.empty()) return Errc::kOk;
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
  return Errc::kOk;
}

// A server that refuses a body need not read it. Before each wait for room: what has come is read,
// at most one head of it.
Errc ClientExchange::LookForEarlyResponse() {
  while (!have_head_) {
    Errc errc = conn_.MayHaveBytes() ? TryReceive() : Errc::kAgain;
    if (errc == Errc::kAgain) return Errc::kOk;
    if (errc != Errc::kOk) return errc;
    errc = ParseHead();
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// RFC 9110, section 10.1.1: a server that does not know the expectation never answers it.
Errc ClientExchange::AwaitContinue() {
  const int64_t until = Within(limits_.expect_continue);
  while (!have_head_ && !got_continue_) {
    Errc errc = Receive(until);
    if (errc == Errc::kTimeout && loop_.now() < deadline_ && until < deadline_) return Errc::kOk;
    if (errc != Errc::kOk) return errc;
    errc = ParseHead();
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// The peer has ended the connection under our request. It may have said why before.
Errc ClientExchange::SalvageResponse(Errc send_error) {
  sent_all_ = false;
  while (!have_head_) {
    if (TryReceive() != Errc::kOk) return send_error;
    const Errc errc = ParseHead();
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return Errc::kOk;
}

// --- Reading the head -------------------------------------------------------------------------

Errc ClientExchange::ReadResponse() {
  read_deadline_ = Within(limits_.read);
  while (!have_head_) {
    Errc errc = Receive(read_deadline_);
    if (errc == Errc::kOk) errc = ParseHead();
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return ReadBody();
}

// Takes what heads there are in the block: interim responses up to the final one. kNeedMore: that
// one is not complete.
Errc ClientExchange::ParseHead() {
  while (!have_head_) {
    if (in_->unread_size() == 0) return Errc::kNeedMore;
    Errc errc = http1::ParseResponseHead({in_->unread(), in_->unread_size()}, limits_.head,
                                         http1::Leniency::kStrict, progress_, head_);
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

// RFC 9110, section 15.2: any number of interim responses may come, asked for or not.
Errc ClientExchange::EndHead() {
  if (head_.status >= 200 || head_.status == 101) {
    have_head_ = true;
    return http1::DecideResponseFraming(head_, request_.method(), http1::Leniency::kStrict,
                                        framing_);
  }
  if (++interim_responses_ > limits_.max_interim_responses) {
    return Errc::kTooManyInterimResponses;
  }
  Errc errc =
      http1::DecideResponseFraming(head_, request_.method(), http1::Leniency::kStrict, framing_);
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

Errc ClientExchange::ReadBody() {
  response_.header().CopyFrom(head_);
  response_.ResetBody();
  if (response_.SkipBody() && framing_.kind != Framing::kNone) {
    if (framing_.kind != Framing::kLength || framing_.length != 0) framing_.keep_alive = false;
    return Errc::kOk;
  }
  switch (framing_.kind) {
    case Framing::kNone:
      return Errc::kOk;
    case Framing::kLength:
      return ReadLengthBody(framing_.length);
    case Framing::kChunked:
      return ReadChunkedBody();
    case Framing::kUntilClose:
      return ReadUntilClose();
  }
  return Errc::kProgramming;
}

Errc ClientExchange::ReadLengthBody(uint64_t length) {
  if (length > limits_.chunked.max_body_bytes) return Errc::kBodyTooLarge;
  const size_t here = static_cast<size_t>(std::min<uint64_t>(in_->unread_size(), length));
  response_.SetBody({in_->unread(), here});
  in_->begin += static_cast<uint32_t>(here);
  for (uint64_t left = length - here; left != 0;) {
    const size_t want = static_cast<size_t>(std::min(left, kBodyPiece));
    IoResult result = Recv(response_.PrepareBody(want).first(want), read_deadline_);
    if (!result.ok()) return result.errc();
    if (result.bytes() == 0) return Errc::kUnexpectedEof;
    response_.CommitBody(result.bytes());
    left -= result.bytes();
  }
  return Errc::kOk;
}

Errc ClientExchange::ReadChunkedBody() {
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

Errc ClientExchange::EndTrailers(std::string& section) {
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
Errc ClientExchange::ReadUntilClose() {
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
Errc ClientExchange::Receive(int64_t deadline) { return Received(Recv(Room(), deadline)); }

// The same without waiting: kAgain.
Errc ClientExchange::TryReceive() { return Received(TryRecv(Room())); }

Errc ClientExchange::Received(IoResult result) {
  Errc errc = result.ok() && result.bytes() == 0 ? Errc::kUnexpectedEof : result.errc();
  // TLS tells an end without its closing alert by that error: between messages it is the common
  // one.
  if (errc == Errc::kUnexpectedEof && !started_) errc = Errc::kConnectionClosed;
  if (errc == Errc::kOk) in_->Commit(result.bytes());
  return errc;
}

// Room behind what is received. Only an incomplete head is ever moved.
std::span<char> ClientExchange::Room() {
  if (in_ == nullptr) in_ = client_.blocks().Take();
  if (in_->unread_size() == 0) {
    in_->begin = in_->end = 0;
  } else if (in_->room_size() == 0) {
    if (in_->begin != 0) {
      const size_t size = in_->unread_size();
      std::memmove(in_->data(), in_->unread(), size);
      in_->begin = in_->end = 0;
      in_->Commit(size);
    } else {
      base::Block* grown = client_.blocks().Grow(in_);
      FASTHTTP_CHECK(grown != nullptr, "the parser wants more than the largest head");
      in_ = grown;
    }
  }
  return {in_->room(), in_->room_size()};
}

IoResult ClientExchange::Recv(std::span<char> into, int64_t deadline) {
  bool try_first = !conn_.is_socket || conn_.MayHaveBytes();
  for (Errc cause = Errc::kOk;;) {
    if (try_first) {
      IoResult result = TryRecv(into);
      if (!result.again()) return result;
      // Tried once more after waking: what has come wins over a deadline of that moment.
      if (cause != Errc::kOk) return IoResult::Error(cause);
    }
    try_first = true;
    cause = Await(kReadable, deadline);
    if (endpoint_.generation != generation_) return IoResult::Error(Errc::kConnectionClosed);
  }
}

IoResult ClientExchange::TryRecv(std::span<char> into) {
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

Errc ClientExchange::Await(uint8_t ready, int64_t deadline) {
  return runtime::AwaitReady(loop_, endpoint_, ready, deadline);
}

}  // namespace fasthttp
