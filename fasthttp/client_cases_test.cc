// The raw-byte response cases (testing/http_cases.h) through a HostClient: whole, split at every
// byte and dribbled, with the end of the stream behind them and without. After each of them the
// connection is kept or closed as the case demands, and the same client serves the next call.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/http_cases.h"
#include "testing/scripted_dialer.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using http1::Framing;
using http1::MethodId;
using testing::ChunkedCase;
using testing::ChunkedCases;
using testing::ResponseCase;
using testing::ResponseCases;
using testing::ScriptedDialer;

// Where nothing can be counted a sanitizer slows everything down: fewer splits.
constexpr bool kSlow = !testing_internal::kAllocCounterAvailable;

constexpr std::string_view kHonest = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest";

const char* NameOf(MethodId method) {
  switch (method) {
    case MethodId::kHead:
      return "HEAD";
    case MethodId::kPost:
      return "POST";
    case MethodId::kConnect:
      return "CONNECT";
    default:
      return "GET";
  }
}

// A case as the client sees it: behind an interim response comes a final one.
ResponseCase ForClient(ResponseCase c) {
  if (c.errc != Errc::kOk || c.status >= 200 || c.status == 101) return c;
  c.raw += "HTTP/1.1 204 No Content\r\n\r\n";
  c.status = 204;
  return c;
}

enum class End { kNone, kEof };

struct Outcome {
  Errc errc = Errc::kOk;
  Response response;
  bool kept = false;
  int closes = 0;
};

// One call whose response comes in the pieces that `cuts` make of `raw`.
void Exchange(std::string_view raw, const std::vector<size_t>& cuts, End end, MethodId method,
              Outcome& outcome, bool lenient = false) {
  fasthttptest::SimRuntime sim;
  ScriptedDialer dialer;
  fasthttptest::ScriptedConn& conn = dialer.Next();
  size_t from = 0;
  for (size_t cut : cuts) {
    conn.Data(raw.substr(from, cut - from)).Again();
    from = cut;
  }
  conn.Data(raw.substr(from));
  if (end == End::kEof) conn.Eof();
  dialer.Next().Data(kHonest);
  HostClientOptions options;
  options.addr = "a.test";
  options.runtime = &sim;
  options.dial = dialer.Func();
  options.max_response_header_size = 16384;
  options.max_response_fields = 128;
  options.max_response_body_size = 4 * 1024 * 1024;
  options.lenient = lenient;
  options.retry_if = [](const Request&, const FailedAttempt&) { return false; };
  HostClient client(std::move(options));
  sim.Run([&] {
    Request request;
    request.header().SetMethod(NameOf(method));
    request.SetRequestURI(method == MethodId::kConnect ? "b.test:443" : "/");
    outcome.errc = ErrcOf(client.DoTimeout(request, outcome.response, absl::Seconds(5)));
    (void)Sleep(absl::Milliseconds(1));  // What comes behind the response is noticed.
    outcome.kept = client.IdleConnsCount() == 1;
    outcome.closes = conn.closes();
    EXPECT_EQ(client.ConnsCount(), outcome.kept ? 1u : 0u);
    client.CloseIdleConnections();
    absl::StatusOr<Response> honest = client.Get("/");
    ASSERT_TRUE(honest.ok()) << honest.status();
    EXPECT_EQ(honest->Body(), "honest");
    client.CloseIdleConnections();
    EXPECT_EQ(client.ConnsCount(), 0u);
  });
  EXPECT_EQ(conn.closes(), 1);
}

void ExpectOutcome(const ResponseCase& c, End end, const Outcome& outcome) {
  if (c.errc == Errc::kNeedMore) {
    EXPECT_EQ(outcome.errc, end == End::kEof ? Errc::kUnexpectedEof : Errc::kTimeout);
    return;
  }
  ASSERT_EQ(outcome.errc, c.errc);
  if (c.errc != Errc::kOk) {
    EXPECT_EQ(outcome.closes, 1);
    EXPECT_EQ(outcome.response.Body(), "");
    return;
  }
  EXPECT_EQ(outcome.response.StatusCode(), c.status);
  EXPECT_EQ(outcome.response.Body(), c.body);
  for (const testing::CaseField& field : c.fields) {
    EXPECT_EQ(outcome.response.header().Peek(field.name), field.value);
  }
}

void ExpectKept(const ResponseCase& c, const Outcome& outcome) {
  if (c.errc != Errc::kOk) return;
  EXPECT_EQ(outcome.kept, c.keep_alive && !c.upgrade && c.framing != Framing::kUntilClose);
}

std::vector<size_t> EveryByte(std::string_view raw) {
  std::vector<size_t> cuts;
  for (size_t i = 1; i < raw.size(); ++i) cuts.push_back(i);
  return cuts;
}

// Offsets to cut at: all of a short text, some of a long one.
std::vector<size_t> CutsOf(std::string_view raw) {
  std::vector<size_t> cuts;
  const size_t step = std::max<size_t>(1, raw.size() / (kSlow ? 16 : 300));
  for (size_t i = 1; i < raw.size(); i += step) cuts.push_back(i);
  return cuts;
}

class ResponseCaseTest : public ::testing::TestWithParam<ResponseCase> {
 protected:
  void Run(const std::vector<size_t>& cuts) {
    const ResponseCase c = ForClient(GetParam());
    const bool lenient = c.leniency != http1::Leniency::kStrict;
    const bool endless = c.framing == Framing::kUntilClose && c.errc == Errc::kOk;
    Outcome with_end;
    Exchange(c.raw, cuts, End::kEof, c.request_method, with_end, lenient);
    ExpectOutcome(c, End::kEof, with_end);
    if (endless) return ExpectKept(c, with_end);
    Outcome without_end;
    Exchange(c.raw, cuts, End::kNone, c.request_method, without_end, lenient);
    ExpectOutcome(c, End::kNone, without_end);
    ExpectKept(c, without_end);
  }
};

TEST_P(ResponseCaseTest, Whole) { Run({}); }

TEST_P(ResponseCaseTest, SplitAtEveryByte) {
  for (size_t cut : CutsOf(ForClient(GetParam()).raw)) {
    SCOPED_TRACE(cut);
    Run({cut});
    if (HasFailure()) return;
  }
}

TEST_P(ResponseCaseTest, Dribbled) { Run(EveryByte(ForClient(GetParam()).raw)); }

std::vector<ResponseCase> AllCases() {
  std::vector<ResponseCase> cases = ResponseCases();
  // The chunked bodies, each behind a head.
  for (const ChunkedCase& chunked : ChunkedCases()) {
    ResponseCase c;
    c.name = "body_" + chunked.name;
    c.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked.raw;
    c.errc = chunked.errc;
    c.body = chunked.body;
    c.framing = Framing::kChunked;
    c.keep_alive = chunked.rest.empty();  // Bytes behind the response end the connection.
    cases.push_back(c);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, ResponseCaseTest, ::testing::ValuesIn(AllCases()),
                         [](const auto& c) { return c.param.name; });

// --- What follows a response ---

class SurplusTest : public ::testing::TestWithParam<std::string> {};

// In the same read, so that the client cannot help seeing it.
TEST_P(SurplusTest, InTheSameReadEndsTheConnection) {
  Outcome outcome;
  Exchange(GetParam() + "H", {}, End::kNone, MethodId::kGet, outcome);
  EXPECT_EQ(outcome.errc, Errc::kOk);
  EXPECT_FALSE(outcome.kept);
  EXPECT_EQ(outcome.closes, 1);
}

INSTANTIATE_TEST_SUITE_P(Framings, SurplusTest,
                         ::testing::Values("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                           "HTTP/1.1 204 No Content\r\n\r\n",
                                           "HTTP/1.1 304 Not Modified\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                           "2\r\nok\r\n0\r\n\r\n"));

TEST(SurplusTest, OfAHeadResponseEndsTheConnection) {
  Outcome outcome;
  Exchange("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", {}, End::kNone, MethodId::kHead,
           outcome);
  EXPECT_EQ(outcome.errc, Errc::kOk);
  EXPECT_EQ(outcome.response.header().ContentLength(), 2);
  EXPECT_EQ(outcome.response.Body(), "");
  EXPECT_FALSE(outcome.kept);
}

}  // namespace
}  // namespace fasthttp
