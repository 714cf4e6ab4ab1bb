// In-memory connections: a pair of ends, each of which reads what the other one writes.
//
//   fasthttputil::PipeConns pipe;
//   (void)pipe.conn1().Write("ping");
//   IoResult n = pipe.conn2().Read(buffer);
//
// For tests and for talking to a server inside the same process. They behave like a connected
// socket, with these properties of their own:
//   * A write is copied. Each direction holds at most 4 writes (a write begins a new block) and at
//     most 64 KiB; beyond that a write waits for the reader. A longer write fills what there is
//     room for and goes on when there is more.
//   * A read takes as much as is there.
//   * Closing one end closes both: the peer reads what was written before, then the end of the
//     stream, and its writes fail with kConnectionClosed. After a reset, both fail with
//     kConnectionReset and unread bytes are gone. ShutdownWrite closes one direction only.
//   * A deadline that is set while a call is blocked wakes that call.
// Both ends on one loop: no lock, and after the first few writes no allocation: the pair keeps its
// blocks. Ends on different loops or runtimes share a mutex, and wake each other by a post.
//
// Thread class: the pair is made by any thread; then each end belongs to its loop.
#ifndef FASTHTTP_UTIL_PIPE_CONNS_H_
#define FASTHTTP_UTIL_PIPE_CONNS_H_

#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttputil {

// The two ends as bare Conns, each to be used on its loop only and to be closed, in any order; the
// last Close frees the pair. `first_address` is the local address of the first end and the remote
// one of the second.
struct PipeEnds {
  fasthttp::Conn* first = nullptr;
  fasthttp::Conn* second = nullptr;
};
PipeEnds NewPipe(fasthttp::runtime::Loop& first_loop, fasthttp::runtime::Loop& second_loop,
                 const fasthttp::Addr& first_address = fasthttp::Addr::Named("pipe", "pipe"),
                 const fasthttp::Addr& second_address = fasthttp::Addr::Named("pipe", "pipe"));

class PipeConns {
 public:
  // Both ends on one loop: the calling fiber's, else a loop of `runtime`, the default one if null.
  explicit PipeConns(fasthttp::Runtime* runtime = nullptr);
  // Each end on its own loop.
  PipeConns(fasthttp::runtime::Loop& first_loop, fasthttp::runtime::Loop& second_loop);

  fasthttp::BlockingConn& conn1() { return conn1_; }
  fasthttp::BlockingConn& conn2() { return conn2_; }

  void Close() {
    conn1_.Close();
    conn2_.Close();
  }

 private:
  void Open(fasthttp::runtime::Loop& first_loop, fasthttp::runtime::Loop& second_loop);

  fasthttp::BlockingConn conn1_;
  fasthttp::BlockingConn conn2_;
};

}  // namespace fasthttputil

#endif  // FASTHTTP_UTIL_PIPE_CONNS_H_
