#include "fasthttp/server_conn.h"

#include <cstring>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"

namespace fasthttp {
namespace {

// A body is received in pieces of at most this; its buffer grows with what has arrived, never with
// what was declared.
constexpr uint64_t kBodyPiece = 64 * 1024;
// A turn that is free may keep the buffer of a large body if there are no more free ones than this.
constexpr size_t kFreeTurnsWithBodies = 16;
// Their answers are not framed as others are.
constexpr bool HasPlainAnswer(http1::MethodId method) {
  return method != http1::MethodId::kHead && method != http1::MethodId::kConnect;
}

bool LiesIn(std::string_view part, const char* begin, size_t size) {
  return !std::less<const char*>()(part.data(), begin) &&
         std::less<const char*>()(part.data(), begin + size);
}

}  // namespace

// What one connection may do before the others have their turn.
struct ServerConn::Budget {
  explicit Budget(runtime::Loop& loop) : began(loop.now()) {}

  // Behind the connection's request of that number.
  bool UsedUp(runtime::Loop& loop, uint32_t request) {
    // A clock reading costs as much as a small handler: look at every eighth request.
    if (request % 8 != 0) return false;
    return --looks == 0 || loop.FreshNow() - began >= runtime::kMillisecond;
  }

  static constexpr uint64_t kBytes = 64 * 1024;
  int64_t began;
  uint32_t looks = 8;
  uint64_t received = 0;
};

// --- Step 1: something has happened -----------------------------------------------------------

void ServerLoop::OnReady(runtime::Endpoint& endpoint, uint8_t ready) {
  if (ServerConn::Reads(endpoint)) [[likely]]
    return ServerConn::Serve(*this, endpoint);
  OnOtherReady(endpoint, ready);
}
[[gnu::noinline]] void ServerLoop::OnOtherReady(runtime::Endpoint& endpoint, uint8_t ready) {
  ServerConn(*this, endpoint).OnOtherReady(ready);
}
void ServerLoop::OnTimer(runtime::Endpoint& endpoint) { ServerConn(*this, endpoint).OnTimer(); }

void ServerConn::OnOtherReady(uint8_t ready) {
  switch (state()) {
    case kReading:
      if (data().out != nullptr && Flush() == Errc::kConnectionReset) return;
      if (!(ready & kResume) && !(endpoint_.latched & kReadable)) return Rest();
      return Serve(server_, endpoint_);
    case kHandling:
      return OnReadyWhileHandling(ready);
    case kSending:
      return FlushOrWait();
    case kDropping:
      if (data().out != nullptr && Flush() == Errc::kConnectionReset) return;
      return DropRest();
    default:
      return DrainLingering();
  }
}

void ServerConn::OnReadyWhileHandling(uint8_t ready) {
  Turn& turn = *data().turn;
  bool gone = turn.gone() || (ready & kBroken);
  if (!gone && data().out != nullptr) gone = Flush() == Errc::kConnectionReset;
  if (gone) turn.fate |= Turn::kGone;
  WakeStreams(turn);
  // Who reads the body finds its end by itself.
  const bool reading = turn.receiving != nullptr && !gone;
  if (gone || (!reading && PeerHasLeft())) loop_.Cancel(turn, Errc::kClientGone);
}

// A FIN behind unread bytes is a pipelining client that has said everything; behind the last byte
// it can't be told from a client that has gone.
bool ServerConn::PeerHasLeft() {
  if (!(endpoint_.latched & kHangup)) return false;
  if (server_.settings().half_close == HalfClose::kServe) return false;
  Turn& turn = *data().turn;
  bool unread =
      turn.block->unread_size() != 0 || (turn.chunks != nullptr && turn.chunks->unread_size() != 0);
  return !unread && !endpoint_.conn->HasUnread();
}

void ServerConn::Serve(ServerLoop& server, runtime::Endpoint& endpoint) {
  ServerConn(server, endpoint).ServeRequests();
}

// The loop over the requests of a connection: steps 2 to 10.
void ServerConn::ServeRequests() {
  Budget budget(loop_);
  Turn& turn = TurnOf();
  for (;;) {
    const bool idle = turn.phase == Turn::Phase::kHead && turn.block->all_read();
    if (idle && !Receive(turn, budget)) return;
    const Errc errc = ReadRequest(turn);
    if (errc != Errc::kOk) [[unlikely]] {
      if (errc != Errc::kNeedMore) return Copy().Reject(turn, errc);
      if (!Copy().ReceiveMore(turn, budget)) return;
      continue;
    }
    if (!CallHandler(turn)) return;
    Answer(turn);
    EndRequest(turn);
    if (!turn.framing.keep_alive) return Copy().CloseWhenSent();
    if (data().out != nullptr && data().out->pending() > OutQueue::kHighWater) {
      Errc sent = Copy().Flush();
      if (sent == Errc::kConnectionReset) return;
      if (sent == Errc::kAgain) {
        SetState(kSending);
        return Copy().Rearm();
      }
    }
    if (budget.UsedUp(loop_, data().requests)) return Copy().LetOthersGo();
  }
}

// The budget is used up: goes on from here after the others.
void ServerConn::LetOthersGo() {
  if (Flush() == Errc::kConnectionReset) return;
  Rearm();
  loop_.QueueReady(endpoint_.slot, endpoint_.generation, kResume);
  loop_.PollNextRound();
}

// --- Step 2 -----------------------------------------------------------------------------------

// The beginning of a request, of which nothing is here. False if this turn of the connection ends
// without.
bool ServerConn::Receive(Turn& turn, Budget& budget) {
  if (endpoint_.latched & kReadable) return Took(turn, budget, ReceiveHead(turn));
  ParkIdle(turn);
  return false;
}

// More of one that has begun.
bool ServerConn::ReceiveMore(Turn& turn, Budget& budget) {
  if (endpoint_.latched & kReadable) {
    const bool head = turn.phase == Turn::Phase::kHead;
    return Took(turn, budget, head ? ReceiveHead(turn) : ReceiveBody(turn));
  }
  Park(turn);
  return false;
}

bool ServerConn::Took(Turn& turn, Budget& budget, IoResult received) {
  if (!received.ok()) [[unlikely]] {
    Copy().OnEnd(turn, received.errc());
    return false;
  }
  budget.received += received.bytes();
  if (budget.received < Budget::kBytes) return true;
  Copy().LetOthersGo();
  return false;
}

IoResult ServerConn::ReceiveHead(Turn& turn) {
  const IoResult received = ReceiveInto(RoomForHead(turn));
  if (received.ok()) turn.block->Commit(received.bytes());
  return received;
}

IoResult ServerConn::ReceiveBody(Turn& turn) {
  const IoResult received = ReceiveInto(RoomForBody(turn));
  if (received.ok()) CommitBody(turn, received.bytes());
  return received;
}

std::span<char> ServerConn::RoomForHead(Turn& turn) {
  base::Block& block = *turn.block;
  if (block.end != 0) return Copy().RoomBehindHead(turn);
  turn.head_started = loop_.tick();
  return {block.data(), block.capacity};
}

// Room behind what is received. An incomplete head may still be moved: nothing points into it.
std::span<char> ServerConn::RoomBehindHead(Turn& turn) {
  base::Block*& block = turn.block;
  // An empty line behind the last request does not start a head.
  if (block->unread_size() == 0 || IsBetweenRequests()) turn.head_started = loop_.tick();
  if (block->room_size() == 0 && (block->begin == 0 || block->size_class == 0)) {
    // The head is larger, or a client that fills a block pipelines: of a larger one, fewer heads
    // are cut at the end.
    block = server_.blocks_.Grow(block);
    FASTHTTP_CHECK(block != nullptr, "the parser wants more than the largest head");
  } else if (block->unread_size() == 0) {
    block->begin = block->end = 0;
  } else if (block->room_size() == 0) {
    const size_t size = block->unread_size();
    std::memmove(block->data(), block->unread(), size);
    block->begin = block->end = 0;
    block->Commit(size);
  }
  return {block->room(), block->room_size()};
}

// A body with a length is received where it stays, chunks where they are decoded.
std::span<char> ServerConn::RoomForBody(Turn& turn) {
  if (turn.framing.kind == http1::Framing::kLength) {
    const std::span<char> room =
        turn.ctx.request().PrepareBody(std::min(turn.body_left, kBodyPiece));
    return room.first(std::min<uint64_t>(room.size(), turn.body_left));
  }
  if (turn.chunks == nullptr) turn.chunks = server_.blocks_.Take();
  base::Block& chunks = *turn.chunks;
  FASTHTTP_DCHECK(chunks.unread_size() == 0, "chunked bytes were left behind");
  chunks.begin = chunks.end = 0;
  return {chunks.room(), chunks.room_size()};
}

void ServerConn::CommitBody(Turn& turn, size_t n) {
  if (turn.framing.kind == http1::Framing::kLength) {
    turn.ctx.request().CommitBody(n);
    turn.body_left -= n;
  } else {
    turn.chunks->Commit(n);
  }
  turn.rate.Moved(loop_.tick(), n);
}

// --- Steps 3 to 5 -----------------------------------------------------------------------------

Errc ServerConn::ReadRequest(Turn& turn) {
  return turn.phase == Turn::Phase::kHead ? ParseHead(turn) : Copy().ReadBody(turn);
}

Errc ServerConn::ParseHead(Turn& turn) {
  base::Block& block = *turn.block;
  http1::PaddedView in = {block.unread(), block.unread_size()};
  const ServerLimits& limits = server_.limits_;
  Errc errc = http1::ParseRequestHead(in, limits.head, limits.leniency, turn.progress, turn.head);
  if (errc != Errc::kOk) [[unlikely]] {
    if (errc == Errc::kNeedFieldSpace) errc = Copy().ParseLongHead(turn);
    if (errc != Errc::kOk) return errc;
  }
  turn.block->begin += turn.head.size;
  return BeginRequest(turn);
}

// A head of more fields than a turn has room for.
Errc ServerConn::ParseLongHead(Turn& turn) {
  base::Block& block = *turn.block;
  const ServerLimits& limits = server_.limits_;
  const size_t count = limits.head.max_fields;
  if (turn.more_fields == nullptr) turn.more_fields = std::make_unique<http1::Field[]>(count);
  turn.head.UseArena({turn.more_fields.get(), count});
  return http1::ParseRequestHead({block.unread(), block.unread_size()}, limits.head,
                                 limits.leniency, turn.progress, turn.head);
}

Errc ServerConn::BeginRequest(Turn& turn) {
  turn.began = loop_.now();
  ++data().requests;
  turn.phase = Turn::Phase::kBody;
  turn.ctx.request().Bind(&turn.head, Is(kTls));
  Errc errc = http1::DecideFraming(turn.head, server_.limits_.leniency, turn.framing);
  if (errc != Errc::kOk) return errc;
  const bool has_body = turn.framing.kind != http1::Framing::kNone;
  ServerLoop::Count(server_.counters_.requests, 1);
  if (server_.limits_.get_only && turn.head.method_id != http1::MethodId::kGet &&
      turn.head.method_id != http1::MethodId::kHead) {
    return Errc::kGetOnly;
  }
  return has_body ? BeginBody(turn) : Errc::kOk;
}

// A body that came with its head stays where it is.
Errc ServerConn::BeginBody(Turn& turn) {
  const uint64_t length = turn.framing.length;
  if (length > server_.settings().max_request_body_size) return Errc::kBodyTooLarge;
  turn.body_left = length;
  base::Block& block = *turn.block;
  if (turn.framing.kind == http1::Framing::kLength && length <= block.unread_size() &&
      !server_.limits_.stream_bodies) {
    if (length != 0) turn.ctx.request().SetBodyRaw({block.unread(), length});
    block.begin += static_cast<uint32_t>(length);
    turn.body_left = 0;
    return Errc::kOk;
  }
  turn.decoder = http1::ChunkedDecoder(server_.limits_.chunked);
  turn.rate.Start(loop_.tick());
  return Copy().ReadBody(turn);
}

// --- Step 6 -----------------------------------------------------------------------------------

Errc ServerConn::ReadBody(Turn& turn) {
  if (turn.framing.kind == http1::Framing::kChunked) return ReadChunkedBody(turn);
  return turn.body_left == 0 ? Errc::kOk : ReadLengthBody(turn);
}

Errc ServerConn::ReadLengthBody(Turn& turn) {
  if (server_.limits_.stream_bodies) return BeginBodyStream(turn);
  base::Block& block = *turn.block;
  const size_t here = std::min<uint64_t>(block.unread_size(), turn.body_left);
  if (here != 0) turn.ctx.request().AppendBody({block.unread(), here});
  block.begin += static_cast<uint32_t>(here);
  turn.body_left -= here;
  return turn.body_left == 0 ? Errc::kOk : SendContinue(turn);
}

Errc ServerConn::ReadChunkedBody(Turn& turn) {
  if (server_.limits_.stream_bodies) return BeginBodyStream(turn);
  while (!turn.decoder.done()) {
    base::Block* from = turn.block->unread_size() != 0 ? turn.block : turn.chunks;
    if (from == nullptr || from->unread_size() == 0) return SendContinue(turn);
    size_t consumed = 0;
    std::string_view piece;
    Errc errc = turn.decoder.Decode(from->unread(), from->unread_size(), &consumed, &piece);
    if (turn.decoder.in_trailer()) {
      turn.trailer_section.append(piece);
    } else if (!piece.empty()) {
      turn.ctx.request().AppendBody(piece);
    }
    from->begin += static_cast<uint32_t>(consumed);
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
  }
  return turn.trailer_section.empty() ? Errc::kOk : EndTrailers(turn);
}

Errc ServerConn::EndTrailers(Turn& turn) {
  std::vector<http1::Field> fields(server_.limits_.head.max_fields);
  size_t size = turn.trailer_section.size();
  turn.trailer_section.append(http1::kPadding, '\0');
  size_t count = 0;
  const char* base = turn.trailer_section.data();
  Errc errc = http1::ParseTrailers({base, size}, fields, &count);
  if (errc != Errc::kOk) return errc;
  TrailerList& trailers = turn.ctx.request().header().MutableTrailers();
  for (size_t i = 0; i < count && errc == Errc::kOk; ++i) {
    errc = trailers.AddReceived({base + fields[i].name, fields[i].name_size},
                                {base + fields[i].value, fields[i].value_size});
  }
  return errc;
}

// Before the first wait for a body that the client holds back. Park sends it.
Errc ServerConn::SendContinue(Turn& turn) {
  if (turn.framing.expect_continue && !turn.continue_sent && !(endpoint_.latched & kHangup)) {
    turn.continue_sent = true;
    Out().Append(http1::kContinueResponse);
  }
  return Errc::kNeedMore;
}

// --- Step 7 -----------------------------------------------------------------------------------

// False if this frame has nothing more to do with the connection.
bool ServerConn::CallHandler(Turn& turn) {
  if (!loop_.may_block()) {
    turn.ctx.Error("too many requests are waiting", kStatusServiceUnavailable);
    turn.ctx.response().header().Set("Retry-After", "1");
    ServerLoop::Count(server_.counters_.errors, 1);
    return turn.fate == 0 || Copy().AfterUnusual(turn);
  }
  BeginHandling();
  loop_.BeginUser(turn);
  try {
    server_.settings().handler(turn.ctx);
    if (turn.ctx.IsBodyStream()) [[unlikely]]
      Copy().SendBodyStream(turn);
  } catch (const std::exception& e) {
    Copy().AnswerException(turn, e.what());
  } catch (...) {
    Copy().AnswerException(turn, "unknown exception");
  }
  loop_.EndUser();
  if (turn.fate != 0 || turn.ctx.LastTimeoutErrorResponse() != nullptr) [[unlikely]] {
    return Copy().AfterUnusual(turn);
  }
  SetState(kReading);
  turn.EndTask(/*end_context=*/true);
  return true;
}

// As CallHandler. The endpoint is another connection's, or nobody's, if the turn has parted.
bool ServerConn::AfterUnusual(Turn& turn) {
  turn.EndTask(/*end_context=*/true);
  std::optional<Response> prepared = turn.ctx.TakeTimeoutErrorResponse();
  if (turn.Is(Turn::kParted)) {
    server_.EndHandler(turn);
    return false;
  }
  SetState(kReading);
  const bool streamed = turn.Is(Turn::kStreams);
  // A timeout that comes behind a head is told by the end of the connection.
  const bool cut = turn.gone() || (streamed && (prepared || !turn.stream->Finish()));
  const bool pinned = !turn.DropShare();
  if (cut) {
    if (pinned) PartFrom(turn);
    Close(/*reset=*/true);
    return false;
  }
  const bool hijacked = !prepared && IsToBeHijacked(turn);
  const bool drops = !turn.BodyDone() && !pinned && CanDropRest(turn);
  if (!turn.BodyDone() && !drops) turn.framing.keep_alive = false;
  if (!pinned && !streamed && !hijacked && turn.BodyDone()) {
    turn.Restore();
    if (prepared) turn.ctx.response() = *std::move(prepared);
    return true;
  }
  std::unique_ptr<HijackRequest> hijack = std::move(turn.hijack);
  bool keep_alive = true;
  if (streamed) {
    keep_alive = turn.stream->keep_alive() && turn.framing.keep_alive;
  } else if (!hijacked) {
    Response& answer = prepared ? *prepared : turn.ctx.response();
    keep_alive = Serialize(turn, answer);
    // Pins keep no large body alive.
    if (pinned && answer.Body().size() >= OutQueue::kCopyLimit) (void)answer.TakeBody();
  } else if (!hijack->no_response) {
    server_.CountAnswer(loop_.now() - turn.began, turn.ctx.response().StatusCode());
    SerializeAny(turn, turn.ctx.response(), /*close=*/false);
  }
  if (!keep_alive && !turn.BodyDone()) Set(kLingerLong);
  if (pinned) {
    PartFrom(turn);
  } else if (drops && keep_alive) {
    turn.ctx.Finish();
    turn.rate.Start(loop_.tick());
    SetState(kDropping);
    DropRest();
    return false;
  } else {
    turn.Restore();
    EndRequest(turn);
  }
  GoOn(keep_alive, hijacked ? std::move(hijack) : nullptr);
  return false;
}

// Behind an answer, in a step of its own: this one may be on the handler's stack.
void ServerConn::GoOn(bool keep_alive, std::unique_ptr<HijackRequest> hijack) {
  SetState(kReading);
  if (!keep_alive) return CloseWhenSent();
  if (hijack == nullptr) return LetOthersGo();
  data().turn->hijack = std::move(hijack);
  data().turn->fate |= Turn::kHijacks;
  SetState(kSending);
  Set(kHijackWhenSent);
  FlushOrWait();
}

// The handler's time is over while it waits: the connection goes on without it.
void ServerConn::AnswerLate(Turn& turn) {
  ServerLoop::Count(server_.counters_.timeouts, 1);
  turn.running = true;
  if (turn.Is(Turn::kStreams)) {
    PartFrom(turn);
    SetState(kReading);
    Close(/*reset=*/true);
    return loop_.Cancel(turn, Errc::kHandlerTimeout);
  }
  if (!turn.BodyDone()) {
    turn.framing.keep_alive = false;
    Set(kLingerLong);
  }
  Response response;
  response.SetStatusCode(turn.limit->code);
  response.SetContentType(kDefaultContentType);
  response.SetBody(turn.limit->message);
  const bool keep_alive = Serialize(turn, response);
  PartFrom(turn);
  GoOn(keep_alive, nullptr);
  loop_.Cancel(turn, Errc::kHandlerTimeout);
}

// Who waits for the out queue to be empty, or for bytes of the body; or both in vain from now on.
void ServerConn::WakeStreams(Turn& turn) {
  const bool lost = turn.LostConn() != Errc::kOk;
  if (turn.sending != nullptr && (lost || data().out == nullptr)) {
    loop_.Fire(*turn.sending, Errc::kOk);
  }
  if (turn.receiving != nullptr && (lost || (endpoint_.latched & (kReadable | kHangup)))) {
    loop_.Fire(*turn.receiving, Errc::kOk);
  }
}

// The turn keeps what it received of its request, which does not move; the connection gets a new
// turn with what came behind.
void ServerConn::PartFrom(Turn& turn) {
  turn.RememberConn();
  turn.endpoint = nullptr;
  turn.fate |= Turn::kParted;
  WakeStreams(turn);
  server_.Hold(turn);
  Turn& fresh = NewTurn();
  fresh.head_started = loop_.tick();
  if (turn.chunks != nullptr) {
    // Nothing of the request points into the raw chunks.
    server_.blocks_.Give(std::exchange(fresh.block, std::exchange(turn.chunks, nullptr)));
    return;
  }
  base::Block& from = *turn.block;
  while (fresh.block->capacity < from.unread_size())
    fresh.block = server_.blocks_.Grow(fresh.block);
  std::memcpy(fresh.block->room(), from.unread(), from.unread_size());
  fresh.block->Commit(from.unread_size());
  from.begin = from.end;
}

// The process lives on; the connection does not, since nobody knows what the handler left behind.
void ServerConn::AnswerException(Turn& turn, std::string_view what) {
  ServerLoop::Count(server_.counters_.errors, 1);
  (void)turn.ctx.TakeTimeoutErrorResponse();
  if (turn.Is(Turn::kStreams)) turn.stream->Abort();
  turn.ctx.Error(ErrcText(Errc::kHandlerException), kStatusInternalServerError);
  turn.ctx.SetConnectionClose();
  if (!turn.Is(Turn::kParted)) Set(kLingerLong);
  if (!server_.settings().error_handler) return;
  try {
    server_.settings().error_handler(turn.ctx, ToStatus(Errc::kHandlerException, what));
  } catch (...) {
    // A second exception has nobody left to be told.
  }
  turn.ctx.SetConnectionClose();
}

// --- Step 8 -----------------------------------------------------------------------------------

// Queues or sends the turn's response. Its framing says then whether the connection goes on.
void ServerConn::Answer(Turn& turn) {
  const Response& response = turn.ctx.response();
  if (EndsConnection(response)) [[unlikely]]
    turn.framing.keep_alive = false;
  if (!SerializePlain(turn, response)) [[unlikely]]
    (void)Copy().Serialize(turn, turn.ctx.response());
}

// The same for any response, into the queue; true if the connection goes on.
bool ServerConn::Serialize(Turn& turn, Response& response) {
  server_.CountAnswer(loop_.now() - turn.began, response.StatusCode());
  turn.framing.keep_alive = KeepsAlive(turn, response) && !LacksBody(turn, response);
  SerializeAny(turn, response, !turn.framing.keep_alive);
  return turn.framing.keep_alive;
}

// Whatever the client would like.
bool ServerConn::EndsConnection(const Response& response) {
  return response.ConnectionClose() || data().requests >= server_.last_request_;
}

bool ServerConn::KeepsAlive(const Turn& turn, const Response& response) {
  return turn.framing.keep_alive && !EndsConnection(response) &&
         !IsLastAnswer(turn, response.StatusCode());
}

// By its status: a client takes what follows an interim one for the answer to the same request, and
// what follows a 2xx to CONNECT is no HTTP.
bool ServerConn::IsLastAnswer(const Turn& turn, int status) {
  return status < 200 || OpensTunnel(turn, status);
}

// A client takes what follows a head that declares a body for that body.
bool ServerConn::LacksBody(const Turn& turn, const Response& response) {
  return response.SkipBody() && !response.Body().empty() &&
         turn.head.method_id != http1::MethodId::kHead &&
         !http1::StatusHasNoBody(response.StatusCode());
}

// What nearly all handlers answer: a final status, a type and a small body. False if it is
// something else.
bool ServerConn::SerializePlain(Turn& turn, const Response& response) {
  const std::string_view type = response.PlainContentType();
  const std::string_view body = response.Body();
  if (body.size() >= OutQueue::kCopyLimit || type.empty() || turn.head.minor_version == 0 ||
      !HasPlainAnswer(turn.head.method_id)) {
    return false;
  }
  const int status = response.StatusCode();
  const int64_t now = loop_.now();
  const std::string_view block = server_.Blocks(now).Get(status);
  if (block.empty() || (status != kStatusOK && http1::StatusHasNoBody(status))) return false;
  server_.CountAnswer(now - turn.began, status);
  const size_t bound = http1::PlainResponseBound(type, body);
  base::Block& received = *turn.block;
  // The one answer to all that was received is made behind that, and needs no queue.
  const bool alone = data().out == nullptr && received.all_read() &&
                     (turn.chunks == nullptr || turn.chunks->all_read()) &&
                     bound <= received.room_size();
  char* const to = alone ? received.room() : Out().Reserve(bound);
  const bool close = !turn.framing.keep_alive;
  char* const end = http1::WritePlainResponse(to, block, type, close, body);
  if (OutQueue* const out = data().out; out != nullptr) {
    out->Commit(end);
  } else {
    SendAtOnce(to, end);
  }
  return true;
}

void ServerConn::SendAtOnce(char* answer, char* end) {
  const iovec piece = {answer, static_cast<size_t>(end - answer)};
  const IoResult taken = endpoint_.conn->TrySend({&piece, 1});
  if (taken.bytes() != piece.iov_len) [[unlikely]]
    return Copy().QueueRest(piece, taken);
  ServerLoop::Count(server_.counters_.sent, taken.bytes());
}

// Flush finds a broken connection again.
void ServerConn::QueueRest(const iovec& answer, IoResult taken) {
  const size_t sent = taken.ok() ? taken.bytes() : 0;
  ServerLoop::Count(server_.counters_.sent, sent);
  Out().Append(
      std::string_view(static_cast<const char*>(answer.iov_base), answer.iov_len).substr(sent));
}

void ServerConn::SerializeAny(Turn& turn, Response& response, bool close) {
  const std::string_view body = response.Body();
  http1::ResponseHeadView view;
  DescribeHead(turn, response, view);
  view.close = close;
  view.keep_alive_header = !close && turn.head.minor_version == 0;
  const bool send_body = view.body == http1::BodyHeader::kLength && !body.empty() &&
                         turn.head.method_id != http1::MethodId::kHead && !response.SkipBody();
  // An echo by SetBodyRaw ends with the request.
  const std::string_view received = turn.ctx.request().BufferedBody();
  const bool copy = body.size() < OutQueue::kCopyLimit ||
                    LiesIn(body, received.data(), received.size()) ||
                    LiesIn(body, turn.block->data(), turn.block->capacity);

  OutQueue& out = Out();
  char* to = out.Reserve(http1::ResponseHeadBound(view) + (send_body && copy ? body.size() : 0));
  to = http1::WriteResponseHead(to, view);
  if (send_body && copy) {
    std::memcpy(to, body.data(), body.size());
    to += body.size();
  }
  out.Commit(to);
  if (send_body && !copy) SendLarge(out, response);
}

// A body that goes out at once leaves its buffer to the next response, unless a burst of requests
// would leave too many of them.
void ServerConn::SendLarge(OutQueue& out, Response& response) {
  const std::string_view body = response.Body();
  const size_t queued = out.pending();
  const size_t sent = out.SendWith(*endpoint_.conn, body);
  ServerLoop::Count(server_.counters_.sent, queued - out.pending() + sent);
  if (sent < body.size()) {
    out.Append(response.TakeBody(), sent);
  } else if (server_.free_turn_count_ > kFreeTurnsWithBodies) {
    (void)response.TakeBody();
  }
}

void ServerConn::DescribeHead(Turn& turn, Response& response, http1::ResponseHeadView& view) {
  ResponseHeader& header = response.header();
  const size_t body_size = response.Body().size();
  const ServerSettings& settings = server_.settings();
  view.status = header.StatusCode();
  http1::StatusBlockCache& blocks = server_.Blocks(loop_.now());
  if (header.Server().empty()) {
    view.status_block = blocks.Get(view.status);
    view.server_and_date = blocks.server_and_date();
  } else {
    turn.server_and_date = server_.ServerAndDate(header.Server());
    view.server_and_date = turn.server_and_date;
  }
  if (header.HasContentType() || (body_size != 0 && !settings.no_default_content_type)) {
    view.content_type = header.ContentType();
  }
  view.content_encoding = header.ContentEncoding();
  view.content_length = body_size;
  if (http1::StatusHasNoBody(view.status) || OpensTunnel(turn, view.status)) {
    view.body = http1::BodyHeader::kNone;
  }
  if (body_size == 0 && header.ContentLength() > 0 &&
      turn.head.method_id == http1::MethodId::kHead) {
    view.content_length = static_cast<uint64_t>(header.ContentLength());
  }
  if (!header.OtherFields().empty()) view.fields = turn.ViewFields(header.OtherFields());
}

// --- Ends and errors --------------------------------------------------------------------------

// Nothing more has come for now, or ever.
void ServerConn::OnEnd(Turn& turn, Errc errc) {
  if (errc == Errc::kAgain) return Park(turn);
  if (errc != Errc::kUnexpectedEof) return Close(/*reset=*/true);
  std::string_view rest = {turn.block->unread(), turn.block->unread_size()};
  bool between =
      turn.phase == Turn::Phase::kHead && rest.find_first_not_of("\r\n") == std::string_view::npos;
  if (!between) return Reject(turn, Errc::kUnexpectedEof);
  ReleaseTurn();
  CloseWhenSent();
}

// Answers a request that can't be served, and ends the connection: what follows it can't be told
// apart from its rest.
void ServerConn::Reject(Turn& turn, Errc errc) {
  int status = HttpStatusOf(errc);
  if (status == 0) return Close(/*reset=*/true);
  ServerLoop::Count(server_.counters_.errors, 1);
  if (turn.phase == Turn::Phase::kHead) {
    turn.began = loop_.now();
    turn.ctx.request().Bind(nullptr, Is(kTls));
    turn.head.method_id = http1::MethodId::kOther;
    turn.head.minor_version = 1;
  }
  turn.ctx.Error(ErrcText(errc), status);
  if (errc == Errc::kGetOnly) turn.ctx.response().header().Set("Allow", "GET, HEAD");
  turn.framing.keep_alive = false;
  Set(kLingerLong);
  if (server_.settings().error_handler && loop_.may_block()) {
    SetState(kHandling);
    loop_.BeginUser(turn);
    try {
      server_.settings().error_handler(turn.ctx, ToStatus(errc));
    } catch (...) {
      turn.ctx.Error(ErrcText(Errc::kHandlerException), kStatusInternalServerError);
    }
    loop_.EndUser();
    if (!AfterUnusual(turn)) return;
  }
  Serialize(turn, turn.ctx.response());
  EndRequest(turn);
  CloseWhenSent();
}

// --- Step 9: sending --------------------------------------------------------------------------

// kOk: nothing is left. kAgain: the rest goes out when the socket is writable. kConnectionReset:
// the connection is broken and, unless a handler runs, closed.
Errc ServerConn::Flush() {
  OutQueue* const out = data().out;
  if (out == nullptr) return Errc::kOk;
  IoResult first = IoResult::Bytes(0);
  const size_t sent = out->FlushAtOnce(*endpoint_.conn, &first);
  if (sent == 0) [[unlikely]]
    return FlushRest(first);
  ServerLoop::Count(server_.counters_.sent, sent);
  data().out = nullptr;
  server_.GiveOut(out);
  return Errc::kOk;
}

Errc ServerConn::FlushRest(IoResult first) {
  OutQueue* const out = data().out;
  const size_t before = out->pending();
  const Errc errc = out->FlushRest(*endpoint_.conn, loop_.tick(), first);
  ServerLoop::Count(server_.counters_.sent, before - out->pending());
  if (errc == Errc::kOk) {
    data().out = nullptr;
    server_.GiveOut(out);
    return Errc::kOk;
  }
  if (errc == Errc::kAgain && ArmIfNeeded()) return Errc::kAgain;
  if (state() != kHandling) Close(/*reset=*/true);
  return Errc::kConnectionReset;
}

// While a handler runs. True if nothing is left.
bool ServerConn::SendNow(Turn& turn) {
  const Errc errc = Flush();
  if (errc == Errc::kConnectionReset) LoseClient(turn);
  return errc == Errc::kOk;
}

void ServerConn::LoseClient(Turn& turn) {
  turn.fate |= Turn::kGone;
  loop_.Cancel(turn, Errc::kClientGone);
  WakeStreams(turn);
}

// In state kSending.
void ServerConn::FlushOrWait() {
  Errc errc = Flush();
  if (errc == Errc::kConnectionReset) return;
  if (errc == Errc::kAgain) return Rearm();
  if (Is(kHijackWhenSent)) return HandOver();
  if (Is(kCloseWhenSent)) return EndConnection();
  SetState(kReading);
  // The time that our own answers took is not the next head's.
  if (data().turn != nullptr) data().turn->head_started = loop_.tick();
  Serve(server_, endpoint_);
}

void ServerConn::CloseBehindRest() {
  const Errc errc = Flush();
  if (errc == Errc::kOk) return EndConnection();
  if (errc == Errc::kConnectionReset) return;
  SetState(kSending);
  Set(kCloseWhenSent);
  Rearm();
}

void ServerConn::BeforeSuspend() {
  Turn& turn = *data().turn;
  if (turn.gone()) return;
  if (turn.limit != nullptr && turn.limit->deadline <= loop_.now()) return AnswerLate(turn);
  const bool gone =
      (endpoint_.latched & kBroken) || Flush() == Errc::kConnectionReset || !ArmIfNeeded();
  if (gone) turn.fate |= Turn::kGone;
  WakeStreams(turn);
  if (data().out != nullptr || turn.limit != nullptr) Rearm();
  if (gone || PeerHasLeft()) loop_.Cancel(turn, Errc::kClientGone);
}

void ServerConn::Finish(std::string_view bytes) {
  Out().Append(bytes);
  Set(kLingerLong);
  CloseWhenSent();
}

// --- Waiting ----------------------------------------------------------------------------------

// Nothing of a request is here. An idle connection gives back all it holds.
void ServerConn::ParkIdle(Turn& turn) {
  if (data().out != nullptr || !endpoint_.armed || data().requests == 0 || server_.draining_)
      [[unlikely]] {
    return Copy().Park(turn);
  }
  data().turn = nullptr;
  server_.GiveTurn(&turn);
  SetDeadline(IdleDeadline());
}

}  // namespace fasthttp
