#include "util/inmemory_listener.h"

#include <algorithm>

#include "fasthttp/error.h"
#include "fasthttp/runtime/loop.h"
#include "util/pipe_conns.h"

namespace fasthttputil {

using fasthttp::Addr;
using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::ReadyToken;
using fasthttp::runtime::Loop;
using fasthttp::runtime::Wait;
using fasthttp::runtime::WakeToken;

// A dial that waits; it lies on the dialler's stack.
struct InmemoryListener::Request {
  Loop* loop;                // The dialler's.
  Loop* reserved = nullptr;  // The loop that alone may accept it; null: any.
  WakeToken waiter;
  const Addr* local;
  fasthttp::Conn* conn = nullptr;  // Set by the acceptor.
  bool queued = false;
  Request* next = nullptr;
};

InmemoryListener::InmemoryListener(fasthttp::Runtime* runtime)
    : runtime_(runtime), address_(Addr::Named("inmemory", "InmemoryListener")) {}

InmemoryListener::~InmemoryListener() { Close(); }

// --- Dialling ---------------------------------------------------------------------------------

absl::StatusOr<BlockingConn> InmemoryListener::Dial(absl::Time deadline) {
  return DialWithLocalAddr(Addr::Named("inmemory", "InmemoryListener"), deadline);
}

absl::StatusOr<BlockingConn> InmemoryListener::DialWithLocalAddr(const Addr& local,
                                                                 absl::Time deadline) {
  BlockingConn conn;
  Errc errc = Errc::kOk;
  auto dial = [&] {
    Loop& loop = *Loop::Current();
    errc = DialOn(loop, local, fasthttp::runtime::DeadlineOf(loop, deadline), conn);
  };
  Loop* here = Loop::Current();
  if (here != nullptr && here->in_user_code()) {
    dial();
  } else if (Loop* serving = ServingLoop()) {
    serving->owner()->RunOn(*serving, dial);
  } else {
    (runtime_ != nullptr ? *runtime_ : fasthttp::Runtime::Default()).Run(dial);
  }
  if (errc != Errc::kOk) return fasthttp::ToStatus(errc, "dial");
  return conn;
}

Errc InmemoryListener::DialOn(Loop& loop, const Addr& local, int64_t deadline, BlockingConn& into) {
  if (Errc cause = loop.CancelCause(); cause != Errc::kOk) return cause;
  Wait wait;
  Request request;
  request.loop = &loop;
  request.local = &local;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return Errc::kListenerClosed;
    if (queued_ >= kQueueLimit) return Errc::kOverloaded;
    loop.Prepare(wait);
    request.waiter = loop.TokenOf(wait);
    Enqueue(request);
    TellSomeone(request);
  }
  const Errc cause = loop.Block(wait, deadline);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (request.queued) Unlink(request);
  }
  if (request.conn != nullptr) return into.Adopt(loop, request.conn);
  const bool late = cause == Errc::kTimeout && deadline <= loop.now();
  return late ? Errc::kDialTimeout : cause;
}

Loop* InmemoryListener::ServingLoop() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (serving_.empty()) return nullptr;
  Loop* loop = serving_[next_serving_++ % serving_.size()].loop;
  return loop->owner() != nullptr ? loop : nullptr;
}

void InmemoryListener::Enqueue(Request& request) {
  *tail_ = &request;
  tail_ = &request.next;
  request.queued = true;
  ++queued_;
}

void InmemoryListener::Unlink(Request& request) {
  Request** at = &head_;
  while (*at != &request) at = &(*at)->next;
  *at = request.next;
  if (tail_ == &request.next) tail_ = at;
  request.queued = false;
  --queued_;
}

// The dialler's own loop if it serves, so that both ends are local; else the next in turn.
void InmemoryListener::TellSomeone(Request& request) {
  request.reserved = nullptr;
  if (serving_.empty()) return;
  auto own = std::find_if(serving_.begin(), serving_.end(),
                          [&](const ReadyToken& t) { return t.loop == request.loop; });
  const ReadyToken& to = own != serving_.end() ? *own : serving_[next_serving_++ % serving_.size()];
  if (own != serving_.end()) request.reserved = to.loop;
  to.Notify(fasthttp::kReadable);
}

// --- Accepting --------------------------------------------------------------------------------

Errc InmemoryListener::TryAccept(fasthttp::Accepted& into) {
  Loop* here = Loop::Current();
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return Errc::kListenerClosed;
  Request* request = head_;
  while (request != nullptr && request->reserved != nullptr && request->reserved != here) {
    request = request->next;
  }
  if (request == nullptr || here == nullptr) return Errc::kAgain;
  Unlink(*request);
  PipeEnds ends = NewPipe(*request->loop, *here, *request->local, address_);
  request->conn = ends.first;
  into.conn = ends.second;
  into.fd = -1;
  into.remote = *request->local;
  // Under the lock: the dialler's frame may go once it can take the lock.
  Loop::PostWake(request->waiter, Errc::kOk);
  return Errc::kOk;
}

Errc InmemoryListener::Arm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  serving_.push_back(token);
  if (closed_ || head_ != nullptr) token.Notify(fasthttp::kReadable);
  return Errc::kOk;
}

void InmemoryListener::Disarm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(serving_, [&](const ReadyToken& t) {
    return t.loop == token.loop && t.slot == token.slot && t.generation == token.generation;
  });
  // What was announced to that loop only is announced anew.
  for (Request* request = head_; request != nullptr; request = request->next) TellSomeone(*request);
}

Errc InmemoryListener::CloseOnce() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return Errc::kListenerClosed;
  closed_ = true;
  while (head_ != nullptr) {
    Request& request = *head_;
    Unlink(request);
    Loop::PostWake(request.waiter, Errc::kListenerClosed);
  }
  for (const ReadyToken& token : serving_) {
    token.Notify(fasthttp::kReadable | fasthttp::kHangup);
  }
  return Errc::kOk;
}

Addr InmemoryListener::address() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return address_;
}

void InmemoryListener::SetLocalAddr(const Addr& address) {
  std::lock_guard<std::mutex> lock(mutex_);
  address_ = address;
}

}  // namespace fasthttputil
