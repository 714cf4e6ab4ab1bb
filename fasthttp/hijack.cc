#include "fasthttp/hijack.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fasthttp/runtime/runtime.h"

namespace fasthttp {

HijackedConn& HijackedConn::Start(runtime::Loop& loop, runtime::Endpoint& endpoint,
                                  std::string received, HijackHandler handler, HijackOwner& owner,
                                  bool keep) {
  std::shared_ptr<HijackedConn> made(new HijackedConn);
  HijackedConn& conn = *made;
  conn.self_ = std::move(made);
  conn.conn_.Adopt(loop, endpoint);
  endpoint.sink = &conn.runner_;
  conn.received_ = std::move(received);
  conn.next_handler_ = std::move(handler);
  conn.owner_ = &owner;
  conn.keep_ = keep;
  loop.Spawn(conn.runner_);
  return conn;
}

// --- The handler ------------------------------------------------------------------------------

void HijackedConn::Run(runtime::Loop& loop) {
  std::exception_ptr exception;
  if (HijackHandler handler = std::exchange(next_handler_, nullptr); conn_.is_open()) {
    try {
      std::move(handler)(*this);
    } catch (...) {
      exception = std::current_exception();
      conn_.Reset();
    }
  }
  runner_.EndTask(/*end_context=*/true);
  if (!Rest(loop)) Ended(exception);
}

// True if a further handler is to be called. What came before this step causes no event any more.
bool HijackedConn::Rest(runtime::Loop& loop) {
  if (next_handler_ == nullptr || !conn_.is_open() || draining_) return false;
  runtime::Endpoint& endpoint = *conn_.endpoint();
  if (!endpoint.armed && endpoint.conn->Arm(endpoint.token(loop)) == Errc::kOk) {
    endpoint.armed = true;
  }
  parked_ = true;
  const bool due = conn_.read_deadline() <= loop.now();
  if (!Buffered().empty() || (endpoint.latched & kHangup) || !endpoint.armed || due ||
      endpoint.conn->HasUnread()) {
    Wake();
  } else if (conn_.read_deadline() != runtime::kNoDeadline) {
    loop.SetTimer(endpoint, loop.TickAt(conn_.read_deadline()));
  }
  return true;
}

void HijackedConn::Wake() {
  parked_ = false;
  conn_.loop()->ClearTimer(*conn_.endpoint());
  conn_.loop()->Spawn(runner_);
}

// The last that this object does for itself: it may be gone.
void HijackedConn::Ended(const std::exception_ptr& exception) {
  next_handler_ = nullptr;
  if (!keep_) conn_.Close();
  std::shared_ptr<HijackedConn> self = std::move(self_);
  owner_->HijackEnded(*this, exception);
}

void HijackedConn::Drain() {
  draining_ = true;
  if (parked_) {
    parked_ = false;
    conn_.Close();
    Ended(nullptr);
  } else {
    conn_.loop()->Cancel(runner_, Errc::kDraining);
  }
}

void HijackedConn::End(bool reset) {
  runtime::Loop* loop = conn_.loop();
  if (loop == nullptr) return;
  auto end = [&] {
    reset ? conn_.Reset() : conn_.Close();
    if (std::exchange(parked_, false)) Ended(nullptr);
  };
  if (runtime::Loop::Current() == loop) return end();
  loop->owner()->RunOn(*loop, end);
}

// --- Reading ----------------------------------------------------------------------------------

IoResult HijackedConn::Read(std::span<char> into) {
  if (used_ == received_.size() || !conn_.is_open()) return conn_.Read(into);
  if (Errc cause = runtime::CancelCause(); cause != Errc::kOk) return IoResult::Error(cause);
  const size_t n = std::min(into.size(), received_.size() - used_);
  std::memcpy(into.data(), received_.data() + used_, n);
  used_ += n;
  if (used_ == received_.size()) {
    std::string().swap(received_);
    used_ = 0;
  }
  return IoResult::Bytes(n);
}

Errc HijackedConn::ReadFull(std::span<char> into) {
  while (!into.empty()) {
    IoResult result = Read(into);
    if (!result.ok()) return result.errc();
    if (result.bytes() == 0) return Errc::kUnexpectedEof;
    into = into.subspan(result.bytes());
  }
  return Errc::kOk;
}

}  // namespace fasthttp
