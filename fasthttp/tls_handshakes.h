// TLSHandshakes: the handshakes of one listener that are under way on one loop.
//
// Each has an endpoint of its own while it lasts, so events and its time limit come here and not to
// the server, which gets the connection when all is agreed and sent. Nothing here blocks: what may
// (the hook that chooses a certificate, an offloaded signature) runs as a task, and the handshake
// goes on in a later step.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_TLS_HANDSHAKES_H_
#define FASTHTTP_TLS_HANDSHAKES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/spawned_task.h"
#include "fasthttp/tls_conn.h"
#include "fasthttp/tls_server_context.h"

namespace fasthttp::internal {

class TLSHandshakes final : public runtime::EventSink {
 public:
  TLSHandshakes(std::shared_ptr<TLSServerContext> context, runtime::Loop& loop)
      : context_(std::move(context)), loop_(loop) {}
  // Drops what is left.
  ~TLSHandshakes() { DropAll(); }
  TLSHandshakes(const TLSHandshakes&) = delete;
  TLSHandshakes& operator=(const TLSHandshakes&) = delete;

  runtime::Loop& loop() { return loop_; }

  // Who is told that a connection waits to be taken.
  void SetToken(const ReadyToken& token) { token_ = token; }
  // What counts connections from Begin on; null: nothing does, and those that were counted are not
  // any more.
  void SetPeerLimit(PeerLimit* limit);
  void Notify() {
    if (token_.loop != nullptr) token_.Notify(kReadable);
  }

  // Begins a handshake with what a listener has accepted.
  void Begin(Accepted& accepted);
  // A connection whose handshake is complete; false if there is none.
  bool TakeDone(Accepted& into);
  // Resets those under way and closes those that nobody has taken.
  void DropAll();

  void OnReady(runtime::Endpoint& endpoint, uint8_t ready) override;
  void OnTimer(runtime::Endpoint& endpoint) override;

 private:
  struct Running;
  struct Helper;
  struct Done {
    TLSConn* conn;
    bool counts;
    std::shared_ptr<const NextProtoFunc> hook;
  };

  static Running& RunningOf(runtime::Endpoint& endpoint);
  void GoOn(Running& running);
  void Help(Running& running);
  template <typename Work>
  void SpawnHelper(Running& running, Work work);
  void Finish(Running& running);
  void Fail(Running& running, Errc errc);
  void AnswerPlainHttp(TLSConn& conn);
  TLSConn* Release(Running& running);
  void Drop(TLSConn* conn, bool counts, bool reset);

  const std::shared_ptr<TLSServerContext> context_;
  runtime::Loop& loop_;
  ReadyToken token_;
  Running* oldest_ = nullptr;
  Running* newest_ = nullptr;
  uint32_t count_ = 0;
  PeerLimit* peers_ = nullptr;
  std::deque<Done> done_;
};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_HANDSHAKES_H_
