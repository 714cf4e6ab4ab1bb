// ClientConn: a client's connection, and what is known of the bytes that it may have.
//
// A connection carries one exchange at a time (client_exchange.h); the others rest in the pool.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_CLIENT_CONN_H_
#define FASTHTTP_CLIENT_CONN_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "fasthttp/base/chaos.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/endpoint.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp {

// A place in a ring.
struct IdleLink {
  IdleLink* newer;
  IdleLink* older;
};

struct ClientConn : IdleLink {
  // `conn` is open, and lives on the calling loop. `address` is what was dialled; it outlives this.
  ClientConn(BlockingConn conn, std::string_view address);

  runtime::Endpoint& endpoint() { return *conn.endpoint(); }

  // A read may find something: it was not drained, or something has happened since.
  bool MayHaveBytes() {
    return !drained || (endpoint().latched & (kReadable | kHangup | kBroken)) != 0;
  }
  bool IsWorthARead() { return !answers_later || MayHaveBytes(); }
  // False if the peer has ended it or sent what nobody asked for. A socket is asked in any case:
  // what has come since the last poll is not known here.
  bool IsClean() { return !is_socket && !MayHaveBytes() ? true : AskIfClean(); }

  // Receives what there is. kAgain: nothing.
  IoResult TryRecv(std::span<char> into);
  // Waits for something first. Never kAgain.
  [[gnu::noinline]] IoResult AwaitAndRecv(std::span<char> into, int64_t deadline);
  // Waits only if there is nothing, which is not asked where it is known.
  IoResult Recv(std::span<char> into, int64_t deadline) {
    const IoResult result = IsWorthARead() ? TryRecv(into) : IoResult::Error(Errc::kAgain);
    return result.again() ? AwaitAndRecv(into, deadline) : result;
  }
  // Suspends until one of `ready` is reported.
  Errc Await(uint8_t ready, int64_t deadline);

  BlockingConn conn;
  const std::string_view address;
  const Addr local;
  const Addr remote;
  int64_t idle_since = 0;  // Loop nanoseconds, as those below.
  int64_t idle_end = 0;    // When it has been idle for too long, or is too old,
  int64_t age_end = 0;     // which is from here on.
  int64_t used_since = 0;  // When it was last taken from the pool.
  uint64_t exchanges = 0;
  const bool is_socket;  // As Conn has them.
  const bool answers_later;
  bool drained = false;  // The last read found less than it had room for.
  bool idle = false;

 private:
  bool AskIfClean();
};

// --- What every exchange goes through ---------------------------------------------------------

inline IoResult ClientConn::TryRecv(std::span<char> into) {
  const IoResult result = endpoint().conn->TryRecv(into);
  // A short read means drained, unless the end was announced: no second event would come for it.
  // Of an error and of the end, bytes() - 1 is large.
  drained = result.again() || (result.bytes() - 1 < into.size() - 1 &&
                               !(endpoint().latched & kHangup) && !base::chaos_enabled);
  if (drained) endpoint().latched &= ~kReadable;
  return result;
}

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_CONN_H_
