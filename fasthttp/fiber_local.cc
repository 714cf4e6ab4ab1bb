#include "fasthttp/fiber_local.h"

#include <atomic>

namespace fasthttp::internal {

uint64_t NewFiberLocalKey() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace fasthttp::internal
