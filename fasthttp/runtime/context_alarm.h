// ContextAlarm: ends a context at its deadline, for those who wait for that on Done().
//
// Blocking calls know the deadline as a number and need none of this. The alarm is shared by the
// context, which may die on any thread, and the loop whose timer it is, which may stop before.
//
// Thread class: Start and Release are thread-safe, the rest is for the loop.
#ifndef FASTHTTP_RUNTIME_CONTEXT_ALARM_H_
#define FASTHTTP_RUNTIME_CONTEXT_ALARM_H_

#include <mutex>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/context_node.h"
#include "fasthttp/runtime/wait.h"

namespace fasthttp::runtime {

class ContextAlarm final : public Wait {  // A Wait without a fiber.
 public:
  ContextAlarm(const ContextAlarm&) = delete;
  ContextAlarm& operator=(const ContextAlarm&) = delete;

  // Makes one for `context`, which calls Release when it dies. `loop` ends it with kDraining if it
  // ends before.
  static ContextAlarm* Start(Loop& loop, ContextNode& context);
  void Release();

 private:
  friend class Loop;
  ContextAlarm(Loop& loop, ContextNode& context);
  ~ContextAlarm() = default;

  // Of the loop: ends the context and leaves this to it. False if the context has gone, and with
  // that a message is under way to Disarm this.
  bool End(Errc cause, int64_t now);

  ContextAlarm* previous_ = nullptr;  // Among the loop's.
  ContextAlarm* next_ = nullptr;
  std::mutex mutex_;
  Loop* loop_;            // Guarded by mutex_; null: the loop is through with it.
  ContextNode* context_;  // Guarded by mutex_; null: the context is gone.
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_CONTEXT_ALARM_H_
