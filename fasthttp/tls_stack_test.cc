// How deep handshakes go on the stack of a fiber, with the largest keys and chains that are
// accepted: what is left is for the frames of who makes the call, and of hooks.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_tls_server.h"
#include "testing/test_certificate.h"

namespace fasthttp {
namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::TestCertificate;
using fasthttptest::TestKey;
using runtime::Stack;
using testing::SimTLSServer;

// Of the 256 KiB that stacks have by default.
constexpr size_t kMostBytes = 32 * 1024;

void (*before_us)(const Stack& stack) = nullptr;
std::vector<Stack>* seen = nullptr;

void See(const Stack& stack) {
  if (before_us != nullptr) before_us(stack);
  const bool known = std::any_of(seen->begin(), seen->end(),
                                 [&](const Stack& one) { return one.bottom == stack.bottom; });
  if (!known) seen->push_back(stack);
}

// Stacks are fresh from the kernel: what nothing has reached is zero.
size_t DeepestUse(const std::vector<Stack>& stacks) {
  size_t deepest = 0;
  for (const Stack& stack : stacks) {
    const char* const end = stack.bottom + stack.size;
    const char* reached = std::find_if(static_cast<const char*>(stack.bottom), end,
                                       [](char byte) { return byte != 0; });
    deepest = std::max(deepest, static_cast<size_t>(end - reached));
  }
  return deepest;
}

struct Case {
  std::string name;
  bool tls = true;
  TestKey key = TestKey::kEcdsaP256;
  int intermediates = 0;
  bool client_certificate = false;
};

// A leaf and those above it, under an authority of its own.
TestCertificate Chain(const Case& c, std::string host, std::string& root_pem) {
  TestCertificate above =
      GenerateTestCertificate({.common_name = "root", .key = c.key, .is_ca = true});
  root_pem = above.cert_pem;
  std::string shown;
  for (int i = 0; i < c.intermediates; ++i) {
    above = GenerateTestCertificate({.common_name = absl::StrCat("intermediate ", i),
                                     .key = c.key,
                                     .is_ca = true,
                                     .issuer = &above});
    shown = absl::StrCat(above.cert_pem, shown);
  }
  TestCertificate leaf =
      GenerateTestCertificate({.hosts = {std::move(host)}, .key = c.key, .issuer = &above});
  leaf.cert_pem += shown;
  return leaf;
}

size_t Measure(const Case& c) {
  std::string root;
  const TestCertificate leaf = Chain(c, "backend.test", root);
  TLSSettings settings;
  ClientTLSSettings trust{.root_ca_pem = root};
  if (c.client_certificate) {
    settings.client_auth = ClientAuth::kRequired;
    settings.client_ca_pem = root;
    trust.cert_pem = leaf.cert_pem;
    trust.key_pem = leaf.key_pem;
  }
  TLSConfig config(std::move(settings));
  EXPECT_TRUE(config.AppendCertPEM(leaf.cert_pem, leaf.key_pem).ok());
  // The handler waits, so that the stack on which the server shook hands is seen, too.
  SimTLSServer sim({.handler =
                        [](RequestCtx& ctx) {
                          EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
                          ctx.SetBody("hello");
                        }},
                   std::move(config), {}, /*serve=*/true);
  HostClientOptions options = sim.ClientOptions(std::move(trust));
  options.is_tls = c.tls;
  if (!c.tls) options.dial = sim.listener().Dialer();
  HostClient client(std::move(options));
  std::vector<Stack> stacks;
  seen = &stacks;
  before_us = std::exchange(runtime::before_block, &See);
  size_t deepest = 0;
  sim.Run([&] {
    absl::StatusOr<Response> r = client.Get("/");
    EXPECT_TRUE(r.ok()) << r.status();
    deepest = DeepestUse(stacks);
  });
  runtime::before_block = before_us;
  EXPECT_GE(stacks.size(), 2u);
  EXPECT_EQ(sim.config().Stats().handshakes, c.tls ? 1u : 0u);
  return deepest;
}

TEST(TLSStack, HandshakesLeaveMostOfIt) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "frames of sanitizers are larger";
  const Case cases[] = {
      {.name = "no TLS", .tls = false},
      {.name = "ECDSA P-256", .key = TestKey::kEcdsaP256},
      {.name = "ECDSA P-384", .key = TestKey::kEcdsaP384},
      {.name = "Ed25519", .key = TestKey::kEd25519},
      {.name = "RSA-2048", .key = TestKey::kRsa2048},
      {.name = "RSA-2048, client certificate",
       .key = TestKey::kRsa2048,
       .client_certificate = true},
      {.name = "RSA-4096, two intermediates, client certificate",
       .key = TestKey::kRsa4096,
       .intermediates = 2,
       .client_certificate = true},
      {.name = "P-256, the longest chain, client certificate",
       .intermediates = 9,
       .client_certificate = true},
  };
  size_t plain = 0;
  for (const Case& c : cases) {
    const size_t bytes = Measure(c);
    std::printf("%-50s %6d bytes\n", c.name.c_str(), static_cast<int>(bytes));
    EXPECT_LE(bytes, kMostBytes) << c.name;
    EXPECT_GT(bytes, plain) << "nothing was measured";
    if (!c.tls) plain = std::max<size_t>(bytes, 1024);
  }
}

}  // namespace
}  // namespace fasthttp
