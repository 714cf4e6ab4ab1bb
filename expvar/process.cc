#include "expvar/process.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

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

void AddPages(Value::Object& object) {
  const std::string text = ReadFile("/proc/self/statm");
  const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  // proc(5): size, resident, shared, text, lib, data.
  static constexpr std::string_view kNames[] = {"virtual", "rss", "shared", "", "", "data"};
  const char* p = text.data();
  const char* const end = p + text.size();
  for (std::string_view name : kNames) {
    uint64_t pages;
    std::from_chars_result result = std::from_chars(p, end, pages);
    if (result.ec != std::errc()) return;
    if (!name.empty()) object.emplace_back(name, pages * page);
    p = result.ptr + (result.ptr != end ? 1 : 0);
  }
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
  AddPages(object);
  struct rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    object.emplace_back("rss_peak", static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  }
  AddHeap(object);
  return object;
}

}  // namespace expvar::internal
