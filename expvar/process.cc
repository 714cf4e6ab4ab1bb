#include "expvar/process.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

namespace expvar::internal {
namespace {

// All of a small file of /proc; "" if it cannot be read.
std::string ReadFile(const char* path) {
  std::string text;
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return text;
}

// The numbers of a text in which spaces separate them; up to the first that is none, or negative.
std::vector<uint64_t> Numbers(std::string_view text) {
  std::vector<uint64_t> numbers;
  const char* p = text.data();
  const char* const end = p + text.size();
  for (uint64_t number; p < end;) {
    const std::from_chars_result result = std::from_chars(p, end, number);
    if (result.ec != std::errc()) break;
    numbers.push_back(number);
    p = result.ptr + 1;
  }
  return numbers;
}

// Calls f with the name and the bytes of each.
void VisitPages(absl::FunctionRef<void(std::string_view name, uint64_t bytes)> f) {
  const std::vector<uint64_t> pages = Numbers(ReadFile("/proc/self/statm"));
  const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  // proc(5): size, resident, shared, text, lib, data.
  static constexpr std::string_view kNames[] = {"virtual", "rss", "shared", "", "", "data"};
  for (size_t i = 0; i < std::size(kNames) && i < pages.size(); ++i) {
    if (!kNames[i].empty()) f(kNames[i], pages[i] * page);
  }
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double Now(clockid_t clock) {
  timespec now;
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void AddHeap(Value::Object& object) {
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
  struct mallinfo2 info = ::mallinfo2();
  object.emplace_back("heap_allocated", uint64_t{info.uordblks} + info.hblkhd);
  object.emplace_back("heap_free", uint64_t{info.fordblks});
  object.emplace_back("heap_mapped", uint64_t{info.hblkhd});
#endif
#endif
}

}  // namespace

Value CommandLine() {
  const std::string text = ReadFile("/proc/self/cmdline");
  Value::Array arguments;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\0', begin), text.size());
    arguments.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

Value MemoryStats() {
  Value::Object object;
  VisitPages([&](std::string_view name, uint64_t bytes) { object.emplace_back(name, bytes); });
  struct rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    object.emplace_back("rss_peak", static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  }
  AddHeap(object);
  return object;
}

Value ProcessStats() {
  Value::Object object;
  VisitPages([&](std::string_view name, uint64_t bytes) {
    if (name == "rss") object.emplace_back("resident_memory_bytes", bytes);
    if (name == "virtual") object.emplace_back("virtual_memory_bytes", bytes);
  });
  struct rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    object.emplace_back("cpu_seconds_total", Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  }
  // proc(5): the program's name, in parentheses, may hold anything.
  const std::string stat = ReadFile("/proc/self/stat");
  const size_t name_end = stat.rfind(") ");
  if (name_end == stat.npos) return object;
  std::vector<std::string_view> words;
  for (size_t at = name_end + 2; at < stat.size();) {
    const size_t space = std::min(stat.find(' ', at), stat.size());
    words.push_back(std::string_view(stat).substr(at, space - at));
    at = space + 1;
  }
  constexpr size_t kThreads = 20 - 3;  // Fields count from 1; the letter is the third.
  constexpr size_t kStart = 22 - 3;
  if (words.size() <= kStart) return object;
  for (uint64_t threads : Numbers(words[kThreads])) object.emplace_back("threads", threads);
  for (uint64_t ticks : Numbers(words[kStart])) {
    const double since_boot =
        static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    const double booted = Now(CLOCK_REALTIME) - Now(CLOCK_BOOTTIME);
    object.emplace_back("start_time_seconds", booted + since_boot);
  }
  return object;
}

}  // namespace expvar::internal
