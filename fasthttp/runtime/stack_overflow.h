// Stack overflow, named: a handler that outgrows its stack ends the process with a sentence.
//
// The guard below a fiber's stack turns an overflow into SIGSEGV, which by itself says nothing. The
// handler here recognises an address in the guard of the fiber that runs, writes which loop and
// fiber it was, how large the stack is and what to do, and hands over to whatever handled the
// signal before: a sanitizer, a crash reporter, or the kernel with its core dump, which all see the
// fault as if nobody had been there. Other faults go to that handler untouched.
//
// A handler needs a stack of its own when the fiber's is used up: SignalStack gives the thread one.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_RUNTIME_STACK_OVERFLOW_H_
#define FASTHTTP_RUNTIME_STACK_OVERFLOW_H_

namespace fasthttp::runtime {

// Installs the handlers of SIGSEGV and SIGBUS, at the first call.
void ExplainStackOverflows();

// An alternate signal stack of 64 KiB for the calling thread, as long as the object lives. A thread
// that has one keeps its own: sanitizers install theirs.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_STACK_OVERFLOW_H_
