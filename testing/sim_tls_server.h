// SimTLSServer: a SimServer that also speaks TLS, on a second in-memory listener.
//
//   SimTLSServer sim({.handler = Hello});  // A certificate for "backend.test".
//   HostClient client(sim.ClientOptions());
//   sim.Run([&] { EXPECT_EQ(client.Get("/")->Body(), "Hello"); });
//
// Thread class: everything from the one thread that made it.
#ifndef TESTING_SIM_TLS_SERVER_H_
#define TESTING_SIM_TLS_SERVER_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "fasthttp/client_tls.h"
#include "fasthttp/host_client.h"
#include "fasthttp/tls.h"
#include "testing/sim_server.h"
#include "testing/test_certificate.h"
#include "util/inmemory_listener.h"

namespace fasthttp::testing {

// One for each test program: keys take time to make.
inline const fasthttptest::TestCertificate& BackendCertificate() {
  static const auto* const certificate = new fasthttptest::TestCertificate(
      fasthttptest::GenerateTestCertificate({.hosts = {"backend.test"}, .is_ca = true}));
  return *certificate;
}

class SimTLSServer : public SimServer {
 public:
  explicit SimTLSServer(ServerSettings settings, TLSSettings tls = {},
                        const fasthttptest::SimOptions& options = {})
      : SimTLSServer(std::move(settings), TLSConfig(std::move(tls)), options) {
    const auto& cert = BackendCertificate();
    FASTHTTP_CHECK(config_.AppendCertPEM(cert.cert_pem, cert.key_pem).ok(), "test certificate");
    Serve();
  }
  // With certificates of the test's own.
  SimTLSServer(ServerSettings settings, TLSConfig config, const fasthttptest::SimOptions& options,
               bool serve)
      : SimTLSServer(std::move(settings), std::move(config), options) {
    if (serve) Serve();
  }
  ~SimTLSServer() {
    tls_listener_.Close();
    (void)server().Shutdown(absl::ZeroDuration());
    FASTHTTP_CHECK(sim().RunUntil([this] { return !serving_; }), "ServeTLS never ended");
  }

  TLSConfig& config() { return config_; }
  fasthttputil::InmemoryListener& tls_listener() { return tls_listener_; }

  void Serve() {
    serving_ = true;
    Spawn([this] {
      served_ = ServeTLS(server(), tls_listener_, config_);
      serving_ = false;
    });
    sim().Settle();
  }
  const absl::Status& served() const { return served_; }

  // Of a client that dials the TLS listener and trusts BackendCertificate().
  HostClientOptions ClientOptions() {
    return ClientOptions({.root_ca_pem = BackendCertificate().cert_pem});
  }
  HostClientOptions ClientOptions(ClientTLSSettings tls) {
    HostClientOptions options;
    options.addr = "backend.test";
    options.is_tls = true;
    options.tls = ClientTLSConfig(std::move(tls));
    options.runtime = &sim();
    options.dial = tls_listener_.Dialer();
    return options;
  }

 private:
  SimTLSServer(ServerSettings settings, TLSConfig config, const fasthttptest::SimOptions& options)
      : SimServer(std::move(settings), options),
        config_(std::move(config)),
        tls_listener_(&sim()) {}

  TLSConfig config_;
  fasthttputil::InmemoryListener tls_listener_;
  absl::Status served_;
  bool serving_ = false;
};

}  // namespace fasthttp::testing

#endif  // TESTING_SIM_TLS_SERVER_H_
