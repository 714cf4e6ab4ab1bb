#include "expvar/server_var.h"

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "absl/strings/str_cat.h"
#include "expvar/var.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_server.h"
#include "testing/test_server.h"
#include "testing/wire_client.h"

namespace expvar {
namespace {

using fasthttp::RequestCtx;
using fasthttp::testing::SimServer;
using fasthttp::testing::WireClient;

const Value* Member(const Value* value, std::string_view key) {
  const Value::Object* members = nullptr;
  if (value == nullptr) return nullptr;
  if (auto* object = std::get_if<Value::Object>(&value->variant())) members = object;
  if (auto* labelled = std::get_if<Value::ByLabel>(&value->variant())) members = &labelled->members;
  if (members == nullptr) return nullptr;
  for (const auto& [name, member] : *members) {
    if (name == key) return &member;
  }
  return nullptr;
}

// The variable "fasthttp", or a part of it.
Value Shown() {
  Value shown;
  Do([&](std::string_view, const Value& value) { shown = value; },
     [](std::string_view name) { return name == "fasthttp"; });
  return shown;
}

std::string JSONAt(std::initializer_list<std::string_view> path) {
  const Value shown = Shown();
  const Value* value = &shown;
  for (std::string_view key : path) value = Member(value, key);
  if (value == nullptr) return "missing";
  std::string json;
  value->AppendJSON(json);
  return json;
}

void Handle(RequestCtx& ctx) {
  if (ctx.Path() == "/wait") (void)fasthttp::Sleep(absl::Milliseconds(30));
  if (ctx.Path() == "/none") return ctx.NotFound();
  ctx.Success("text/plain", "ok\n");
}

TEST(ServerVar, ShowsWhatTheServerCounts) {
  SimServer sim({.handler = Handle}, {.loops = 2});
  ServerVar shown("api", sim.server());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
    EXPECT_EQ(client.Ask("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
    EXPECT_EQ(client.Ask("GET /none HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
    sim.Settle();
    EXPECT_EQ(JSONAt({"api", "requests_total"}), "3");
    EXPECT_EQ(JSONAt({"api", "responses_total", "2xx"}), "2");
    EXPECT_EQ(JSONAt({"api", "responses_total", "4xx"}), "1");
    EXPECT_EQ(JSONAt({"api", "connections_open"}), "1");
    EXPECT_EQ(JSONAt({"api", "connections_accepted_total"}), "1");
    EXPECT_EQ(JSONAt({"api", "received_bytes_total"}), absl::StrCat(27 + 31 + 31));
    EXPECT_NE(JSONAt({"api", "sent_bytes_total"}), "0");
    EXPECT_EQ(JSONAt({"api", "blocks_in_use"}), "0");
    EXPECT_EQ(JSONAt({"api", "latency_seconds"}),
              "{\n\t\"bounds\": [1e-05, 2e-05, 5e-05, 1e-04, 2e-04, 5e-04, 0.001, 0.002, 0.005, "
              "0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],\n\t\"count\": 3,\n\t\"counts\": [2, "
              "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],\n\t\"sum\": 0.03\n}");
    EXPECT_EQ(JSONAt({"api", "loops", "1", "fibers_blocked"}), "0");
    EXPECT_NE(JSONAt({"api", "loops", "0", "polls_total"}), "0");
    EXPECT_EQ(JSONAt({"api", "loops", "2"}), "missing");
    EXPECT_EQ(JSONAt({"api", "timers"}), "missing");
  });
}

TEST(ServerVar, LivesAsLongAsItIsDeclared) {
  EXPECT_EQ(JSONAt({"first"}), "missing");
  SimServer one({.handler = Handle});
  {
    ServerVar first("first", one.server());
    SimServer other({.handler = Handle});
    ServerVar second("second", other.server());
    EXPECT_EQ(JSONAt({"first", "requests_total"}), "0");
    EXPECT_EQ(JSONAt({"second", "requests_total"}), "0");
  }
  EXPECT_EQ(JSONAt({}), "{}");
  ServerVar again("first", one.server());
  EXPECT_EQ(JSONAt({"first", "requests_total"}), "0");
}

TEST(ServerVarDeathTest, ASecondOneOfOneNameEndsTheProgram) {
  SimServer sim({.handler = Handle});
  ServerVar first("twice", sim.server());
  EXPECT_DEATH(ServerVar("twice", sim.server()),
               "server_var_test.cc.*a second expvar::ServerVar is called \"twice\"; the first is "
               "at .*server_var_test.cc:");
}

// Servers come and go while others look.
TEST(ServerVar, IsLookedAtByOtherThreads) {
  std::atomic<bool> done{false};
  std::thread looker([&] {
    while (!done.load()) (void)Shown();
  });
  for (int i = 0; i < 20; ++i) {
    fasthttptest::TestServer server(Handle);
    ServerVar shown("mine", server.server());
    ASSERT_TRUE(server.Get("/").ok());
    EXPECT_EQ(JSONAt({"mine", "requests_total"}), "1");
  }
  done.store(true);
  looker.join();
}

}  // namespace
}  // namespace expvar
