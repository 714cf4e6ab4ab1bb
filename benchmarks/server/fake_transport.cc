#include "benchmarks/server/fake_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fasthttp::benchmarks {

IoResult FakeConn::TryRecv(std::span<char> into) {
  const std::string_view request = listener_->load_.request;
  size_t n = 0;
  while (owed_ != 0 && n < into.size()) {
    size_t piece = std::min(request.size() - at_, into.size() - n);
    std::memcpy(into.data() + n, request.data() + at_, piece);
    n += piece;
    at_ += piece;
    if (at_ == request.size()) {
      at_ = 0;
      --owed_;
    }
  }
  return IoResult::Bytes(n);
}

IoResult FakeConn::TrySend(std::span<const iovec> from) {
  size_t n = 0;
  for (const iovec& piece : from) n += piece.iov_len;
  listener_->bytes_sent_ += n;
  return IoResult::Bytes(n);
}

// The end behind the last request is there already, as a client's FIN would be.
Errc FakeConn::Arm(const ReadyToken& token) {
  token.Notify(kReadable | kHangup);
  return Errc::kOk;
}

void FakeConn::Close(bool) { listener_->TakeBack(*this); }
Addr FakeConn::LocalAddr() const { return RemoteAddr(); }

Addr FakeConn::RemoteAddr() const {
  static constexpr uint8_t kIp[4] = {1, 2, 3, 4};
  return Addr::IPv4(kIp, 12345);
}

FakeLoad::FakeLoad(std::string_view r, uint64_t requests, uint64_t n, size_t clients, size_t loops)
    : request(r),
      per_conn(n),
      conns_per_loop(std::max<size_t>(clients / loops, 1)),
      conns(new FakeConn[conns_per_loop * loops]),
      budget(requests) {}

FakeListener::FakeListener(FakeLoad& load) : load_(load) {
  FakeConn* mine = &load.conns[load.listeners.fetch_add(1) * load.conns_per_loop];
  for (size_t i = 0; i < load.conns_per_loop; ++i) {
    mine[i].listener_ = this;
    mine[i].next_ = std::exchange(free_, &mine[i]);
  }
}

FakeListener::~FakeListener() { load_.bytes_sent.fetch_add(bytes_sent_); }

Errc FakeListener::TryAccept(Accepted& into) {
  const uint64_t requests = free_ == nullptr ? 0 : TakeRequests();
  if (requests == 0) {
    const bool done = load_.budget.load(std::memory_order_relaxed) == 0 || closed_.load();
    if (done && open_ == 0) return Errc::kListenerClosed;
    waiting_ = true;
    return Errc::kAgain;
  }
  FakeConn* conn = std::exchange(free_, free_->next_);
  ++open_;
  conn->owed_ = requests;
  conn->at_ = 0;
  into.conn = conn;
  return Errc::kOk;
}

uint64_t FakeListener::TakeRequests() {
  uint64_t left = load_.budget.load(std::memory_order_relaxed);
  uint64_t taken;
  do {
    taken = std::min(left, load_.per_conn);
  } while (taken != 0 && !load_.budget.compare_exchange_weak(left, left - taken));
  return taken;
}

void FakeListener::TakeBack(FakeConn& conn) {
  conn.next_ = std::exchange(free_, &conn);
  --open_;
  if (!waiting_) return;
  waiting_ = false;
  token_.Notify(kReadable);
}

Errc FakeListener::Arm(const ReadyToken& token) {
  token_ = token;
  return Errc::kOk;
}

}  // namespace fasthttp::benchmarks
