// What a server does with certificates, names, client certificates, tickets, protocols and bad
// clients, in virtual time.
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_server_context.h"
#include "gtest/gtest.h"
#include "testing/sim_tls_server.h"
#include "testing/test_certificate.h"
#include "testing/tls_probe.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::TestCertificate;
using fasthttptest::TestKey;
using testing::BackendCertificate;
using testing::DerOf;
using testing::SimTLSServer;
using testing::TLSProbe;
using testing::WireClient;

void Hello(RequestCtx& ctx) {
  if (ctx.Path() == "/sleep") (void)Sleep(absl::Seconds(1));
  const TLSConnectionState* tls = ctx.TLSConnectionState();
  ctx.SetBody(tls == nullptr ? "plain"
                             : absl::StrCat(tls->negotiated_protocol, " ", tls->did_resume, " ",
                                            tls->peer_certificates.size()));
}

TestCertificate For(std::vector<std::string> hosts, TestKey key = TestKey::kEcdsaP256) {
  return GenerateTestCertificate({.hosts = std::move(hosts), .key = key});
}

// A server with these certificates; without one it does not serve yet.
class Certified {
 public:
  explicit Certified(const std::vector<TestCertificate>& certificates, TLSSettings settings = {})
      : sim_({.handler = Hello}, With(certificates, std::move(settings)), {},
             /*serve=*/!certificates.empty()) {}

  SimTLSServer* operator->() { return &sim_; }
  TLSProbe::Result Shake(TLSProbe& probe, const std::string& name) {
    TLSProbe::Result result;
    sim_.Run([&] { result = probe.Shake(*sim_.tls_listener().Dial(), name); });
    return result;
  }
  // The leaf that a client gets that asks for `name`.
  std::string LeafFor(const std::string& name) {
    TLSProbe probe;
    return Shake(probe, name).leaf;
  }

 private:
  static TLSConfig With(const std::vector<TestCertificate>& certificates, TLSSettings settings) {
    TLSConfig config(std::move(settings));
    for (const TestCertificate& one : certificates) {
      EXPECT_TRUE(config.AppendCertPEM(one.cert_pem, one.key_pem).ok());
    }
    return config;
  }

  SimTLSServer sim_;
};

// --- Certificates -----------------------------------------------------------------------------

TEST(TLSCertificates, TheNameThatIsAskedForPicks) {
  const TestCertificate a = For({"a.test", "www.a.test"}), b = For({"*.b.test"}),
                        c = For({"exact.b.test"});
  Certified server({a, b, c});
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(a));
  EXPECT_EQ(server.LeafFor("WWW.A.test"), DerOf(a));
  EXPECT_EQ(server.LeafFor("x.b.test"), DerOf(b));
  EXPECT_EQ(server.LeafFor("exact.b.test"), DerOf(c));
  // None of them: the first.
  EXPECT_EQ(server.LeafFor("y.x.b.test"), DerOf(a));
  EXPECT_EQ(server.LeafFor("b.test"), DerOf(a));
  EXPECT_EQ(server.LeafFor("other.test"), DerOf(a));
  EXPECT_EQ(server.LeafFor(""), DerOf(a));
}

TEST(TLSCertificates, ClientsWithoutEcdsaGetTheRsaOne) {
  const TestCertificate ecdsa = For({"a.test"}), rsa = For({"a.test"}, TestKey::kRsa2048);
  Certified server({ecdsa, rsa});
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(ecdsa));
  const uint16_t rsa_only[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256};
  TLSProbe old;
  SSL_CTX_set_verify_algorithm_prefs(old.context(), rsa_only, 2);
  EXPECT_EQ(server.Shake(old, "a.test").leaf, DerOf(rsa));
  EXPECT_EQ(server.Shake(old, "").leaf, DerOf(rsa));
  // With TLS 1.2 the suites say it too.
  TLSProbe suites(TLSVersion::kTLS12, TLSVersion::kTLS12);
  SSL_CTX_set_strict_cipher_list(suites.context(), "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(server.Shake(suites, "a.test").leaf, DerOf(rsa));
}

TEST(TLSCertificates, OfEveryKind) {
  for (TestKey key :
       {TestKey::kRsa2048, TestKey::kEcdsaP256, TestKey::kEcdsaP384, TestKey::kEd25519}) {
    const TestCertificate cert = For({"a.test"}, key);
    for (bool offload : {false, true}) {
      Certified server({cert}, {.offload_private_key = offload});
      for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
        TLSProbe probe(version, version);
        TLSProbe::Result result = server.Shake(probe, "a.test");
        EXPECT_EQ(result.errc, Errc::kOk) << static_cast<int>(key) << result.detail;
        EXPECT_EQ(result.leaf, DerOf(cert));
        EXPECT_EQ(result.state.version, version);
      }
    }
  }
}

TEST(TLSCertificates, AppendedWhileServing) {
  const TestCertificate a = For({"a.test"}), b = For({"b.test"});
  Certified server({a});
  EXPECT_EQ(server.LeafFor("b.test"), DerOf(a));
  ASSERT_TRUE(server->config().AppendCertPEM(b.cert_pem, b.key_pem).ok());
  EXPECT_EQ(server.LeafFor("b.test"), DerOf(b));
  server->config().ReplaceCertificates({*TLSCertificate::FromPEM(b.cert_pem, b.key_pem)});
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(b));
}

std::string File(std::string_view name, std::string_view content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", std::string(name));
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
  EXPECT_EQ(std::fwrite(content.data(), 1, content.size(), file.get()), content.size());
  return path;
}

TEST(TLSCertificates, ReloadedFromTheirFiles) {
  const TestCertificate before = For({"a.test"}), after = For({"a.test"}), memory = For({"m.test"});
  const std::string cert = File("reload.pem", before.cert_pem);
  const std::string key = File("reload.key", before.key_pem);
  Certified server({});
  ASSERT_TRUE(server->config().AppendCert(cert, key).ok());
  ASSERT_TRUE(server->config().AppendCertPEM(memory.cert_pem, memory.key_pem).ok());
  server->Serve();
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(before));
  // Half of it is new: nothing changes.
  File("reload.pem", after.cert_pem);
  absl::Status status = server->config().Reload();
  EXPECT_EQ(ErrcOf(status), Errc::kBadCertificate);
  EXPECT_NE(status.message().find(key), std::string::npos) << status;
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(before));
  File("reload.key", after.key_pem);
  EXPECT_TRUE(server->config().Reload().ok());
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(after));
  EXPECT_EQ(server.LeafFor("m.test"), DerOf(memory));
}

TEST(TLSCertificates, BadOnesAreRefusedByName) {
  const TestCertificate a = For({"a.test"}), b = For({"b.test"});
  TLSConfig config;
  auto problem = [&](std::string_view cert, std::string_view key) {
    absl::Status status = config.AppendCertPEM(cert, key);
    EXPECT_EQ(ErrcOf(status), Errc::kBadCertificate) << status;
    return std::string(status.message());
  };
  EXPECT_NE(problem("", a.key_pem).find("certificate: no certificate"), std::string::npos);
  EXPECT_NE(problem(a.cert_pem, "").find("key: no private key"), std::string::npos);
  EXPECT_NE(problem(a.cert_pem, b.key_pem).find("not the key of"), std::string::npos);
  EXPECT_NE(problem(a.cert_pem.substr(0, 200), a.key_pem).find("certificate"), std::string::npos);
  std::string broken = a.cert_pem;
  broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
  EXPECT_NE(problem(broken, a.key_pem).find("malformed"), std::string::npos);
  absl::Status missing = config.AppendCert("/nonexistent/a.pem", "/nonexistent/a.key");
  EXPECT_NE(missing.message().find("/nonexistent/a.pem"), std::string::npos) << missing;
  EXPECT_EQ(ErrcOf(config.Check()), Errc::kBadCertificate);
}

TEST(TLSCertificates, WithoutOneTheListenerIsClosed) {
  SimTLSServer sim({.handler = Hello}, TLSConfig(), {}, /*serve=*/true);
  EXPECT_EQ(ErrcOf(sim.served()), Errc::kBadCertificate);
  sim.Run([&] { EXPECT_EQ(ErrcOf(sim.tls_listener().Dial().status()), Errc::kListenerClosed); });
}

TEST(TLSCertificates, TheStapleIsSent) {
  const TestCertificate a = For({"a.test"});
  Certified server({});
  server->config().AppendCertificate(*TLSCertificate::FromPEM(a.cert_pem, a.key_pem, "staple"));
  server->Serve();
  TLSProbe asks;
  SSL_CTX_enable_ocsp_stapling(asks.context());
  EXPECT_EQ(server.Shake(asks, "a.test").state.ocsp_response, "staple");
  TLSProbe silent;
  EXPECT_EQ(server.Shake(silent, "a.test").state.ocsp_response, "");
}

// --- The hook ---------------------------------------------------------------------------------

TEST(TLSGetCertificate, MayBlockAndSeesTheHello) {
  const TestCertificate a = For({"a.test"}), hooked = For({"hooked.test"});
  auto certificate = *TLSCertificate::FromPEM(hooked.cert_pem, hooked.key_pem);
  std::vector<std::string> seen;
  TLSSettings settings;
  settings.get_certificate =
      [&](const ClientHelloInfo& hello) -> absl::StatusOr<std::shared_ptr<const TLSCertificate>> {
    EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
    seen.push_back(
        absl::StrCat(hello.server_name, " ", hello.Offers("http/1.1"), " ", hello.Offers("h2")));
    if (hello.server_name == "error.test") return absl::NotFoundError("no such host");
    if (hello.server_name == "throw.test") throw 1;
    if (hello.server_name == "hooked.test") return certificate;
    return nullptr;
  };
  Certified server({a}, std::move(settings));
  TLSProbe probe;
  probe.OfferProtocols("\x08http/1.1");
  EXPECT_EQ(server.Shake(probe, "hooked.test").leaf, DerOf(hooked));
  EXPECT_EQ(server.Shake(probe, "A.test").leaf, DerOf(a));
  EXPECT_EQ(server.Shake(probe, "error.test").errc, Errc::kTlsAlert);
  EXPECT_EQ(server.Shake(probe, "throw.test").errc, Errc::kTlsAlert);
  const std::vector<std::string> want = {"hooked.test 1 0", "a.test 1 0", "error.test 1 0",
                                         "throw.test 1 0"};
  EXPECT_EQ(seen, want);
}

TEST(TLSGetCertificate, IsHeldToTheTimeLimit) {
  Errc ended = Errc::kOk;
  TLSSettings settings;
  settings.handshake_timeout = absl::Seconds(3);
  settings.get_certificate =
      [&](const ClientHelloInfo&) -> absl::StatusOr<std::shared_ptr<const TLSCertificate>> {
    ended = ErrcOf(Sleep(absl::Seconds(100)));
    return nullptr;
  };
  Certified server({For({"a.test"})}, std::move(settings));
  TLSProbe probe;
  EXPECT_EQ(server.Shake(probe, "a.test").errc, Errc::kConnectionReset);
  server->sim().Settle();
  EXPECT_EQ(ended, Errc::kCancelled);
  EXPECT_EQ(server->config().Stats().timed_out, 1u);
}

// RFC 8737: a certificate for the challenge, and a protocol that is no HTTP.
TEST(TLSGetCertificate, AnswersAnAcmeChallenge) {
  const TestCertificate a = For({"a.test"}), challenge = For({"a.test"});
  auto answer = *TLSCertificate::FromPEM(challenge.cert_pem, challenge.key_pem);
  TLSSettings settings;
  settings.get_certificate =
      [&](const ClientHelloInfo& hello) -> absl::StatusOr<std::shared_ptr<const TLSCertificate>> {
    if (hello.Offers("acme-tls/1")) return answer;
    return nullptr;
  };
  Certified server({a}, std::move(settings));
  int validated = 0;
  server->config().NextProto("acme-tls/1",
                             [&](HijackedConn&, const TLSConnectionState&) { ++validated; });
  TLSProbe authority;
  authority.OfferProtocols(
      "\x0a"
      "acme-tls/1");
  TLSProbe::Result result = server.Shake(authority, "a.test");
  EXPECT_EQ(result.leaf, DerOf(challenge));
  EXPECT_EQ(result.state.negotiated_protocol, "acme-tls/1");
  server->Run([&] {
    char byte;
    EXPECT_EQ(result.conn.Read({&byte, 1}).bytes(), 0u);
  });
  EXPECT_EQ(validated, 1);
  EXPECT_EQ(server.LeafFor("a.test"), DerOf(a));
}

// --- Client certificates ----------------------------------------------------------------------

class ClientCertificates : public ::testing::Test {
 protected:
  const TestCertificate authority_ =
      GenerateTestCertificate({.common_name = "authority", .is_ca = true});
  const TestCertificate good_ =
      GenerateTestCertificate({.common_name = "client", .issuer = &authority_});
  const TestCertificate stranger_ = GenerateTestCertificate({.common_name = "client"});

  TLSSettings Ask(ClientAuth auth) {
    return {.client_auth = auth, .client_ca_pem = authority_.cert_pem};
  }
  // What a GET with this certificate gives.
  std::string Get(SimTLSServer& sim, const TestCertificate* shown,
                  TLSVersion version = TLSVersion::kTLS13) {
    ClientTLSSettings settings{.max_version = version,
                               .root_ca_pem = BackendCertificate().cert_pem};
    if (shown != nullptr) {
      settings.cert_pem = shown->cert_pem;
      settings.key_pem = shown->key_pem;
    }
    HostClient client(sim.ClientOptions(std::move(settings)));
    std::string got;
    sim.Run([&] {
      for (int i = 0; i < 2; ++i) {
        absl::StatusOr<Response> r = client.Get("/");
        absl::StrAppend(&got, got.empty() ? "" : ", ",
                        r.ok() ? r->Body() : ErrcName(ErrcOf(r.status())));
        client.CloseIdleConnections();
      }
    });
    return got;
  }
  // The same of a client of its own, whose sessions are those of `tls`.
  std::string GetOnce(SimTLSServer& sim, const ClientTLSConfig& tls) {
    HostClientOptions options = sim.ClientOptions();
    options.tls = tls;
    HostClient client(std::move(options));
    std::string got;
    sim.Run([&] {
      absl::StatusOr<Response> r = client.Get("/");
      got = r.ok() ? std::string(r->Body()) : std::string(ErrcName(ErrcOf(r.status())));
    });
    return got;
  }
};

TEST_F(ClientCertificates, RequiredOnesAreVerifiedAndShown) {
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    SimTLSServer sim({.handler = Hello}, Ask(ClientAuth::kRequired));
    EXPECT_EQ(Get(sim, &good_, version), "http/1.1 0 1, http/1.1 1 1");
    EXPECT_EQ(Get(sim, nullptr, version), "TlsAlert, TlsAlert");
    EXPECT_EQ(Get(sim, &stranger_, version), "TlsAlert, TlsAlert");
    const TestCertificate for_servers =
        GenerateTestCertificate({.common_name = "c", .for_clients = false, .issuer = &authority_});
    EXPECT_EQ(Get(sim, &for_servers, version), "TlsAlert, TlsAlert");
    const TestCertificate expired = GenerateTestCertificate(
        {.common_name = "c", .not_after = absl::Now() - absl::Minutes(1), .issuer = &authority_});
    EXPECT_EQ(Get(sim, &expired, version), "TlsAlert, TlsAlert");
    EXPECT_EQ(sim.config().Stats().handshakes, 2u);
    EXPECT_EQ(sim.config().Stats().resumed, 1u);
  }
}

TEST_F(ClientCertificates, OptionalOnesAreVerifiedIfThereAreAny) {
  SimTLSServer sim({.handler = Hello}, Ask(ClientAuth::kOptional));
  EXPECT_EQ(Get(sim, &good_), "http/1.1 0 1, http/1.1 1 1");
  EXPECT_EQ(Get(sim, nullptr), "http/1.1 0 0, http/1.1 1 0");
  EXPECT_EQ(Get(sim, &stranger_), "TlsAlert, TlsAlert");
}

TEST_F(ClientCertificates, AreNotAskedForUnlessWanted) {
  SimTLSServer sim({.handler = Hello});
  EXPECT_EQ(Get(sim, &stranger_), "http/1.1 0 0, http/1.1 1 0");
}

// Tickets of a server that trusts everybody say nothing to one that does not.
TEST_F(ClientCertificates, TicketsOfAnotherServerAreWorthNothing) {
  const TLSTicketKey key = {1, 2, 3};
  SimTLSServer open({.handler = Hello}), alike({.handler = Hello}),
      strict({.handler = Hello}, Ask(ClientAuth::kRequired));
  for (SimTLSServer* sim : {&open, &alike, &strict}) sim->config().SetSessionTicketKeys({&key, 1});
  TLSProbe probe(TLSVersion::kTLS12, TLSVersion::kTLS12);
  bssl::UniquePtr<SSL_SESSION> session;
  auto shake = [&](SimTLSServer& sim) {
    std::string got;
    sim.Run([&] {
      TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test", session.get());
      got = absl::StrCat(ErrcName(r.errc), " ", r.state.did_resume);
      if (session == nullptr) session = r.Session();
    });
    return got;
  };
  EXPECT_EQ(shake(open), "Ok 0");
  EXPECT_EQ(shake(alike), "Ok 1");
  EXPECT_EQ(shake(strict), "TlsAlert 0");
}

// What was shown to a server that asked no questions, as of an old time, does not do later.
TEST_F(ClientCertificates, OfSessionsAreVerifiedAgain) {
  const TLSTicketKey key = {1, 2, 3};
  const TestCertificate expired = GenerateTestCertificate(
      {.common_name = "c", .not_after = absl::Now() - absl::Minutes(1), .issuer = &authority_});
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    SimTLSServer lax({.handler = Hello}, Ask(ClientAuth::kRequired)),
        strict({.handler = Hello}, Ask(ClientAuth::kRequired));
    for (SimTLSServer* sim : {&lax, &strict}) sim->config().SetSessionTicketKeys({&key, 1});
    SSL_CTX_set_custom_verify(&lax.config().context()->ssl_context(), SSL_VERIFY_PEER,
                              [](SSL*, uint8_t*) { return ssl_verify_ok; });
    const ClientTLSConfig shared({.max_version = version,
                                  .root_ca_pem = BackendCertificate().cert_pem,
                                  .cert_pem = expired.cert_pem,
                                  .key_pem = expired.key_pem});
    auto get = [&](SimTLSServer& sim) { return GetOnce(sim, shared); };
    EXPECT_EQ(get(lax), "http/1.1 0 1");
    EXPECT_NE(get(strict).substr(0, 4), "http");
    EXPECT_EQ(strict.config().Stats().handshakes, 0u);
    EXPECT_GE(strict.config().Stats().failed, 1u);
  }
}

// A client that has a new one by then shows it.
TEST_F(ClientCertificates, EndTheirSessionsWhenTheyExpire) {
  const TLSTicketKey key = {1, 2, 3};
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    SimTLSServer before({.handler = Hello}, Ask(ClientAuth::kRequired)),
        after({.handler = Hello}, Ask(ClientAuth::kRequired));
    for (SimTLSServer* sim : {&before, &after}) sim->config().SetSessionTicketKeys({&key, 1});
    const ClientTLSConfig shared({.max_version = version,
                                  .root_ca_pem = BackendCertificate().cert_pem,
                                  .cert_pem = good_.cert_pem,
                                  .key_pem = good_.key_pem});
    auto get = [&](SimTLSServer& sim) { return GetOnce(sim, shared); };
    EXPECT_EQ(get(before), "http/1.1 0 1");
    EXPECT_EQ(get(after), "http/1.1 1 1");
    // Their tickets say that it has expired.
    SSL_CTX_set_custom_verify(
        &before.config().context()->ssl_context(), SSL_VERIFY_PEER, [](SSL* ssl, uint8_t*) {
          static_cast<internal::TLSHandshake*>(SSL_get_app_data(ssl))->good_until =
              absl::Now() - absl::Seconds(1);
          return ssl_verify_ok;
        });
    const TLSTicketKey other = {4};
    before.config().SetSessionTicketKeys({&other, 1});  // Not resumed there.
    EXPECT_EQ(get(before), "http/1.1 0 1");
    const TLSTicketKey both[] = {key, other};
    after.config().SetSessionTicketKeys(both);
    EXPECT_EQ(get(after), "http/1.1 0 1");
    EXPECT_EQ(get(after), "http/1.1 1 1");
    EXPECT_EQ(after.config().Stats().failed, 0u);
  }
}

// Sessions are for the roots that they were made under.
TEST_F(ClientCertificates, SessionsAreNothingToOtherRoots) {
  const TLSTicketKey key = {1, 2, 3};
  const TestCertificate other = GenerateTestCertificate({.common_name = "other", .is_ca = true});
  SimTLSServer first({.handler = Hello}, Ask(ClientAuth::kOptional)),
      second({.handler = Hello},
             TLSSettings{.client_auth = ClientAuth::kOptional,
                         .client_ca_pem = absl::StrCat(authority_.cert_pem, other.cert_pem)});
  const ClientTLSConfig shared({.root_ca_pem = BackendCertificate().cert_pem});
  std::string got;
  for (SimTLSServer* sim : {&first, &second}) {
    sim->config().SetSessionTicketKeys({&key, 1});
    absl::StrAppend(&got, GetOnce(*sim, shared), ", ");
  }
  EXPECT_EQ(got, "http/1.1 0 0, http/1.1 0 0, ");
}

TEST_F(ClientCertificates, NeedRoots) {
  EXPECT_EQ(ErrcOf(TLSConfig({.client_auth = ClientAuth::kRequired}).Check()),
            Errc::kBadCertificate);
  absl::Status missing =
      TLSConfig({.client_auth = ClientAuth::kOptional, .client_ca_file = "/nonexistent/ca.pem"})
          .Check();
  EXPECT_NE(missing.message().find("/nonexistent/ca.pem"), std::string::npos) << missing;
}

// --- Sessions ---------------------------------------------------------------------------------

class Sessions : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Loops, Sessions, ::testing::Values(1, 2, 4));

TEST_P(Sessions, AreTakenUpOnAnyLoop) {
  SimTLSServer sim({.handler = Hello}, TLSSettings(), {.loops = GetParam(), .seed = 5});
  HostClient client(sim.ClientOptions());
  for (int i = 0; i < 12; ++i) {
    fasthttp::runtime::Loop& loop = sim.sim().loop(static_cast<size_t>(i) % GetParam());
    sim.sim().RunOn(loop, [&] {
      absl::StatusOr<Response> r = client.Get("/");
      ASSERT_TRUE(r.ok()) << r.status();
      EXPECT_EQ(r->Body(), i == 0 ? "http/1.1 0 0" : "http/1.1 1 0");
      client.CloseIdleConnections();
    });
  }
  EXPECT_EQ(sim.config().Stats().resumed, 11u);
}

TEST(SessionTickets, LiveAsLongAsThreeKeys) {
  SimTLSServer sim({.handler = Hello}, {.ticket_key_lifetime = absl::Hours(1)});
  HostClient client(sim.ClientOptions());
  auto resumes = [&] {
    bool resumed = false;
    sim.Run([&] {
      absl::StatusOr<Response> r = client.Get("/");
      ASSERT_TRUE(r.ok()) << r.status();
      resumed = r->Body() == "http/1.1 1 0";
      client.CloseIdleConnections();
    });
    return resumed;
  };
  EXPECT_FALSE(resumes());
  sim.sim().Advance(absl::Minutes(119));
  EXPECT_TRUE(resumes());
  sim.sim().Advance(absl::Minutes(200));
  EXPECT_FALSE(resumes());
  EXPECT_TRUE(resumes());
}

TEST(SessionTickets, OfSharedKeysAreForSeveralServers) {
  const TLSTicketKey key = {1, 2, 3}, other = {4, 5, 6};
  SimTLSServer sim({.handler = Hello});
  HostClient client(sim.ClientOptions());
  auto get = [&] {
    std::string body;
    sim.Run([&] {
      body = client.Get("/")->Body();
      client.CloseIdleConnections();
    });
    return body;
  };
  sim.config().SetSessionTicketKeys({&key, 1});
  EXPECT_EQ(get(), "http/1.1 0 0");
  const TLSTicketKey both[] = {other, key};
  sim.config().SetSessionTicketKeys(both);
  EXPECT_EQ(get(), "http/1.1 1 0");
  EXPECT_EQ(get(), "http/1.1 1 0");
  sim.config().SetSessionTicketKeys({});
  EXPECT_EQ(get(), "http/1.1 0 0");
}

TEST(SessionTickets, CanBeSwitchedOff) {
  SimTLSServer sim({.handler = Hello}, {.session_tickets = false});
  HostClient client(sim.ClientOptions());
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient one(
        sim.ClientOptions({.max_version = version, .root_ca_pem = BackendCertificate().cert_pem}));
    sim.Run([&] {
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(one.Get("/")->Body(), "http/1.1 0 0");
        one.CloseIdleConnections();
      }
    });
  }
}

// --- Protocols --------------------------------------------------------------------------------

TEST(NextProtocol, GetsTheConnectionBeforeAnythingIsRead) {
  SimTLSServer sim({.handler = Hello});
  std::string spoken;
  sim.config().NextProto("echo/1", [&](HijackedConn& conn, const TLSConnectionState& state) {
    spoken = absl::StrCat(state.negotiated_protocol, " ", state.server_name);
    char buffer[100];
    for (IoResult n = IoResult::Bytes(0); (n = conn.Read(buffer)).ok() && n.bytes() != 0;) {
      if (conn.Write({buffer, n.bytes()}) != Errc::kOk) return;
    }
  });
  TLSProbe probe;
  probe.OfferProtocols(
      "\x08http/1.1\x06"
      "echo/1");
  sim.Run([&] {
    TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
    ASSERT_EQ(r.errc, Errc::kOk) << r.detail;
    EXPECT_EQ(r.state.negotiated_protocol, "echo/1");
    EXPECT_EQ(r.conn.Write("ping"), Errc::kOk);
    char buffer[4];
    EXPECT_EQ(r.conn.ReadFull(buffer), Errc::kOk);
    EXPECT_EQ(std::string_view(buffer, 4), "ping");
    EXPECT_EQ(spoken, "echo/1 backend.test");
    EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 1u);
    // A shutdown ends it.
    EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(1)).ok());
    EXPECT_EQ(r.conn.Read(buffer).bytes(), 0u);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 0u);
  });
}

TEST(NextProtocol, ConnectionsCountAsOthersDo) {
  SimTLSServer sim({.handler = Hello, .concurrency = 2});
  sim.config().NextProto("hold/1", [&](HijackedConn& conn, const TLSConnectionState&) {
    char byte;
    (void)conn.Read({&byte, 1});
  });
  TLSProbe hold, http;
  hold.OfferProtocols("\x06hold/1");
  sim.Run([&] {
    auto dial = [&](TLSProbe& probe) {
      TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
      EXPECT_EQ(r.errc, Errc::kOk) << r.detail;
      sim.Settle();
      return r;
    };
    TLSProbe::Result first = dial(hold), second = dial(hold);
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 2u);
    // One more of that kind is reset, one of HTTP is told.
    char bytes[1000];
    EXPECT_EQ(dial(hold).conn.Read(bytes).errc(), Errc::kConnectionReset);
    TLSProbe::Result refused = dial(http);
    EXPECT_EQ(refused.conn.Write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Errc::kOk);
    IoResult n = refused.conn.Read(bytes);
    EXPECT_EQ(std::string_view(bytes, n.ok() ? n.bytes() : 0).substr(0, 12), "HTTP/1.1 503");
    EXPECT_EQ(sim.server().GetRejectedConnectionsCount(), 2u);
    first.conn.Close();
    sim.Settle();
    TLSProbe::Result third = dial(http);
    EXPECT_EQ(third.conn.Write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Errc::kOk);
    n = third.conn.Read(bytes);
    EXPECT_EQ(std::string_view(bytes, n.ok() ? n.bytes() : 0).substr(0, 12), "HTTP/1.1 200");
    EXPECT_EQ(sim.server().GetRejectedConnectionsCount(), 2u);
  });
}

TEST(NextProtocol, AShutdownAwaitsItsFunctions) {
  SimTLSServer sim({.handler = Hello});
  int ended = 0;
  sim.config().NextProto("slow/1", [&](HijackedConn& conn, const TLSConnectionState&) {
    char byte;
    EXPECT_EQ(conn.Read({&byte, 1}).errc(), Errc::kDraining);
    ContextScope scope = WithoutCancel();
    EXPECT_TRUE(Sleep(absl::Seconds(5)).ok());
    ++ended;
  });
  sim.config().NextProto("parked/1", [&](HijackedConn& conn, const TLSConnectionState&) {
    conn.Park([&](HijackedConn&) { ++ended; });
  });
  TLSProbe slow, parked;
  slow.OfferProtocols("\x06slow/1");
  parked.OfferProtocols("\x08parked/1");
  sim.Run([&] {
    TLSProbe::Result one = slow.Shake(*sim.tls_listener().Dial(), "backend.test");
    TLSProbe::Result two = parked.Shake(*sim.tls_listener().Dial(), "backend.test");
    sim.Settle();
    EXPECT_EQ(sim.server().Stats().connections_hijacked, 2u);
    absl::Status status = sim.server().Shutdown(absl::Seconds(1));
    EXPECT_EQ(ErrcOf(status), Errc::kTimeout);
    EXPECT_NE(status.message().find("hijacked"), std::string::npos) << status;
    EXPECT_EQ(ended, 0);
    EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(9)).ok());
    EXPECT_EQ(ended, 1);
  });
}

TEST(NextProtocol, WithoutACommonOneThereIsNoConnection) {
  SimTLSServer sim({.handler = Hello});
  TLSProbe probe;
  sim.Run([&] {
    probe.OfferProtocols("\x02h2");
    EXPECT_EQ(probe.Shake(*sim.tls_listener().Dial(), "backend.test").errc, Errc::kTlsAlert);
    probe.OfferProtocols("\x02h2\x08http/1.1");
    TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
    EXPECT_EQ(r.state.negotiated_protocol, "http/1.1");
    sim.Settle();
  });
  EXPECT_EQ(sim.config().Stats().failed, 1u);
}

// --- Versions and ciphers -----------------------------------------------------------------------

TEST(TLSVersions, AreThoseOfTheSettings) {
  for (TLSVersion only : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    SimTLSServer sim({.handler = Hello}, {.min_version = only, .max_version = only});
    sim.Run([&] {
      for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
        TLSProbe probe(version, version);
        TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
        EXPECT_EQ(r.errc, version == only ? Errc::kOk : Errc::kTlsAlert) << r.detail;
      }
    });
  }
  EXPECT_EQ(ErrcOf(TLSConfig({.min_version = TLSVersion::kTLS13, .max_version = TLSVersion::kTLS12})
                       .Check()),
            Errc::kProgramming);
}

TEST(TLSVersions, OldOnesAndWeakCiphersAreRefused) {
  SimTLSServer sim({.handler = Hello});
  auto refused = [&](auto set_up) {
    TLSProbe probe(TLSVersion::kTLS12, TLSVersion::kTLS12);
    set_up(probe.context());
    TLSProbe::Result r;
    sim.Run([&] { r = probe.Shake(*sim.tls_listener().Dial(), "backend.test"); });
    return r.errc == Errc::kTlsAlert;
  };
  EXPECT_TRUE(refused([](SSL_CTX* c) {
    SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(c, "ALL");
  }));
  for (const char* weak : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256"}) {
    EXPECT_TRUE(refused([&](SSL_CTX* c) { SSL_CTX_set_strict_cipher_list(c, weak); })) << weak;
  }
  EXPECT_FALSE(refused([](SSL_CTX*) {}));
}

// --- Bad clients ------------------------------------------------------------------------------

// The first bytes of a client.
std::string ClientHello() {
  TLSProbe probe;
  bssl::UniquePtr<SSL> ssl(SSL_new(probe.context()));
  bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), bssl::UpRef(out).release());
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  BIO_mem_contents(out.get(), &bytes, &size);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

TEST(BadClients, ThatSayNothingOrHalfAreReset) {
  const std::string hello = ClientHello();
  for (size_t size :
       {size_t{0}, size_t{1}, size_t{5}, hello.size() / 2, hello.size() - 1, hello.size()}) {
    SCOPED_TRACE(size);
    std::vector<std::string> errors;
    TLSSettings settings;
    settings.handshake_error = [&](const Addr&, const absl::Status& status) {
      errors.emplace_back(ErrcName(ErrcOf(status)));
    };
    SimTLSServer sim({.handler = Hello}, std::move(settings));
    sim.Run([&] {
      BlockingConn conn = *sim.tls_listener().Dial();
      EXPECT_EQ(conn.Write(hello.substr(0, size)), Errc::kOk);
      sim.Sleep(absl::Seconds(9));
      EXPECT_EQ(sim.config().Stats().timed_out, 0u);
      EXPECT_EQ(sim.server().GetOpenConnectionsCount(), 0u);
      sim.Sleep(absl::Seconds(2));
      EXPECT_EQ(sim.config().Stats().timed_out, 1u);
      char buffer[10'000];
      IoResult n = IoResult::Bytes(0);
      do {
        n = conn.Read(buffer);
      } while (n.ok() && n.bytes() != 0);
      EXPECT_EQ(n.errc(), Errc::kConnectionReset);
    });
    EXPECT_EQ(errors, std::vector<std::string>{"TlsHandshakeTimeout"});
  }
}

TEST(BadClients, ThatSpeakSomethingElseAreToldSo) {
  SimTLSServer sim({.handler = Hello});
  auto answer = [&](std::string_view bytes) {
    std::string got;
    sim.Run([&] {
      BlockingConn conn = *sim.tls_listener().Dial();
      EXPECT_EQ(conn.Write(bytes), Errc::kOk);
      char buffer[1000];
      IoResult n = IoResult::Bytes(0);
      while ((n = conn.Read(buffer)).ok() && n.bytes() != 0) got.append(buffer, n.bytes());
      got += n.ok() ? "." : ErrcName(n.errc());
    });
    return got;
  };
  const std::string told = answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  // Chaos fills a pipe with four short writes, and nobody waits for room here.
  if (!base::chaos_enabled || told.find("HTTPS") != std::string::npos) {
    EXPECT_NE(told.find("This port speaks HTTPS.\n."), std::string::npos);
  }
  for (std::string_view garbage : {"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\xff\xff garbage",
                                   "\x80\x2e\x01\x03\x01 old SSL", "\x17\x03\x03\x00\x05hello"}) {
    const std::string got = answer(garbage);
    EXPECT_FALSE(got.empty());
    EXPECT_EQ(got.find("HTTP"), std::string::npos);
  }
  EXPECT_EQ(sim.config().Stats().failed, 5u);
  EXPECT_EQ(sim.config().Stats().handshakes, 0u);
}

TEST(BadClients, DoNotKeepOthersOut) {
  SimTLSServer sim({.handler = Hello}, {.max_handshakes = 3});
  sim.Run([&] {
    std::deque<BlockingConn> silent;
    for (int i = 0; i < 5; ++i) silent.push_back(*sim.tls_listener().Dial());
    sim.Settle();
    EXPECT_EQ(sim.config().Stats().pushed_out, 2u);
    char byte;
    EXPECT_EQ(silent[0].Read({&byte, 1}).errc(), Errc::kConnectionReset);
    EXPECT_EQ(silent[1].Read({&byte, 1}).errc(), Errc::kConnectionReset);
    silent[4].SetReadDeadline(sim.sim().Now());
    EXPECT_EQ(silent[4].Read({&byte, 1}).errc(), Errc::kTimeout);
    TLSProbe probe;
    EXPECT_EQ(probe.Shake(*sim.tls_listener().Dial(), "backend.test").errc, Errc::kOk);
    for (BlockingConn& conn : silent) conn.Close();
  });
}

// --- Connections of one address ---------------------------------------------------------------

TEST(PeerLimit, CountsFromTheAcceptOn) {
  for (size_t loops : {1u, 2u}) {
    SimTLSServer sim({.handler = Hello, .max_conns_per_ip = 2}, TLSSettings(), {.loops = loops});
    sim.config().NextProto("hold/1", [&](HijackedConn& conn, const TLSConnectionState&) {
      char byte;
      (void)conn.Read({&byte, 1});
    });
    auto dial = [&](uint8_t last) {
      const uint8_t ip[4] = {10, 0, 0, last};
      return *sim.tls_listener().DialWithLocalAddr(Addr::IPv4(ip, 1000));
    };
    sim.Run([&] {
      char bytes[1000];
      TLSProbe probe, hold;
      hold.OfferProtocols("\x06hold/1");
      auto shake = [&](TLSProbe& with, uint8_t last) {
        TLSProbe::Result r = with.Shake(dial(last), "backend.test");
        sim.Settle();
        return r;
      };
      BlockingConn silent = dial(1);
      TLSProbe::Result speaks = shake(hold, 1);
      EXPECT_EQ(speaks.errc, Errc::kOk) << speaks.detail;
      // Two are there: neither is a third one admitted, nor one in its handshake.
      EXPECT_EQ(shake(probe, 1).errc, Errc::kConnectionReset);
      EXPECT_EQ(dial(1).Read(bytes).errc(), Errc::kConnectionReset);
      EXPECT_EQ(shake(probe, 2).errc, Errc::kOk);
      EXPECT_EQ(sim.config().Stats().refused, 2u);
      EXPECT_EQ(sim.server().GetRejectedConnectionsCount(), 2u);
      // Each makes room for one when it ends.
      silent.Close();
      sim.Settle();
      TLSProbe::Result served = shake(probe, 1);
      EXPECT_EQ(served.conn.Write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Errc::kOk);
      IoResult n = served.conn.Read(bytes);
      EXPECT_EQ(std::string_view(bytes, n.ok() ? n.bytes() : 0).substr(0, 12), "HTTP/1.1 200");
      EXPECT_EQ(shake(probe, 1).errc, Errc::kConnectionReset);
      speaks.conn.Close();
      sim.Settle();
      // Those that fail, and those that take too long.
      for (int i = 0; i < 3; ++i) {
        BlockingConn garbage = dial(1);
        EXPECT_EQ(garbage.Write("garbage, and more of it"), Errc::kOk);
        sim.Settle();
      }
      BlockingConn slow = dial(1);
      sim.Settle();
      EXPECT_EQ(dial(1).Read(bytes).errc(), Errc::kConnectionReset);
      sim.Sleep(absl::Seconds(11));
      EXPECT_EQ(shake(probe, 1).errc, Errc::kOk);
      served.conn.Close();
      sim.Settle();
      EXPECT_EQ(sim.config().Stats().refused, 4u);
    });
  }
}

// --- The end of a connection -----------------------------------------------------------------

// The answer fills the pipe to the last of its blocks, and the closing alert finds no room.
TEST(TLSEnd, IsToldToASlowClientToo) {
  for (size_t size : {1'000u, 15'000u, 40'000u, 64'000u, 65'000u, 65'400u, 66'000u, 200'000u}) {
    SCOPED_TRACE(size);
    SimTLSServer sim({.handler = [size](RequestCtx& ctx) {
      ctx.SetBody(std::string(size, 'x'));
      ctx.SetConnectionClose();
    }});
    TLSProbe probe;
    sim.Run([&] {
      TLSProbe::Result r = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
      ASSERT_EQ(r.errc, Errc::kOk) << r.detail;
      EXPECT_EQ(r.conn.Write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Errc::kOk);
      sim.Sleep(absl::Seconds(5));
      std::vector<char> buffer(10'000);
      size_t got = 0;
      IoResult n = IoResult::Bytes(0);
      while ((n = r.conn.Read(buffer)).ok() && n.bytes() != 0) got += n.bytes();
      EXPECT_EQ(n.errc(), Errc::kOk);
      EXPECT_GT(got, size);
    });
  }
}

// --- Shutdown ---------------------------------------------------------------------------------

TEST(TLSShutdown, EndsHandshakesAndIdleConnectionsAndAwaitsHandlers) {
  SimTLSServer sim({.handler = Hello});
  HostClient idle(sim.ClientOptions()), busy(sim.ClientOptions());
  sim.Run([&] {
    BlockingConn silent = *sim.tls_listener().Dial();
    TLSProbe probe;
    TLSProbe::Result open = probe.Shake(*sim.tls_listener().Dial(), "backend.test");
    EXPECT_EQ(idle.Get("/")->Body(), "http/1.1 0 0");
    std::string slow;
    sim.Spawn([&] { slow = busy.Get("/sleep")->Body(); });
    sim.Sleep(absl::Milliseconds(100));
    EXPECT_TRUE(sim.server().Shutdown(absl::Seconds(5)).ok());
    sim.Settle();
    EXPECT_EQ(slow, "http/1.1 0 0");
    char byte;
    EXPECT_EQ(silent.Read({&byte, 1}).errc(), Errc::kConnectionReset);
    // Told by a close_notify.
    EXPECT_EQ(open.conn.Read({&byte, 1}).bytes(), 0u);
    EXPECT_EQ(idle.IdleConnsCount(), 0u);
  });
}

}  // namespace
}  // namespace fasthttp
