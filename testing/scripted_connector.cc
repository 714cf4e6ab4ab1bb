#include "testing/scripted_connector.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "fasthttp/runtime/blocking.h"

namespace fasthttptest {

using fasthttp::Addr;
using fasthttp::Errc;
using fasthttp::runtime::Endpoint;
using fasthttp::runtime::Loop;

size_t ScriptedConnector::open() const {
  return static_cast<size_t>(std::count_if(attempts_.begin(), attempts_.end(),
                                           [](const UnderWay& a) { return !a.conn.closed(); }));
}

Errc ScriptedConnector::Start(Loop& loop, const Addr& to, const Addr& from,
                              fasthttp::runtime::EventSink& sink, Endpoint*& into) {
  if (log_.empty()) first_ = loop.now();
  from_ = from;
  absl::StrAppend(&log_, log_.empty() ? "" : ", ",
                  (loop.now() - first_) / fasthttp::runtime::kMillisecond, " ", to.ToString());
  const Outcome outcome = outcomes_[to.ToString()];
  if (outcome.delay_ == absl::ZeroDuration() && outcome.errc_ != Errc::kOk) return outcome.errc_;
  UnderWay& attempt = attempts_.emplace_back();
  attempt.conn.SetAddresses(from, to);
  into = loop.Open(&attempt.conn, &sink);
  if (outcome.delay_ == absl::ZeroDuration()) return attempt.errc = Errc::kOk;
  if (outcome.delay_ == absl::InfiniteDuration()) return Errc::kAgain;
  timers_.Spawn(loop, [&attempt, outcome, token = into->token(loop)](Loop& l) {
    (void)fasthttp::runtime::SleepFor(l, absl::ToInt64Nanoseconds(outcome.delay_));
    attempt.errc = outcome.errc_;
    token.Notify(fasthttp::kWritable);
  });
  return Errc::kAgain;
}

Errc ScriptedConnector::Result(Endpoint& endpoint) {
  for (UnderWay& attempt : attempts_) {
    if (&attempt.conn == endpoint.conn) return attempt.errc;
  }
  return Errc::kProgramming;
}

}  // namespace fasthttptest
