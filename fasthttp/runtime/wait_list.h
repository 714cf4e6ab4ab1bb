// WaitList: who waits for a synchronisation object, in order of arrival.
//
// Nodes lie on the blocked stacks, so waiting allocates nothing. A node whose waiter has given up
// (deadline, cancellation, another case of a Select) may still be in the list: its claim fails and
// it is dropped, so nothing is ever handed to somebody who has left.
//
// The rule by which every object of fasthttp/sync.h wakes: claim and unlink under the object's
// guard, wake after the guard is released, touch the object no more. Whoever is woken may then
// destroy it.
//
// Thread class: guarded by its owner.
#ifndef FASTHTTP_RUNTIME_WAIT_LIST_H_
#define FASTHTTP_RUNTIME_WAIT_LIST_H_

namespace fasthttp::runtime {

class Waiter;

struct WaitNode {
  explicit WaitNode(Waiter* w) : waiter(w) {}
  Waiter* waiter;
  WaitNode* next = nullptr;
  WaitNode* prev = nullptr;
  bool linked = false;
};

class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  bool empty() const { return head_ == nullptr; }
  WaitNode* front() const { return head_; }
  void PushBack(WaitNode& node);
  // No effect on a node that is not linked.
  void Remove(WaitNode& node);

  // Unlinks the first node and claims its waiter. False if that one had given up already.
  bool ClaimFront();
  // Takes the first node that can be claimed, and drops those before it; null if there is none.
  WaitNode* PopClaimed();

 private:
  WaitNode* head_ = nullptr;
  WaitNode* tail_ = nullptr;
};

// Claimed nodes, to be woken when the guard is released.
class WakeList {
 public:
  WakeList() = default;
  WakeList(const WakeList&) = delete;
  WakeList& operator=(const WakeList&) = delete;

  void Add(WaitNode& node);
  void WakeAll();

 private:
  WaitNode* head_ = nullptr;
  WaitNode** tail_ = &head_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_WAIT_LIST_H_
