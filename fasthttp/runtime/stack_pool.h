// StackPool: guarded stacks for fibers, carved from slabs and given back after a burst.
//
// A slab is one mmap of 32 strides, each 64 KiB of guard below `stack_size` usable bytes. Guards
// are installed with MADV_GUARD_INSTALL (Linux 6.13), which costs no kernel mapping of its own; on
// older kernels with mprotect, which costs two mappings a stack: there all pools together make
// guards for at most three quarters of vm.max_map_count (24,573 stacks by default), and no more.
// Memory is touched only when a fiber runs on it: a trivial blocked handler measures about 4 KiB
// resident. Under valgrind each stack is registered, if its header was there at build time.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_STACK_POOL_H_
#define FASTHTTP_RUNTIME_STACK_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fasthttp::runtime {

struct Stack {
  char* bottom = nullptr;  // Lowest usable byte; the guard lies right below it.
  size_t size = 0;
  uint32_t slab = 0;

  bool Holds(const void* address) const { return bottom <= address && address < bottom + size; }
};

class StackPool {
 public:
  static constexpr size_t kStacksPerSlab = 32;
  static constexpr size_t kGuardSize = 64 * 1024;

  static bool InGuard(const Stack& stack, const void* address) {
    return stack.bottom - kGuardSize <= address && address < stack.bottom;
  }

  // `stack_size` is rounded up to pages. `premade` stacks are mapped at once, so that a burst of
  // blocking handlers does not pay the mmap, and are never given back.
  StackPool(size_t stack_size, size_t premade);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // A stack with its guard, or one with a null bottom if the kernel gives no more.
  Stack Allocate();

  // Whether Allocate would give one now.
  bool HasRoom() { return HasFree() || AddSlab(); }
  bool HasFree() const { return !free_.empty(); }

  // Returns the stack; its pages stay resident until Trim().
  void Free(Stack stack);

  // Gives the pages of every free stack back to the kernel, and unmaps slabs beyond the premade
  // ones that have no stack in use. About 9 us a stack that was touched.
  void Trim();

  // From now on guards are made as on an older kernel.
  static void DisableGuardInstallForTest();

  size_t stack_size() const { return stack_size_; }
  size_t slab_count() const;

 private:
  struct Slab {
    char* base = nullptr;
    uint32_t used = 0;
    uint32_t protected_guards = 0;  // Made by mprotect.
    std::vector<unsigned> valgrind_ids;
  };
  bool AddSlab();
  bool Guard(char* at, Slab& slab);
  void Unmap(Slab& slab);
  void RegisterWithValgrind(Slab& slab);

  const size_t stack_size_;
  const size_t stride_;
  const size_t premade_slabs_;
  std::vector<Slab> slabs_;
  std::vector<Stack> free_;  // LIFO: the hottest stack is taken first.
  std::vector<bool> dirty_;  // Parallel to free_: touched since the last Trim.
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_STACK_POOL_H_
