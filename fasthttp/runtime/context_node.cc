#include "fasthttp/runtime/context_node.h"

#include "absl/container/inlined_vector.h"

namespace fasthttp::runtime {

ContextNode::ContextNode(ContextNode* parent, bool cancellable, int64_t deadline,
                         Errc timeout_cause)
    : timeout_cause_(timeout_cause),
      parent_(parent),
      source_(cancellable ? this : nullptr),
      deadline_(deadline) {
  if (parent == nullptr) return;
  parent->Ref();
  if (!cancellable) return;
  if (parent->deadline_ <= deadline) {
    deadline_ = parent->deadline_;
    timeout_cause_ = parent->timeout_cause_;
  }
  ContextNode* above = parent->source_;
  if (above == nullptr) return;
  std::lock_guard<std::mutex> lock(above->mutex_);
  cause_.store(above->cause_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  why_ = above->why_;
  next_ = above->children_;
  if (next_ != nullptr) next_->previous_ = this;
  above->children_ = this;
}

ContextNode::ContextNode(ContextNode* parent, const void* key, const void* value)
    : timeout_cause_(parent == nullptr ? Errc::kTimeout : parent->timeout_cause_),
      parent_(parent),
      source_(parent == nullptr ? nullptr : parent->source_),
      deadline_(parent == nullptr ? kNoDeadline : parent->deadline_),
      key_(key),
      value_(value) {
  if (parent != nullptr) parent->Ref();
}

ContextNode::~ContextNode() {
  if (ContextHook* hook = attached_.load(std::memory_order_relaxed)) destroy_attached_(hook);
  ContextNode* above = source_ == this && parent_ != nullptr ? parent_->source_ : nullptr;
  if (above == nullptr) return;
  std::lock_guard<std::mutex> lock(above->mutex_);
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : above->children_) = next_;
}

ContextNode* ContextNode::WithCancel(ContextNode* parent, int64_t deadline, Errc timeout_cause) {
  return new ContextNode(parent, /*cancellable=*/true, deadline, timeout_cause);
}

ContextNode* ContextNode::WithoutCancel(ContextNode* parent) {
  return new ContextNode(parent, /*cancellable=*/false, kNoDeadline, Errc::kTimeout);
}

// A loop, for chains may be longer than a stack.
void ContextNode::Unref(ContextNode* node) {
  while (node != nullptr && node->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    ContextNode* parent = node->parent_;
    delete node;
    node = parent;
  }
}

bool ContextNode::TryRef() {
  uint32_t count = references_.load(std::memory_order_relaxed);
  while (count != 0) {
    if (references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

// No lock is held while another node's is taken, and the depth of the tree is no depth of stack.
void ContextNode::Cancel(Errc cause, int64_t now, const absl::Status& why) {
  if (source_ == nullptr) return;
  absl::InlinedVector<ContextNode*, 16> left = {source_};
  source_->Ref();
  while (!left.empty()) {
    ContextNode* node = left.back();
    left.pop_back();
    {
      std::lock_guard<std::mutex> lock(node->mutex_);
      if (node->cause_.load(std::memory_order_relaxed) == Errc::kOk) {
        const bool late = node->deadline_ <= now;
        const Errc its_cause = late ? node->timeout_cause_ : cause;
        if (!late) node->why_ = why;
        node->cause_.store(its_cause, std::memory_order_release);
        for (ContextHook* hook = node->hooks_; hook != nullptr; hook = hook->next_) {
          hook->OnCancel(its_cause);
        }
        // One whose last reference is gone already waits for this lock, and needs no telling.
        for (ContextNode* child = node->children_; child != nullptr; child = child->next_) {
          if (child->TryRef()) left.push_back(child);
        }
      }
    }
    Unref(node);
  }
}

absl::Status ContextNode::why() const {
  if (source_ == nullptr) return absl::OkStatus();
  std::lock_guard<std::mutex> lock(source_->mutex_);
  return source_->why_;
}

const void* ContextNode::Find(const void* key) const {
  const ContextNode* node = this;
  while (node != nullptr && node->key_ != key) node = node->parent_;
  return node == nullptr ? nullptr : node->value_;
}

Errc ContextNode::Hook(ContextHook& hook) {
  if (source_ == nullptr) return Errc::kOk;
  std::lock_guard<std::mutex> lock(source_->mutex_);
  Errc cause = source_->cause_.load(std::memory_order_relaxed);
  if (cause == Errc::kOk) source_->Link(hook);
  return cause;
}

void ContextNode::Link(ContextHook& hook) {
  hook.next_ = hooks_;
  if (hook.next_ != nullptr) hook.next_->previous_ = &hook;
  hooks_ = &hook;
}

void ContextNode::Unhook(ContextHook& hook) {
  if (source_ == nullptr) return;
  std::lock_guard<std::mutex> lock(source_->mutex_);
  if (hook.previous_ == nullptr && source_->hooks_ != &hook) return;  // It was never hooked.
  if (hook.next_ != nullptr) hook.next_->previous_ = hook.previous_;
  (hook.previous_ != nullptr ? hook.previous_->next_ : source_->hooks_) = hook.next_;
  hook.next_ = hook.previous_ = nullptr;
}

ContextHook* ContextNode::Attach(ContextHook* hook, void (*destroy)(ContextHook*)) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (ContextHook* first = attached_.load(std::memory_order_relaxed)) {
    lock.unlock();
    destroy(hook);
    return first;
  }
  destroy_attached_ = destroy;
  attached_.store(hook, std::memory_order_release);
  Errc cause = cause_.load(std::memory_order_relaxed);
  cause == Errc::kOk ? Link(*hook) : hook->OnCancel(cause);
  return hook;
}

}  // namespace fasthttp::runtime
