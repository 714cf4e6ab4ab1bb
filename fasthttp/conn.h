// BlockingConn: a connection with plain blocking calls, and how to dial and accept one.
//
//   absl::StatusOr<fasthttp::BlockingConn> conn = fasthttp::Dial("127.0.0.1:8080");
//   if (!conn.ok()) return conn.status();
//   conn->SetDeadline(absl::Now() + absl::Seconds(2));
//   if (absl::Status s = fasthttp::ToStatus(conn->Write("hello\n")); !s.ok()) return s;
//   fasthttp::IoResult n = conn->Read(buffer);
//
// It owns a Conn (runtime/transport.h) and that one's endpoint on a loop. A call from a fiber of
// that loop is direct: it allocates nothing, and it suspends the fiber only if it has to wait. A
// call from a plain thread, or from another loop's fiber, is carried out on the connection's loop
// and costs about 10 us each; a thread that holds a long conversation should do all of it in one
// runtime.Run(f).
//
// When to use it: for protocols of your own, for hijacked connections, for tests. When not: for
// HTTP; that is what Client is for.
//
// Calls honour the current task's cancellation and deadline besides the ones set here. Reads and
// writes may run at the same time in two fibers or threads; two reads, or two writes, may not.
// Close() may be called while others wait: they return kConnectionClosed. The object must not be
// moved or destroyed while a call is under way.
//
// Thread class: thread-safe within these limits. Its runtime must outlive it.
#ifndef FASTHTTP_CONN_H_
#define FASTHTTP_CONN_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

class BlockingConn {
 public:
  // A closed one: every call answers kConnectionClosed.
  BlockingConn() = default;
  BlockingConn(BlockingConn&& from) noexcept { *this = std::move(from); }
  BlockingConn& operator=(BlockingConn&& from) noexcept;
  BlockingConn(const BlockingConn&) = delete;
  BlockingConn& operator=(const BlockingConn&) = delete;
  ~BlockingConn() { Close(); }

  // Takes over a Conn that belongs to `loop`, or a connected non-blocking socket; what this held
  // before is closed. kTooManyFiles if there is no memory for the endpoint: then it is closed.
  Errc Adopt(runtime::Loop& loop, Conn* conn);
  Errc Adopt(runtime::Loop& loop, int fd, const Addr& remote);
  // Takes over an open endpoint; on a fiber of `loop`.
  void Adopt(runtime::Loop& loop, runtime::Endpoint& endpoint);

  bool is_open() const { return endpoint_ != nullptr; }

  // Receives at least one byte and at most into.size(); 0 is the clean end of the stream. Bytes
  // that are there win over a deadline that has passed. A read that failed with kTimeout or
  // kCancelled has lost nothing and may be repeated.
  IoResult Read(std::span<char> into);

  // Receives exactly into.size() bytes; kUnexpectedEof if the stream ends before.
  Errc ReadFull(std::span<char> into);

  // Sends everything. After an error a prefix may have gone out: close the connection.
  Errc Write(std::string_view bytes);

  // When calls fail with kTimeout. A time that has passed fails them at once, the far future (the
  // default) never. A call that is blocked already is held to the new deadline too. Resolution: a
  // millisecond.
  void SetDeadline(absl::Time when);
  void SetReadDeadline(absl::Time when);
  void SetWriteDeadline(absl::Time when);

  // Ends the sending direction: the peer reads what was sent, then the end of the stream. Waits,
  // until the write deadline, only where that takes bytes of its own for which there is no room
  // (TLS).
  void CloseWrite();

  // Ends the connection; a second call does nothing. Reset() also drops what the peer has not got
  // yet and makes its reads fail with kConnectionReset.
  void Close() { End(/*reset=*/false); }
  void Reset() { End(/*reset=*/true); }

  Addr LocalAddr();
  Addr RemoteAddr();

  // --- For code on the connection's own loop --------------------------------------------------

  runtime::Loop* loop() const { return loop_; }
  // Null when closed.
  runtime::Endpoint* endpoint() const { return endpoint_; }
  // In loop nanoseconds; for callers that keep absolute deadlines.
  void SetDeadlineNanos(int64_t read, int64_t write);
  int64_t read_deadline() const { return read_deadline_; }

 private:
  template <typename Function>
  void OnLoop(Function&& function);
  bool Hold(runtime::Loop& loop, runtime::Endpoint* endpoint);
  IoResult ReadHere(std::span<char> into);
  Errc WriteHere(std::string_view bytes);
  void SetTimes(bool read, bool write, absl::Time when);
  void End(bool reset);

  runtime::Loop* loop_ = nullptr;
  runtime::Endpoint* endpoint_ = nullptr;  // Written on the loop only.
  int64_t read_deadline_ = runtime::kNoDeadline;
  int64_t write_deadline_ = runtime::kNoDeadline;
};

// Connects to "example.com:80", "1.2.3.4:80", "[::1]:80", "localhost:80" or "unix:/path": names are
// looked up and kept for a minute, and the first of their addresses that answers is taken. See
// fasthttp/dialer.h for this and for settings of your own. The connection lives on the calling
// fiber's loop; for a plain thread on a loop of `runtime`, which is the default one if null.
//
// Within 3 s, `timeout` or until `deadline`, else kDialTimeout. kBadAddress: it is none of the
// above; kHostNotFound, kLookupFailed: the name; kConnectionRefused, kUnreachable: the host. The
// status names the addresses that were tried.
absl::StatusOr<BlockingConn> Dial(std::string_view address);
absl::StatusOr<BlockingConn> DialTimeout(std::string_view address, absl::Duration timeout,
                                         Runtime* runtime = nullptr);
absl::StatusOr<BlockingConn> Dial(std::string_view address, absl::Time deadline,
                                  Runtime* runtime = nullptr);

// The same on a fiber of `loop`, without a Status; `deadline` in loop nanoseconds. `detail`, if
// given, is set to what a status would say of the addresses.
Errc DialOn(runtime::Loop& loop, std::string_view address, int64_t deadline, BlockingConn& into,
            std::string* detail = nullptr);

// Waits for the next connection of `listener`; kListenerClosed when there are no more to come. For
// protocols other than HTTP and for tests; a server accepts by itself.
absl::StatusOr<BlockingConn> Accept(Listener& listener,
                                    absl::Time deadline = absl::InfiniteFuture(),
                                    Runtime* runtime = nullptr);
Errc AcceptOn(runtime::Loop& loop, Listener& listener, int64_t deadline, BlockingConn& into);

namespace runtime {

// `when` in nanoseconds of the loop's clock. The wall clock of a simulated loop is its own.
int64_t DeadlineOf(Loop& loop, absl::Time when);

// Calls `function` on a fiber: this one, or one of `runtime`, which is the default one if null.
void OnSomeLoop(Runtime* runtime, absl::FunctionRef<void(Loop&)> function);

}  // namespace runtime
}  // namespace fasthttp

#endif  // FASTHTTP_CONN_H_
