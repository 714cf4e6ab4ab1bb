// Other people's programs as peers of a test: to run them, to talk to them, to clean up behind
// them.
//
// Thread class: thread-compatible.
#ifndef TESTING_PEER_PROCESS_H_
#define TESTING_PEER_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp::testing {

// For whatever a peer is waited for.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// True if `program` is installed. A peer that is missing is no failure.
bool Has(std::string_view program);

#define SKIP_WITHOUT(program) \
  if (!::fasthttp::testing::Has(program)) GTEST_SKIP() << program << " is not installed"

// What a command of the shell prints, both outputs.
std::string OutputOf(const std::string& command);

// A directory that goes with its content; in /tmp, since the path of a UNIX socket must be short.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string Path(std::string_view name) const;
  // Gives the path.
  std::string Write(std::string_view name, std::string_view content) const;
  std::string Read(std::string_view name) const;

 private:
  char path_[32] = "/tmp/fasthttp_peer_XXXXXX";
};

// A program that runs as long as this object lives; both its outputs go to a file.
class Process {
 public:
  Process(std::vector<std::string> command, const std::string& output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool IsRunning() const;

 private:
  pid_t pid_ = -1;
};

// Waits until `process` accepts connections at `address`; false if it ends before.
bool Answers(const Process& process, const std::string& address, Runtime& runtime);

// What stands between `before` and `behind` in the file "output" of `directory`, once it does.
std::string AwaitAddress(const Process& process, const Directory& directory,
                         std::string_view before, std::string_view behind);

// A port of 127.0.0.1 that was free a moment ago.
std::string FreePort();

}  // namespace fasthttp::testing

#endif  // TESTING_PEER_PROCESS_H_
