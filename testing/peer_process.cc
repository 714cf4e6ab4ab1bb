#include "testing/peer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/socket.h"
#include "gtest/gtest.h"

extern char** environ;

namespace fasthttp::testing {

bool Has(std::string_view program) {
  return std::system(absl::StrCat("command -v ", program, " >/dev/null 2>&1").c_str()) == 0;
}

std::string OutputOf(const std::string& command) {
  std::FILE* pipe = ::popen(absl::StrCat("exec 2>&1; ", command).c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  std::string output;
  char room[4096];
  for (size_t n; (n = std::fread(room, 1, sizeof room, pipe)) > 0;) output.append(room, n);
  ::pclose(pipe);
  return output;
}

Directory::Directory() { EXPECT_NE(::mkdtemp(path_), nullptr); }
Directory::~Directory() { std::filesystem::remove_all(path_); }

std::string Directory::Path(std::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string Directory::Write(std::string_view name, std::string_view content) const {
  std::string path = Path(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string Directory::Read(std::string_view name) const {
  std::ifstream file(Path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Process::Process(std::vector<std::string> command, const std::string& output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  EXPECT_EQ(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
}

Process::~Process() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Process::IsRunning() const {
  siginfo_t info = {};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

bool Answers(const Process& process, const std::string& address, Runtime& runtime) {
  const absl::Time end = absl::Now() + kPatience;
  while (absl::Now() < end && process.IsRunning()) {
    if (DialTimeout(address, absl::Seconds(5), &runtime).ok()) return true;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return false;
}

std::string AwaitAddress(const Process& process, const Directory& directory,
                         std::string_view before, std::string_view behind) {
  const absl::Time end = absl::Now() + kPatience;
  while (absl::Now() < end && process.IsRunning()) {
    const std::string output = directory.Read("output");
    const size_t at = output.find(before);
    const size_t stop = at == output.npos ? at : output.find(behind, at + before.size());
    if (stop != output.npos) return output.substr(at + before.size(), stop - at - before.size());
    absl::SleepFor(absl::Milliseconds(20));
  }
  ADD_FAILURE() << directory.Read("output");
  return "";
}

std::string FreePort() {
  auto listener = runtime::Listen("127.0.0.1:0");
  EXPECT_TRUE(listener.ok()) << listener.status();
  return listener.ok() ? absl::StrCat((*listener)->address().port()) : "0";
}

}  // namespace fasthttp::testing
