#include "fasthttp/conn.h"

#include <algorithm>
#include <new>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/socket.h"

namespace fasthttp {
namespace {

using runtime::Endpoint;
using runtime::kNoDeadline;
using runtime::Loop;

// Readiness is latched in the endpoint, and who waits asks the Conn.
class NoSink final : public runtime::EventSink {
  void OnReady(Endpoint&, uint8_t) override {}
  void OnTimer(Endpoint&) override {}
};
constinit NoSink no_sink;

}  // namespace

namespace runtime {

int64_t DeadlineOf(Loop& loop, absl::Time when) {
  if (when == absl::InfiniteFuture()) return kNoDeadline;
  const int64_t now = loop.FreshNow();
  const absl::Time wall = loop.simulated() ? absl::FromUnixNanos(now) : absl::Now();
  const int64_t left = absl::ToInt64Nanoseconds(when - wall);
  return left >= kNoDeadline - now ? kNoDeadline : now + left;
}

void OnSomeLoop(Runtime* runtime, absl::FunctionRef<void(Loop&)> function) {
  if (Loop* here = Loop::Current(); here != nullptr && here->in_user_code()) {
    function(*here);
    return;
  }
  if (runtime == nullptr) runtime = &Runtime::Default();
  runtime->Run([&] { function(*Loop::Current()); });
}

}  // namespace runtime

// --- Ownership --------------------------------------------------------------------------------

template <typename Function>
void BlockingConn::OnLoop(Function&& function) {
  if (Loop::Current() == loop_) {
    function();
    return;
  }
  FASTHTTP_CHECK(loop_->owner() != nullptr, "a connection of a loop without a runtime");
  loop_->owner()->RunOn(*loop_, function);
}

BlockingConn& BlockingConn::operator=(BlockingConn&& from) noexcept {
  if (this == &from) return *this;
  Close();
  loop_ = std::exchange(from.loop_, nullptr);
  endpoint_ = std::exchange(from.endpoint_, nullptr);
  read_deadline_ = std::exchange(from.read_deadline_, kNoDeadline);
  write_deadline_ = std::exchange(from.write_deadline_, kNoDeadline);
  return *this;
}

bool BlockingConn::Hold(Loop& loop, Endpoint* endpoint) {
  read_deadline_ = write_deadline_ = kNoDeadline;
  loop_ = endpoint == nullptr ? nullptr : &loop;
  endpoint_ = endpoint;
  return endpoint != nullptr;
}

Errc BlockingConn::Adopt(Loop& loop, Conn* conn) {
  Close();
  loop_ = &loop;
  Errc errc = Errc::kOk;
  OnLoop([&] {
    if (Hold(loop, loop.Open(conn, &no_sink))) return;
    conn->Close(/*reset=*/true);
    errc = Errc::kTooManyFiles;
  });
  return errc;
}

Errc BlockingConn::Adopt(Loop& loop, int fd, const Addr& remote) {
  Close();
  loop_ = &loop;
  Errc errc = Errc::kOk;
  OnLoop([&] {
    if (Hold(loop, loop.Open(nullptr, &no_sink))) {
      endpoint_->conn = new (endpoint_->socket) runtime::SocketConn(fd, remote);
      return;
    }
    alignas(runtime::SocketConn) unsigned char memory[sizeof(runtime::SocketConn)];
    (new (memory) runtime::SocketConn(fd, remote))->Close(/*reset=*/true);
    errc = Errc::kTooManyFiles;
  });
  return errc;
}

void BlockingConn::Adopt(Loop& loop, Endpoint& endpoint) {
  Close();
  endpoint.sink = &no_sink;
  Hold(loop, &endpoint);
}

void BlockingConn::End(bool reset) {
  if (loop_ == nullptr) return;
  OnLoop([&] {
    Endpoint* endpoint = std::exchange(endpoint_, nullptr);
    if (endpoint == nullptr) return;
    endpoint->conn->Close(reset);
    loop_->Release(*endpoint);
  });
}

// --- Reading and writing ----------------------------------------------------------------------

IoResult BlockingConn::Read(std::span<char> into) {
  IoResult result = IoResult::Error(Errc::kConnectionClosed);
  if (loop_ != nullptr) OnLoop([&] { result = ReadHere(into); });
  return result;
}

// The deadline is read anew for each wait: SetReadDeadline ends a wait to have it begin again.
IoResult BlockingConn::ReadHere(std::span<char> into) {
  Loop& loop = *loop_;
  Errc cause = loop.CancelCause();
  if (cause != Errc::kOk) return IoResult::Error(cause);
  if (base::ChaosStrikes()) loop.Yield();
  while (endpoint_ != nullptr) {
    if (into.empty()) return IoResult::Bytes(0);
    IoResult result = endpoint_->conn->TryRecv(into);
    if (!result.again()) return result;
    // Tried once more after waking: what has come wins over a deadline of the same moment.
    if (cause != Errc::kOk) return IoResult::Error(cause);
    cause = runtime::AwaitReady(loop, *endpoint_, kReadable, read_deadline_);
  }
  return IoResult::Error(Errc::kConnectionClosed);
}

Errc BlockingConn::ReadFull(std::span<char> into) {
  if (loop_ == nullptr) return Errc::kConnectionClosed;
  Errc errc = Errc::kOk;
  OnLoop([&] {
    while (!into.empty()) {
      IoResult result = ReadHere(into);
      if (!result.ok() || result.bytes() == 0) {
        errc = result.ok() ? Errc::kUnexpectedEof : result.errc();
        return;
      }
      into = into.subspan(result.bytes());
    }
  });
  return errc;
}

Errc BlockingConn::Write(std::string_view bytes) {
  Errc errc = Errc::kConnectionClosed;
  if (loop_ != nullptr) OnLoop([&] { errc = WriteHere(bytes); });
  return errc;
}

Errc BlockingConn::WriteHere(std::string_view bytes) {
  Loop& loop = *loop_;
  Errc cause = loop.CancelCause();
  if (cause != Errc::kOk) return cause;
  if (base::ChaosStrikes()) loop.Yield();
  if (endpoint_ != nullptr && write_deadline_ <= loop.now()) return Errc::kTimeout;
  while (endpoint_ != nullptr) {
    if (bytes.empty()) return Errc::kOk;
    iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
    IoResult result = endpoint_->conn->TrySend({&piece, 1});
    if (result.ok()) {
      bytes.remove_prefix(result.bytes());
      continue;
    }
    if (!result.again()) return result.errc();
    if (cause != Errc::kOk) return cause;
    cause = runtime::AwaitReady(loop, *endpoint_, kWritable, write_deadline_);
  }
  return Errc::kConnectionClosed;
}

void BlockingConn::CloseWrite() {
  if (loop_ == nullptr) return;
  OnLoop([&] {
    while (endpoint_ != nullptr) {
      endpoint_->conn->ShutdownWrite();
      if (!endpoint_->conn->HasOutput()) return;
      if (runtime::AwaitReady(*loop_, *endpoint_, kWritable, write_deadline_) != Errc::kOk) return;
    }
  });
}

Addr BlockingConn::LocalAddr() {
  Addr addr;
  if (loop_ == nullptr) return addr;
  OnLoop([&] {
    if (endpoint_ != nullptr) addr = endpoint_->conn->LocalAddr();
  });
  return addr;
}

Addr BlockingConn::RemoteAddr() {
  Addr addr;
  if (loop_ == nullptr) return addr;
  OnLoop([&] {
    if (endpoint_ != nullptr) addr = endpoint_->conn->RemoteAddr();
  });
  return addr;
}

// --- Deadlines --------------------------------------------------------------------------------

void BlockingConn::SetDeadline(absl::Time when) { SetTimes(true, true, when); }
void BlockingConn::SetReadDeadline(absl::Time when) { SetTimes(true, false, when); }
void BlockingConn::SetWriteDeadline(absl::Time when) { SetTimes(false, true, when); }

void BlockingConn::SetTimes(bool read, bool write, absl::Time when) {
  if (loop_ == nullptr) return;
  OnLoop([&] {
    const int64_t deadline = runtime::DeadlineOf(*loop_, when);
    SetDeadlineNanos(read ? deadline : read_deadline_, write ? deadline : write_deadline_);
  });
}

void BlockingConn::SetDeadlineNanos(int64_t read, int64_t write) {
  const uint8_t changed =
      (read != read_deadline_ ? kReadable : 0) | (write != write_deadline_ ? kWritable : 0);
  read_deadline_ = read;
  write_deadline_ = write;
  if (endpoint_ == nullptr) return;
  for (runtime::Wait* wait = endpoint_->waits; wait != nullptr;) {
    runtime::Wait* next = wait->next;
    if (wait->ready_mask & changed) loop_->Fire(*wait, Errc::kOk);
    wait = next;
  }
}

// --- Accepting --------------------------------------------------------------------------------

Errc AcceptOn(Loop& loop, Listener& listener, int64_t deadline, BlockingConn& into) {
  Errc cause = loop.CancelCause();
  if (cause != Errc::kOk) return cause;
  Accepted accepted;
  Errc errc = listener.TryAccept(accepted);
  if (errc == Errc::kAgain) {
    Endpoint* endpoint = loop.Open(nullptr, &no_sink);
    if (endpoint == nullptr) return Errc::kTooManyFiles;
    const ReadyToken token = endpoint->token(loop);
    errc = listener.Arm(token);
    endpoint->armed = true;
    while (errc == Errc::kOk || errc == Errc::kAgain) {
      errc = listener.TryAccept(accepted);
      if (errc != Errc::kAgain) break;
      if (cause != Errc::kOk)
        errc = cause;
      else
        cause = runtime::AwaitReady(loop, *endpoint, kReadable, deadline);
    }
    listener.Disarm(token);
    loop.Release(*endpoint);
  }
  if (errc != Errc::kOk) return errc;
  return accepted.conn != nullptr ? into.Adopt(loop, accepted.conn)
                                  : into.Adopt(loop, accepted.fd, accepted.remote);
}

absl::StatusOr<BlockingConn> Accept(Listener& listener, absl::Time deadline, Runtime* runtime) {
  BlockingConn conn;
  Errc errc = Errc::kOk;
  runtime::OnSomeLoop(runtime, [&](Loop& loop) {
    errc = AcceptOn(loop, listener, runtime::DeadlineOf(loop, deadline), conn);
  });
  if (errc != Errc::kOk) return ToStatus(errc, "accept");
  return conn;
}

}  // namespace fasthttp
