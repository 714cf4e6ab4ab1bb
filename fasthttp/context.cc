#include "fasthttp/context.h"

#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/context_alarm.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp {
namespace {

using runtime::ContextNode;

// What Done() hands out: lives as long as the node, and has the alarm for its deadline.
class DoneEvent final : public runtime::ContextHook {
 public:
  explicit DoneEvent(ContextNode& node) {
    if (node.deadline() == ContextNode::kNoDeadline) return;
    runtime::Loop* loop = runtime::Loop::Current();
    if (loop == nullptr) loop = &Runtime::Default().home();
    alarm_ = runtime::ContextAlarm::Start(*loop, node);
  }
  ~DoneEvent() {
    if (alarm_ != nullptr) alarm_->Release();
  }
  void OnCancel(Errc) override { event.Set(); }

  Event event;

 private:
  runtime::ContextAlarm* alarm_ = nullptr;
};

Errc EndOf(const ContextNode* node) {
  if (node == nullptr) return Errc::kOk;
  Errc cause = node->cancelled();
  if (cause != Errc::kOk || node->deadline() == ContextNode::kNoDeadline) return cause;
  return node->deadline() <= runtime::ClockNow() ? node->timeout_cause() : Errc::kOk;
}

// What a scope of the background is under: the task's own context must not show through.
ContextNode* BackgroundNode() {
  static ContextNode* const node = ContextNode::WithoutCancel(nullptr);
  node->Ref();
  return node;
}

// On a simulated loop the wall clock is its own.
absl::Time WallNow() {
  runtime::Loop* loop = runtime::Loop::Current();
  return loop != nullptr && loop->simulated() ? absl::FromUnixNanos(loop->now()) : absl::Now();
}

CancelContext Below(const Context& parent, int64_t deadline) {
  return ContextAccess::Adopt<CancelContext>(
      ContextNode::WithCancel(ContextAccess::Node(parent), deadline, Errc::kTimeout));
}

}  // namespace

absl::Status Context::Err() const { return ToStatus(EndOf(node_), "Context"); }

absl::Status Context::Cause() const {
  absl::Status end = Err();
  if (end.ok()) return end;
  absl::Status why = node_->why();
  return why.ok() ? end : why;
}

Event& Context::Done() const {
  static Event* const never = new Event;
  DoneEvent* done = node_ == nullptr ? nullptr : node_->Attached<DoneEvent>();
  return done == nullptr ? *never : done->event;
}

absl::Time Context::Deadline() const {
  if (node_ == nullptr || node_->deadline() == ContextNode::kNoDeadline) {
    return absl::InfiniteFuture();
  }
  return WallNow() + absl::Nanoseconds(node_->deadline() - runtime::ClockNow());
}

void CancelContext::Cancel(const absl::Status& cause) const {
  if (node_ != nullptr) node_->Cancel(Errc::kCancelled, runtime::ClockNow(), cause);
}

Context Background() { return Context(); }

Context CurrentContext() {
  ContextNode* node = runtime::CurrentTask().CurrentContext();
  if (node != nullptr) node->Ref();
  return ContextAccess::Adopt(node);
}

CancelContext WithCancel() { return WithCancel(CurrentContext()); }
CancelContext WithCancel(const Context& parent) { return Below(parent, ContextNode::kNoDeadline); }

CancelContext WithTimeout(absl::Duration timeout) { return WithTimeout(CurrentContext(), timeout); }
CancelContext WithTimeout(const Context& parent, absl::Duration timeout) {
  return Below(parent, runtime::DeadlineIn(absl::ToInt64Nanoseconds(timeout)));
}

CancelContext WithDeadline(absl::Time deadline) { return WithDeadline(CurrentContext(), deadline); }
CancelContext WithDeadline(const Context& parent, absl::Time deadline) {
  return WithTimeout(parent, deadline - WallNow());
}

Context WithoutCancel() { return WithoutCancel(CurrentContext()); }
Context WithoutCancel(const Context& parent) {
  return ContextAccess::Adopt(ContextNode::WithoutCancel(ContextAccess::Node(parent)));
}

ContextScope::ContextScope(Context context)
    : context_(context.node_ != nullptr ? std::move(context) : Context(BackgroundNode())),
      task_(runtime::CurrentTask()),
      before_(task_.scope) {
  const ContextNode& node = *context_.node_;
  task_.scope = {context_.node_, node.deadline(), node.timeout_cause()};
}

ContextScope::~ContextScope() {
  FASTHTTP_CHECK(&runtime::CurrentTask() == &task_ && task_.scope.context == context_.node_,
                 "a ContextScope must end in the function that made it, inner ones first");
  task_.scope = before_;
}

}  // namespace fasthttp
