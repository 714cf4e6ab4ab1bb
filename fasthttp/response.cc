#include "fasthttp/response.h"

namespace fasthttp {

// One list of free objects a thread. An object goes to the pool of the thread that frees it, so
// nothing is shared; the bound keeps a thread that only frees from hoarding.
struct ResponsePool {
  static constexpr uint32_t kMax = 64;

  using Rep = Response::Rep;

  // Plain data, so that a Response that dies after the thread's other objects finds it readable.
  struct State {
    Rep* free = nullptr;
    uint32_t count = 0;
    bool watched = false;  // The reaper exists.
    bool closed = false;   // The thread is ending: free at once.
  };

  struct Reaper {
    ~Reaper() {
      state.closed = true;
      while (Rep* rep = state.free) {
        state.free = rep->next;
        delete rep;
      }
      state.count = 0;
    }
    void Touch() {}
  };

  static thread_local State state;
  static thread_local Reaper reaper;
};

constinit thread_local ResponsePool::State ResponsePool::state;
thread_local ResponsePool::Reaper ResponsePool::reaper;

Response::Rep* Response::Acquire() {
  ResponsePool::State& pool = ResponsePool::state;
  Rep* rep = pool.free;
  if (rep == nullptr) return new Rep;
  pool.free = rep->next;
  --pool.count;
  return rep;
}

void Response::Release(Rep* rep) {
  ResponsePool::State& pool = ResponsePool::state;
  if (pool.closed || pool.count == ResponsePool::kMax) {
    delete rep;
    return;
  }
  if (!pool.watched) {
    pool.watched = true;
    ResponsePool::reaper.Touch();
  }
  rep->header.Reset();
  rep->body.ClearUpTo(ResponseBodyPoolLimit());
  rep->skip_body = false;
  rep->next = pool.free;
  pool.free = rep;
  ++pool.count;
}

void Response::CopyTo(Response& to) const {
  if (rep_ == to.rep_) return;
  rep_->header.CopyTo(to.rep_->header);
  to.rep_->body.Set(rep_->body.view());
  to.rep_->skip_body = rep_->skip_body;
}

OwnedBytes Response::SwapBody(OwnedBytes bytes) {
  OwnedBytes old = rep_->body.Take();
  rep_->body.SetOwned(std::move(bytes));
  return old;
}

}  // namespace fasthttp
