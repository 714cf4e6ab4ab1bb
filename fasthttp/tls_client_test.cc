// Whom a client trusts, what it says when it does not, sessions, and connections that end in odd
// ways; in virtual time.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/client.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/sim_tls_server.h"
#include "testing/test_certificate.h"
#include "testing/tls_pair.h"
#include "testing/tls_probe.h"
#include "util/inmemory_listener.h"

namespace fasthttp {
namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::SimRuntime;
using fasthttptest::TestCertificate;
using fasthttptest::TestCertificateOptions;
using fasthttptest::TestKey;
using testing::BackendCertificate;
using testing::DerOf;
using testing::SimTLSServer;

void Hello(RequestCtx& ctx) {
  ctx.SetBody(ctx.TLSConnectionState() != nullptr && ctx.TLSConnectionState()->did_resume
                  ? "resumed"
                  : "hello");
}

// --- Trust ------------------------------------------------------------------------------------

class Trust : public ::testing::Test {
 protected:
  const TestCertificate root_ = GenerateTestCertificate({.common_name = "root", .is_ca = true});

  TestCertificate Leaf(TestCertificateOptions options) {
    options.issuer = &root_;
    return GenerateTestCertificate(options);
  }
  // What a GET of https://`host`/ gives from a server that shows `shown`.
  std::string Get(const TestCertificate& shown, const std::string& host,
                  ClientTLSSettings settings = {}, std::string_view staple = {}) {
    TLSConfig config;
    auto certificate = TLSCertificate::FromPEM(shown.cert_pem, shown.key_pem, staple);
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    config.AppendCertificate(*certificate);
    SimTLSServer sim({.handler = Hello}, std::move(config), {}, /*serve=*/true);
    if (settings.root_ca_pem.empty()) settings.root_ca_pem = root_.cert_pem;
    HostClientOptions options = sim.ClientOptions(std::move(settings));
    options.addr = host;
    HostClient client(std::move(options));
    std::string got;
    sim.Run([&] {
      absl::StatusOr<Response> r = client.Get("/");
      got = r.ok() ? std::string(r->Body()) : absl::StrCat(ErrcName(ErrcOf(r.status())));
      message_ = std::string(r.status().message());
    });
    return got;
  }

  std::string GetStapled(const TestCertificate& shown, std::string_view staple) {
    return Get(shown, "a.test", {}, staple);
  }

  std::string message_;
};

TEST_F(Trust, NamesAndAddressesOfTheHost) {
  const TestCertificate cert = Leaf({.hosts = {"a.test", "*.b.test", "192.0.2.1", "2001:db8::1"}});
  EXPECT_EQ(Get(cert, "a.test"), "hello");
  EXPECT_EQ(Get(cert, "A.TEST"), "hello");
  EXPECT_EQ(Get(cert, "a.test."), "hello");
  EXPECT_EQ(Get(cert, "x.b.test"), "hello");
  EXPECT_EQ(Get(cert, "192.0.2.1"), "hello");
  EXPECT_EQ(Get(cert, "[2001:db8::1]"), "hello");
  for (const char* other :
       {"b.test", "y.x.b.test", "xa.test", "a.test.evil.test", "192.0.2.2", "[2001:db8::2]"}) {
    EXPECT_EQ(Get(cert, other), "BadCertificate") << other;
    EXPECT_NE(message_.find("mismatch"), std::string::npos) << message_;
  }
  EXPECT_EQ(Get(cert, "other.test"), "BadCertificate");
  EXPECT_NE(message_.find("other.test"), std::string::npos) << message_;
}

TEST_F(Trust, TheCommonNameIsNoName) {
  const TestCertificate cert = Leaf({.common_name = "a.test"});
  EXPECT_EQ(Get(cert, "a.test"), "BadCertificate");
  // Nor is an address as a name.
  EXPECT_EQ(Get(Leaf({.common_name = "192.0.2.1"}), "192.0.2.1"), "BadCertificate");
}

TEST_F(Trust, TimesAndUses) {
  const absl::Time now = absl::Now();
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}, .not_after = now - absl::Minutes(1)}), "a.test"),
            "BadCertificate");
  EXPECT_NE(message_.find("expired"), std::string::npos) << message_;
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}, .not_before = now + absl::Hours(1)}), "a.test"),
            "BadCertificate");
  EXPECT_NE(message_.find("not yet valid"), std::string::npos) << message_;
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}, .for_servers = false}), "a.test"), "BadCertificate");
  EXPECT_NE(message_.find("purpose"), std::string::npos) << message_;
}

TEST_F(Trust, OnlyStrongKeysAndSignatures) {
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}, .key = TestKey::kRsa1024}), "a.test"), "BadCertificate");
  EXPECT_NE(message_.find("2048"), std::string::npos) << message_;
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}, .sign_with_sha1 = true}), "a.test"), "BadCertificate");
  EXPECT_NE(message_.find("SHA-1"), std::string::npos) << message_;
}

TEST_F(Trust, ChainsThroughWhatTheServerSends) {
  const TestCertificate middle =
      GenerateTestCertificate({.common_name = "middle", .is_ca = true, .issuer = &root_});
  const TestCertificate leaf = GenerateTestCertificate({.hosts = {"a.test"}, .issuer = &middle});
  EXPECT_EQ(Get({leaf.cert_pem + middle.cert_pem, leaf.key_pem}, "a.test"), "hello");
  EXPECT_EQ(Get(leaf, "a.test"), "BadCertificate");
  // Who is no authority can't sign.
  const TestCertificate no_ca = Leaf({.hosts = {"middle.test"}});
  const TestCertificate signed_by_it =
      GenerateTestCertificate({.hosts = {"a.test"}, .issuer = &no_ca});
  EXPECT_EQ(Get({signed_by_it.cert_pem + no_ca.cert_pem, signed_by_it.key_pem}, "a.test"),
            "BadCertificate");
}

TEST_F(Trust, OnlyThoseThatAreNamed) {
  const TestCertificate self = GenerateTestCertificate({.hosts = {"a.test"}, .is_ca = true});
  EXPECT_EQ(Get(self, "a.test"), "BadCertificate");
  EXPECT_EQ(Get(self, "a.test", {.root_ca_pem = root_.cert_pem + self.cert_pem}), "hello");
  EXPECT_EQ(Get(self, "b.test", {.dangerously_accept_any_certificate = true}), "hello");
}

TEST_F(Trust, TheNameMayBeAnotherThanTheHost) {
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  EXPECT_EQ(Get(cert, "192.0.2.1", {.server_name = "a.test"}), "hello");
  EXPECT_EQ(Get(cert, "a.test", {.server_name = "b.test"}), "BadCertificate");
}

TEST_F(Trust, AHookMayBeStricter) {
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  const std::string pinned = DerOf(cert);
  auto pin = [&](const TLSConnectionState& state) {
    EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
    return state.peer_certificates.at(0) == pinned ? absl::OkStatus()
                                                   : absl::PermissionDeniedError("not pinned");
  };
  EXPECT_EQ(Get(cert, "a.test", {.verify_connection = pin}), "hello");
  EXPECT_EQ(Get(Leaf({.hosts = {"a.test"}}), "a.test", {.verify_connection = pin}),
            "BadCertificate");
  EXPECT_NE(message_.find("not pinned"), std::string::npos) << message_;
}

TEST_F(Trust, WhatAStapleSays) {
  using fasthttptest::TestOcspStatus;
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  const TestCertificate other = Leaf({.hosts = {"a.test"}});
  const TestCertificate stranger = GenerateTestCertificate({.common_name = "x", .is_ca = true});
  const absl::Time now = absl::Now();
  auto staple = [&](const TestCertificate& about, const TestCertificate& by, TestOcspStatus status,
                    absl::Duration age = absl::Hours(1)) {
    return GenerateTestOcspResponse(about, by, status, now - age, now - age + absl::Hours(24));
  };
  const std::string good = staple(cert, root_, TestOcspStatus::kGood);
  EXPECT_EQ(GetStapled(cert, good), "hello");
  EXPECT_EQ(GetStapled(cert, staple(cert, root_, TestOcspStatus::kRevoked)), "BadCertificate");
  EXPECT_NE(message_.find("revoked"), std::string::npos) << message_;
  // Revoked once, for ever.
  EXPECT_EQ(GetStapled(cert, staple(cert, root_, TestOcspStatus::kRevoked, absl::Hours(999))),
            "BadCertificate");
  // These say nothing.
  EXPECT_EQ(GetStapled(cert, staple(cert, root_, TestOcspStatus::kUnknown)), "hello");
  EXPECT_EQ(GetStapled(cert, staple(cert, root_, TestOcspStatus::kGood, absl::Hours(99))), "hello");
  EXPECT_EQ(GetStapled(cert, staple(other, root_, TestOcspStatus::kRevoked)), "hello");
  // Nobody but the authority may say anything.
  EXPECT_EQ(GetStapled(cert, staple(cert, stranger, TestOcspStatus::kGood)), "BadCertificate");
  EXPECT_NE(message_.find("OCSP"), std::string::npos) << message_;
  std::string changed = good;
  changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
  EXPECT_EQ(GetStapled(cert, changed), "BadCertificate");
  for (size_t size = 1; size < good.size(); size += 37) {
    EXPECT_EQ(GetStapled(cert, good.substr(0, size)), "BadCertificate") << size;
  }
}

// RFC 6960, section 4.2.2.2.
TEST_F(Trust, AnAuthorityMayHaveAnotherSignItsStaples) {
  using fasthttptest::TestOcspStatus;
  const absl::Time now = absl::Now();
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  auto staple = [&](const TestCertificate& responder, TestOcspStatus status) {
    return GenerateTestOcspResponse(cert, root_, status, now - absl::Hours(1), now + absl::Hours(1),
                                    &responder);
  };
  for (TestKey key : {TestKey::kEcdsaP256, TestKey::kRsa2048}) {
    const TestCertificate responder =
        Leaf({.common_name = "responder", .key = key, .for_ocsp = true});
    EXPECT_EQ(GetStapled(cert, staple(responder, TestOcspStatus::kGood)), "hello");
    EXPECT_EQ(GetStapled(cert, staple(responder, TestOcspStatus::kRevoked)), "BadCertificate");
    EXPECT_NE(message_.find("revoked"), std::string::npos) << message_;
  }
  const TestCertificate stranger = GenerateTestCertificate({.common_name = "x", .is_ca = true});
  const TestCertificate bad[] = {
      Leaf({.common_name = "not for that"}),
      Leaf({.common_name = "for servers", .for_clients = false}),
      Leaf({.common_name = "was", .not_after = now - absl::Hours(1), .for_ocsp = true}),
      Leaf({.common_name = "will be", .not_before = now + absl::Hours(1), .for_ocsp = true}),
      GenerateTestCertificate({.common_name = "of another", .for_ocsp = true, .issuer = &stranger}),
      GenerateTestCertificate({.common_name = "of itself", .for_ocsp = true}),
  };
  for (const TestCertificate& responder : bad) {
    EXPECT_EQ(GetStapled(cert, staple(responder, TestOcspStatus::kGood)), "BadCertificate");
    EXPECT_NE(message_.find("not its authority's"), std::string::npos) << message_;
  }
}

TEST_F(Trust, SettingsThatCannotBeUsedFailTheCall) {
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  EXPECT_EQ(Get(cert, "a.test",
                {.root_ca_pem = root_.cert_pem, .root_ca_file = "/nonexistent/roots.pem"}),
            "Io");
  EXPECT_NE(message_.find("/nonexistent/roots.pem"), std::string::npos) << message_;
  EXPECT_EQ(Get(cert, "a.test", {.root_ca_pem = "nonsense"}), "BadCertificate");
  EXPECT_EQ(Get(cert, "a.test", {.cert_pem = cert.cert_pem, .key_pem = root_.key_pem}),
            "BadCertificate");
}

TEST_F(Trust, TheRootsOfTheSystem) {
  // Read once in a process, so this is the only test that has them.
  const std::string file = absl::StrCat(::testing::TempDir(), "/system.pem");
  std::ofstream(file) << root_.cert_pem;
  ASSERT_EQ(::setenv("SSL_CERT_FILE", file.c_str(), 1), 0);
  SimTLSServer sim({.handler = Hello}, TLSConfig(), {}, /*serve=*/false);
  const TestCertificate cert = Leaf({.hosts = {"a.test"}});
  ASSERT_TRUE(sim.config().AppendCertPEM(cert.cert_pem, cert.key_pem).ok());
  sim.Serve();
  // With all defaults.
  Client client({.runtime = &sim.sim(), .dial = sim.tls_listener().Dialer()});
  sim.Run([&] {
    absl::StatusOr<Response> good = client.Get("https://a.test/");
    EXPECT_TRUE(good.ok()) << good.status();
    EXPECT_EQ(ErrcOf(client.Get("https://b.test/").status()), Errc::kBadCertificate);
  });
}

// --- Sessions ---------------------------------------------------------------------------------

class SessionCache : public ::testing::Test {
 protected:
  std::string Get(HostClient& client) {
    std::string body;
    sim_.Run([&] {
      absl::StatusOr<Response> r = client.Get("/");
      body = r.ok() ? std::string(r->Body()) : r.status().ToString();
      client.CloseIdleConnections();
    });
    return body;
  }
  ClientTLSSettings Settings(TLSVersion max = TLSVersion::kTLS13) {
    return {.max_version = max, .root_ca_pem = BackendCertificate().cert_pem};
  }
  SimTLSServer sim_{{.handler = Hello}};
};

TEST_F(SessionCache, TakesUpWhatWasThere) {
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient client(sim_.ClientOptions(Settings(version)));
    EXPECT_EQ(Get(client), "hello");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Get(client), "resumed");
  }
}

TEST_F(SessionCache, IsSharedByCopiesOfTheConfig) {
  const ClientTLSConfig shared(Settings());
  HostClientOptions one = sim_.ClientOptions(), two = sim_.ClientOptions();
  one.tls = two.tls = shared;
  HostClient first(std::move(one)), second(std::move(two)), third(sim_.ClientOptions(Settings()));
  EXPECT_EQ(Get(first), "hello");
  EXPECT_EQ(Get(second), "resumed");
  EXPECT_EQ(Get(third), "hello");
}

TEST_F(SessionCache, HoldsSoManyHosts) {
  ClientTLSSettings settings = Settings();
  settings.session_cache_hosts = 1;
  settings.server_name = "backend.test";
  const ClientTLSConfig shared(std::move(settings));
  auto client_of = [&](std::string addr) {
    HostClientOptions options = sim_.ClientOptions();
    options.tls = shared;
    options.addr = std::move(addr);
    return options;
  };
  HostClient a(client_of("a.test")), b(client_of("b.test"));
  EXPECT_EQ(Get(a), "hello");
  EXPECT_EQ(Get(a), "resumed");
  EXPECT_EQ(Get(b), "hello");  // Another address has its own, and pushes the first out.
  EXPECT_EQ(Get(b), "resumed");
  EXPECT_EQ(Get(a), "hello");

  ClientTLSSettings none = Settings();
  none.session_cache_hosts = 0;
  HostClient without(sim_.ClientOptions(std::move(none)));
  EXPECT_EQ(Get(without), "hello");
  EXPECT_EQ(Get(without), "hello");
}

// A connection that was let go of stays verified as on the first day: by chain and name.
TEST_F(SessionCache, IsVerifiedAnew) {
  int asked = 0;
  ClientTLSSettings settings = Settings();
  settings.verify_connection = [&](const TLSConnectionState& state) {
    ++asked;
    return state.did_resume ? absl::PermissionDeniedError("no more") : absl::OkStatus();
  };
  HostClient client(sim_.ClientOptions(std::move(settings)));
  EXPECT_EQ(Get(client), "hello");
  EXPECT_NE(Get(client).find("no more"), std::string::npos);
  EXPECT_EQ(asked, 2);
}

// The server has a new certificate long since, and a session of the old one would be refused.
TEST(Sessions, DoNotOutliveTheirCertificates) {
  const TestCertificate root = GenerateTestCertificate({.common_name = "root", .is_ca = true});
  const TestCertificate renewed = GenerateTestCertificate({.hosts = {"a.test"}, .issuer = &root});
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    // A slow machine may need more than the first.
    bool done = false;
    for (absl::Duration life : {absl::Seconds(2), absl::Seconds(20)}) {
      const absl::Time end = absl::Now() + life;
      const TestCertificate first =
          GenerateTestCertificate({.hosts = {"a.test"}, .not_after = end, .issuer = &root});
      TLSConfig config;
      ASSERT_TRUE(config.AppendCertPEM(first.cert_pem, first.key_pem).ok());
      SimTLSServer sim({.handler = Hello}, config, {}, /*serve=*/true);
      HostClientOptions options =
          sim.ClientOptions({.max_version = version, .root_ca_pem = root.cert_pem});
      options.addr = "a.test";
      HostClient client(std::move(options));
      auto get = [&] {
        std::string got;
        sim.Run([&] {
          absl::StatusOr<Response> r = client.Get("/");
          got = r.ok() ? std::string(r->Body()) : std::string(r.status().message());
          client.CloseIdleConnections();
        });
        return got;
      };
      if (get() != "hello" || get() != "resumed") continue;
      config.ReplaceCertificates({*TLSCertificate::FromPEM(renewed.cert_pem, renewed.key_pem)});
      while (absl::Now() < end + absl::Seconds(1)) absl::SleepFor(absl::Milliseconds(50));
      EXPECT_EQ(get(), "hello");
      EXPECT_EQ(get(), "resumed");
      EXPECT_EQ(config.Stats().failed, 0u);
      done = true;
      break;
    }
    EXPECT_TRUE(done) << "no session was resumed while its certificate was good";
  }
}

// --- Peers that don't go along ----------------------------------------------------------------

// A server of a test's own behind a listener: `serve` has each connection in turn.
class OddServer {
 public:
  explicit OddServer(std::function<void(BlockingConn&)> serve) : serve_(std::move(serve)) {
    EXPECT_TRUE(
        config_.AppendCertPEM(BackendCertificate().cert_pem, BackendCertificate().key_pem).ok());
  }

  HostClientOptions Options() {
    HostClientOptions options;
    options.addr = "backend.test";
    options.is_tls = true;
    options.tls = ClientTLSConfig({.root_ca_pem = BackendCertificate().cert_pem});
    options.runtime = &sim_;
    options.dial = listener_.Dialer();
    return options;
  }
  void Run(std::function<void()> f) {
    sim_.Run([&] {
      runtime::Loop& loop = *runtime::Loop::Current();
      auto& task = tasks_.Spawn(loop, [&](runtime::Loop&) {
        for (;;) {
          absl::StatusOr<BlockingConn> conn = Accept(listener_, absl::InfiniteFuture(), &sim_);
          if (!conn.ok()) return;
          serve_(*conn);
        }
      });
      f();
      listener_.Close();
      while (!task.done) (void)runtime::SleepFor(loop, runtime::kMillisecond);
    });
  }
  Errc Handshake(BlockingConn& conn) { return testing::ServerHandshake(conn, config_); }
  // Reads one request, which has no body.
  static void ReadRequest(BlockingConn& conn) {
    std::string got;
    char buffer[1000];
    while (got.find("\r\n\r\n") == std::string::npos) {
      IoResult n = conn.Read(buffer);
      if (!n.ok() || n.bytes() == 0) return;
      got.append(buffer, n.bytes());
    }
  }
  // The end of the stream without a close_notify.
  static void Truncate(BlockingConn& conn) {
    static_cast<TLSConn*>(conn.endpoint()->conn)->inner().ShutdownWrite();
  }
  SimRuntime& sim() { return sim_; }

 private:
  std::function<void(BlockingConn&)> serve_;
  SimRuntime sim_;
  fasthttputil::InmemoryListener listener_{&sim_};
  TLSConfig config_;
  runtime::TaskList tasks_;
};

TEST(ClientTLS, ASilentServerIsGivenUp) {
  OddServer server([](BlockingConn& conn) {
    char buffer[1000];
    while (conn.Read(buffer).ok() && conn.is_open()) {
      if (conn.Read(buffer).bytes() == 0) return;
    }
  });
  HostClientOptions options = server.Options();
  options.dial_timeout = absl::Seconds(3);
  HostClient client(std::move(options));
  server.Run([&] {
    const absl::Time before = server.sim().Now();
    absl::StatusOr<Response> r = client.Get("/");
    EXPECT_EQ(ErrcOf(r.status()), Errc::kTlsHandshakeTimeout) << r.status();
    EXPECT_EQ(server.sim().Now() - before, absl::Seconds(3));
    // The call's own deadline is another matter.
    EXPECT_EQ(ErrcOf(client.GetTimeout("/", absl::Seconds(1)).status()), Errc::kTimeout);
    EXPECT_EQ(client.ConnsCount(), 0u);
  });
}

TEST(ClientTLS, AServerWithoutTlsIsToldFromOneWithIt) {
  OddServer plain([](BlockingConn& conn) {
    (void)conn.Write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  HostClient client(plain.Options());
  plain.Run([&] {
    absl::StatusOr<Response> r = client.Get("/");
    EXPECT_EQ(ErrcOf(r.status()), Errc::kTlsHandshakeFailed) << r.status();
  });
  OddServer gone([](BlockingConn& conn) { conn.CloseWrite(); });
  HostClient other(gone.Options());
  gone.Run([&] { EXPECT_EQ(ErrcOf(other.Get("/").status()), Errc::kTlsHandshakeFailed); });
}

// Without a length the end of the connection is the end of the body, so it has to be said.
TEST(ClientTLS, OnlyACloseNotifyEndsABodyWithoutLength) {
  for (bool truncate : {false, true}) {
    OddServer* self = nullptr;
    OddServer server([&](BlockingConn& conn) {
      ASSERT_EQ(self->Handshake(conn), Errc::kOk);
      OddServer::ReadRequest(conn);
      (void)conn.Write("HTTP/1.1 200 OK\r\n\r\nall of it");
      if (truncate) OddServer::Truncate(conn);
    });
    self = &server;
    HostClient client(server.Options());
    server.Run([&] {
      absl::StatusOr<Response> r = client.Get("/");
      if (truncate) {
        EXPECT_EQ(ErrcOf(r.status()), Errc::kUnexpectedEof);
      } else {
        EXPECT_EQ(r.ok() ? r->Body() : r.status().message(), "all of it");
      }
    });
  }
}

TEST(ClientTLS, ACutMessageIsAnErrorHoweverItIsCut) {
  for (bool truncate : {false, true}) {
    OddServer* self = nullptr;
    OddServer server([&](BlockingConn& conn) {
      ASSERT_EQ(self->Handshake(conn), Errc::kOk);
      OddServer::ReadRequest(conn);
      (void)conn.Write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      if (truncate) OddServer::Truncate(conn);
    });
    self = &server;
    HostClient client(server.Options());
    server.Run([&] { EXPECT_EQ(ErrcOf(client.Get("/").status()), Errc::kUnexpectedEof); });
  }
}

// As if without TLS: the request goes out again on a new connection.
TEST(ClientTLS, AnIdleConnectionMayEndWithoutAWord) {
  for (bool truncate : {false, true}) {
    int connections = 0;
    OddServer* self = nullptr;
    OddServer server([&](BlockingConn& conn) {
      ++connections;
      ASSERT_EQ(self->Handshake(conn), Errc::kOk);
      OddServer::ReadRequest(conn);
      (void)conn.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      // Ends it under the next request.
      OddServer::ReadRequest(conn);
      if (truncate) OddServer::Truncate(conn);
    });
    self = &server;
    HostClient client(server.Options());
    server.Run([&] {
      EXPECT_EQ(client.Get("/")->Body(), "hi");
      absl::StatusOr<Response> r = client.Post("/", "a/b", "");
      EXPECT_TRUE(r.ok()) << r.status();
      EXPECT_EQ(client.Stats().retries, 1u);
      client.CloseIdleConnections();
    });
    EXPECT_EQ(connections, 2);
  }
}

}  // namespace
}  // namespace fasthttp
