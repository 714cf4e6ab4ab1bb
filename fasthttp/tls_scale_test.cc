// What an idle connection costs: user memory of the server, the clients' aside.
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/runtime/runtime.h"
#include "fasthttp/server.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/test_certificate.h"
#include "testing/tls_probe.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
constexpr int kConns = 100;
#else
constexpr bool kSanitized = false;
constexpr int kConns = 1'000;
#endif

namespace fasthttp {
namespace {

constexpr int64_t kMostBytes = 8 * 1024;

int64_t ResidentBytes() {
  ::malloc_trim(0);
  unsigned long total = 0;
  unsigned long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return static_cast<int64_t>(resident) * 4096;
}

// Of all arenas; exact, whatever was freed before.
int64_t HeapBytes() { return static_cast<int64_t>(::mallinfo2().uordblks); }

// Connects, asks once, and leaves the socket open with nothing of TLS on this side.
int AskAndForget(SSL_CTX* context, uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), fd);
  EXPECT_EQ(SSL_connect(ssl.get()), 1);
  constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(SSL_write(ssl.get(), kGet.data(), kGet.size()), static_cast<int>(kGet.size()));
  char answer[1000];
  const int n = SSL_read(ssl.get(), answer, sizeof answer);
  EXPECT_EQ(std::string_view(answer, n < 0 ? 0 : static_cast<size_t>(n)).substr(0, 15),
            "HTTP/1.1 200 OK");
  return fd;
}

class TLSScale : public ::testing::TestWithParam<TLSVersion> {};
INSTANTIATE_TEST_SUITE_P(Versions, TLSScale,
                         ::testing::Values(TLSVersion::kTLS12, TLSVersion::kTLS13),
                         [](const auto& info) {
                           return info.param == TLSVersion::kTLS12 ? "Tls12" : "Tls13";
                         });

TEST_P(TLSScale, AnIdleConnectionIsSmall) {
  rlimit files = {};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2 * kConns + 100) GTEST_SKIP() << "too few file descriptors";

  const auto cert = fasthttptest::GenerateTestCertificate({.hosts = {"localhost"}});
  Runtime runtime({.threads = 1});
  TLSConfig config;
  ASSERT_TRUE(config.AppendCertPEM(cert.cert_pem, cert.key_pem).ok());
  Server server(
      {.handler = [](RequestCtx& ctx) { ctx.SetBodyString("hello"); }, .runtime = &runtime});
  absl::StatusOr<Addr> address = StartTLS(server, "127.0.0.1:0", config);
  ASSERT_TRUE(address.ok()) << address.status();
  testing::TLSProbe client(GetParam(), GetParam());

  std::vector<int> fds;
  for (int i = 0; i < 20; ++i) fds.push_back(AskAndForget(client.context(), address->port()));
  const int64_t resident_before = ResidentBytes(), before = HeapBytes();
  for (int i = 0; i < kConns; ++i) fds.push_back(AskAndForget(client.context(), address->port()));
  const int64_t each = (HeapBytes() - before) / kConns;
  const int64_t resident = (ResidentBytes() - resident_before) / kConns;
  EXPECT_EQ(server.GetOpenConnectionsCount(), fds.size());
  std::printf("an idle connection: %d bytes of the heap, %d of resident memory\n",
              static_cast<int>(each), static_cast<int>(resident));
  if (!kSanitized) {
    EXPECT_LE(each, kMostBytes);
    EXPECT_LE(resident, kMostBytes);
    EXPECT_GT(each, 1'000) << "nothing was measured";
  }
  for (int fd : fds) ::close(fd);
}

}  // namespace
}  // namespace fasthttp
