// ScriptedDialer: hands the conns that a test wrote down to a client, in order.
//
//   ScriptedDialer dialer;
//   dialer.Next().Data("HTTP/1.1 204 No Content\r\n\r\n");
//   HostClient client({.addr = "a", .runtime = &sim, .dial = dialer.Func()});
//
// A dial beyond the script fails with kConnectionReset.
//
// Thread class: thread-compatible; lives until its clients are gone and their loops have settled.
#ifndef TESTING_SCRIPTED_DIALER_H_
#define TESTING_SCRIPTED_DIALER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/loop.h"
#include "testing/scripted_conn.h"

namespace fasthttp::testing {

class ScriptedDialer {
 public:
  // The next conn of the script, to be written.
  fasthttptest::ScriptedConn& Next() { return conns_.emplace_back(); }
  fasthttptest::ScriptedConn& operator[](size_t i) { return conns_[i]; }

  // Addresses dialled so far.
  const std::vector<std::string>& dialled() const { return dialled_; }

  auto Func() {
    return [this](std::string_view address, absl::Time) -> absl::StatusOr<BlockingConn> {
      dialled_.emplace_back(address);
      if (dialled_.size() > conns_.size()) return ToStatus(Errc::kConnectionReset, "script");
      BlockingConn conn;
      Errc errc = conn.Adopt(*runtime::Loop::Current(), &conns_[dialled_.size() - 1]);
      if (errc != Errc::kOk) return ToStatus(errc, "script");
      return conn;
    };
  }

 private:
  std::deque<fasthttptest::ScriptedConn> conns_;
  std::vector<std::string> dialled_;
};

}  // namespace fasthttp::testing

#endif  // TESTING_SCRIPTED_DIALER_H_
