#include "fasthttp/base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace fasthttp::base {

void CheckFailed(const char* file, int line, const char* message) {
  char text[512];
  int n = std::snprintf(text, sizeof text, "%s:%d: %s\n", file, line, message);
  if (n > 0) {
    size_t size = static_cast<size_t>(n) < sizeof text ? static_cast<size_t>(n) : sizeof text - 1;
    if (::write(STDERR_FILENO, text, size) < 0) {
      // Nothing is left to report it to.
    }
  }
  std::abort();
}

}  // namespace fasthttp::base
