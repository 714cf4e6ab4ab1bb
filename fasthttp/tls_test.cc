// TLS between our server and our client: in memory and in virtual time, on 1, 2 and 4 loops, and
// over sockets.
#include "fasthttp/tls.h"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/client.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_tls_server.h"
#include "testing/test_certificate.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::TestCertificate;
using testing::BackendCertificate;
using testing::SimTLSServer;

// Tells what it got, and over what.
void Echo(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Milliseconds(20));
  if (ctx.Path() == "/large") return ctx.SetBody(std::string(3'000'000, 'x'));
  const TLSConnectionState* tls = ctx.TLSConnectionState();
  absl::Format(&ctx, "%s %s %s", ctx.Method(), ctx.URI().FullURI(),
               tls == nullptr ? "plain" : tls->server_name);
  if (!ctx.PostBody().empty()) absl::Format(&ctx, " %d bytes", ctx.PostBody().size());
}

std::string BodyOf(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return absl::StrCat("error ", response.status().ToString());
  return std::string(response->Body());
}

Errc ErrcOf(const absl::StatusOr<Response>& response) {
  return fasthttp::ErrcOf(response.status());
}

class TLSLoops : public ::testing::TestWithParam<size_t> {
 protected:
  fasthttptest::SimOptions Options() const { return {.loops = GetParam(), .seed = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Loops, TLSLoops, ::testing::Values(1, 2, 4));

TEST_P(TLSLoops, ARequestIsAnswered) {
  SimTLSServer sim({.handler = Echo}, TLSSettings(), Options());
  HostClient client(sim.ClientOptions());
  sim.Run([&] {
    EXPECT_EQ(BodyOf(client.Get("/a")), "GET https://backend.test/a backend.test");
    EXPECT_EQ(BodyOf(client.Get("/sleep")), "GET https://backend.test/sleep backend.test");
    EXPECT_EQ(BodyOf(client.Post("/p", "a/b", "abc")),
              "POST https://backend.test/p backend.test 3 bytes");
  });
  EXPECT_EQ(sim.config().Stats().handshakes, 1u);
  client.CloseIdleConnections();
}

TEST_P(TLSLoops, LargeBodiesGoBothWays) {
  SimTLSServer sim({.handler = Echo}, TLSSettings(), Options());
  HostClient client(sim.ClientOptions());
  sim.Run([&] {
    absl::StatusOr<Response> large = client.Get("/large");
    ASSERT_TRUE(large.ok()) << large.status();
    EXPECT_EQ(large->Body(), std::string(3'000'000, 'x'));
    EXPECT_EQ(BodyOf(client.Post("/p", "a/b", std::string(2'000'000, 'y'))),
              "POST https://backend.test/p backend.test 2000000 bytes");
  });
}

TEST_P(TLSLoops, PlainAndTLSListenersShareAServer) {
  SimTLSServer sim({.handler = Echo}, TLSSettings(), Options());
  HostClient secure(sim.ClientOptions());
  HostClient plain(
      {.addr = "backend.test", .runtime = &sim.sim(), .dial = sim.listener().Dialer()});
  sim.Run([&] {
    EXPECT_EQ(BodyOf(secure.Get("/a")), "GET https://backend.test/a backend.test");
    EXPECT_EQ(BodyOf(plain.Get("/a")), "GET http://backend.test/a plain");
  });
}

TEST(TLSTest, AnUnknownAuthorityIsNotTrusted) {
  SimTLSServer sim({.handler = Echo});
  const TestCertificate other = GenerateTestCertificate({.hosts = {"other.test"}, .is_ca = true});
  HostClient client(sim.ClientOptions({.root_ca_pem = other.cert_pem}));
  sim.Run([&] {
    absl::StatusOr<Response> r = client.Get("/a");
    EXPECT_EQ(ErrcOf(r), Errc::kBadCertificate);
    EXPECT_NE(r.status().message().find("backend.test"), std::string::npos) << r.status();
    sim.Settle();
  });
  EXPECT_EQ(sim.config().Stats().handshakes, 0u);
  EXPECT_EQ(sim.config().Stats().failed, 1u);
}

TEST(TLSTest, OverSockets) {
  Runtime runtime({.threads = 2});
  TestCertificate cert = GenerateTestCertificate("localhost");
  TLSConfig config;
  ASSERT_TRUE(config.AppendCertPEM(cert.cert_pem, cert.key_pem).ok());
  Server server({.handler = Echo, .runtime = &runtime});
  absl::StatusOr<Addr> address = StartTLS(server, "127.0.0.1:0", config);
  ASSERT_TRUE(address.ok()) << address.status();
  Client client({.runtime = &runtime, .tls = ClientTLSConfig({.root_ca_pem = cert.cert_pem})});
  const std::string url = absl::StrCat("https://localhost:", address->port());
  EXPECT_EQ(BodyOf(client.Get(url + "/a")), absl::StrCat("GET ", url, "/a localhost"));
  absl::StatusOr<Response> large = client.Get(url + "/large");
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->Body().size(), 3'000'000u);
  EXPECT_EQ(BodyOf(client.Post(url + "/p", "a/b", std::string(2'000'000, 'y'))),
            absl::StrCat("POST ", url, "/p localhost 2000000 bytes"));
}

TEST(TLSTest, OneTooManyOfAnAddressIsResetOverSockets) {
  Runtime runtime({.threads = 2});
  TestCertificate cert = GenerateTestCertificate({.hosts = {"127.0.0.1"}, .is_ca = true});
  TLSConfig config;
  ASSERT_TRUE(config.AppendCertPEM(cert.cert_pem, cert.key_pem).ok());
  Server server({.handler = Echo, .runtime = &runtime, .max_conns_per_ip = 1});
  absl::StatusOr<Addr> address = StartTLS(server, "127.0.0.1:0", config);
  ASSERT_TRUE(address.ok()) << address.status();
  const ClientTLSConfig trust({.root_ca_pem = cert.cert_pem});
  Client first({.runtime = &runtime, .tls = trust}), second({.runtime = &runtime, .tls = trust});
  const std::string url = absl::StrCat("https://127.0.0.1:", address->port(), "/a");
  EXPECT_TRUE(first.Get(url).ok());
  EXPECT_FALSE(second.Get(url).ok());
  EXPECT_GE(config.Stats().refused, 1u);
  EXPECT_EQ(server.GetRejectedConnectionsCount(), config.Stats().refused);
  EXPECT_EQ(config.Stats().handshakes, 1u);
  // The server hears of the end a little later.
  first.CloseIdleConnections();
  bool served = false;
  for (int i = 0; i < 1'000 && !served; ++i) {
    served = second.Get(url).ok();
    if (!served) absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(served);
}

}  // namespace
}  // namespace fasthttp
