#include "fasthttp/client_loop.h"

#include <mutex>

#include "absl/container/flat_hash_map.h"

namespace fasthttp {

// Never destroyed: clients of static storage may end after it would.
std::shared_ptr<ClientLoop> ClientLoop::Of(runtime::Loop& loop) {
  static auto* const mutex = new std::mutex;
  static auto* const all = new absl::flat_hash_map<runtime::Loop*, std::weak_ptr<ClientLoop>>;
  std::lock_guard<std::mutex> lock(*mutex);
  std::weak_ptr<ClientLoop>& known = (*all)[&loop];
  std::shared_ptr<ClientLoop> shared = known.lock();
  if (shared != nullptr) return shared;
  known = shared = std::make_shared<ClientLoop>(loop);
  absl::erase_if(*all, [](const auto& entry) { return entry.second.expired(); });
  return shared;
}

ClientLoop::ClientLoop(runtime::Loop& loop) : loop_(loop) {}

ClientLoop::~ClientLoop() {
  if (registered_) loop_.RemoveTrimmer(this);
  while (ClientCall* call = free_calls_) {
    free_calls_ = call->next;
    delete call;
  }
}

ClientCall* ClientLoop::NewCall() {
  if (!registered_) {
    registered_ = true;
    loop_.AddTrimmer([](void* self) { return static_cast<ClientLoop*>(self)->Trim(); }, this);
  }
  return new ClientCall;
}

void ClientLoop::DeleteCall(ClientCall* call) { delete call; }

void ClientLoop::ResetRequest(ClientCall& call) {
  call.request.Reset();
  call.used_request = false;
}

// One call stays: what a loop that is used now and then needs.
bool ClientLoop::Trim() {
  bool more = blocks_.Trim();
  for (size_t n = free_call_count_ / 2; n != 0; --n) {
    ClientCall* call = free_calls_;
    free_calls_ = call->next;
    --free_call_count_;
    delete call;
  }
  return more || free_call_count_ > 1;
}

}  // namespace fasthttp
