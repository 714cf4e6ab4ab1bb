// The program itself as a process, with a server that it trusts and without.
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "fasthttp/fasthttp.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/test_certificate.h"

namespace {

// What it prints, and its exit status.
std::string RunProgram(const std::string& arguments) {
  std::FILE* pipe =
      ::popen(("examples/https_client/https_client " + arguments + " 2>&1").c_str(), "r");
  std::string output;
  for (int c; (c = std::fgetc(pipe)) != EOF;) output.push_back(static_cast<char>(c));
  const int status = ::pclose(pipe);
  return absl::StrFormat("%d: %s", WEXITSTATUS(status), output);
}

TEST(HttpsClient, TrustsTheRootsItIsGiven) {
  auto cert = fasthttptest::GenerateTestCertificate({.hosts = {"localhost"}, .is_ca = true});
  const std::string roots = ::testing::TempDir() + "/roots.pem";
  std::ofstream(roots) << cert.cert_pem;
  fasthttp::TLSConfig tls;
  ASSERT_TRUE(tls.AppendCertPEM(cert.cert_pem, cert.key_pem).ok());
  fasthttp::Server server([](fasthttp::RequestCtx& ctx) { ctx.SetBodyString("hello\n"); });
  absl::StatusOr<fasthttp::Addr> address = fasthttp::StartTLS(server, "127.0.0.1:0", tls);
  ASSERT_TRUE(address.ok()) << address.status();
  const std::string url = absl::StrFormat("https://localhost:%d/", address->port());
  EXPECT_EQ(RunProgram(url + " " + roots), "0: hello\n");
  EXPECT_EQ(RunProgram(url).substr(0, 14), "1: not trusted");
}

}  // namespace
