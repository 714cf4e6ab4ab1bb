// Context: how long a piece of work may go on, and what it should know. A tree as Go's.
//
// Nobody passes it: each request and each spawned task carries its current Context, and every
// blocking call of this library ends by it. A ContextScope narrows the current one for a while:
//
//   fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Milliseconds(300));
//   ... every call in here, and every task that it starts, has 300 ms in all ...
//
// How it ends. A Context ends once: it is cancelled (Errc::kCancelled), its deadline passes
// (Errc::kTimeout), or the Context that it was made from ends. A request's Context also ends when
// the client goes away (kClientGone), the handler's time is over (kHandlerTimeout), the server
// drains (kDraining), and, with kCancelled, when the request is done. A blocking call under an
// ended Context fails before it tries; one that waits ends at once with that cause; if what it
// waits for happens at the same moment, that wins. fasthttp::ErrcOf(status) tells the cause.
//
// What it costs. A request that never asks for its Context pays nothing. A deadline is a number: no
// timer is armed for it until something waits.
//
// When not to use it: for values that a function could take as parameters.
//
// Deadlines are of the monotonic clock; absl::Time is only how they are written. They are accurate
// to a millisecond.
//
// Thread class: Context and CancelContext are thread-safe handles, cheap to copy, and may be
// destroyed on any thread, also when the request or runtime is gone. A ContextScope belongs to the
// function that made it.
#ifndef FASTHTTP_CONTEXT_H_
#define FASTHTTP_CONTEXT_H_

#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fasthttp/runtime/context_node.h"
#include "fasthttp/runtime/task.h"
#include "fasthttp/sync.h"

namespace fasthttp {

// Names a value of type T in a Context. Its address is the name, so make it a constant of namespace
// scope, one for each kind of value:
//
//   inline constexpr fasthttp::ContextKey<std::string> kUser;
template <typename T>
class ContextKey {
 public:
  constexpr ContextKey() = default;
  ContextKey(const ContextKey&) = delete;
  ContextKey& operator=(const ContextKey&) = delete;

 private:
  [[maybe_unused]] char name_ = 0;
};

class Context {
 public:
  // The background, as Background().
  Context() = default;
  Context(const Context& from) : node_(from.node_) {
    if (node_ != nullptr) node_->Ref();
  }
  Context(Context&& from) noexcept : node_(std::exchange(from.node_, nullptr)) {}
  Context& operator=(Context from) noexcept {
    std::swap(node_, from.node_);
    return *this;
  }
  ~Context() { runtime::ContextNode::Unref(node_); }

  // OK while it lives; then why it ended, and that does not change any more.
  [[nodiscard]] absl::Status Err() const;

  // The same, or what was given to Cancel() at the Context that ended first.
  [[nodiscard]] absl::Status Cause() const;

  // Set when it ends: to wait for, also from other threads, and to Select on. As long as somebody
  // holds this Context or one below it.
  Event& Done() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

  // When it ends at the latest; InfiniteFuture if it has no deadline.
  absl::Time Deadline() const;

  // The value that WithValue() put under `key`, here or above; null if there is none. It is shared
  // by all who hold the Context: read it only, or have it synchronise itself.
  template <typename T>
  const T* Value(const ContextKey<T>& key) const ABSL_ATTRIBUTE_LIFETIME_BOUND {
    return node_ == nullptr ? nullptr : static_cast<const T*>(node_->Find(&key));
  }

  friend bool operator==(const Context& a, const Context& b) { return a.node_ == b.node_; }

 protected:
  friend class ContextScope;
  friend class ContextAccess;
  // Takes over a reference.
  explicit Context(runtime::ContextNode* node) : node_(node) {}

  runtime::ContextNode* node_ = nullptr;  // Null: the background.
};

// A Context with the right to end it, which stays with who made it: what is handed on is a Context.
class CancelContext : public Context {
 public:
  // Ends it and everything below it with kCancelled. Only the first call counts, and none once it
  // has ended. Dropping a CancelContext does not end it.
  void Cancel() const { Cancel(absl::OkStatus()); }
  // The same; Cause() tells `cause`.
  void Cancel(const absl::Status& cause) const;

 private:
  friend class ContextAccess;
  using Context::Context;
};

// Never ends, has no deadline and no values: the root.
Context Background();

// The one that the caller's blocking calls are under: of its request or task as narrowed by its
// scopes. On a plain thread, outside of any scope, the background.
Context CurrentContext();

// Each makes a Context below `parent`, or below the current one.

// Ends when it is told to, or with its parent.
[[nodiscard]] CancelContext WithCancel();
[[nodiscard]] CancelContext WithCancel(const Context& parent);

// Ends with kTimeout after `timeout` too. A deadline of the parent that is earlier stays. Zero or
// less: it has ended.
[[nodiscard]] CancelContext WithTimeout(absl::Duration timeout);
[[nodiscard]] CancelContext WithTimeout(const Context& parent, absl::Duration timeout);

// The same at a given time.
[[nodiscard]] CancelContext WithDeadline(absl::Time deadline);
[[nodiscard]] CancelContext WithDeadline(const Context& parent, absl::Time deadline);

// Has the parent's values but neither its deadline nor its end: for the cleanup of a request that
// was cancelled, and for tasks that go on after it. The end of the runtime reaches it all the same.
[[nodiscard]] Context WithoutCancel();
[[nodiscard]] Context WithoutCancel(const Context& parent);

// Carries `value` too. It is destroyed with the last Context that sees it, on that thread.
template <typename T>
[[nodiscard]] Context WithValue(const Context& parent, const ContextKey<T>& key,
                                std::type_identity_t<T> value);
template <typename T>
[[nodiscard]] Context WithValue(const ContextKey<T>& key, std::type_identity_t<T> value) {
  return WithValue(CurrentContext(), key, std::move(value));
}

// Makes `context` the current one of the calling handler, task or plain thread until the end of the
// block, for the calls it makes and the tasks it starts. Scopes nest; each must end in the function
// that made it. The end of a scope does not end its Context: a task that was spawned in it keeps
// the deadline.
class [[nodiscard]] ContextScope {
 public:
  ContextScope(Context context);  // NOLINT: `ContextScope limit = WithTimeout(...)`
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  const Context context_;
  runtime::Task& task_;
  const runtime::TaskScope before_;
};

// --- Implementation ---------------------------------------------------------------------------

// For the library: between handles and nodes.
class ContextAccess {
 public:
  static runtime::ContextNode* Node(const Context& context) { return context.node_; }
  template <typename Handle = Context>
  static Handle Adopt(runtime::ContextNode* node) {
    return Handle(node);
  }
};

namespace internal {

template <typename T>
class ValueNode final : public runtime::ContextNode {
 public:
  ValueNode(runtime::ContextNode* parent, const void* key, T value)
      : ContextNode(parent, key, &value_), value_(std::move(value)) {}

 private:
  const T value_;
};

}  // namespace internal

template <typename T>
Context WithValue(const Context& parent, const ContextKey<T>& key, std::type_identity_t<T> value) {
  return ContextAccess::Adopt(
      new internal::ValueNode<T>(ContextAccess::Node(parent), &key, std::move(value)));
}

}  // namespace fasthttp

#endif  // FASTHTTP_CONTEXT_H_
