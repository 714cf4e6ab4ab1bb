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
  Request get;      // Of Get: nothing but its URL is ever set, so that it needs no reset.
  Request request;  // Of Post, and of a redirect.
  bool used_request = false;
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

  ClientCall* TakeCall() {
    ClientCall* call = free_calls_;
    if (call == nullptr) return NewCall();
    free_calls_ = call->next;
    --free_call_count_;
    return call;
  }
  void GiveCall(ClientCall* call) {
    call->wire.Clear();
    if (call->used_request) ResetRequest(*call);
    if (free_call_count_ == kMaxFreeCalls) return DeleteCall(call);
    call->next = free_calls_;
    free_calls_ = call;
    ++free_call_count_;
  }

 private:
  static constexpr size_t kMaxFreeCalls = 256;

  ClientCall* NewCall();
  static void DeleteCall(ClientCall* call);
  static void ResetRequest(ClientCall& call);
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

  WireRequest& wire() { return call_->wire; }
  // A new one.
  Request& request() {
    call_->used_request = true;
    return call_->request;
  }
  // A GET of `url`.
  const Request& get(std::string_view url) {
    if (url.size() > kLongUrl) {
      request().SetRequestURI(url);
      return call_->request;
    }
    call_->get.SetRequestURI(url);
    return call_->get;
  }

 private:
  static constexpr size_t kLongUrl = 4096;  // What a longer one takes is given back.

  ClientLoop& owner_;
  ClientCall* const call_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_LOOP_H_
