// TaskCells: the memory of ended spawned tasks, kept for the next ones.
//
// Cells are operator new's and may be given to another loop than they were taken from.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_TASK_CELLS_H_
#define FASTHTTP_RUNTIME_TASK_CELLS_H_

#include <cstddef>
#include <new>
#include <vector>

#include "fasthttp/runtime/spawned_task.h"

namespace fasthttp::runtime {

class TaskCells {
 public:
  // More than this are not kept: 256 KiB a loop.
  static constexpr size_t kMostKept = 1024;

  TaskCells() { free_.reserve(kMostKept); }
  ~TaskCells() {
    for (void* cell : free_) ::operator delete(cell);
  }
  TaskCells(const TaskCells&) = delete;
  TaskCells& operator=(const TaskCells&) = delete;

  void* Take() {
    if (free_.empty()) return ::operator new(SpawnedTask::kCellBytes);
    void* cell = free_.back();
    free_.pop_back();
    return cell;
  }

  void Give(void* cell) {
    if (free_.size() == kMostKept) return ::operator delete(cell);
    free_.push_back(cell);
  }

  // Gives back half of what is unused. True: there is more.
  bool Trim() {
    for (size_t n = (free_.size() + 1) / 2; n != 0; --n) {
      ::operator delete(free_.back());
      free_.pop_back();
    }
    return !free_.empty();
  }

 private:
  std::vector<void*> free_;  // LIFO: the hottest goes first.
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_TASK_CELLS_H_
