// HeldLocks: ends a test in which a handler holds a mutex across a call that may wait.
//
// The next handler that wants that mutex runs on the same thread: it stops the whole loop, for
// ever. That needs the two to meet, so it passes every test and happens in production. With this
// library linked (it is all of it: there is nothing to call; our gtest_main has it) every such call
// aborts the process, whether it would have waited or not, and names both places.
//
// It stands in front of pthread_mutex_lock, pthread_rwlock_rdlock and their likes, and so sees
// std::mutex, std::shared_mutex and everything else made of them, in all threads. A lock counts for
// the fiber on whose stack it was taken; locks of plain threads never count. It does not see
// absl::Mutex nor spin locks, and of more than 32 locks held by a loop at once only 32. Off under
// ThreadSanitizer and AddressSanitizer, which stand there themselves.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TESTING_HELD_LOCKS_H_
#define FASTHTTP_TESTING_HELD_LOCKS_H_

namespace fasthttptest {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kHeldLocksAvailable = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool kHeldLocksAvailable = false;
#else
constexpr bool kHeldLocksAvailable = true;
#endif
#else
constexpr bool kHeldLocksAvailable = true;
#endif

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_HELD_LOCKS_H_
