#include "fasthttp/runtime/stack_overflow.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fasthttp/runtime/loop.h"

namespace fasthttp::runtime {
namespace {

constexpr size_t kSignalStackSize = 64 * 1024;

struct sigaction before_segv;
struct sigaction before_bus;

// A line of text made without anything that a signal handler may not call.
class Line {
 public:
  Line& operator<<(const char* text) {
    while (*text != '\0' && size_ < sizeof text_) text_[size_++] = *text++;
    return *this;
  }
  Line& operator<<(uint64_t number) {
    char digits[24];
    char* at = digits + sizeof digits - 1;
    *at = '\0';
    do {
      *--at = static_cast<char>('0' + number % 10);
    } while ((number /= 10) != 0);
    return *this << at;
  }
  void Write() const {
    if (::write(STDERR_FILENO, text_, size_) < 0) {
      // Nothing is left to report it to.
    }
  }

 private:
  char text_[512];
  size_t size_ = 0;
};

bool IsOverflow(const Loop* loop, const void* address) {
  return loop != nullptr && loop->running() != nullptr &&
         loop->running()->stack().bottom != nullptr &&
         StackPool::InGuard(loop->running()->stack(), address);
}

void Explain(const Loop& loop) {
  const Fiber& fiber = *loop.running();
  Line line;
  line << "fasthttp: stack overflow: fiber " << fiber.index << " of loop " << loop.index()
       << " has used up its stack of " << fiber.stack().size
       << " bytes. Raise RuntimeOptions::stack_size, or call what needs so much through "
          "RunOnLargeStack.\n";
  line.Write();
}

void PassOn(const struct sigaction& before, int signal, siginfo_t* info, void* context) {
  if (before.sa_flags & SA_SIGINFO) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    return before.sa_handler(signal);
  }
  // The access fails again on return, now into the default. Sent by kill(), it must be sent again.
  ::signal(signal, SIG_DFL);
  if (info->si_code <= 0) ::raise(signal);
}

void OnFault(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const struct sigaction& before = signal == SIGSEGV ? before_segv : before_bus;
  const Loop* loop = Loop::Current();
  if (info->si_code > 0 && IsOverflow(loop, info->si_addr)) {
    Explain(*loop);
    // On return the access fails again, and the earlier handler sees it at first hand.
    ::sigaction(signal, &before, nullptr);
  } else {
    PassOn(before, signal, info, context);
  }
  errno = saved;
}

}  // namespace

void ExplainStackOverflows() {
  static const bool installed = [] {
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_sigaction = &OnFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGSEGV, nullptr, &before_segv);
    ::sigaction(SIGBUS, nullptr, &before_bus);
    ::sigaction(SIGSEGV, &action, nullptr);
    ::sigaction(SIGBUS, &action, nullptr);
    return true;
  }();
  static_cast<void>(installed);
}

SignalStack::SignalStack() {
  stack_t stack = {};
  if (::sigaltstack(nullptr, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0) return;
  void* memory = ::mmap(nullptr, kSignalStackSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  stack = {};
  stack.ss_sp = memory;
  stack.ss_size = kSignalStackSize;
  if (::sigaltstack(&stack, nullptr) == 0) {
    memory_ = memory;
  } else {
    ::munmap(memory, kSignalStackSize);
  }
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, kSignalStackSize);
}

}  // namespace fasthttp::runtime
