// FASTHTTP_CHECK: an invariant whose violation ends the process with one sentence.
//
// For the library's own invariants and for misuse that would corrupt memory. Never for anything a
// peer can cause. FASTHTTP_DCHECK costs nothing under NDEBUG.
#ifndef FASTHTTP_BASE_CHECK_H_
#define FASTHTTP_BASE_CHECK_H_

namespace fasthttp::base {

// Prints "file:line: message" to stderr with a write(2) and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* message);

}  // namespace fasthttp::base

#define FASTHTTP_CHECK(condition, message)           \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::fasthttp::base::CheckFailed(__FILE__, __LINE__, message))

#ifdef NDEBUG
#define FASTHTTP_DCHECK(condition, message) static_cast<void>(0 && (condition))
#else
#define FASTHTTP_DCHECK(condition, message) FASTHTTP_CHECK(condition, message)
#endif

#endif  // FASTHTTP_BASE_CHECK_H_
