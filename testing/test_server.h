// TestServer: a fasthttp::Server inside a test, without a port, and the requests to try it with.
//
//   TEST(Greet, AnswersByName) {
//     fasthttptest::TestServer server([](fasthttp::RequestCtx& ctx) {
//       absl::Format(&ctx, "Hi %s", ctx.FormValue("name"));
//     });
//     absl::StatusOr<fasthttp::Response> r = server.client().Get("/?name=Ann");
//     ASSERT_TRUE(r.ok()) << r.status();
//     EXPECT_EQ(r->StatusCode(), fasthttp::kStatusOK);
//     EXPECT_EQ(r->Body(), "Hi Ann");
//   }
//
// The server is a real one: parser, limits, timeouts and handlers on fibers are those of a program
// that listens on a socket. Only the bytes go through memory (util/inmemory_listener.h).
//
// At the end of its life it shuts down and looks for what is left over: a handler that does not
// end, a connection from Dial() that is still open, a blocked fiber. In a running gtest test that
// is a failure of the test; elsewhere, with another test framework too, it ends the process with a
// sentence on stderr.
//
// client() is a real client of it. Get, Post and Do of this class send a request on a connection of
// its own, and Do whatever bytes the test wants.
//
// When not to use it: for what sockets do by themselves (binding, SO_REUSEPORT, resets), and for
// benchmarks.
//
// Thread class: thread-safe, and its requests may also be sent from handlers.
#ifndef FASTHTTP_TESTING_TEST_SERVER_H_
#define FASTHTTP_TESTING_TEST_SERVER_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/host_client.h"
#include "fasthttp/response.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/server.h"
#include "util/inmemory_listener.h"

namespace fasthttptest {

class TestServer {
 public:
  // Serves with default settings on a runtime of its own, of two loops.
  explicit TestServer(fasthttp::RequestHandler handler);

  // Serves with these. If settings.runtime is given, it must outlive this object (it may be a
  // SimRuntime), and only handlers are looked for at the end: what else lives on it is not known.
  explicit TestServer(fasthttp::ServerSettings settings);

  // Lets running handlers end, for settings.drain_timeout but at most 5 s, then ends their waits.
  // A handler that runs on after that ends the process: it may refer to what the test destroys.
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // A client whose requests all go to this server, whatever host their URL names: "/path" is
  // enough, and the Host field is then "fasthttp.test". It keeps connections, as clients do.
  fasthttp::HostClient& client() { return *client_; }

  // Send one request on a connection of its own and return the answer to it, whatever its status
  // code. `target` is sent as it is: "/path?query". Host is "fasthttp.test".
  absl::StatusOr<fasthttp::Response> Get(std::string_view target);
  absl::StatusOr<fasthttp::Response> Post(std::string_view target, std::string_view content_type,
                                          std::string_view body);

  // The same with a request as it goes over the wire, so that it may be malformed:
  //   server.Do("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
  // Of several requests the first one's answer is returned. Interim answers (1xx) are skipped. An
  // answer that is malformed or cut off is an error, as is none: kUnexpectedEof, and kTimeout after
  // the request timeout.
  absl::StatusOr<fasthttp::Response> Do(std::string_view raw_request);

  // For Get, Post and Do, each as a whole; 10 s unless set. Not while requests are under way.
  void SetRequestTimeout(absl::Duration timeout) { request_timeout_ = timeout; }

  // A connection to the server, for conversations that Do cannot hold. Must be closed before this
  // object goes, at the latest by its destructor.
  absl::StatusOr<fasthttp::BlockingConn> Dial();

  fasthttp::Server& server() { return *server_; }
  fasthttputil::InmemoryListener& listener() { return *listener_; }
  fasthttp::Runtime& runtime() { return *runtime_; }

 private:
  class ServeTask;

  void StopServing();
  void CheckLeftovers();

  std::unique_ptr<fasthttp::Runtime> owned_runtime_;
  fasthttp::Runtime* const runtime_;
  std::unique_ptr<fasthttputil::InmemoryListener> listener_;
  std::unique_ptr<fasthttp::Server> server_;
  std::unique_ptr<fasthttp::HostClient> client_;
  std::unique_ptr<ServeTask> serving_;
  absl::Duration request_timeout_ = absl::Seconds(10);
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_TEST_SERVER_H_
