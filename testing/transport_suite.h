// One suite that every transport passes: TCP, UNIX sockets, in-memory pipes on one loop and across
// loops, and whatever comes later.
//
// A transport is described by a factory that makes a connected pair. The tests are value-
// parameterised over factories; see transport_suite_test.cc for ours. To run a transport of your
// own through it:
//
//   INSTANTIATE_TEST_SUITE_P(Mine, fasthttptest::TransportSuite,
//                            testing::Values(fasthttptest::Transport{"mine", &Connect}));
//
// and link //testing:transport_suite. Everything runs on real loops: sockets need epoll. No test
// depends on how long anything takes.
#ifndef FASTHTTP_TESTING_TRANSPORT_SUITE_H_
#define FASTHTTP_TESTING_TRANSPORT_SUITE_H_

#include <functional>
#include <ostream>
#include <string>

#include "fasthttp/conn.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"

namespace fasthttptest {

// `near` lives on loop 0 of the runtime, which has two loops, `far` on any.
struct ConnectedPair {
  fasthttp::BlockingConn near;
  fasthttp::BlockingConn far;
};

struct Transport {
  std::string name;
  std::function<void(fasthttp::Runtime& runtime, ConnectedPair& into)> connect;
  // Bytes that one side surely cannot send while nobody reads.
  size_t more_than_fits = 64 << 20;
  // False if the peer of a reset reads a clean end, as over a UNIX socket.
  bool tells_resets = true;

  friend std::ostream& operator<<(std::ostream& out, const Transport& t) { return out << t.name; }
};

class TransportSuite : public testing::TestWithParam<Transport> {
 protected:
  TransportSuite();
  ~TransportSuite() override;

  // Runs `function` as a task beside the test, on the loop of `conn`.
  fasthttp::runtime::FunctionTask& Beside(
      fasthttp::BlockingConn& conn, std::function<void(fasthttp::runtime::Loop& loop)> function);
  // Lets the loops go on until `task` has ended, or is blocked in a wait.
  void AwaitEnd(fasthttp::BlockingConn& conn, const fasthttp::runtime::FunctionTask& task);
  void AwaitBlocked(fasthttp::BlockingConn& conn, const fasthttp::runtime::FunctionTask& task);

  // Reads until the end of the stream; "!Name" is appended for an error.
  static std::string ReadToEnd(fasthttp::BlockingConn& conn);
  // The same of a peer that has called Close, which does not wait for room, not even for the
  // closing alert of TLS: chaos fills a pipe with four short writes.
  static std::string ReadToClose(fasthttp::BlockingConn& conn);

  fasthttp::runtime::TaskList tasks_;
  fasthttp::Runtime runtime_{{.threads = 2}};
  ConnectedPair pair_;
  fasthttp::BlockingConn& near_ = pair_.near;
  fasthttp::BlockingConn& far_ = pair_.far;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_TRANSPORT_SUITE_H_
