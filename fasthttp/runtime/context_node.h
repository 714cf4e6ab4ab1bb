// ContextNode: a node of the tree behind fasthttp::Context.
//
// A node ends once, by Cancel or by its deadline, and everything below it ends with it. Whoever
// waits under a node hooks itself into it for the time of the wait, so a node knows nobody in
// between and a million scopes leave nothing behind. A deadline is a number: no node holds a timer.
//
// Ownership: a node holds its parent; a parent only knows its children. The memory is malloc's, and
// the last reference may be dropped on any thread.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_CONTEXT_NODE_H_
#define FASTHTTP_RUNTIME_CONTEXT_NODE_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "fasthttp/base/errc.h"

namespace fasthttp::runtime {

// Somebody to be told when a node ends. Lives until Unhook has returned, on the waiter's stack as a
// rule.
class ContextHook {
 public:
  ContextHook() = default;
  ContextHook(const ContextHook&) = delete;
  ContextHook& operator=(const ContextHook&) = delete;

  // Called at most once, by any thread, under the node's lock: it may only queue.
  virtual void OnCancel(Errc cause) = 0;

 protected:
  ~ContextHook() = default;

 private:
  friend class ContextNode;
  ContextHook* previous_ = nullptr;
  ContextHook* next_ = nullptr;
};

class ContextNode {
 public:
  static constexpr int64_t kNoDeadline = INT64_MAX;

  // The kinds of node. `parent` may be null, which stands for the background. The caller has the
  // only reference.
  static ContextNode* WithCancel(ContextNode* parent, int64_t deadline, Errc timeout_cause);
  static ContextNode* WithoutCancel(ContextNode* parent);

  ContextNode(const ContextNode&) = delete;
  ContextNode& operator=(const ContextNode&) = delete;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  static void Unref(ContextNode* node);
  // False if the last reference is gone: for those who know the memory by other means.
  bool TryRef();

  // Ends this node and all below it, but for those that have ended, by their deadline too if that
  // is not after `now`. `why`: what Context::Cause() tells, if it is more than the cause.
  void Cancel(Errc cause, int64_t now, const absl::Status& why = absl::OkStatus());

  // Why it was cancelled; kOk while it is not. A deadline that has passed does not show here.
  Errc cancelled() const {
    return source_ == nullptr ? Errc::kOk : source_->cause_.load(std::memory_order_acquire);
  }
  absl::Status why() const;

  // In nanoseconds of the clock that it was made by; never later than the parent's.
  int64_t deadline() const { return deadline_; }
  // What the deadline ends it with.
  Errc timeout_cause() const { return timeout_cause_; }

  // The value of the nearest node with this key; null if there is none.
  const void* Find(const void* key) const;

  // kOk: `hook` is told of the end. Otherwise the cause: it has come already.
  Errc Hook(ContextHook& hook);
  // After this OnCancel neither runs nor will.
  void Unhook(ContextHook& hook);

  // A T, which is a ContextHook, that lives as long as the node and is made of it at the first
  // call; null if the node can't be cancelled.
  template <typename T>
  T* Attached() {
    if (source_ == nullptr) return nullptr;
    ContextHook* hook = source_->attached_.load(std::memory_order_acquire);
    if (hook == nullptr) {
      hook = source_->Attach(new T(*source_), [](ContextHook* h) { delete static_cast<T*>(h); });
    }
    return static_cast<T*>(hook);
  }

 protected:
  // A node with a value: it ends with its parent.
  ContextNode(ContextNode* parent, const void* key, const void* value);
  virtual ~ContextNode();

 private:
  ContextNode(ContextNode* parent, bool cancellable, int64_t deadline, Errc timeout_cause);
  void Link(ContextHook& hook);
  ContextHook* Attach(ContextHook* hook, void (*destroy)(ContextHook*));

  std::atomic<uint32_t> references_{1};
  Errc timeout_cause_ = Errc::kTimeout;
  ContextNode* const parent_;  // Referenced.
  ContextNode* const source_;  // The nearest node that can be cancelled: this, one above, or none.
  int64_t deadline_ = kNoDeadline;
  const void* const key_ = nullptr;
  const void* const value_ = nullptr;

  // Of nodes that can be cancelled.
  std::atomic<Errc> cause_{Errc::kOk};
  mutable std::mutex mutex_;
  absl::Status why_;  // Guarded by mutex_, as what follows.
  ContextHook* hooks_ = nullptr;
  ContextNode* children_ = nullptr;
  ContextNode* previous_ = nullptr;  // Among the children of the source above: guarded by its
  ContextNode* next_ = nullptr;      // mutex_.
  std::atomic<ContextHook*> attached_{nullptr};
  void (*destroy_attached_)(ContextHook*) = nullptr;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_CONTEXT_NODE_H_
