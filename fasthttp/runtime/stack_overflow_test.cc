#include "fasthttp/runtime/stack_overflow.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "gtest/gtest.h"

namespace fasthttp::runtime {
namespace {

// Uses stack until there is no more.
[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  frame[sizeof frame - 1] = frame[0];
  return depth < 0 ? 0 : Recurse(depth + 1) + frame[sizeof frame - 1];
}

void OverflowOn(const RuntimeOptions& options) {
  Runtime runtime(options);
  runtime.Run([] {
    // Also on a stack that was left and taken up again.
    (void)SleepFor(*Loop::Current(), kMillisecond);
    (void)Recurse(0);
  });
}

class StackOverflowDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE "131072"  // Sanitizers get twice as much.
constexpr bool kSanitized = true;
#else
#define STACK_SIZE "65536"
constexpr bool kSanitized = false;
#endif

TEST_F(StackOverflowDeathTest, IsNamedWithItsLoopItsSizeAndWhatToDo) {
  EXPECT_DEATH(OverflowOn({.threads = 1, .stack_size = 64 * 1024}),
               "stack overflow: fiber [0-9]+ of loop 0 has used up its stack of " STACK_SIZE
               " bytes.*RuntimeOptions::stack_size.*RunOnLargeStack");
}

TEST_F(StackOverflowDeathTest, EndsBySigsegvForWhoeverWaits) {
  if (kSanitized) GTEST_SKIP() << "sanitizers end the process themselves";
  EXPECT_EXIT(OverflowOn({.threads = 1, .stack_size = 64 * 1024}), testing::KilledBySignal(SIGSEGV),
              "stack overflow");
}

// What was there before is called, at the fault itself.
TEST_F(StackOverflowDeathTest, AnEarlierHandlerStillGetsIt) {
  EXPECT_EXIT(
      {
        struct sigaction action;
        std::memset(&action, 0, sizeof action);
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        action.sa_sigaction = [](int, siginfo_t* info, void*) {
          constexpr char kText[] = "earlier handler\n";
          if (::write(STDERR_FILENO, kText, sizeof kText - 1) < 0) ::_exit(1);
          ::_exit(info->si_addr != nullptr ? 5 : 6);
        };
        ::sigaction(SIGSEGV, &action, nullptr);
        OverflowOn({.threads = 1, .stack_size = 64 * 1024});
      },
      testing::ExitedWithCode(5), "stack overflow(.|\n)*earlier handler");
}

TEST_F(StackOverflowDeathTest, OtherFaultsAreNotExplained) {
  EXPECT_EXIT(
      {
        struct sigaction action;
        std::memset(&action, 0, sizeof action);
        action.sa_handler = [](int) { ::_exit(5); };
        ::sigaction(SIGSEGV, &action, nullptr);
        Runtime runtime({.threads = 1});
        void* page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        runtime.Run([&] { *static_cast<volatile char*>(page) = 1; });
      },
      testing::ExitedWithCode(5), "^$");
}

TEST_F(StackOverflowDeathTest, ASignalThatWasSentReachesTheDefault) {
  if (kSanitized) GTEST_SKIP() << "sanitizers end the process themselves";
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1});
        runtime.Run([] { ::raise(SIGSEGV); });
        ::_exit(0);
      },
      testing::KilledBySignal(SIGSEGV), "^$");
}

TEST_F(StackOverflowDeathTest, TheOptionLeavesTheHandlersAlone) {
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1, .explain_stack_overflow = false});
        struct sigaction before;
        ::sigaction(SIGSEGV, nullptr, &before);
        runtime.Run([] {});
        struct sigaction after;
        ::sigaction(SIGSEGV, nullptr, &after);
        ::_exit(before.sa_sigaction == after.sa_sigaction ? 7 : 0);
      },
      testing::ExitedWithCode(7), "");
}

TEST(SignalStackTest, AThreadHasOneForAsLongAsItLives) {
  std::thread([] {
    stack_t before = {};
    ASSERT_EQ(::sigaltstack(nullptr, &before), 0);
    {
      SignalStack stack;
      stack_t now = {};
      ASSERT_EQ(::sigaltstack(nullptr, &now), 0);
      EXPECT_EQ(now.ss_flags & SS_DISABLE, 0);
      // A second one finds the first and leaves it.
      SignalStack second;
      stack_t still = {};
      ASSERT_EQ(::sigaltstack(nullptr, &still), 0);
      EXPECT_EQ(still.ss_sp, now.ss_sp);
    }
    stack_t after = {};
    ASSERT_EQ(::sigaltstack(nullptr, &after), 0);
    EXPECT_EQ(after.ss_flags, before.ss_flags);
  }).join();
}

}  // namespace
}  // namespace fasthttp::runtime
