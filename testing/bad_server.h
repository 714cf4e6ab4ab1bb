// BadServer: a server that misbehaves as a table says, to find out what a client makes of it.
//
//   fasthttptest::BadServer server(runtime, listener);
//   for (const fasthttptest::BadBehaviour& b : fasthttptest::BadBehaviours()) {
//     server.Misbehave(b);
//     ... one request of b.method with b.request_body bytes: must end as `b` says ...
//     server.Behave();
//     ... an honest request on the same client must be answered with kHonestBody ...
//   }
//   EXPECT_EQ(server.dirty_requests(), 0u);
//
// A connection follows the script that is in force when it is accepted, to its end; what it is
// asked after that is answered honestly. A request on a connection that its script has spoiled
// (bytes behind a response, a length that lies) is counted: no client may send one.
//
// Use it for clients and proxies, ours and yours, over any Listener. When not: to see what a client
// does to a good server.
//
// Thread class: everything from the thread that made it; it serves on loop 0 of the runtime.
#ifndef FASTHTTP_TESTING_BAD_SERVER_H_
#define FASTHTTP_TESTING_BAD_SERVER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttptest {

inline constexpr std::string_view kHonestBody = "honest";

// What the table assumes of the client; set its limits to these.
inline constexpr size_t kBadServerMaxHead = 16 * 1024;
inline constexpr size_t kBadServerMaxFields = 100;
inline constexpr size_t kBadServerMaxBody = 256 * 1024;
inline constexpr int kBadServerMaxInterim = 10;

struct BadStep {
  enum Kind : uint8_t {
    kReceive,      // A whole request; ends the script if the client ends the connection.
    kReceiveHead,  // A request's head; its body stays unread,
    kReceiveBody,  // unless this follows.
    kSend,         // `bytes`, `times` times.
    kDrip,         // `bytes`, one at a time, `pause` before each.
    kPause,        // Nothing for `pause`.
    kFinish,       // Ends the sending direction.
    kClose,        // Ends the connection.
    kReset,        // The same with a reset.
    kHang,         // Reads and never answers, until the client ends the connection.
  };
  Kind kind = kReceive;
  std::string bytes = {};
  uint64_t times = 1;
  absl::Duration pause = absl::ZeroDuration();
};

struct BadBehaviour {
  std::string name;  // Letters, digits and '_'.
  std::vector<BadStep> script;

  // The request to send.
  std::string method = "GET";
  size_t request_body = 0;
  bool expect_continue = false;

  // The one outcome: a response, or else the error. Every request must end within 10 s of the
  // script's time, and those with kTimeout at that deadline.
  fasthttp::Errc errc = fasthttp::Errc::kOk;
  int status = 200;
  std::string body = {};
  // Another request may come on the connection.
  bool reusable = false;
  // Over sockets the outcome would depend on what arrives first.
  bool simulated_only = false;

  friend std::ostream& operator<<(std::ostream& out, const BadBehaviour& b) {
    return out << b.name;
  }
};

const std::vector<BadBehaviour>& BadBehaviours();

class BadServer {
 public:
  // Accepts from `listener` until it is destroyed; both must outlive it. Pauses are multiplied by
  // `time_scale`: real sockets need not wait for seconds.
  BadServer(fasthttp::Runtime& runtime, fasthttp::Listener& listener, double time_scale = 1);
  // Closes the listener and all connections.
  ~BadServer();
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;

  // Connections accepted from now on follow `behaviour`, which must outlive this server.
  void Misbehave(const BadBehaviour& behaviour) { behaviour_ = &behaviour; }
  void Behave() { behaviour_ = nullptr; }

  // Ends all connections and returns when that is done.
  void EndAll();

  uint64_t accepted() const { return accepted_; }
  uint64_t open() const { return open_; }
  // Connections whose script has something to do before the client does.
  uint64_t playing() const { return playing_; }
  uint64_t honest_answers() const { return honest_answers_; }
  // Requests that came on a connection that was not reusable any more.
  uint64_t dirty_requests() const { return dirty_requests_; }

 private:
  class Accepting;
  class Conversation;

  fasthttp::Runtime& runtime_;
  fasthttp::Listener& listener_;
  const double time_scale_;
  std::atomic<const BadBehaviour*> behaviour_{nullptr};
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> open_{0};
  std::atomic<uint64_t> playing_{0};
  std::atomic<uint64_t> honest_answers_{0};
  std::atomic<uint64_t> dirty_requests_{0};
  std::unique_ptr<Accepting> accepting_;
  std::list<Conversation> conversations_;  // Of loop 0.
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_BAD_SERVER_H_
