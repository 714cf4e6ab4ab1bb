// The N-th operation on a connection of a client fails, for every N and in every way: each call
// ends with its own answer or with an error, an honest call afterwards succeeds, and nothing is
// left over.
#include <algorithm>
#include <deque>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/faulty_conn.h"
#include "testing/sim_runtime.h"
#include "testing/wire_server.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using fasthttptest::SimRuntime;
using runtime::Loop;

constexpr size_t kLarge = 150'000;

// Which connections fail: the first one only, or every one.
enum class Which { kFirst, kAll };

struct Way {
  const char* name;
  Errc errc;
  Which which;
};
std::ostream& operator<<(std::ostream& os, const Way& way) { return os << way.name; }

// A client whose connections are pipes to a WireServer, with a fault in them.
class Faulty {
 public:
  Faulty(const Way& way, uint64_t nth) : way_(way), nth_(nth), client_(Options()) {}
  ~Faulty() {
    EXPECT_TRUE(sim_.RunUntil([this] { return tasks_.AllDone(); }));
  }

  uint64_t most_operations() const {
    uint64_t most = 0;
    for (const FaultyConn& conn : conns_) most = std::max(most, conn.operations());
    return most;
  }
  bool all_closed() const {
    for (const FaultyConn& conn : conns_) {
      if (!conn.closed()) return false;
    }
    return true;
  }

  void Honest() { nth_ = 0; }
  HostClient& client() { return client_; }
  SimRuntime& sim() { return sim_; }

 private:
  HostClientOptions Options() {
    HostClientOptions options;
    options.addr = "faulty.test";
    options.runtime = &sim_;
    options.dial = [this](std::string_view, absl::Time) { return Dial(); };
    return options;
  }

  absl::StatusOr<BlockingConn> Dial() {
    Loop& loop = *Loop::Current();
    fasthttputil::PipeEnds pipe = fasthttputil::NewPipe(loop, loop);
    const bool fails = conns_.empty() || way_.which == Which::kAll;
    FaultyConn& near = conns_.emplace_back(
        *pipe.first, fasthttptest::Fault{.nth = fails ? nth_ : 0, .errc = way_.errc});
    tasks_.Spawn(loop, [far = pipe.second](Loop& l) {
      BlockingConn conn;
      if (conn.Adopt(l, far) == Errc::kOk) testing::ServeWire(conn);
    });
    BlockingConn conn;
    Errc errc = conn.Adopt(loop, &near);
    if (errc != Errc::kOk) return ToStatus(errc, "dial");
    return conn;
  }

  const Way way_;
  uint64_t nth_;
  SimRuntime sim_;
  std::deque<FaultyConn> conns_;
  runtime::TaskList tasks_;
  HostClient client_;
};

struct Exchange {
  const char* name;
  const char* method;
  const char* path;
  size_t body;
  bool expect_continue;
  std::string want;
};

const std::vector<Exchange>& Exchanges() {
  static const auto& exchanges = *new std::vector<Exchange>{
      {"get", "GET", "/a", 0, false, "GET /a 0"},
      {"get_again", "GET", "/b", 0, false, "GET /b 0"},
      {"post", "POST", "/c", 10, false, "POST /c 10"},
      {"large_post", "POST", "/d", kLarge, false, absl::StrCat("POST /d ", kLarge)},
      {"chunked", "GET", "/chunked", 0, false, "GET /chunked 0"},
      {"interim", "GET", "/interim", 0, false, "GET /interim 0"},
      {"expect", "POST", "/e", 100, true, "POST /e 100"},
      {"large", "GET", "/large", 0, false, std::string(kLarge, 'x')},
      {"last", "GET", "/z", 0, false, "GET /z 0"},
  };
  return exchanges;
}

absl::Status Ask(HostClient& client, const Exchange& exchange, Response& response) {
  Request request;
  request.SetRequestURI(exchange.path);
  request.header().SetMethod(exchange.method);
  if (exchange.body != 0) request.SetBodyOwned(std::string(exchange.body, 'b'));
  if (exchange.expect_continue) request.header().Set("Expect", "100-continue");
  return client.DoTimeout(request, response, absl::Seconds(10));
}

class ClientFault : public ::testing::TestWithParam<Way> {};

TEST_P(ClientFault, AtEveryOperationGivesNoWrongAnswer) {
  const Way& way = GetParam();
  uint64_t n = 0;
  for (bool more = true; more; ++n) {
    SCOPED_TRACE(absl::StrCat("operation ", n));
    Faulty faulty(way, n);
    Loop& loop = faulty.sim().loop(0);
    int failed = 0;
    for (const Exchange& exchange : Exchanges()) {
      Response response;
      const absl::Status status = Ask(faulty.client(), exchange, response);
      if (status.ok()) {
        EXPECT_EQ(response.StatusCode(), 200) << exchange.name;
        EXPECT_EQ(response.Body(), exchange.want) << exchange.name;
      } else {
        ++failed;
        EXPECT_EQ(ErrcName(ErrcOf(status)), ErrcName(way.errc)) << exchange.name << ": " << status;
        EXPECT_EQ(response.Body(), "") << exchange.name;
      }
    }
    if (way.errc == Errc::kAgain || n == 0) {
      EXPECT_EQ(failed, 0);
    } else if (way.which == Which::kFirst) {
      EXPECT_LE(failed, 1) << "one connection fails once";
    }
    more = n == 0 || faulty.most_operations() >= n;

    faulty.Honest();
    faulty.client().CloseIdleConnections();
    absl::StatusOr<Response> honest = faulty.client().Get("/honest");
    ASSERT_TRUE(honest.ok()) << honest.status();
    EXPECT_EQ(honest->Body(), "GET /honest 0");

    faulty.client().CloseIdleConnections();
    faulty.sim().Settle();
    EXPECT_TRUE(faulty.all_closed());
    EXPECT_EQ(faulty.client().ConnsCount(), 0u);
    EXPECT_EQ(faulty.client().PendingRequests(), 0u);
    EXPECT_EQ(loop.endpoints().in_use(), 0u);
    EXPECT_EQ(loop.blocked(), 0u);
    EXPECT_EQ(ClientLoop::Of(loop)->blocks().in_use(), 0u);
  }
  EXPECT_GT(n, 20u) << "operations were tried";
}

INSTANTIATE_TEST_SUITE_P(Ways, ClientFault,
                         ::testing::Values(Way{"ResetOfTheFirst", Errc::kConnectionReset,
                                               Which::kFirst},
                                           Way{"IoOfTheFirst", Errc::kIo, Which::kFirst},
                                           Way{"AgainOfTheFirst", Errc::kAgain, Which::kFirst},
                                           Way{"ResetOfAll", Errc::kConnectionReset, Which::kAll},
                                           Way{"IoOfAll", Errc::kIo, Which::kAll},
                                           Way{"AgainOfAll", Errc::kAgain, Which::kAll}),
                         [](const auto& info) { return info.param.name; });

// What may be repeated is: a connection that is lost before it answers costs nobody a call.
TEST(ClientFaultRetry, ALostReusedConnectionIsNotSeen) {
  if (base::chaos_enabled) GTEST_SKIP() << "operations in pieces may end within a response";
  for (Errc errc : {Errc::kConnectionReset, Errc::kConnectionClosed}) {
    for (uint64_t n = 1; n <= 8; ++n) {
      SCOPED_TRACE(absl::StrCat(ErrcName(errc), " at operation ", n));
      Faulty faulty({"", errc, Which::kFirst}, n);
      for (const char* path : {"/a", "/b"}) {
        Response response;
        const Exchange exchange = {"", "GET", path, 0, false, ""};
        const absl::Status status = Ask(faulty.client(), exchange, response);
        EXPECT_TRUE(status.ok()) << path << ": " << status;
      }
    }
  }
}

}  // namespace
}  // namespace fasthttp
