// ClientLoop: what all clients on one loop share: blocks for received bytes and the workspaces of
// calls. They are taken for as long as a call runs, so ten thousand HostClients that rest hold
// none.
//
// Thread class: loop-confined, but for Of.
#ifndef FASTHTTP_CLIENT_LOOP_H_
#define FASTHTTP_CLIENT_LOOP_H_

#include <cstddef>
#include <memory>

#include "fasthttp/base/block_pool.h"
#include "fasthttp/request.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/wire_request.h"

namespace fasthttp {

// What one call works with.
struct ClientCall {
  WireRequest wire;
  Request request;  // Of Get and Post, and of a redirect.
  ClientCall* next = nullptr;
};

class ClientLoop {
 public:
  // The one of `loop`, shared by its users. Thread-safe. The last user lets go of it on the loop.
  static std::shared_ptr<ClientLoop> Of(runtime::Loop& loop);

  explicit ClientLoop(runtime::Loop& loop);
  ~ClientLoop();
  ClientLoop(const ClientLoop&) = delete;
  ClientLoop& operator=(const ClientLoop&) = delete;

  runtime::Loop& loop() { return loop_; }
  base::BlockPool& blocks() { return blocks_; }

  ClientCall* TakeCall();
  void GiveCall(ClientCall* call);

 private:
  static constexpr size_t kMaxFreeCalls = 256;

  bool Trim();  // True: something unused is left.

  runtime::Loop& loop_;
  base::BlockPool blocks_;
  ClientCall* free_calls_ = nullptr;
  size_t free_call_count_ = 0;
  bool registered_ = false;  // With the loop, for Trim.
};

// A workspace for the life of this object.
class CallLease {
 public:
  explicit CallLease(ClientLoop& owner) : owner_(owner), call_(owner.TakeCall()) {}
  ~CallLease() { owner_.GiveCall(call_); }
  CallLease(const CallLease&) = delete;
  CallLease& operator=(const CallLease&) = delete;

  ClientCall* operator->() { return call_; }
  ClientCall& operator*() { return *call_; }

 private:
  ClientLoop& owner_;
  ClientCall* const call_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_LOOP_H_
