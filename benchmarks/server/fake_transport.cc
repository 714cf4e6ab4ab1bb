#include "benchmarks/server/fake_transport.h"

#include <algorithm>
#include <cstring>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::benchmarks {

IoResult FakeConn::TryRecv(std::span<char> into) {
  size_t n = 0;
  while (owed_ != 0 && n < into.size()) {
    size_t piece = std::min(request_.size() - at_, into.size() - n);
    std::memcpy(into.data() + n, request_.data() + at_, piece);
    n += piece;
    at_ += piece;
    if (at_ == request_.size()) {
      at_ = 0;
      --owed_;
    }
  }
  return IoResult::Bytes(n);
}

IoResult FakeConn::TrySend(std::span<const iovec> from) {
  size_t n = 0;
  for (const iovec& piece : from) n += piece.iov_len;
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

FakeListener::FakeListener(std::string_view request, size_t conns, uint64_t requests,
                           uint64_t per_conn)
    : per_conn_(per_conn), budget_(requests), conns_(new FakeConn[conns]), count_(conns) {
  free_.reserve(conns);
  for (size_t i = 0; i < conns; ++i) {
    conns_[i].listener_ = this;
    conns_[i].request_ = request;
    free_.push_back(&conns_[i]);
  }
}

Errc FakeListener::TryAccept(Accepted& into) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return Errc::kListenerClosed;
  if (budget_ == 0 || free_.empty()) {
    if (budget_ == 0 && free_.size() == count_) {
      closed_ = true;
      for (const ReadyToken& token : tokens_) token.Notify(kReadable);
      return Errc::kListenerClosed;
    }
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].loop == runtime::Loop::Current()) starved_[i] = true;
    }
    return Errc::kAgain;
  }
  FakeConn* conn = free_.back();
  free_.pop_back();
  conn->owed_ = std::min(per_conn_, budget_);
  conn->at_ = 0;
  budget_ -= conn->owed_;
  into.conn = conn;
  return Errc::kOk;
}

void FakeListener::TakeBack(FakeConn& conn) {
  std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(&conn);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (!starved_[i]) continue;
    starved_[i] = false;
    tokens_[i].Notify(kReadable);
  }
}

Errc FakeListener::Arm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  tokens_.push_back(token);
  starved_.push_back(false);
  return Errc::kOk;
}

void FakeListener::Disarm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].loop != token.loop || tokens_[i].slot != token.slot) continue;
    tokens_.erase(tokens_.begin() + static_cast<ptrdiff_t>(i));
    starved_.erase(starved_.begin() + static_cast<ptrdiff_t>(i));
    return;
  }
}

void FakeListener::Close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  for (const ReadyToken& token : tokens_) token.Notify(kReadable);
}

Addr FakeListener::address() const { return Addr::Named("fake", "benchmark"); }

}  // namespace fasthttp::benchmarks
