// The N-th operation on the connection below TLS fails, for every N, at the server's end and at the
// client's: each call ends with its own answer or with an error, nothing hangs or is left over, and
// the next connection is served.
#include <ostream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/faulty_conn.h"
#include "testing/scripted_conn.h"
#include "testing/sim_tls_server.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using fasthttptest::FaultyConn;
using testing::SimTLSServer;

constexpr size_t kLarge = 100'000;

void Handle(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Milliseconds(5));
  if (ctx.Path() == "/large") return ctx.SetBody(std::string(kLarge, 'x'));
  ctx.SetBody(absl::StrCat(ctx.Path(), " ", ctx.PostBody().size()));
}

struct Way {
  const char* name;
  Errc errc;
  bool at_server;
  TLSVersion version;
};
std::ostream& operator<<(std::ostream& os, const Way& way) { return os << way.name; }

class TLSFault : public ::testing::TestWithParam<Way> {};

// What the calls give: bodies are cut, errors are "!".
std::string Talk(HostClient& client) {
  std::string got;
  auto add = [&](const absl::StatusOr<Response>& r, std::string_view want) {
    if (!r.ok()) {
      got += "!,";
    } else {
      EXPECT_EQ(r->Body(), want);
      got += "+,";
    }
  };
  add(client.Get("/sleep"), "/sleep 0");
  add(client.Get("/large"), std::string(kLarge, 'x'));
  add(client.Post("/p", "a/b", std::string(kLarge, 'y')), absl::StrCat("/p ", kLarge));
  return got;
}

TEST_P(TLSFault, AtEveryOperationLeavesBothSidesWhole) {
  const Way way = GetParam();
  for (uint64_t n = 0;; ++n) {
    SCOPED_TRACE(absl::StrCat("operation ", n));
    SimTLSServer sim({.handler = Handle});
    runtime::Loop& loop = sim.sim().loop(0);
    const size_t endpoints = loop.endpoints().in_use();
    const uint32_t blocked = loop.blocked();

    fasthttputil::PipeEnds pipe = fasthttputil::NewPipe(loop, loop);
    Conn& to_fail = way.at_server ? *pipe.second : *pipe.first;
    FaultyConn faulty(to_fail, {.nth = n, .errc = way.errc});
    fasthttptest::ScriptedListener listener;
    HostClientOptions options = sim.ClientOptions(
        {.max_version = way.version, .root_ca_pem = testing::BackendCertificate().cert_pem});
    int dials = 0;
    options.dial = [&](std::string_view, absl::Time deadline) -> absl::StatusOr<BlockingConn> {
      if (++dials > 1) return sim.tls_listener().Dial(deadline);
      BlockingConn conn;
      Errc errc = conn.Adopt(loop, way.at_server ? pipe.first : static_cast<Conn*>(&faulty));
      if (errc != Errc::kOk) return ToStatus(errc);
      listener.Add(way.at_server ? static_cast<Conn&>(faulty) : *pipe.second);
      return conn;
    };
    bool served = false;
    sim.Spawn([&] {
      EXPECT_TRUE(ServeTLS(sim.server(), listener, sim.config()).ok());
      served = true;
    });
    {
      HostClient client(std::move(options));
      sim.Run([&] {
        const std::string got = Talk(client);
        // A fault that is none, and one behind the end.
        if (way.errc == Errc::kAgain || n == 0 || n > faulty.operations()) {
          EXPECT_EQ(got, "+,+,+,");
          EXPECT_EQ(dials, 1);
        }
        client.CloseIdleConnections();
        EXPECT_EQ(Talk(client), "+,+,+,");
        client.CloseIdleConnections();
        sim.Sleep(absl::Seconds(20));  // A handshake that was left alone times out.
      });
    }
    EXPECT_TRUE(faulty.closed());
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    listener.Close();
    EXPECT_TRUE(sim.sim().RunUntil([&] { return served; }));
    sim.sim().Settle();
    EXPECT_EQ(loop.endpoints().in_use(), endpoints);
    EXPECT_EQ(loop.blocked(), blocked);
    if (n > faulty.operations()) break;
    ASSERT_LT(n, 500u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, TLSFault,
    ::testing::Values(Way{"ServerReset", Errc::kConnectionReset, true, TLSVersion::kTLS13},
                      Way{"ServerIo", Errc::kIo, true, TLSVersion::kTLS12},
                      Way{"ServerAgain", Errc::kAgain, true, TLSVersion::kTLS13},
                      Way{"ServerAgain12", Errc::kAgain, true, TLSVersion::kTLS12},
                      Way{"ClientReset", Errc::kConnectionReset, false, TLSVersion::kTLS13},
                      Way{"ClientClosed", Errc::kConnectionClosed, false, TLSVersion::kTLS12},
                      Way{"ClientAgain", Errc::kAgain, false, TLSVersion::kTLS13},
                      Way{"ClientAgain12", Errc::kAgain, false, TLSVersion::kTLS12}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fasthttp
