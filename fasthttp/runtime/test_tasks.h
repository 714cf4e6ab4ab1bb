// What the tests of this package start their fibers with.
#ifndef FASTHTTP_RUNTIME_TEST_TASKS_H_
#define FASTHTTP_RUNTIME_TEST_TASKS_H_

#include <deque>
#include <functional>
#include <utility>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {

// A task made of a function. It must live until it has run, which `done` tells.
class FunctionTask final : public Task {
 public:
  explicit FunctionTask(std::function<void(Loop&)> function) : function_(std::move(function)) {}
  void Run(Loop& loop) override {
    function_(loop);
    done = true;
  }
  void BeforeSuspend() override { ++suspensions; }

  bool done = false;
  int suspensions = 0;

 private:
  std::function<void(Loop&)> function_;
};

// Tasks that live as long as the test.
class TaskList {
 public:
  FunctionTask& Spawn(Loop& loop, std::function<void(Loop&)> function) {
    FunctionTask& task = tasks_.emplace_back(std::move(function));
    loop.Spawn(task);
    return task;
  }
  bool AllDone() const {
    for (const FunctionTask& task : tasks_) {
      if (!task.done) return false;
    }
    return true;
  }

 private:
  std::deque<FunctionTask> tasks_;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_TEST_TASKS_H_
