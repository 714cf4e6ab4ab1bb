// The code blocks of client.md.
#include <string>
#include <string_view>
#include <utility>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace {

// Answers /users/1, wants a token for /private, and takes PUTs.
void Backend(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/users/1") return ctx.SetBodyString("ann");
  if (ctx.request().header().IsPut()) return ctx.SetStatusCode(fasthttp::kStatusNoContent);
  ctx.NotFound();
}

TEST(ClientGuide, OneHost) {
  fasthttptest::TestServer backend(Backend);
  fasthttp::HostClientOptions options = {.addr = "users.internal:8080"};
  options.dial = backend.listener().Dialer();
  options.runtime = &backend.runtime();
  fasthttp::HostClient users(std::move(options));
  std::string name;
  absl::StatusOr<fasthttp::Response> r = users.Get("/users/1");
  ASSERT_TRUE(r.ok()) << r.status();
  if (r->StatusCode() == fasthttp::kStatusOK) name = r->Body();
  EXPECT_EQ(name, "ann");
}

absl::Status Put(fasthttp::Client& client, const std::string& url, std::string_view json) {
  fasthttp::Request request;
  request.SetRequestURI(url);
  request.header().SetMethod("PUT");
  request.header().SetContentType("application/json");
  request.header().Set("Authorization", "Bearer t");
  request.SetBodyRaw(json);  // Not copied: `json` outlives the call.
  fasthttp::Response response;
  absl::Status status = client.DoTimeout(request, response, absl::Seconds(2));
  if (!status.ok()) return status;
  if (response.StatusCode() != fasthttp::kStatusNoContent) return absl::NotFoundError(url);
  return absl::OkStatus();
}

TEST(ClientGuide, ARequestOfItsOwn) {
  fasthttptest::TestServer backend(Backend);
  fasthttp::ClientOptions options;
  options.dial = backend.listener().Dialer();
  options.runtime = &backend.runtime();
  fasthttp::Client client(std::move(options));
  EXPECT_TRUE(Put(client, "http://a.test/x", "{}").ok());
}

TEST(ClientGuide, Options) {
  fasthttp::HostClient users({
      .addr = "10.0.0.1:8080,10.0.0.2:8080",
      .max_conns = 100,                                  // Over all loops.
      .max_conn_wait_timeout = absl::Milliseconds(200),  // Then kNoFreeConns.
      .max_idle_conn_duration = absl::Seconds(30),
      .call_timeout = absl::Seconds(5),
      .max_response_body_size = 1 << 20,
  });
  EXPECT_EQ(users.ConnsCount(), 0u);
}

TEST(ClientGuide, Retries) {
  fasthttp::HostClientOptions options = {.addr = "10.0.0.1:8080"};
  options.retry_if = [](const fasthttp::Request& request, const fasthttp::FailedAttempt& failed) {
    // This backend knows a repeated order by its key.
    return failed.errc == fasthttp::Errc::kConnectionReset &&
           request.header().Has("Idempotency-Key");
  };
  fasthttp::HostClient orders(std::move(options));
  EXPECT_EQ(orders.Stats().retries, 0u);
}

}  // namespace
