#include "fasthttp/runtime/context_alarm.h"

#include <utility>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

ContextAlarm::ContextAlarm(Loop& loop, ContextNode& context) : loop_(&loop), context_(&context) {
  deadline = context.deadline();
}

ContextAlarm* ContextAlarm::Start(Loop& loop, ContextNode& context) {
  auto* alarm = new ContextAlarm(loop, context);
  if (Loop::Current() == &loop) {
    loop.Arm(*alarm);
  } else {
    loop.Post([](Loop& to, void* a, uint64_t, uint64_t) { to.Arm(*static_cast<ContextAlarm*>(a)); },
              alarm);
  }
  return alarm;
}

void ContextAlarm::Release() {
  std::unique_lock<std::mutex> lock(mutex_);
  context_ = nullptr;
  if (loop_ == nullptr) {
    lock.unlock();
    delete this;
  } else {
    // Under the lock, which the loop takes before it goes.
    loop_->Post([](Loop& loop, void* a, uint64_t,
                   uint64_t) { loop.Disarm(*static_cast<ContextAlarm*>(a)); },
                this);
  }
}

bool ContextAlarm::End(Errc cause, int64_t now) {
  ContextNode* context;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    context = context_;
    if (context == nullptr) return false;
    loop_->Unlink(*this);
    loop_ = nullptr;
    // One without references is about to call Release.
    if (!context->TryRef()) return true;
  }
  context->Cancel(cause, now);
  ContextNode::Unref(context);
  return true;
}

}  // namespace fasthttp::runtime
