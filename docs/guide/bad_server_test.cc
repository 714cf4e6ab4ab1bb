// The code of testing.md that is about servers which misbehave.
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "gtest/gtest.h"
#include "testing/bad_server.h"
#include "testing/sim_runtime.h"
#include "util/inmemory_listener.h"

namespace {

void Ask(fasthttp::HostClient& client, const fasthttptest::BadBehaviour& behaviour) {
  fasthttp::Request request;
  request.SetRequestURI("/");
  request.header().SetMethod(behaviour.method);
  if (behaviour.request_body != 0) request.SetBody(std::string(behaviour.request_body, 'x'));
  if (behaviour.expect_continue) request.header().Set("Expect", "100-continue");
  fasthttp::Response response;
  absl::Status status = client.DoTimeout(request, response, absl::Seconds(10));
  EXPECT_EQ(fasthttp::ErrcOf(status), behaviour.errc) << behaviour.name << ": " << status;
  if (status.ok()) {
    EXPECT_EQ(response.StatusCode(), behaviour.status) << behaviour.name;
  }
}

// One client for the whole table, so that what one row leaves behind meets the next.
TEST(TestingGuide, AServerThatMisbehaves) {
  fasthttptest::SimRuntime sim;
  fasthttputil::InmemoryListener listener(&sim);
  fasthttp::HostClientOptions options;
  options.addr = "bad.test";
  options.runtime = &sim;
  options.dial = [&](std::string_view, absl::Time deadline) { return listener.Dial(deadline); };
  options.max_response_header_size = fasthttptest::kBadServerMaxHead;
  options.max_response_fields = fasthttptest::kBadServerMaxFields;
  options.max_response_body_size = fasthttptest::kBadServerMaxBody;
  options.max_interim_responses = fasthttptest::kBadServerMaxInterim;
  fasthttp::HostClient client(std::move(options));

  fasthttptest::BadServer server(sim, listener);
  for (const fasthttptest::BadBehaviour& behaviour : fasthttptest::BadBehaviours()) {
    server.Misbehave(behaviour);
    Ask(client, behaviour);
    sim.Advance(absl::Seconds(1));  // What it does to the idle connection.
    server.Behave();
    absl::StatusOr<fasthttp::Response> r = client.Get("/");
    ASSERT_TRUE(r.ok()) << r.status();
    EXPECT_EQ(r->Body(), fasthttptest::kHonestBody);
    client.CloseIdleConnections();  // The next row wants a connection of its own.
  }
  EXPECT_EQ(server.dirty_requests(), 0u);
  EXPECT_GT(server.honest_answers(), fasthttptest::BadBehaviours().size() / 2);
}

}  // namespace
