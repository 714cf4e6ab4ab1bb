// The raw-byte cases (testing/http_cases.h) through a whole server: alone, behind a good request
// and split, over in-memory pipes in virtual time, over the same between threads, and over TCP.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/http_cases.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"
#include "util/inmemory_listener.h"

namespace fasthttp {
namespace {

using testing::RequestCase;
using testing::RequestCases;
using testing::SimServer;
using testing::WireClient;
using testing::WireResponse;

// Where nothing can be counted a sanitizer slows everything down: fewer splits.
constexpr bool kSlow = !testing_internal::kAllocCounterAvailable;

constexpr std::string_view kGood = "GET /good?1 HTTP/1.1\r\nHost: good\r\n\r\n";
constexpr std::string_view kNever = "GET /never HTTP/1.1\r\nHost: never\r\n\r\n";

void Put(std::string& out, std::string_view item) { absl::StrAppend(&out, item.size(), ":", item); }

// Everything that a handler can see of a request, unambiguously.
void Describe(RequestCtx& ctx) {
  std::string out;
  Put(out, ctx.Method());
  Put(out, ctx.RequestURI());
  Put(out, ctx.request().header().IsHTTP11() ? "1.1" : "1.0");
  ctx.request().header().VisitAllInOrder([&](std::string_view name, std::string_view value) {
    Put(out, name);
    Put(out, value);
  });
  out += "trailers";
  ctx.request().header().VisitAllTrailer([&](std::string_view name, std::string_view value) {
    Put(out, name);
    Put(out, value);
  });
  out += "body";
  Put(out, ctx.PostBody());
  if (ctx.RequestURI().find("never") != std::string_view::npos) out = "a request behind an error";
  if (ctx.IsConnect()) ctx.SetStatusCode(kStatusNotFound);  // 2xx would open a tunnel.
  ctx.SetBody(out);
}

std::string Described(const RequestCase& c) {
  std::string out;
  Put(out, c.method);
  Put(out, c.target);
  Put(out, c.minor_version == 0 ? "1.0" : "1.1");
  for (const auto& field : c.fields) {
    Put(out, field.name);
    Put(out, field.value);
  }
  out += "trailers";
  for (const auto& field : c.trailers) {
    Put(out, field.name);
    Put(out, field.value);
  }
  out += "body";
  Put(out, c.body);
  return out;
}

// Without the fields, for cases that don't list them.
std::string WithoutFields(const std::string& description, const RequestCase& c) {
  std::string start;
  Put(start, c.method);
  Put(start, c.target);
  Put(start, c.minor_version == 0 ? "1.0" : "1.1");
  if (description.substr(0, start.size()) != start) return description;
  return start + description.substr(std::min(description.find("trailers"), description.size()));
}

void ExpectEcho(const RequestCase& c, const WireResponse& response) {
  ASSERT_EQ(response.errc, Errc::kOk);
  EXPECT_EQ(response.status, c.method == "CONNECT" ? 404 : 200);
  EXPECT_EQ(response.keep_alive, c.keep_alive);
  const std::string want = Described(c);
  if (c.method == "HEAD") {
    EXPECT_EQ(response.body, "");
    return;
  }
  EXPECT_EQ(c.fields.empty() ? WithoutFields(response.body, c) : response.body, want);
}

// A server knows two kinds of leniency; a case for one bit alone fits only if it passes.
bool Fits(const RequestCase& c) {
  if (base::chaos_enabled && c.raw.size() > 100'000) return false;  // Sent without reading.
  return c.leniency == http1::Leniency::kStrict || c.leniency == http1::Leniency::kAll ||
         c.errc == Errc::kOk;
}
bool IsLenient(const RequestCase& c) { return c.leniency != http1::Leniency::kStrict; }

ServerSettings Settings(bool lenient) {
  ServerSettings settings;
  settings.handler = Describe;
  settings.lenient = lenient;
  return settings;
}

// Holds one conversation about `c`, which is sent in the pieces that `cuts` (offsets) make of it.
// `pause` is called between them.
template <typename Pause>
void Converse(WireClient client, const RequestCase& c, bool behind_good,
              const std::vector<size_t>& cuts, Pause&& pause) {
  std::string bytes = c.raw;
  const bool bad = c.errc != Errc::kOk && c.errc != Errc::kNeedMore;
  if (bad) bytes += kNever;
  if (behind_good) bytes.insert(0, kGood);
  size_t from = 0;
  Errc sent = Errc::kOk;
  for (size_t cut : cuts) {
    cut += behind_good ? kGood.size() : 0;
    if (sent == Errc::kOk) sent = client.Send(bytes.substr(from, cut - from));
    from = cut;
    pause();
  }
  if (sent == Errc::kOk) sent = client.Send(bytes.substr(from));
  // An error may be answered before all is sent, and the connection be closed.
  EXPECT_TRUE(sent == Errc::kOk || bad) << ErrcName(sent);

  if (behind_good) {
    WireResponse good = client.Read();
    ASSERT_EQ(good.errc, Errc::kOk) << ErrcName(good.errc);
    EXPECT_EQ(good.status, 200);
    EXPECT_EQ(good.body, "3:GET7:/good?13:1.14:Host4:goodtrailersbody0:");
  }
  if (c.errc == Errc::kNeedMore) {
    client.Finish();
    if (c.raw.empty()) {
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
      return;
    }
  }
  WireResponse response =
      client.Read(c.method == "HEAD" ? http1::MethodId::kHead : http1::MethodId::kGet);
  if (response.status == 100 && c.expect_continue && !cuts.empty()) response = client.Read();
  ASSERT_EQ(response.errc, Errc::kOk) << ErrcName(response.errc);
  EXPECT_EQ(response.CountOf("Date"), 1u);
  EXPECT_EQ(response.CountOf("Server"), 1u);
  if (c.errc == Errc::kOk) {
    ExpectEcho(c, response);
    if (c.keep_alive) {
      response = client.Ask(kGood);
      EXPECT_EQ(response.status, 200);
      return;
    }
  } else {
    const int status = c.errc == Errc::kNeedMore ? 400 : HttpStatusOf(c.errc);
    EXPECT_EQ(response.status, status) << response.body;
  }
  EXPECT_FALSE(response.keep_alive);
  EXPECT_EQ(response.Field("Connection"), "close");
  // What a server reads behind an error is bounded; beyond that a reset may follow the answer.
  Errc end = client.ReadEnd();
  if (bytes.size() <= 64 * 1024) {
    EXPECT_EQ(end, Errc::kOk) << ErrcName(end);
  }
}

std::vector<size_t> EveryCut(const RequestCase& c) {
  std::vector<size_t> cuts;
  const size_t n = c.raw.size();
  const size_t stride = kSlow ? 7 : 1;
  for (size_t i = 1; i < n; i += i < 300 || i + 100 > n ? stride : std::max<size_t>(97, n / 50)) {
    cuts.push_back(i);
  }
  return cuts;
}

class SimCases : public ::testing::TestWithParam<bool> {
 protected:
  // Calls `f(server, case)` for each case that this server's leniency is for.
  template <typename Function>
  void ForEach(Function&& f) {
    SimServer server(Settings(GetParam()));
    int count = 0;
    for (const RequestCase& c : RequestCases()) {
      if (!Fits(c) || IsLenient(c) != GetParam()) continue;
      SCOPED_TRACE(c.name);
      f(server, c);
      ++count;
      if (HasFailure()) return;
    }
    server.sim().Settle();
    EXPECT_GT(count, GetParam() ? 5 : 300);
    EXPECT_EQ(server.server().GetOpenConnectionsCount(), 0u);
  }
};

TEST_P(SimCases, EachAloneIsAnsweredAsTheTableSays) {
  ForEach([](SimServer& server, const RequestCase& c) {
    server.Run([&] {
      Converse(server.Dial(), c, false, {}, [] {});
      server.Settle();
    });
  });
}

TEST_P(SimCases, EachBehindAGoodRequestIsAnsweredInOrder) {
  ForEach([](SimServer& server, const RequestCase& c) {
    server.Run([&] {
      Converse(server.Dial(), c, true, {}, [] {});
      server.Settle();
    });
  });
}

TEST_P(SimCases, EachSplitAtEveryByteIsAnsweredTheSame) {
  ForEach([](SimServer& server, const RequestCase& c) {
    server.Run([&] {
      for (size_t cut : EveryCut(c)) {
        SCOPED_TRACE(absl::StrCat("split at ", cut));
        Converse(server.Dial(), c, false, {cut}, [&] { server.Settle(); });
        if (HasFailure()) return;
      }
      server.Settle();
    });
  });
}

TEST_P(SimCases, EachInBytesBehindAGoodRequestIsAnsweredTheSame) {
  // Chaos fills a pipe with four short writes: who sends on without reading is cut off, rightly.
  if (base::chaos_enabled) GTEST_SKIP() << "needs room in the pipe";
  ForEach([](SimServer& server, const RequestCase& c) {
    if (c.raw.size() > 500) return;
    server.Run([&] {
      std::vector<size_t> cuts;
      for (size_t i = 0; i < c.raw.size(); ++i) cuts.push_back(i);
      Converse(server.Dial(), c, true, cuts, [&] { server.Settle(); });
      server.Settle();
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Leniency, SimCases, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Lenient" : "Strict"; });

// With threads, and so without control over when the server sees a piece.
class RealCases : public ::testing::Test {
 protected:
  template <typename Dial>
  void Talk(Runtime& clients, bool lenient, Dial&& dial) {
    for (const RequestCase& c : RequestCases()) {
      if (!Fits(c) || IsLenient(c) != lenient) continue;
      SCOPED_TRACE(c.name);
      clients.Run([&] {
        Converse(dial(), c, false, {}, [] {});
        Converse(dial(), c, true, {}, [] {});
        if (c.raw.size() < 2) return;
        const size_t middle = c.raw.size() / 2;
        Converse(dial(), c, false, {middle}, [] { (void)Sleep(absl::Milliseconds(1)); });
        Converse(dial(), c, true, {c.raw.size() - 1}, [] { (void)Sleep(absl::Milliseconds(1)); });
      });
      if (HasFailure()) return;
    }
  }

  static WireClient Impatient(absl::StatusOr<BlockingConn> conn) {
    if (!conn.ok()) {
      ADD_FAILURE() << conn.status();
      return {};
    }
    conn->SetDeadline(absl::Now() + absl::Seconds(60));
    return WireClient(*std::move(conn));
  }
};

TEST_F(RealCases, EachOverTcpIsAnsweredAsTheTableSays) {
  for (bool lenient : {false, true}) {
    Runtime runtime({.threads = 2});
    Runtime clients({.threads = 1});
    ServerSettings settings = Settings(lenient);
    settings.runtime = &runtime;
    Server server(std::move(settings));
    absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
    ASSERT_TRUE(address.ok()) << address.status();
    Talk(clients, lenient, [&] { return Impatient(Dial(address->ToString())); });
  }
}

TEST_F(RealCases, EachOverPipesBetweenThreadsIsAnsweredAsTheTableSays) {
  for (bool lenient : {false, true}) {
    Runtime runtime({.threads = 2});
    Runtime clients({.threads = 1});
    ServerSettings settings = Settings(lenient);
    settings.runtime = &runtime;
    Server server(std::move(settings));
    fasthttputil::InmemoryListener listener(&runtime);
    std::thread serving([&] { EXPECT_TRUE(server.Serve(listener).ok()); });
    Talk(clients, lenient, [&] { return Impatient(listener.Dial()); });
    EXPECT_TRUE(server.Shutdown().ok());
    serving.join();
  }
}

}  // namespace
}  // namespace fasthttp
