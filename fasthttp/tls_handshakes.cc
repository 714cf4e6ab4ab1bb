#include "fasthttp/tls_handshakes.h"

#include <openssl/err.h>

#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fasthttp/error.h"
#include "fasthttp/hijack.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/task.h"
#include "fasthttp/tls_certificate.h"

namespace fasthttp::internal {
namespace {

using runtime::Endpoint;
using runtime::Loop;

// A client that is refused reads why, unless a reset overtakes it: this much of what it has sent is
// taken before the close.
constexpr int kDropReads = 8;

void Count(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

struct TLSHandshakes::Running {
  TLSConn* conn = nullptr;
  Endpoint* endpoint = nullptr;
  bool counts = false;  // By peers_.
  TLSHandshake handshake;
  std::shared_ptr<Helper> helper;  // While a task works for it.
  Running* newer = nullptr;
  Running* older = nullptr;
};

// Shared by a handshake and the task that works for it, which may outlive it.
struct TLSHandshakes::Helper {
  Running* running = nullptr;  // Null once the handshake has ended.
  runtime::SpawnedTask* task = nullptr;
};

TLSHandshakes::Running& TLSHandshakes::RunningOf(Endpoint& endpoint) {
  Running* running;
  std::memcpy(&running, endpoint.owner, sizeof running);
  return *running;
}

// --- Begin ------------------------------------------------------------------------------------

void TLSHandshakes::Begin(Accepted& accepted) {
  const Addr remote = accepted.conn != nullptr ? accepted.conn->RemoteAddr() : accepted.remote;
  const bool counts = peers_ != nullptr;
  if (counts && !peers_->CountPeer(remote)) {
    Count(context_->counters.refused);
    if (accepted.conn != nullptr) return accepted.conn->Close(/*reset=*/true);
    alignas(runtime::SocketConn) unsigned char room[sizeof(runtime::SocketConn)];
    return (new (room) runtime::SocketConn(accepted.fd, remote))->Close(/*reset=*/true);
  }
  if (count_ >= context_->settings().max_handshakes && oldest_ != nullptr) {
    Count(context_->counters.pushed_out);
    Fail(*oldest_, Errc::kOverloaded);
  }
  TLSConn* conn = accepted.conn != nullptr
                      ? TLSConn::Make(context_->ssl_context(), *accepted.conn)
                      : TLSConn::Make(context_->ssl_context(), accepted.fd, accepted.remote);
  Endpoint* endpoint = conn == nullptr ? nullptr : loop_.Open(conn, this);
  if (endpoint == nullptr) {
    if (counts) peers_->UncountPeer(remote);
    if (conn != nullptr) conn->Close(/*reset=*/true);
    return;
  }
  auto* running = new Running;
  running->conn = conn;
  running->endpoint = endpoint;
  running->counts = counts;
  running->handshake.remote = remote;
  static_assert(sizeof running <= Endpoint::kOwnerBytes);
  std::memcpy(endpoint->owner, &running, sizeof running);
  running->older = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer) = running;
  newest_ = running;
  ++count_;
  const absl::Duration limit = context_->settings().handshake_timeout;
  if (limit > absl::ZeroDuration() && limit < absl::Hours(24)) {
    loop_.SetTimer(*endpoint, loop_.TickAt(loop_.now() + absl::ToInt64Nanoseconds(limit)));
  }
  context_->Prepare(*conn, running->handshake);
  GoOn(*running);
}

void TLSHandshakes::SetPeerLimit(PeerLimit* limit) {
  auto forget = [this](TLSConn* conn, bool& counts) {
    if (std::exchange(counts, false)) peers_->UncountPeer(conn->RemoteAddr());
  };
  if (peers_ != limit) {
    for (Running* running = oldest_; running != nullptr; running = running->newer) {
      forget(running->conn, running->counts);
    }
    for (Done& done : done_) forget(done.conn, done.counts);
  }
  peers_ = limit;
}

// --- On the way -------------------------------------------------------------------------------

void TLSHandshakes::OnReady(Endpoint& endpoint, uint8_t) {
  Running& running = RunningOf(endpoint);
  // A helper goes on with it when it is done.
  if (running.helper == nullptr) GoOn(running);
}

void TLSHandshakes::OnTimer(Endpoint& endpoint) {
  Count(context_->counters.timed_out);
  Fail(RunningOf(endpoint), Errc::kTlsHandshakeTimeout);
}

void TLSHandshakes::GoOn(Running& running) {
  std::string detail;
  Errc errc = running.conn->Handshake(&detail);
  if (errc == Errc::kNeedMore) {
    Help(running);
    errc = Errc::kAgain;
  }
  if (errc == Errc::kAgain && !running.endpoint->armed) {
    running.endpoint->armed = running.conn->Arm(running.endpoint->token(loop_)) == Errc::kOk;
    if (!running.endpoint->armed) errc = Errc::kIo;
  }
  if (errc == Errc::kAgain) return;
  if (errc == Errc::kOk && SSL_session_reused(&running.conn->ssl()) == 1 &&
      !context_->MayResume(running.conn->ssl(), running.handshake)) {
    errc = Errc::kBadCertificate;
  }
  if (errc == Errc::kOk) return Finish(running);
  if (running.handshake.problem.empty()) running.handshake.problem = std::move(detail);
  Fail(running, errc);
}

// A callback asked for something that may block.
void TLSHandshakes::Help(Running& running) {
  TLSHandshake& handshake = running.handshake;
  if (handshake.hook == TLSHandshake::kWanted) {
    handshake.hook = TLSHandshake::kUnderWay;
    SpawnHelper(running, [context = context_, hello = handshake.hello] {
      absl::StatusOr<std::shared_ptr<const TLSCertificate>> answer = nullptr;
      try {
        answer = context->settings().get_certificate(hello);
      } catch (...) {
        answer = ToStatus(Errc::kHandlerException);
      }
      return [answer = std::move(answer)](TLSHandshake& h) mutable {
        h.answer = std::move(answer);
        h.hook = TLSHandshake::kAnswered;
      };
    });
  } else if (handshake.signature.state == OffloadedSignature::kWanted) {
    handshake.signature.state = OffloadedSignature::kUnderWay;
    SpawnHelper(
        running, [certificate = handshake.certificate, algorithm = handshake.signature.algorithm,
                  input = std::move(handshake.signature.input)] {
          std::string output;
          Offload([&] { output = SignWith(*certificate->key_pair().key, algorithm, input); });
          return [output = std::move(output)](TLSHandshake& h) mutable {
            h.signature.output = std::move(output);
            h.signature.state = OffloadedSignature::kMade;
          };
        });
  }
}

// `work` runs on a fiber; what it returns is called with the handshake, if that is still there.
template <typename Work>
void TLSHandshakes::SpawnHelper(Running& running, Work work) {
  auto helper = std::make_shared<Helper>();
  helper->running = &running;
  running.helper = helper;
  auto run = [helper, work = std::move(work), loop = &loop_]() mutable {
    auto report = work();
    if (helper->running == nullptr) return;
    Running& still_there = *helper->running;
    report(still_there.handshake);
    still_there.helper = nullptr;
    loop->QueueReady(still_there.endpoint->slot, still_there.endpoint->generation, kResume);
  };
  helper->task = runtime::SpawnedTask::Make(std::move(run), Nobody(), nullptr);
  loop_.Spawn(*helper->task);
}

// --- The end ----------------------------------------------------------------------------------

// The handshake is over; its connection is left.
TLSConn* TLSHandshakes::Release(Running& running) {
  (running.newer == nullptr ? newest_ : running.newer->older) = running.older;
  (running.older == nullptr ? oldest_ : running.older->newer) = running.newer;
  --count_;
  if (running.helper != nullptr) {
    running.helper->running = nullptr;
    loop_.Cancel(*running.helper->task, Errc::kCancelled);
  }
  TLSConn* conn = running.conn;
  SSL_set_app_data(&conn->ssl(), nullptr);
  conn->LeaveEndpoint();
  loop_.Release(*running.endpoint);
  delete &running;
  return conn;
}

void TLSHandshakes::Finish(Running& running) {
  const bool counts = running.counts;
  TLSConn* conn = Release(running);
  Count(context_->counters.handshakes);
  if (SSL_session_reused(&conn->ssl()) == 1) Count(context_->counters.resumed);
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&conn->ssl(), &protocol, &size);
  std::shared_ptr<const NextProtoFunc> hook;
  if (size != 0) hook = context_->ProtocolHook({reinterpret_cast<const char*>(protocol), size});
  done_.push_back({conn, counts, std::move(hook)});
  Notify();
}

bool TLSHandshakes::TakeDone(Accepted& into) {
  if (done_.empty()) return false;
  Done done = std::move(done_.front());
  done_.pop_front();
  into.conn = done.conn;
  into.remote = done.conn->RemoteAddr();
  into.counts = done.counts;
  into.handler = nullptr;
  if (done.hook == nullptr) return true;
  into.handler = [conn = done.conn, hook = std::move(done.hook)](HijackedConn& hijacked) {
    const TLSConnectionState state = *conn->TLSState();  // The hook may close it.
    (*hook)(hijacked, state);
  };
  return true;
}

void TLSHandshakes::Fail(Running& running, Errc errc) {
  Count(context_->counters.failed);
  const Addr remote = running.handshake.remote;
  const std::string problem = std::move(running.handshake.problem);
  const bool counts = running.counts;
  TLSConn* conn = Release(running);
  if (problem == "HTTP_REQUEST") AnswerPlainHttp(*conn);
  const bool told = errc == Errc::kTlsHandshakeFailed || errc == Errc::kBadCertificate;
  if (told) {
    Conn& inner = conn->inner();
    inner.ShutdownWrite();
    char dropped[4096];
    for (int i = 0; i < kDropReads; ++i) {
      IoResult result = inner.TryRecv(dropped);
      if (!result.ok() || result.bytes() == 0) break;
    }
  }
  Drop(conn, counts, /*reset=*/!told);
  if (!context_->settings().handshake_error) return;
  context_->settings().handshake_error(remote, ToStatus(errc, problem));
}

// A person has typed http:// for https://.
void TLSHandshakes::AnswerPlainHttp(TLSConn& conn) {
  static constexpr std::string_view kAnswer =
      "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
      "This port speaks HTTPS.\n";
  for (std::string_view rest = kAnswer; !rest.empty();) {
    iovec piece = {const_cast<char*>(rest.data()), rest.size()};
    const IoResult result = conn.inner().TrySend({&piece, 1});
    if (!result.ok()) return;
    rest.remove_prefix(result.bytes());
  }
}

void TLSHandshakes::DropAll() {
  while (oldest_ != nullptr) {
    const bool counts = oldest_->counts;
    Drop(Release(*oldest_), counts, /*reset=*/true);
  }
  for (const Done& done : std::exchange(done_, {})) Drop(done.conn, done.counts, /*reset=*/false);
}

void TLSHandshakes::Drop(TLSConn* conn, bool counts, bool reset) {
  if (counts) peers_->UncountPeer(conn->RemoteAddr());
  conn->Close(reset);
}

}  // namespace fasthttp::internal
