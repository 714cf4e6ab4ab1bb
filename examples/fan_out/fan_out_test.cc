// The program itself, with services at its three addresses: its main gets another name.
#define main FanOutMain
#include "examples/fan_out/main.cc"
#undef main

#include <atomic>
#include <memory>

#include "gtest/gtest.h"

namespace {

// A service that answers with the path, or waits for the end of the request.
class Service {
 public:
  explicit Service(const char* address)
      : server_([this](fasthttp::RequestCtx& ctx) {
          if (late.load()) cause.store(fasthttp::ErrcOf(fasthttp::Sleep(absl::Seconds(60))));
          ctx.SetBody(ctx.Path());
        }) {
    started = server_.Start(address).ok();
  }

  bool started = false;
  std::atomic<bool> late{false};
  std::atomic<fasthttp::Errc> cause{fasthttp::Errc::kOk};  // What ended the wait.

 private:
  fasthttp::Server server_;
};

struct Answer {
  int code;
  std::string body;
};

Answer Ask() {
  fasthttp::Server page(Page);
  absl::StatusOr<fasthttp::Addr> addr = page.Start("127.0.0.1:0");
  if (!addr.ok()) return {0, addr.status().ToString()};
  absl::StatusOr<fasthttp::Response> r = fasthttp::Get("http://" + addr->ToString() + "/");
  if (!r.ok()) return {0, r.status().ToString()};
  return {r->StatusCode(), std::string(r->Body())};
}

TEST(FanOut, AsksAllThreeAndEndsTogether) {
  auto user = std::make_unique<Service>("127.0.0.1:8081");
  auto order = std::make_unique<Service>("127.0.0.1:8082");
  auto price = std::make_unique<Service>("127.0.0.1:8083");
  if (!user->started || !order->started || !price->started) GTEST_SKIP() << "a port is taken";
  Answer answer = Ask();
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, "/u/1 /o/1 /p/1\n");

  order->late.store(true);
  EXPECT_EQ(Ask().code, fasthttp::kStatusGatewayTimeout);
  order->late.store(false);

  user->late.store(true);  // Cancelled by the error of another one.
  price.reset();
  EXPECT_EQ(Ask().code, fasthttp::kStatusBadGateway);
  user.reset();  // Returns when its handler has ended.
  EXPECT_EQ(order->cause.load(), fasthttp::Errc::kClientGone);
}

}  // namespace
