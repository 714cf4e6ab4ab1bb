// What keep-alive requests over TLS cost, counted: allocations, ours apart from BoringSSL's, and
// switches; client and server on one loop, over pipes.
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "fasthttp/base/chaos.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_algorithms.h"
#include "fasthttp/tls_certificate.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_tls_server.h"

namespace fasthttp {
namespace {

using testing::BackendCertificate;
using testing::SimTLSServer;
using testing_internal::kAllocCounterAvailable;
using testing_internal::ThreadAllocations;

constexpr uint64_t kCalls = 2'000;

struct Counts {
  uint64_t allocations = 0;
  uint64_t switches = 0;
};

// The allocations of BoringSSL alone for kCalls messages there and back, between two ends that are
// joined in memory.
uint64_t OfBoringSSL(TLSVersion version, const std::string& there, const std::string& back) {
  const auto& pem = BackendCertificate();
  const auto certificate = *TLSCertificate::FromPEM(pem.cert_pem, pem.key_pem);
  const internal::TLSKeyPair& pair = certificate->key_pair();
  const auto context = internal::MakeSSLContext(version, version);
  SSL_CTX_set_chain_and_key(context.get(), pair.chain_pointers.data(), pair.chain_pointers.size(),
                            pair.key.get(), nullptr);
  SSL_CTX_set_custom_verify(context.get(), SSL_VERIFY_NONE,
                            [](SSL*, uint8_t*) { return ssl_verify_ok; });
  bssl::UniquePtr<SSL> client(SSL_new(context.get())), server(SSL_new(context.get()));
  BIO *one = nullptr, *other = nullptr;
  EXPECT_EQ(BIO_new_bio_pair(&one, 1 << 16, &other, 1 << 16), 1);
  SSL_set_bio(client.get(), one, one);
  SSL_set_bio(server.get(), other, other);
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  for (int i = 0; i < 4; ++i) {
    SSL_do_handshake(client.get());
    SSL_do_handshake(server.get());
  }
  auto pass = [](SSL* from, SSL* to, const std::string& message) {
    char got[4096];
    EXPECT_EQ(SSL_write(from, message.data(), static_cast<int>(message.size())),
              static_cast<int>(message.size()));
    EXPECT_EQ(SSL_read(to, got, sizeof got), static_cast<int>(message.size()));
    EXPECT_EQ(SSL_read(to, got, sizeof got), -1);
  };
  auto call = [&] {
    pass(client.get(), server.get(), there);
    pass(server.get(), client.get(), back);
  };
  for (int i = 0; i < 100; ++i) call();
  const uint64_t before = ThreadAllocations();
  for (uint64_t i = 0; i < kCalls; ++i) call();
  return ThreadAllocations() - before;
}

class TLSCounting : public ::testing::TestWithParam<TLSVersion> {
 protected:
  void SetUp() override {
    if (base::chaos_enabled) GTEST_SKIP() << "chaos mode cuts records and switches at random";
    if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer counts allocations itself";
  }

  // Of kCalls calls, behind a few that make everything grow to its working size. The handler
  // answers with what it got, or with its target.
  Counts Count(std::string_view method, const std::string& body) {
    SimTLSServer sim({.handler = [](RequestCtx& ctx) {
      if (ctx.TLSConnectionState() == nullptr) return ctx.Error("plain", 500);
      ctx.Success("text/plain", ctx.IsPost() ? ctx.PostBody() : ctx.RequestURI());
    }});
    HostClient client(sim.ClientOptions(
        {.max_version = GetParam(), .root_ca_pem = BackendCertificate().cert_pem}));
    Counts counts;
    sim.Run([&] {
      const runtime::Loop& loop = *runtime::Loop::Current();
      Request request;
      Response response;
      request.header().SetMethod(method);
      request.SetRequestURI("https://backend.test/foobar");
      if (!body.empty()) request.SetBody(body);
      const std::string want = body.empty() ? "/foobar" : body;
      auto call = [&] {
        absl::Status status = client.Do(request, response);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_TRUE(response.Body() == want) << response.Body().size();
      };
      for (int i = 0; i < 100; ++i) call();
      const uint64_t switches = loop.stats().switches;
      const uint64_t allocations = ThreadAllocations();
      for (uint64_t i = 0; i < kCalls; ++i) call();
      counts.allocations = ThreadAllocations() - allocations;
      counts.switches = loop.stats().switches - switches;
    });
    EXPECT_EQ(sim.config().Stats().handshakes, 1u);
    return counts;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, TLSCounting,
                         ::testing::Values(TLSVersion::kTLS12, TLSVersion::kTLS13),
                         [](const auto& info) {
                           return info.param == TLSVersion::kTLS12 ? "Tls12" : "Tls13";
                         });

// BoringSSL has no buffers while nothing is under way: one to read and one to write a record, on
// each side. The call waits once for its answer; the server never.
TEST_P(TLSCounting, SmallRequestsCostNoAllocationOfOurs) {
  for (const std::string& body : {std::string(), std::string(1024, 'x')}) {
    const Counts counts = Count(body.empty() ? "GET" : "POST", body);
    const uint64_t theirs = OfBoringSSL(GetParam(), body + "request", body + "response");
    EXPECT_EQ(theirs, 4 * kCalls);
    EXPECT_EQ(counts.allocations - theirs, 0u);
    EXPECT_EQ(counts.switches, 2 * kCalls);
  }
}

}  // namespace
}  // namespace fasthttp
