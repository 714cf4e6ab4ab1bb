// InstructionCounter: user instructions of this process, all threads started after it included.
//
// Instructions repeat within about 2 % where times vary twofold, so they are what variants are
// compared by. Needs hardware counters: available() is false in most virtual machines.
//
// Thread class: make it before the threads that it is to count.
#ifndef FASTHTTP_BENCHMARKS_INSTRUCTIONS_H_
#define FASTHTTP_BENCHMARKS_INSTRUCTIONS_H_

#include <cstdint>

namespace fasthttp::benchmarks {

class InstructionCounter {
 public:
  InstructionCounter();
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;

  bool available() const { return fd_ >= 0; }
  // So far; 0 if unavailable. Threads that have ended and those that run are both counted.
  uint64_t Read() const;

 private:
  int fd_ = -1;
};

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_INSTRUCTIONS_H_
