// The code of dial.md.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/dialer.h"
#include "fasthttp/error.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/host_client.h"
#include "gtest/gtest.h"

namespace {

// clang-format off
absl::Status Ping(std::string_view address) {
  absl::StatusOr<fasthttp::BlockingConn> conn = fasthttp::DialTimeout(address, absl::Seconds(2));
  if (!conn.ok()) return conn.status();
  conn->SetDeadline(absl::Now() + absl::Seconds(2));
  return fasthttp::ToStatus(conn->Write("ping\n"), "ping");
}

fasthttp::TCPDialer& Backends() {
  static auto& dialer = *new fasthttp::TCPDialer({
      .concurrency = 100,                        // connects at once; more wait their turn
      .dns_cache_duration = absl::Minutes(5),
      .family = fasthttp::IpFamily::kIPv4Only,
      .attempt_delay = absl::Milliseconds(100),  // to the next address
  });
  return dialer;
}
// clang-format on

class Registry final : public fasthttp::Resolver {
 public:
  fasthttp::Errc LookupIPAddr(std::string_view host,
                              std::vector<fasthttp::Addr>& addresses) override {
    if (host != "users.internal") return fasthttp::Errc::kHostNotFound;
    static constexpr uint8_t kAddress[4] = {127, 0, 0, 1};
    addresses.push_back(fasthttp::Addr::IPv4(kAddress, 0));
    return fasthttp::Errc::kOk;
  }
};

class DialGuide : public ::testing::Test {
 protected:
  DialGuide() : server_([](fasthttp::RequestCtx& ctx) { ctx.SetBodyString("here"); }) {
    absl::StatusOr<fasthttp::Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) port = absl::StrCat(address->port());
  }
  ~DialGuide() override { (void)server_.Shutdown(absl::ZeroDuration()); }

  fasthttp::Server server_;
  std::string port = "0";
};

TEST_F(DialGuide, Dial) {
  EXPECT_TRUE(Ping("localhost:" + port).ok());
  EXPECT_EQ(fasthttp::ErrcOf(Ping("localhost:1")), fasthttp::Errc::kConnectionRefused);
}

TEST_F(DialGuide, AClientWithADialer) {
  fasthttp::HostClient client(
      {.addr = "localhost:" + port, .dial = [](std::string_view address, absl::Time deadline) {
         return Backends().DialDeadline(address, deadline);
       }});
  absl::StatusOr<fasthttp::Response> r = client.Get("/");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "here");
}

TEST_F(DialGuide, AResolver) {
  fasthttp::TCPDialer dialer({.resolver = std::make_shared<Registry>()});
  absl::StatusOr<fasthttp::BlockingConn> conn = dialer.Dial("users.internal:" + port);
  ASSERT_TRUE(conn.ok()) << conn.status();
  EXPECT_EQ(conn->RemoteAddr().ToString(), "127.0.0.1:" + port);
  EXPECT_EQ(fasthttp::ErrcOf(dialer.Dial("orders.internal:80").status()),
            fasthttp::Errc::kHostNotFound);
}

}  // namespace
