// ServerConn: the HTTP/1 side of one connection of a server, as a state machine.
//
// The state itself is small enough to live in the connection's Endpoint; this class is a handle on
// it, made for each event. Its functions are the ten steps of a request
// (docs/design/architecture.md):
//
//   OnReady → Serve → Receive → ParseHead → BeginRequest (DecideFraming) → ReadBody → CallHandler →
//   Answer → Flush → Park or Close
//
// User code is called from CallHandler only. Before it the state is complete in the endpoint and
// the turn; a handler that suspends leaves this frame on its stack, and what happens meanwhile at
// the connection only sets flags.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_SERVER_CONN_H_
#define FASTHTTP_SERVER_CONN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/out_queue.h"
#include "fasthttp/response_stream.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/server_loop.h"
#include "fasthttp/turn.h"

namespace fasthttp {

class ServerConn {
 public:
  // What a connection has between events.
  struct Data {
    Turn* turn;         // Null while idle.
    OutQueue* out;      // Null while nothing waits to be sent.
    uint32_t deadline;  // Tick; the timer may fire earlier and is then set anew.
    uint32_t requests;  // Heads read so far.
  };
  static_assert(sizeof(Data) <= runtime::Endpoint::kOwnerBytes);

  // Endpoint::owner_state: a state and flags.
  enum State : uint16_t {
    kReading = 0,    // Between requests, or within one that is incomplete.
    kHandling = 1,   // A handler runs or is suspended: the connection can't be closed.
    kSending = 2,    // Nothing is read until the out queue is empty.
    kLingering = 3,  // Both sides are told that it is over; what still comes is dropped.
    kDropping = 4,   // The rest of a request's body is dropped behind the answer.
    kStateMask = 7,
    kCloseWhenSent = 8,     // With kSending.
    kCounted = 16,          // Counts against `concurrency`.
    kPerIp = 32,            // Counts against max_conns_per_ip.
    kWaitedFor = 64,        // ServeConn waits for it.
    kRefused = 128,         // Answered 503 or 429 at accept.
    kLingerLong = 256,      // Unread bytes may be under way: linger before closing.
    kHijackWhenSent = 512,  // With kSending: somebody else gets the connection then.
    kTls = 1024,            // The transport encrypts.
  };

  ServerConn(ServerLoop& server, runtime::Endpoint& endpoint)
      : server_(server), loop_(server.loop_), endpoint_(endpoint) {}

  static Data& DataOf(runtime::Endpoint& endpoint) {
    return *reinterpret_cast<Data*>(endpoint.owner);
  }

  // True of a 2xx to CONNECT: what follows on the connection is no HTTP (RFC 9110 section 9.3.6).
  static bool OpensTunnel(const Turn& turn, int status) {
    return turn.head.method_id == http1::MethodId::kConnect && status / 100 == 2;
  }

  // True if what is there to be read is for Serve, and nothing else is to be done.
  static bool Reads(runtime::Endpoint& endpoint) {
    return (endpoint.latched & kReadable) && (endpoint.owner_state & kStateMask) == kReading &&
           DataOf(endpoint).out == nullptr;
  }
  void OnOtherReady(uint8_t ready);
  void OnTimer();
  // Takes what has arrived as far as it goes: the requests of a connection that reads.
  static void Serve(ServerLoop& server, runtime::Endpoint& endpoint);

  // Flushes and begins to watch the connection before its handler suspends.
  void BeforeSuspend();
  // Queues `bytes` as the last thing to be sent, then closes.
  void Finish(std::string_view bytes);
  // Closes at once if no handler runs, else when it has returned; waits of it end with `cause`.
  void Cut(Errc cause);
  void CloseIfIdle();
  // An interim response with the Link fields of the turn's response.
  Errc SendEarlyHints(Turn& turn);

 private:
  friend class RequestStream;
  friend class ResponseStream;
  struct Budget;

  // The steps that each request takes once are compiled into Serve: hence inline. They call the
  // others on a Copy: as long as nobody gets the address of Serve's own handle, it is in registers
  // and not read again behind every call.
  ServerConn Copy() const { return ServerConn(server_, endpoint_); }

  [[gnu::always_inline]] inline void ServeRequests();
  void LetOthersGo();
  Turn& TurnOf() { return data().turn != nullptr ? *data().turn : NewTurn(); }
  Turn& NewTurn() {
    Turn* const turn = data().turn = server_.TakeTurn();
    turn->endpoint = &endpoint_;
    return *turn;
  }
  void OnReadyWhileHandling(uint8_t ready);
  inline bool Receive(Turn& turn, Budget& budget);
  bool ReceiveMore(Turn& turn, Budget& budget);
  inline bool Took(Turn& turn, Budget& budget, IoResult received);
  inline IoResult ReceiveHead(Turn& turn);
  IoResult ReceiveBody(Turn& turn);
  IoResult ReceiveInto(std::span<char> room);
  inline std::span<char> RoomForHead(Turn& turn);
  std::span<char> RoomBehindHead(Turn& turn);
  std::span<char> RoomForBody(Turn& turn);
  void CommitBody(Turn& turn, size_t n);
  inline Errc ReadRequest(Turn& turn);
  inline Errc ParseHead(Turn& turn);
  Errc ParseLongHead(Turn& turn);
  inline Errc BeginRequest(Turn& turn);
  inline Errc BeginBody(Turn& turn);
  Errc ReadBody(Turn& turn);
  Errc ReadLengthBody(Turn& turn);
  Errc ReadChunkedBody(Turn& turn);
  Errc EndTrailers(Turn& turn);
  Errc BeginBodyStream(Turn& turn);
  Errc TakeBody(Turn& turn, std::span<char> into, size_t* n);
  Errc TakeChunked(Turn& turn, std::span<char> into, size_t* n);
  static bool CanDropRest(const Turn& turn);
  void DropRest();
  Errc SendContinue(Turn& turn);
  inline bool CallHandler(Turn& turn);
  bool AfterUnusual(Turn& turn);
  bool IsToBeHijacked(const Turn& turn);
  void HandOver();
  void AnswerLate(Turn& turn);
  void WakeStreams(Turn& turn);
  void GoOn(bool keep_alive, std::unique_ptr<HijackRequest> hijack);
  void PartFrom(Turn& turn);
  void AnswerException(Turn& turn, std::string_view what);
  bool Serialize(Turn& turn, Response& response);
  inline void Answer(Turn& turn);
  inline bool EndsConnection(const Response& response);
  bool KeepsAlive(const Turn& turn, const Response& response);
  static bool IsLastAnswer(const Turn& turn, int status);
  static bool LacksBody(const Turn& turn, const Response& response);
  inline bool SerializePlain(Turn& turn, const Response& response);
  inline void SendAtOnce(char* answer, char* end);
  void QueueRest(const iovec& answer, IoResult taken);
  void SerializeAny(Turn& turn, Response& response, bool close);
  void SendLarge(OutQueue& out, Response& response);
  void DescribeHead(Turn& turn, Response& response, http1::ResponseHeadView& view);
  void AnnounceTrailers(Turn& turn, const TrailerList& trailers, http1::ResponseHeadView& view);
  void SendBodyStream(Turn& turn);
  Errc SendFromReader(Turn& turn, BodyReader& reader, int64_t size);
  ResponseStream::Plan SerializeStreamHead(Turn& turn);
  void EndRequest(Turn& turn) { turn.EndRequest(loop_.tick()); }
  void OnEnd(Turn& turn, Errc errc);
  void Reject(Turn& turn, Errc errc);

  OutQueue& Out() {
    if (data().out == nullptr) data().out = server_.TakeOut();
    return *data().out;
  }
  Errc Flush();
  Errc FlushRest(IoResult first);
  bool SendNow(Turn& turn);
  void LoseClient(Turn& turn);
  void FlushOrWait();
  inline void ParkIdle(Turn& turn);
  void Park(Turn& turn);
  void Rest();
  bool IsBetweenRequests();
  void ReleaseTurn() {
    Turn* const turn = std::exchange(data().turn, nullptr);
    if (turn == nullptr) return;
    turn->progress = {};
    server_.GiveTurn(turn);
  }
  void CloseWhenSent() {
    if (data().out == nullptr) return EndConnection();
    CloseBehindRest();
  }
  void CloseBehindRest();
  void EndConnection();
  inline void Disconnect(bool reset);
  void LeavePeer();
  void Linger();
  void DrainLingering();
  void Close(bool reset);
  bool PeerHasLeft();

  uint32_t IdleDeadline() const { return loop_.tick() + server_.limits_.idle_ms; }
  uint32_t NextDeadline();
  uint32_t HeadStarted();
  inline void SetDeadline(uint32_t deadline);
  void Rearm() { SetDeadline(NextDeadline()); }
  inline bool ArmIfNeeded();

  Data& data() { return DataOf(endpoint_); }
  State state() const { return static_cast<State>(endpoint_.owner_state & kStateMask); }
  bool Is(State flag) const { return (endpoint_.owner_state & flag) != 0; }
  void Set(State flag) { endpoint_.owner_state |= flag; }
  void SetState(State state) {
    endpoint_.owner_state = static_cast<uint16_t>((endpoint_.owner_state & ~kStateMask) | state);
  }
  void BeginHandling() {
    FASTHTTP_DCHECK(state() == kReading, "a handler in the wrong state");
    Set(kHandling);
  }

  ServerLoop& server_;
  runtime::Loop& loop_;
  runtime::Endpoint& endpoint_;
};

// Setting a deadline is one store: the timer stays where it is if it fires early enough.
inline void ServerConn::SetDeadline(uint32_t deadline) {
  data().deadline = deadline;
  const bool late = static_cast<int32_t>(deadline - endpoint_.timer.due) >= 0;
  if (!endpoint_.timer.armed() || !late) loop_.SetTimer(endpoint_, deadline);
}

inline bool ServerConn::ArmIfNeeded() {
  if (!endpoint_.armed) {
    endpoint_.armed = endpoint_.conn->Arm(endpoint_.token(loop_)) == Errc::kOk;
  }
  return endpoint_.armed;
}

// What a readable connection has: more than no bytes; kAgain; kUnexpectedEof; or the transport's
// error.
inline IoResult ServerConn::ReceiveInto(std::span<char> room) {
  const IoResult result = endpoint_.conn->TryRecv(room);
  if (!result.ok()) {
    if (result.again()) endpoint_.latched &= ~kReadable;
    return result;
  }
  const size_t n = result.bytes();
  if (n == 0) return IoResult::Error(Errc::kUnexpectedEof);
  // A short read means drained, unless the end was announced: no second event would come for it.
  if (n < room.size() && !(endpoint_.latched & kHangup) && !base::chaos_enabled) {
    endpoint_.latched &= ~kReadable;
  }
  ServerLoop::Count(server_.counters_.received, n);
  return result;
}

}  // namespace fasthttp

#endif  // FASTHTTP_SERVER_CONN_H_
