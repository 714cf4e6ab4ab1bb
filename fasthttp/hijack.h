// HijackedConn: a connection that a handler has taken over from the server, for another protocol.
//
//   void Upgrade(fasthttp::RequestCtx& ctx) {
//     if (!ctx.request().header().ConnectionUpgrade()) return ctx.Error("upgrade", 426);
//     ctx.SetStatusCode(fasthttp::kStatusSwitchingProtocols);
//     ctx.response().header().Set("Connection", "Upgrade");
//     ctx.response().header().Set("Upgrade", "echo");
//     ctx.Hijack([](fasthttp::HijackedConn& conn) {
//       char block[4096];
//       for (;;) {
//         fasthttp::IoResult n = conn.Read(block);
//         if (!n.ok() || n.bytes() == 0) return;
//         if (conn.Write({block, n.bytes()}) != fasthttp::Errc::kOk) return;
//       }
//     });
//   }
//
// The server has nothing to do with the connection any more: none of its limits in time, size or
// number holds, and it counts neither as open nor against `concurrency`. (One of
// TLSConfig::NextProto counts until it ends.) Set deadlines. What stays:
//   * When the hijack handler returns the connection is closed, unless it was parked, or the
//     setting `keep_hijacked_conns` is on and somebody has called Keep().
//   * An exception that leaves it resets the connection and goes to
//     RuntimeOptions::on_lost_exception.
//   * Server::Shutdown ends it: parked connections are closed at once; blocking calls of a hijack
//     handler end with kDraining from then on (a last message needs a scope of WithoutCancel), and
//     Shutdown waits for its return as it does for a request.
//
// The RequestCtx is gone by then: capture what is needed of it by value.
//
// Calls suspend the calling fiber, honour its Context, and may come from any thread as those of
// BlockingConn (conn.h), which says more of each; reads and writes may run at the same time.
//
// Thread class: thread-safe within these limits; Park only in the connection's own hijack handler.
#ifndef FASTHTTP_HIJACK_H_
#define FASTHTTP_HIJACK_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/exchange.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

// Whose connection it was. Called on its loop.
class HijackOwner {
 public:
  // The handler has returned for the last time, or never will be called again.
  virtual void HijackEnded(HijackedConn& conn, const std::exception_ptr& exception) = 0;

 protected:
  ~HijackOwner() = default;
};

class HijackedConn final : public std::enable_shared_from_this<HijackedConn> {
 public:
  HijackedConn(const HijackedConn&) = delete;
  HijackedConn& operator=(const HijackedConn&) = delete;
  ~HijackedConn() = default;

  // At least one byte, at most into.size(); 0 is the clean end. First come the bytes that the
  // server had received behind the request.
  IoResult Read(std::span<char> into);
  // Exactly into.size() bytes; kUnexpectedEof if the stream ends before.
  Errc ReadFull(std::span<char> into);
  // Those first bytes that Read has not given yet; valid until the next Read.
  std::string_view Buffered() const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return std::string_view(received_).substr(used_);
  }
  // Sends everything.
  Errc Write(std::string_view bytes) { return conn_.Write(bytes); }

  // When calls fail with kTimeout; never by default.
  void SetDeadline(absl::Time when) { conn_.SetDeadline(when); }
  void SetReadDeadline(absl::Time when) { conn_.SetReadDeadline(when); }
  void SetWriteDeadline(absl::Time when) { conn_.SetWriteDeadline(when); }

  // Ends the sending direction.
  void CloseWrite() { conn_.CloseWrite(); }
  // Ends the connection; a second call does nothing.
  void Close() { End(/*reset=*/false); }
  // The same, and what the peer has not got yet is lost: its reads fail.
  void Reset() { End(/*reset=*/true); }
  bool is_open() const { return conn_.is_open(); }

  Addr LocalAddr() { return conn_.LocalAddr(); }
  Addr RemoteAddr() { return conn_.RemoteAddr(); }

  // When the running handler has returned, `next` is called as soon as there is something to read,
  // the peer has ended, or the read deadline has passed. In between the connection holds no stack
  // and no task, about 500 bytes in all: so a server can have a million idle ones. The last call
  // counts.
  void Park(HijackHandler next) { next_handler_ = std::move(next); }

  // With `keep_hijacked_conns`, and not for those of TLSConfig::NextProto: the connection stays
  // open until the last of these is gone, or Close. Without it the object lives on, closed.
  std::shared_ptr<HijackedConn> Keep() { return shared_from_this(); }

  // --- For the server, on the connection's loop -----------------------------------------------

  // Takes over an open endpoint and calls `handler` in a step of its own. `received`: bytes that
  // are read first. The object is its own until the handler has ended.
  static HijackedConn& Start(runtime::Loop& loop, runtime::Endpoint& endpoint, std::string received,
                             HijackHandler handler, HijackOwner& owner, bool keep);
  // Ends it if it is parked, else cancels its task with kDraining.
  void Drain();
  const runtime::Task& task() const { return runner_; }

  HijackedConn* next = nullptr;  // Of its owner's.
  HijackedConn* previous = nullptr;
  std::unique_ptr<Addr> counts_as;  // Its owner's: the peer, while it counts against limits.

 private:
  // The task of the handler's calls, and where the endpoint's events go.
  class Runner final : public runtime::Task, public runtime::EventSink {
   public:
    explicit Runner(HijackedConn& conn) : conn_(conn) {}
    void Run(runtime::Loop& loop) override { conn_.Run(loop); }
    void OnReady(runtime::Endpoint&, uint8_t ready) override {
      if (conn_.parked_ && (ready & (kReadable | kHangup))) conn_.Wake();
    }
    void OnReadyBesides(runtime::Endpoint& endpoint, uint8_t ready) override {
      OnReady(endpoint, ready);
    }
    void OnTimer(runtime::Endpoint&) override {
      if (conn_.parked_) conn_.Wake();
    }

   private:
    HijackedConn& conn_;
  };

  HijackedConn() : runner_(*this) {}
  void Run(runtime::Loop& loop);
  bool Rest(runtime::Loop& loop);
  void Wake();
  void Ended(const std::exception_ptr& exception);
  void End(bool reset);

  BlockingConn conn_;
  std::string received_;
  size_t used_ = 0;  // Of received_.
  HijackHandler next_handler_;
  Runner runner_;
  HijackOwner* owner_ = nullptr;
  std::shared_ptr<HijackedConn> self_;  // While a handler runs, or will.
  bool keep_ = false;
  bool parked_ = false;
  bool draining_ = false;
};

}  // namespace fasthttp

#endif  // FASTHTTP_HIJACK_H_
