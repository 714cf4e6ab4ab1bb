// A client and a server that misbehaves in every way of the table: each request ends as the table
// says, the next honest one is answered, and nothing is left over.
#include <dirent.h>

#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/socket.h"
#include "gtest/gtest.h"
#include "testing/bad_server.h"
#include "testing/sim_runtime.h"
#include "util/inmemory_listener.h"

namespace fasthttp {
namespace {

using fasthttptest::BadBehaviour;
using fasthttptest::BadBehaviours;
using fasthttptest::BadServer;
using fasthttptest::SimRuntime;

size_t OpenFiles() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  size_t count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

// What a client, a server and their requests may hold.
struct Held {
  size_t files = OpenFiles();
  size_t endpoints = 0;
  uint32_t blocked = 0;
  size_t blocks = 0;

  static Held Now(Runtime& runtime) {
    Held held;
    for (size_t i = 0; i < runtime.loops(); ++i) {
      runtime::Loop& loop = runtime.loop(i);
      runtime.RunOn(loop, [&] {
        held.endpoints += loop.endpoints().in_use();
        held.blocked += loop.blocked();
        held.blocks += ClientLoop::Of(loop)->blocks().in_use();
      });
    }
    return held;
  }
  friend bool operator==(const Held&, const Held&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Held& h) {
    return out << h.files << " files, " << h.endpoints << " endpoints, " << h.blocked
               << " blocked, " << h.blocks << " blocks";
  }
};

HostClientOptions OptionsFor(Runtime& runtime) {
  HostClientOptions options;
  options.runtime = &runtime;
  options.max_response_header_size = fasthttptest::kBadServerMaxHead;
  options.max_response_fields = fasthttptest::kBadServerMaxFields;
  options.max_response_body_size = fasthttptest::kBadServerMaxBody;
  options.max_interim_responses = fasthttptest::kBadServerMaxInterim;
  return options;
}

absl::Status Ask(HostClient& client, const BadBehaviour& behaviour, absl::Duration timeout,
                 Response& response) {
  Request request;
  request.SetRequestURI("/");
  request.header().SetMethod(behaviour.method);
  if (behaviour.request_body != 0) request.SetBodyOwned(std::string(behaviour.request_body, 'b'));
  if (behaviour.expect_continue) request.header().Set("Expect", "100-continue");
  return client.DoTimeout(request, response, timeout);
}

void ExpectOutcome(const BadBehaviour& behaviour, const absl::Status& status,
                   const Response& response) {
  EXPECT_EQ(ErrcName(ErrcOf(status)), ErrcName(behaviour.errc)) << status;
  if (behaviour.errc != Errc::kOk || !status.ok()) return;
  EXPECT_EQ(response.StatusCode(), behaviour.status);
  EXPECT_EQ(response.Body(), behaviour.body);
}

void ExpectHonest(HostClient& client) {
  absl::StatusOr<Response> r = client.GetTimeout("/", absl::Seconds(60));
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
  EXPECT_EQ(r->Body(), fasthttptest::kHonestBody);
}

class BadServerInMemory : public ::testing::TestWithParam<BadBehaviour> {};

TEST_P(BadServerInMemory, IsSurvived) {
  const BadBehaviour& behaviour = GetParam();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SimRuntime sim({.loops = seed == 3 ? 2u : 1u, .seed = seed});
    fasthttputil::InmemoryListener listener(&sim);
    BadServer server(sim, listener);
    HostClientOptions options = OptionsFor(sim);
    options.addr = "bad.test";
    options.dial = [&listener](std::string_view, absl::Time deadline) {
      return listener.Dial(deadline);
    };
    HostClient client(std::move(options));
    sim.Settle();
    const Held before = Held::Now(sim);

    server.Misbehave(behaviour);
    Response response;
    const absl::Time start = sim.Now();
    absl::Status status = Ask(client, behaviour, absl::Seconds(10), response);
    ExpectOutcome(behaviour, status, response);
    EXPECT_LE(sim.Now() - start, absl::Milliseconds(10'010)) << "one deadline for everything";
    if (status.ok()) sim.Advance(absl::Seconds(1));  // The rest of the script.

    server.Behave();
    ExpectHonest(client);
    EXPECT_EQ(server.dirty_requests(), 0u);
    if (behaviour.reusable) {
      EXPECT_EQ(server.accepted(), 1u) << "a good connection was thrown away";
    }
    EXPECT_EQ(client.PendingRequests(), 0u);
    EXPECT_EQ(client.ConnsCount(), 1u);

    client.CloseIdleConnections();
    server.EndAll();
    sim.Settle();
    EXPECT_EQ(client.ConnsCount(), 0u);
    EXPECT_EQ(server.open(), 0u);
    EXPECT_EQ(Held::Now(sim), before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadServerInMemory, ::testing::ValuesIn(BadBehaviours()),
                         [](const auto& info) { return info.param.name; });

// The whole table on one client, over real sockets. Pauses are a tenth, and what must time out does
// so soon.
TEST(BadServerOverSockets, IsSurvived) {
  Runtime runtime({.threads = 1});
  auto listener = runtime::Listen("127.0.0.1:0");
  ASSERT_TRUE(listener.ok()) << listener.status();
  BadServer server(runtime, **listener, /*time_scale=*/0.1);
  HostClientOptions options = OptionsFor(runtime);
  options.addr = (*listener)->address().ToString();
  options.expect_continue_timeout = absl::Milliseconds(10);
  HostClient client(std::move(options));
  auto let_happen = [&] {
    runtime.Run(
        [] { (void)runtime::SleepFor(*runtime::Loop::Current(), 5 * runtime::kMillisecond); });
  };
  ExpectHonest(client);
  client.CloseIdleConnections();
  server.EndAll();
  const Held before = Held::Now(runtime);
  for (const BadBehaviour& behaviour : BadBehaviours()) {
    if (behaviour.simulated_only) continue;
    SCOPED_TRACE(behaviour.name);
    const uint64_t accepted = server.accepted();
    server.Misbehave(behaviour);
    Response response;
    const bool late = behaviour.errc == Errc::kTimeout;
    absl::Status status =
        Ask(client, behaviour, late ? absl::Milliseconds(150) : absl::Seconds(60), response);
    ExpectOutcome(behaviour, status, response);
    // What a script does to an idle connection is seen before that is used again.
    while (status.ok() && client.ConnsCount() != 0 && server.playing() != 0) let_happen();
    let_happen();
    server.Behave();
    ExpectHonest(client);
    if (behaviour.reusable) {
      EXPECT_EQ(server.accepted(), accepted + 1);
    }
    client.CloseIdleConnections();
    server.EndAll();
    EXPECT_EQ(client.ConnsCount(), 0u);
    EXPECT_EQ(Held::Now(runtime), before);
    ASSERT_EQ(server.dirty_requests(), 0u);
  }
}

TEST(BadServerTable, IsLargeAndItsNamesAreUnique) {
  std::set<std::string> names;
  for (const BadBehaviour& behaviour : BadBehaviours()) {
    EXPECT_TRUE(names.insert(behaviour.name).second) << behaviour.name;
  }
  EXPECT_GE(names.size(), 60u);
}

}  // namespace
}  // namespace fasthttp
