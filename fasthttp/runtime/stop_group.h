// StopGroup: loops that stop together.
//
// A task of one loop may wait for a task of another, so a loop that has nothing left may still get
// work. None stops before all of them are idle at once and no message is under way between them.
//
// Thread class: thread-safe. It lives until all its loops have stopped.
#ifndef FASTHTTP_RUNTIME_STOP_GROUP_H_
#define FASTHTTP_RUNTIME_STOP_GROUP_H_

#include <cstddef>
#include <mutex>
#include <vector>

namespace fasthttp::runtime {

class Loop;

class StopGroup {
 public:
  StopGroup() = default;
  StopGroup(const StopGroup&) = delete;
  StopGroup& operator=(const StopGroup&) = delete;

  // Before the first of them is told to stop.
  void Add(Loop& loop) { loops_.push_back(&loop); }

  // `loop` is stopping and has nothing to do. True: it may stop. False: it is to sleep until it is
  // woken; before it takes a message it calls Busy.
  bool Idle(Loop& loop);
  void Busy(Loop& loop);

 private:
  std::mutex mutex_;
  std::vector<Loop*> loops_;
  size_t idle_ = 0;  // Guarded by mutex_.
  bool over_ = false;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_STOP_GROUP_H_
