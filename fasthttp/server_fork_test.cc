// What a child of fork() may do with a runtime: exec and exit, and nothing else.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/wire_client.h"

extern char** environ;

namespace fasthttp {
namespace {

class ForkDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// 7 if the child was ended by the library.
int EndOf(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 7 : 1;
}

TEST_F(ForkDeathTest, AChildMayNotUseTheParentsRuntime) {
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1});
        runtime.Run([] {});
        pid_t child = ::fork();
        if (child == 0) runtime.Run([] {});
        ::_exit(EndOf(child));
      },
      ::testing::ExitedWithCode(7), "used after fork");
}

TEST_F(ForkDeathTest, NorDestroyIt) {
  EXPECT_EXIT(
      {
        auto* runtime = new Runtime({.threads = 1});
        runtime->Run([] {});
        pid_t child = ::fork();
        if (child == 0) delete runtime;
        ::_exit(EndOf(child));
      },
      ::testing::ExitedWithCode(7), "used after fork");
}

TEST_F(ForkDeathTest, AChildOfAHandlerMayNotWait) {
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1});
        runtime.Run([] {
          pid_t child = ::fork();
          if (child == 0) (void)Sleep(absl::Milliseconds(1));
          ::_exit(EndOf(child));
        });
      },
      ::testing::ExitedWithCode(7), "used after fork");
}

TEST_F(ForkDeathTest, AChildOfAHandlerMayNotReturn) {
  EXPECT_EXIT(
      {
        Runtime runtime({.threads = 1});
        pid_t child = -1;
        runtime.Run([&] { child = ::fork(); });
        ::_exit(EndOf(child));
      },
      ::testing::ExitedWithCode(7), "used after fork");
}

TEST_F(ForkDeathTest, AChildMayExit) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the leak check at exit waits for locks of threads that the child has not";
#endif
  EXPECT_EXIT(
      {
        Runtime::Default().Run([] {
          pid_t child = ::fork();
          if (child == 0) std::exit(0);
          int status = 0;
          ::waitpid(child, &status, 0);
          ::_exit(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 7 : 1);
        });
      },
      ::testing::ExitedWithCode(7), "");
}

TEST_F(ForkDeathTest, ForkBeforeTheFirstUseIsFine) {
  EXPECT_EXIT(
      {
        pid_t child = ::fork();
        bool ran = false;
        Runtime({.threads = 1}).Run([&] { ran = true; });
        if (child == 0) ::_exit(ran ? 7 : 1);
        int status = 0;
        ::waitpid(child, &status, 0);
        ::_exit(ran && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

// The descriptors of this process that a new program would get.
std::vector<std::string> Inherited() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || flags & FD_CLOEXEC) continue;
    std::error_code error;
    found.push_back(
        absl::StrCat(fd, " ", std::filesystem::read_symlink(entry.path(), error).string()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What a program that was executed sees in its own table.
std::string SeenByChild() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
  const char* argv[] = {"sh", "-c", "for f in /proc/self/fd/*; do readlink $f; done", nullptr};
  pid_t child = 0;
  std::string output;
  if (::posix_spawn(&child, "/bin/sh", &actions, nullptr, const_cast<char**>(argv), environ) == 0) {
    ::close(fds[1]);
    char room[4096];
    for (ssize_t n; (n = ::read(fds[0], room, sizeof room)) > 0;) {
      output.append(room, static_cast<size_t>(n));
    }
    ::waitpid(child, nullptr, 0);
  } else {
    ::close(fds[1]);
  }
  ::close(fds[0]);
  ::posix_spawn_file_actions_destroy(&actions);
  return output;
}

TEST(ForkExecFromAHandler, KeepsOurDescriptorsFromTheNewProgram) {
  const std::vector<std::string> before = Inherited();
  std::vector<std::string> during;
  std::string seen;
  Runtime runtime({.threads = 2});
  Server server({.handler =
                     [&](RequestCtx& ctx) {
                       during = Inherited();
                       Offload([&] { seen = SeenByChild(); });
                       ctx.SetBodyString("ok");
                     },
                 .runtime = &runtime});
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok()) << address.status();
  runtime.Run([&] {
    absl::StatusOr<BlockingConn> conn = Dial(address->ToString());
    ASSERT_TRUE(conn.ok()) << conn.status();
    testing::WireClient client(*std::move(conn));
    EXPECT_EQ(client.Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  });
  EXPECT_EQ(during, before) << "a descriptor without FD_CLOEXEC";
  EXPECT_NE(seen.find("pipe:"), std::string::npos) << "the child has said nothing: " << seen;
  for (const char* ours : {"socket:", "eventpoll", "eventfd"}) {
    size_t inherited = 0;
    for (const std::string& fd : before) inherited += fd.find(ours) != std::string::npos;
    size_t found = 0;
    for (size_t at = 0; (at = seen.find(ours, at)) != std::string::npos; ++at) ++found;
    EXPECT_LE(found, inherited) << ours << " in\n" << seen;
  }
}

}  // namespace
}  // namespace fasthttp
