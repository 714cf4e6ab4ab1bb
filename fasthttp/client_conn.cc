#include "fasthttp/client_conn.h"

#include <utility>

#include "fasthttp/runtime/blocking.h"

namespace fasthttp {

ClientConn::ClientConn(BlockingConn c, std::string_view a)
    : conn(std::move(c)),
      address(a),
      local(endpoint().conn->LocalAddr()),
      remote(endpoint().conn->RemoteAddr()),
      is_socket(endpoint().conn->is_socket()),
      answers_later(endpoint().conn->answers_later()) {}

bool ClientConn::AskIfClean() {
  char byte;
  if (!endpoint().conn->TryRecv({&byte, 1}).again()) return false;
  endpoint().latched &= ~kReadable;
  drained = true;
  return true;
}

Errc ClientConn::Await(uint8_t ready, int64_t deadline) {
  return runtime::AwaitReady(*conn.loop(), endpoint(), ready, deadline, /*moves_timer=*/true);
}

IoResult ClientConn::AwaitAndRecv(std::span<char> into, int64_t deadline) {
  runtime::Endpoint& from = endpoint();
  const uint32_t generation = from.generation;
  for (;;) {
    const Errc cause =
        runtime::AwaitReady(*conn.loop(), from, kReadable, deadline, /*moves_timer=*/true);
    if (from.generation != generation) return IoResult::Error(Errc::kConnectionClosed);
    const IoResult result = TryRecv(into);
    if (!result.again()) return result;
    // Tried once more after waking: what has come wins over a deadline of that moment.
    if (cause != Errc::kOk) return IoResult::Error(cause);
  }
}

}  // namespace fasthttp
