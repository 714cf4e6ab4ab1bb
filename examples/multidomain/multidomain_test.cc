// The program itself, but for the port: its main gets another name, and it serves on loopback.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "fasthttp/fasthttp.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"
#include "testing/test_certificate.h"

namespace fasthttp {

std::string roots;

// What the program calls for ListenAndServeTLS: asks it for both domains, then lets it end.
absl::Status ServeOnLoopback(Server& server, std::string_view address, const TLSConfig& tls) {
  EXPECT_EQ(address, ":443");
  absl::StatusOr<Addr> bound = StartTLS(server, "127.0.0.1:0", tls);
  if (!bound.ok()) return bound.status();
  ClientOptions options;
  options.tls = ClientTLSConfig({.root_ca_pem = roots});
  options.dial = [&](std::string_view, absl::Time deadline) {
    return Dial(bound->ToString(), deadline);
  };
  Client client(std::move(options));
  for (std::string host : {"a.example", "b.example"}) {
    absl::StatusOr<Response> r = client.Get("https://" + host + "/");
    EXPECT_EQ(r.ok() ? r->Body() : r.status().message(), host + "\n");
  }
  return server.Shutdown();
}

}  // namespace fasthttp

#define main MultidomainMain
#define ListenAndServeTLS ServeOnLoopback
#include "examples/multidomain/main.cc"
#undef ListenAndServeTLS
#undef main

namespace {

// The program opens its files where it stands.
class Multidomain : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::chdir(directory_.Path("").c_str()), 0); }

 private:
  fasthttp::testing::Directory directory_;
};

TEST_F(Multidomain, NamesTheFileThatIsMissing) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(MultidomainMain(), 1);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("a.example.pem: No such file"), std::string::npos) << said;
}

TEST_F(Multidomain, EachDomainHasItsCertificate) {
  for (std::string host : {"a.example", "b.example"}) {
    auto cert = fasthttptest::GenerateTestCertificate({.hosts = {host}, .is_ca = true});
    std::ofstream(host + ".pem") << cert.cert_pem;
    std::ofstream(host + ".key") << cert.key_pem;
    fasthttp::roots += cert.cert_pem;
  }
  EXPECT_EQ(MultidomainMain(), 0);
}

}  // namespace
