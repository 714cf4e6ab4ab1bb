#include "fasthttp/runtime/stop_group.h"

#include <algorithm>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

bool StopGroup::Idle(Loop& loop) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!loop.idle_) {
    loop.idle_ = true;
    ++idle_;
  }
  // Only a busy loop posts, and one that takes a post is busy before it looks empty.
  if (!over_ && idle_ == loops_.size() &&
      std::none_of(loops_.begin(), loops_.end(), [](Loop* l) { return l->has_posted(); })) {
    over_ = true;
    for (Loop* other : loops_) {
      if (other != &loop) other->Post([](Loop&, void*, uint64_t, uint64_t) {}, nullptr);
    }
  }
  return over_;
}

void StopGroup::Busy(Loop& loop) {
  std::lock_guard<std::mutex> lock(mutex_);
  loop.idle_ = false;
  --idle_;
}

}  // namespace fasthttp::runtime
