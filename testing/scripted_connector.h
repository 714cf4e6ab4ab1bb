// ScriptedConnector: connects as a test wrote down, so that dialling is tested in virtual time.
//
//   fasthttptest::ScriptedConnector connector;
//   connector.On("[2001:db8::1]:80").Never();
//   connector.On("192.0.2.1:80").After(absl::Milliseconds(20));
//   connector.On("192.0.2.2:80").Fails(Errc::kConnectionRefused, absl::Milliseconds(5));
//   ... dial with it ...
//   EXPECT_EQ(connector.log(), "0 [2001:db8::1]:80, 250 192.0.2.1:80");
//
// An address without a script is unreachable at once. Connections are ScriptedConns.
//
// Thread class: as SimRuntime.
#ifndef FASTHTTP_TESTING_SCRIPTED_CONNECTOR_H_
#define FASTHTTP_TESTING_SCRIPTED_CONNECTOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/happy_eyeballs.h"
#include "fasthttp/runtime/test_tasks.h"
#include "testing/scripted_conn.h"

namespace fasthttptest {

class ScriptedConnector final : public fasthttp::runtime::Connector {
 public:
  // How one address answers, from now on.
  class Outcome {
   public:
    void After(absl::Duration delay) { Set(fasthttp::Errc::kOk, delay); }
    void Fails(fasthttp::Errc errc, absl::Duration delay) { Set(errc, delay); }
    void Never() { Set(fasthttp::Errc::kOk, absl::InfiniteDuration()); }

   private:
    friend class ScriptedConnector;
    void Set(fasthttp::Errc errc, absl::Duration delay) {
      errc_ = errc;
      delay_ = delay;
    }
    fasthttp::Errc errc_ = fasthttp::Errc::kUnreachable;
    absl::Duration delay_ = absl::ZeroDuration();
  };
  Outcome& On(std::string_view address) { return outcomes_[std::string(address)]; }

  // What was begun, and how many milliseconds after the first attempt: "0 1.2.3.4:80, 250 ...".
  const std::string& log() const { return log_; }
  size_t started() const { return attempts_.size(); }
  // Connections, under way or not, that were not closed again.
  size_t open() const;
  const fasthttp::Addr& from() const { return from_; }

  fasthttp::Errc Start(fasthttp::runtime::Loop& loop, const fasthttp::Addr& to,
                       const fasthttp::Addr& from, fasthttp::runtime::EventSink& sink,
                       fasthttp::runtime::Endpoint*& into) override;
  fasthttp::Errc Result(fasthttp::runtime::Endpoint& endpoint) override;

 private:
  struct UnderWay {
    ScriptedConn conn;
    fasthttp::Errc errc = fasthttp::Errc::kAgain;
  };

  std::map<std::string, Outcome> outcomes_;
  std::deque<UnderWay> attempts_;
  fasthttp::runtime::TaskList timers_;
  fasthttp::Addr from_;
  int64_t first_ = 0;
  std::string log_;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_SCRIPTED_CONNECTOR_H_
