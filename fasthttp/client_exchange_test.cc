// What a HostClient sends, and what it makes of what comes back: against scripted connections.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/status.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/scripted_dialer.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using testing::ScriptedDialer;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientExchangeTest : public ::testing::Test {
 protected:
  HostClientOptions Options() {
    HostClientOptions options;
    options.addr = "a.test";
    options.runtime = &sim_;
    options.dial = dialer_.Func();
    return options;
  }
  Errc Do(HostClient& client, const Request& request) {
    return ErrcOf(client.DoTimeout(request, response_, absl::Seconds(5)));
  }
  // What goes over the wire for `request`.
  std::string Sent(const Request& request, HostClientOptions options) {
    dialer_.Next().Data(kOk);
    HostClient client(std::move(options));
    EXPECT_EQ(Do(client, request), Errc::kOk);
    client.CloseIdleConnections();
    return dialer_[dialer_.dialled().size() - 1].written();
  }
  std::string Sent(const Request& request) { return Sent(request, Options()); }

  ScriptedDialer dialer_;
  fasthttptest::SimRuntime sim_;  // Lets go of the connections when it ends.
  Response response_;
};

// --- Sending ----------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, SendsAGetWithWhatTheProgramLeftOut) {
  Request request;
  request.SetRequestURI("http://Example.com/a/../b%20c?d=e#f");
  EXPECT_EQ(Sent(request),
            "GET /b%20c?d=e HTTP/1.1\r\nHost: example.com\r\nUser-Agent: fasthttp\r\n\r\n");
}

// What a call was described by is used again.
TEST_F(ClientExchangeTest, NothingOfOneRequestGoesIntoTheNext) {
  HostClient client(Options());
  auto sent = [&](const Request& request) {
    dialer_.Next().Data("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(Do(client, request), Errc::kOk);
    return dialer_[dialer_.dialled().size() - 1].written();
  };
  Request full;
  full.header().SetMethod("PUT");
  full.SetRequestURI("http://a.test/full");
  full.header().SetUserAgent("agent");
  full.header().Set("X-Field", "x");
  full.header().SetCookie("c", "1");
  ASSERT_TRUE(full.header().SetTrailer("X-Trailer").ok());
  full.SetBody("body");
  Request bare;
  bare.SetRequestURI("http://b.test/bare?x");
  const std::string first = sent(full);
  EXPECT_NE(first.find("X-Field: x\r\n"), std::string::npos);
  EXPECT_EQ(sent(bare), "GET /bare?x HTTP/1.1\r\nHost: b.test\r\nUser-Agent: fasthttp\r\n\r\n");
  EXPECT_EQ(sent(full), first);
}

TEST_F(ClientExchangeTest, TargetsOfAllKinds) {
  struct Row {
    const char* url;
    const char* target;
  };
  for (const Row& row : std::vector<Row>{{"http://a", "/"},
                                         {"http://a?x=/y", "/?x=/y"},
                                         {"http://a#/y", "/"},
                                         {"http://a/b?c=http://d/e", "/b?c=http://d/e"},
                                         {"/b?c=http://d/e", "/b?c=http://d/e"},
                                         {"HTTP://a/b", "/b"},
                                         {"http://a/./b//c/../d", "/b/d"},
                                         {"http://a/b c", "/b%20c"},
                                         {"http://a/b?c d#e", "/b?c%20d"},
                                         {"http://a/%41%2f", "/A/"},
                                         {"//a/b", "/b"}}) {
    Request request;
    request.SetRequestURI(row.url);
    const std::string sent = Sent(request);
    EXPECT_EQ(sent.substr(0, sent.find('\r')), absl::StrCat("GET ", row.target, " HTTP/1.1"))
        << row.url;
  }
  Request options;
  options.header().SetMethod("OPTIONS");
  options.SetRequestURI("*");
  EXPECT_EQ(Sent(options).substr(0, 18), "OPTIONS * HTTP/1.1");
}

// For proxies, and for peers that look at the order.
TEST_F(ClientExchangeTest, WithoutSpecialFieldsTheOrderIsTheProgramsOwn) {
  Request request;
  request.SetRequestURI("http://example.com/");
  request.header().DisableSpecialHeader();
  request.header().DisableNormalizing();
  request.header().Add("x-first", "1");
  request.header().Add("user-agent", "u");
  request.header().Add("hOST", "elsewhere");
  request.header().Add("X-Last", "2");
  EXPECT_EQ(Sent(request),
            "GET / HTTP/1.1\r\nx-first: 1\r\nuser-agent: u\r\nhOST: example.com\r\nX-Last: "
            "2\r\n\r\n");
  request.SetUseHostHeader(true);
  request.header().Del("user-agent");
  EXPECT_EQ(Sent(request),
            "GET / HTTP/1.1\r\nUser-Agent: fasthttp\r\nx-first: 1\r\nhOST: elsewhere\r\nX-Last: "
            "2\r\n\r\n");
}

TEST_F(ClientExchangeTest, DoNeverChangesTheRequest) {
  Request request;
  request.SetRequestURI("http://u:p@example.com/x");
  request.header().SetMethod("POST");
  request.SetBody("body");
  const std::string first = Sent(request);
  EXPECT_EQ(Sent(request), first);
  EXPECT_EQ(request.header().UserAgent(), "");
  EXPECT_EQ(request.header().ContentType(), "");
  EXPECT_EQ(request.header().Len(), 0u);
  EXPECT_EQ(first,
            "POST /x HTTP/1.1\r\nHost: example.com\r\nUser-Agent: fasthttp\r\nContent-Type: "
            "application/octet-stream\r\nContent-Length: 4\r\nAuthorization: Basic "
            "dTpw\r\n\r\nbody");
}

TEST_F(ClientExchangeTest, FramingIsItsOwn) {
  Request request;
  request.header().SetMethod("PUT");
  request.header().SetContentLength(7);
  request.header().Set("Transfer-Encoding", "chunked");
  request.header().Set("X-A", "1");
  EXPECT_EQ(Sent(request),
            "PUT / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fasthttp\r\nContent-Length: 0\r\nX-A: "
            "1\r\n\r\n");
}

TEST_F(ClientExchangeTest, NoUserAgentIfNoneIsWanted) {
  HostClientOptions options = Options();
  options.no_default_user_agent_header = true;
  EXPECT_EQ(Sent(Request(), std::move(options)), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

TEST_F(ClientExchangeTest, TheHostFieldMayDifferFromTheUrl) {
  Request request;
  request.SetRequestURI("http://b.test/");
  request.header().SetHost("c.test");
  request.SetUseHostHeader(true);
  EXPECT_NE(Sent(request).find("Host: c.test\r\n"), std::string::npos);
  request.SetUseHostHeader(false);
  EXPECT_NE(Sent(request).find("Host: b.test\r\n"), std::string::npos);
}

TEST_F(ClientExchangeTest, AZoneStaysAtHome) {
  Request request;
  request.SetRequestURI("http://[fe80::1%25eth0]:81/");
  EXPECT_NE(Sent(request).find("Host: [fe80::1]:81\r\n"), std::string::npos);
}

TEST_F(ClientExchangeTest, PostArgsAreTheBodyIfThereIsNone) {
  Request request;
  request.header().SetMethod("POST");
  request.MutablePostArgs().Set("a", "b c");
  EXPECT_EQ(Sent(request),
            "POST / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fasthttp\r\nContent-Type: "
            "application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na=b+c");
}

TEST_F(ClientExchangeTest, TrailersMakeTheBodyChunked) {
  Request request;
  request.header().SetMethod("POST");
  request.header().SetContentType("a/b");
  ASSERT_TRUE(request.header().SetTrailer("X-Sum").ok());
  request.header().Set("X-Sum", "42");
  request.SetBody("0123456789abcdef");
  EXPECT_EQ(Sent(request),
            "POST / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fasthttp\r\nContent-Type: "
            "a/b\r\nTransfer-Encoding: chunked\r\nTrailer: "
            "X-Sum\r\n\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 42\r\n\r\n");
}

TEST_F(ClientExchangeTest, ConnectionCloseIsSentAndObeyed) {
  Request request;
  request.SetConnectionClose();
  EXPECT_NE(Sent(request).find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(dialer_[0].closed());
}

TEST_F(ClientExchangeTest, AHeadLargerThanABlockGoesOutWhole) {
  Request request;
  const std::string large(60'000, 'x');
  request.header().Set("X-Large", large);
  request.SetBody(std::string(100'000, 'y'));
  request.header().SetMethod("POST");
  const std::string sent = Sent(request);
  EXPECT_NE(sent.find(large), std::string::npos);
  EXPECT_EQ(sent.substr(sent.size() - 100'000), std::string(100'000, 'y'));
}

TEST_F(ClientExchangeTest, ShortWritesGoOn) {
  fasthttptest::ScriptedConn& conn = dialer_.Next();
  for (int i = 0; i < 500; ++i) conn.Take(1);
  conn.Data(kOk);
  HostClient client(Options());
  Request request;
  request.header().SetMethod("POST");
  request.header().SetContentType("a/b");
  request.SetBody("0123456789");
  EXPECT_EQ(Do(client, request), Errc::kOk);
  EXPECT_EQ(conn.written(),
            "POST / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fasthttp\r\nContent-Type: "
            "a/b\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(client.IdleConnsCount(), 1u);
}

TEST_F(ClientExchangeTest, BadRequestsAreRefusedBeforeADial) {
  HostClient client(Options());
  Request request;
  request.SetRequestURI("http://a b/");
  EXPECT_EQ(Do(client, request), Errc::kBadHost);
  request.Reset();
  request.header().SetMethod("CONNECT");
  request.SetRequestURI("/nothing");
  EXPECT_EQ(Do(client, request), Errc::kBadTarget);
  for (const char* method : {"CONNECT", "TRACE"}) {
    request.Reset();
    request.header().SetMethod(method);
    request.SetRequestURI(request.header().IsConnect() ? "b.test:443" : "/");
    request.SetBody("content");
    EXPECT_EQ(Do(client, request), Errc::kUnexpectedContent);
  }
  request.Reset();
  request.SetRequestURI("https://a.test/");
  EXPECT_EQ(Do(client, request), Errc::kRedirectToDifferentScheme);
  EXPECT_TRUE(dialer_.dialled().empty());
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST_F(ClientExchangeTest, TlsWithoutItsTargetNamesIt) {
  HostClientOptions options = Options();
  options.is_tls = true;
  HostClient client(std::move(options));
  absl::StatusOr<Response> r = client.Get("/");
  EXPECT_EQ(ErrcOf(r.status()), Errc::kUnsupported);
  EXPECT_NE(r.status().message().find("//fasthttp:tls"), std::string::npos);
  EXPECT_TRUE(dialer_.dialled().empty());
  EXPECT_EQ(client.ConnsCount(), 0u);
}

// --- A request that sets nothing but the URL, on an idle connection ---------------------------

// It is written and exchanged by a way of its own. The first one, which has to dial, is not.
class BareRequestTest : public ClientExchangeTest {
 protected:
  static constexpr std::string_view kGet =
      "GET /x HTTP/1.1\r\nHost: a.test\r\nUser-Agent: fasthttp\r\n\r\n";

  BareRequestTest() { request_.SetRequestURI("http://a.test/x"); }
  // A connection that answers a first request; what else is scripted is for the next one.
  fasthttptest::ScriptedConn& NextUsed() {
    return dialer_.Next().Data(kOk).Take(kGet.size()).AwaitWritten(kGet.size() + 1);
  }
  // What the next request on it comes to.
  Errc DoAgain(HostClient& client) {
    EXPECT_EQ(Do(client, request_), Errc::kOk);
    const Errc errc = Do(client, request_);
    EXPECT_EQ(client.Stats().reused, 1u);
    return errc;
  }
  static std::string Twice(std::string_view text) { return absl::StrCat(text, text); }

  Request request_;
};

// Described first, then bare.
TEST_F(BareRequestTest, SEC_AUserAgentIsOneLine) {
  constexpr std::string_view kWant =
      "GET /x HTTP/1.1\r\nHost: a.test\r\nUser-Agent: a  X-B: c\r\n\r\n";
  HostClientOptions options = Options();
  options.name = "a\r\nX-B: c";
  fasthttptest::ScriptedConn& conn = dialer_.Next();
  conn.Data(kOk).AwaitWritten(kWant.size() + 1).Data(kOk);
  HostClient client(std::move(options));
  EXPECT_EQ(DoAgain(client), Errc::kOk);
  EXPECT_EQ(conn.written(), Twice(kWant));
}

TEST_F(BareRequestTest, OfEverySizeIsWrittenAsAnyOtherIs) {
  auto expect = [this](size_t target_size, size_t host_size, size_t name_size) {
    const std::string target = "/" + std::string(target_size - 1, 't');
    const std::string host(host_size, 'h');
    HostClientOptions options = Options();
    options.name = std::string(name_size, 'n');
    const std::string agent = name_size == 0 ? "" : "\r\nUser-Agent: " + options.name;
    const std::string want =
        absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: ", host, agent, "\r\n\r\n");
    fasthttptest::ScriptedConn& conn = dialer_.Next();
    conn.Data(kOk).AwaitWritten(want.size() + 1).Data(kOk);
    HostClient client(std::move(options));
    request_.SetRequestURI(absl::StrCat("http://", host, target));
    EXPECT_EQ(DoAgain(client), Errc::kOk);
    EXPECT_EQ(response_.Body(), "ok");
    EXPECT_TRUE(conn.written() == Twice(want))
        << target_size << " " << host_size << " " << name_size;
  };
  // Around a block's size, and far beyond.
  for (size_t size = 3'996; size < 4'196; ++size) {
    expect(size, 1, 8);
    expect(size - 200, 200, 0);
    expect(1, 1, size);
  }
  for (size_t size : {20'000, 300'000}) {
    expect(size, 1, 8);
    expect(8, size, 8);
    expect(1, 1, size);
  }
}

// What comes meanwhile must not be received over what is still to be sent.
TEST_F(BareRequestTest, GoesOutWholeHoweverLittleIsTakenAtOnce) {
  const std::string early =
      absl::StrCat("HTTP/1.1 103 Early Hints\r\nLink: ", std::string(100, 'x'), "\r\n\r\n");
  for (size_t first = 1; first < kGet.size(); ++first) {
    fasthttptest::ScriptedConn& conn = NextUsed();
    conn.Data(early).AwaitWritten(2 * kGet.size()).Data(kOk);
    conn.Take(first);
    if (first % 2 == 0) conn.Take(0).Take(0);
    if (first % 3 == 0) conn.Take(1).Take(0).Take(0);
    HostClient client(Options());
    EXPECT_EQ(DoAgain(client), Errc::kOk);
    EXPECT_EQ(response_.Body(), "ok");
    EXPECT_EQ(conn.written(), Twice(kGet)) << first;
    EXPECT_EQ(client.IdleConnsCount(), 1u);
  }
}

TEST_F(BareRequestTest, TakesItsResponseInPieces) {
  constexpr std::string_view kResponse =
      "HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 7\r\n\r\ncontent";
  for (size_t cut = 1; cut <= kResponse.size(); ++cut) {
    fasthttptest::ScriptedConn& conn = NextUsed();
    if (cut == kResponse.size()) {
      conn.Dribble(kResponse);
    } else {
      conn.Data(kResponse.substr(0, cut)).Again().Data(kResponse.substr(cut));
    }
    HostClient client(Options());
    EXPECT_EQ(DoAgain(client), Errc::kOk);
    EXPECT_EQ(response_.StatusCode(), 201);
    EXPECT_EQ(response_.header().Peek("X-A"), "b");
    EXPECT_EQ(response_.Body(), "content") << cut;
    EXPECT_EQ(conn.written(), Twice(kGet));
    EXPECT_EQ(client.IdleConnsCount(), 1u);
  }
}

TEST_F(BareRequestTest, IsSentOnceHoweverItsResponseEnds) {
  struct Row {
    const char* response;
    bool reusable;
    const char* body = "ok";
  };
  for (const Row& row : std::vector<Row>{
           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokH", false},
           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", false},
           {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
           {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", true},
           {"HTTP/1.1 200 OK\r\n\r\nok", false},
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
           {"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
           {"HTTP/1.1 204 No Content\r\n\r\n", true, ""}}) {
    SCOPED_TRACE(row.response);
    fasthttptest::ScriptedConn& conn = NextUsed().Data(row.response);
    if (!row.reusable) conn.Eof();
    HostClient client(Options());
    const size_t dialled = dialer_.dialled().size();
    EXPECT_EQ(DoAgain(client), Errc::kOk);
    EXPECT_EQ(response_.Body(), row.body);
    EXPECT_EQ(conn.written(), Twice(kGet));
    EXPECT_EQ(dialer_.dialled().size(), dialled + 1);
    EXPECT_EQ(client.IdleConnsCount(), row.reusable ? 1u : 0u);
    EXPECT_EQ(client.ConnsCount(), client.IdleConnsCount());
  }
}

TEST_F(BareRequestTest, IsSentAgainAsItWas) {
  using Script = void (*)(fasthttptest::ScriptedConn&);
  for (Script end_of : std::vector<Script>{
           [](auto& conn) { conn.FailWrites(Errc::kConnectionReset); },
           [](auto& conn) { conn.Take(1).FailWrites(Errc::kConnectionReset); },
           [](auto& conn) { conn.Take(1).Take(0).FailWrites(Errc::kConnectionClosed); },
           [](auto& conn) { conn.Eof(); }, [](auto& conn) { conn.Fail(Errc::kConnectionReset); }}) {
    const size_t stale = dialer_.dialled().size();
    end_of(NextUsed());
    dialer_.Next().Data(kOk);
    HostClient client(Options());
    EXPECT_EQ(DoAgain(client), Errc::kOk);
    EXPECT_EQ(response_.Body(), "ok");
    ASSERT_EQ(dialer_.dialled().size(), stale + 2);
    EXPECT_TRUE(dialer_[stale].closed());
    EXPECT_EQ(dialer_[stale + 1].written(), kGet);
    EXPECT_EQ(client.Stats().retries, 1u);
  }
}

TEST_F(BareRequestTest, IsNotSentAgainOnceAResponseHasBegun) {
  NextUsed().Data("H").Eof();
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  EXPECT_EQ(DoAgain(client), Errc::kUnexpectedEof);
  EXPECT_EQ(response_.header().Len(), 0u);
  EXPECT_EQ(dialer_.dialled().size(), 1u);
}

// --- Expect: 100-continue ---------------------------------------------------------------------

class ExpectTest : public ClientExchangeTest {
 protected:
  ExpectTest() {
    request_.header().SetMethod("POST");
    request_.header().Set("Expect", "100-continue");
    request_.header().SetContentType("a/b");
    request_.SetBody("content");
  }
  static bool EndsWithContent(const std::string& sent) {
    return sent.substr(sent.size() - 11) == "\r\n\r\ncontent";
  }
  Request request_;
};

TEST_F(ExpectTest, TheContentFollowsTheInvitation) {
  dialer_.Next().Data("HTTP/1.1 100 Continue\r\n\r\n").Again().Data(kOk);
  HostClient client(Options());
  EXPECT_EQ(Do(client, request_), Errc::kOk);
  EXPECT_TRUE(EndsWithContent(dialer_[0].written()));
  EXPECT_EQ(client.IdleConnsCount(), 1u);
}

TEST_F(ExpectTest, ARefusalKeepsTheContentAndEndsTheConnection) {
  dialer_.Next().Data("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  HostClient client(Options());
  EXPECT_EQ(Do(client, request_), Errc::kOk);
  EXPECT_EQ(response_.StatusCode(), 413);
  EXPECT_FALSE(EndsWithContent(dialer_[0].written()));
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST_F(ExpectTest, AServerThatDoesNotKnowItGetsTheContentAfterASecond) {
  HostClient client(Options());
  dialer_.Next();
  const int64_t start = sim_.NowNanos();
  EXPECT_EQ(Do(client, request_), Errc::kTimeout);  // Nothing ever comes.
  EXPECT_TRUE(EndsWithContent(dialer_[0].written()));
  EXPECT_EQ(sim_.NowNanos() - start, 5 * runtime::kSecond);
}

TEST_F(ExpectTest, NothingIsExpectedWithoutContent) {
  request_.ResetBody();
  EXPECT_EQ(Sent(request_).find("Expect"), std::string::npos);
}

// --- Interim and early responses --------------------------------------------------------------

TEST_F(ClientExchangeTest, EarlyHintsAreTold) {
  dialer_.Next().Data(absl::StrCat(
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
      std::string(kOk)));
  HostClientOptions options = Options();
  std::vector<std::string> told;
  options.interim_response = [&](int status, const ResponseHeader& header) {
    told.push_back(absl::StrCat(status, std::string(header.Peek("Link"))));
  };
  HostClient client(std::move(options));
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "ok");
  EXPECT_EQ(told, (std::vector<std::string>{"103</a.css>", "102"}));
  EXPECT_EQ(client.IdleConnsCount(), 1u);
}

TEST_F(ClientExchangeTest, InterimResponsesAreBounded) {
  constexpr std::string_view kInterim = "HTTP/1.1 103 Early Hints\r\n\r\n";
  dialer_.Next().Repeat(kInterim, 100).Data(kOk);
  dialer_.Next().Repeat(kInterim, 101).Data(kOk);
  HostClient client(Options());
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  client.CloseIdleConnections();
  EXPECT_EQ(Do(client, Request()), Errc::kTooManyInterimResponses);
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST_F(ClientExchangeTest, AResponseWhileTheBodyIsStillBeingSentCounts) {
  dialer_.Next().Take(50).Take(0).Data("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  HostClient client(Options());
  Request request;
  request.header().SetMethod("POST");
  request.SetBody(std::string(100'000, 'x'));
  EXPECT_EQ(Do(client, request), Errc::kOk);
  EXPECT_EQ(response_.StatusCode(), 413);
  EXPECT_EQ(response_.Body(), "no");
  EXPECT_EQ(dialer_[0].written().size(), 50u);
  EXPECT_EQ(client.ConnsCount(), 0u);  // Half a request is on it.
}

TEST_F(ClientExchangeTest, AResponseBeforeTheConnectionBreaksCounts) {
  dialer_.Next()
      .Take(50)
      .FailWrites(Errc::kConnectionReset)
      .Data("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  HostClient client(Options());
  Request request;
  request.header().SetMethod("POST");
  request.SetBody(std::string(100'000, 'x'));
  EXPECT_EQ(Do(client, request), Errc::kOk);
  EXPECT_EQ(response_.StatusCode(), 413);
  EXPECT_EQ(client.ConnsCount(), 0u);
}

// --- Limits -----------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, BodiesAreBoundedWhateverTheFraming) {
  HostClientOptions options = Options();
  options.max_response_body_size = 10;
  HostClient client(std::move(options));
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  dialer_.Next().Data(ok + "Content-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  client.CloseIdleConnections();
  dialer_.Next().Data(ok + "Content-Length: 11\r\n\r\n");
  EXPECT_EQ(Do(client, Request()), Errc::kBodyTooLarge);
  dialer_.Next().Data(ok + "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  client.CloseIdleConnections();
  dialer_.Next().Data(ok + "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\n");
  EXPECT_EQ(Do(client, Request()), Errc::kBodyTooLarge);
  dialer_.Next().Data(ok + "\r\n01234").Data("56789").Eof();
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "0123456789");
  dialer_.Next().Data(ok + "\r\n01234").Data("567890").Eof();
  EXPECT_EQ(Do(client, Request()), Errc::kBodyTooLarge);
  EXPECT_EQ(response_.Body(), "");
  EXPECT_EQ(client.ConnsCount(), 0u);
  EXPECT_EQ(dialer_.dialled().size(), 6u);  // None was tried again.
}

TEST_F(ClientExchangeTest, HeadsAreBounded) {
  HostClientOptions options = Options();
  options.max_response_header_size = 100;
  options.max_response_fields = 2;
  HostClient client(std::move(options));
  dialer_.Next().Data("HTTP/1.1 200 OK\r\nA: " + std::string(100, 'x'));
  EXPECT_EQ(Do(client, Request()), Errc::kHeadTooLarge);
  dialer_.Next().Data("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nE: f\r\n\r\n");
  EXPECT_EQ(Do(client, Request()), Errc::kTooManyFields);
}

TEST_F(ClientExchangeTest, MoreFieldsThanFitAHeadAreThere) {
  std::string raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&raw, "X-", i, ": ", i, "\r\n");
  dialer_.Next().Data(raw + "\r\n");
  HostClient client(Options());
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.header().Peek("X-199"), "199");
}

TEST_F(ClientExchangeTest, TrailersAreKeptApart) {
  dialer_.Next().Data(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n");
  HostClient client(Options());
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "ok");
  ASSERT_NE(response_.header().Trailers(), nullptr);
  EXPECT_EQ(response_.header().Trailers()->Peek("X-Sum"), "42");
  EXPECT_EQ(response_.header().Peek("X-Sum"), "");
}

TEST_F(ClientExchangeTest, ABodyThatTheCallerSkipsEndsTheConnection) {
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  response_.SetSkipBody(true);
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "");
  EXPECT_EQ(client.ConnsCount(), 0u);
}

// --- Retries ----------------------------------------------------------------------------------

// A connection that has carried one exchange and is idle; its end comes when it is used again.
void UseOnce(HostClient& client) { ASSERT_TRUE(client.Get("/").ok()); }

TEST_F(ClientExchangeTest, APostOnAReusedConnectionThatEndsIsSentAgain) {
  dialer_.Next().Data(kOk).Take(1'000).FailWrites(Errc::kConnectionReset);
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  UseOnce(client);
  Request request;
  request.header().SetMethod("POST");
  request.SetBody("x");
  EXPECT_EQ(Do(client, request), Errc::kOk);
  EXPECT_EQ(dialer_.dialled().size(), 2u);
  EXPECT_EQ(client.Stats().retries, 1u);
}

TEST_F(ClientExchangeTest, APostIsSentAgainOnceOnly) {
  dialer_.Next().Data(kOk).Take(1'000).FailWrites(Errc::kConnectionReset);
  dialer_.Next().Eof();
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  UseOnce(client);
  Request request;
  request.header().SetMethod("POST");
  request.SetBody("x");
  absl::Status status = client.Do(request, response_);
  EXPECT_EQ(ErrcOf(status), Errc::kConnectionClosed);
  EXPECT_EQ(status.message(),
            "fasthttp: connection closed: a.test:80 (remote), fresh connection, attempt 2; 0 "
            "connections, 0 idle, 0 calls waiting");
  EXPECT_EQ(dialer_.dialled().size(), 2u);
}

TEST_F(ClientExchangeTest, APostOnAFreshConnectionIsNotSentAgain) {
  dialer_.Next().Eof();
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  Request request;
  request.header().SetMethod("POST");
  EXPECT_EQ(Do(client, request), Errc::kConnectionClosed);
  EXPECT_EQ(dialer_.dialled().size(), 1u);
}

TEST_F(ClientExchangeTest, AGetIsTriedFiveTimes) {
  for (int i = 0; i < 6; ++i) dialer_.Next().Eof();
  HostClient client(Options());
  EXPECT_EQ(Do(client, Request()), Errc::kConnectionClosed);
  EXPECT_EQ(dialer_.dialled().size(), 5u);
  EXPECT_EQ(client.Stats().retries, 4u);
}

TEST_F(ClientExchangeTest, NothingIsTriedAgainOnceAResponseHasBegun) {
  dialer_.Next().Data("H").Eof();
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  EXPECT_EQ(Do(client, Request()), Errc::kUnexpectedEof);
  EXPECT_EQ(dialer_.dialled().size(), 1u);
}

TEST_F(ClientExchangeTest, RetryIfDecidesInPlaceOfTheRules) {
  dialer_.Next().Data("garbage\r\n\r\n");
  dialer_.Next().Data("H").Eof();
  dialer_.Next().Data(kOk);
  HostClientOptions options = Options();
  std::vector<std::string> asked;
  options.retry_if = [&](const Request& request, const FailedAttempt& failed) {
    asked.push_back(absl::StrCat(std::string(request.header().Method()), failed.attempts,
                                 std::string(ErrcName(failed.errc)), failed.response_started,
                                 failed.reused_connection, std::string(failed.address)));
    return true;
  };
  HostClient client(std::move(options));
  Request request;
  request.header().SetMethod("POST");
  EXPECT_EQ(Do(client, request), Errc::kOk);
  EXPECT_EQ(asked, (std::vector<std::string>{"POST1BadStatusLine10a.test:80",
                                             "POST2UnexpectedEof10a.test:80"}));
}

TEST_F(ClientExchangeTest, AnIdleConnectionWithAnUnaskedResponseIsNotUsed) {
  // The second response comes right behind the first, before anybody asks.
  dialer_.Next().Data(kOk).Data("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  dialer_.Next().Data(kOk);
  HostClient client(Options());
  UseOnce(client);
  sim_.Settle();
  EXPECT_EQ(client.ConnsCount(), 0u);
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "ok");
}

// --- Addresses --------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, AddressesAreDialledInTurn) {
  HostClientOptions options = Options();
  options.addr = "a.test, b.test:81,[::1]";
  for (int i = 0; i < 4; ++i) {
    dialer_.Next().Data("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  }
  HostClient client(std::move(options));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(dialer_.dialled(),
            (std::vector<std::string>{"a.test:80", "b.test:81", "[::1]:80", "a.test:80"}));
}

TEST_F(ClientExchangeTest, AnAddressThatFailsLeavesItToTheNext) {
  HostClientOptions options = Options();
  options.addr = "a.test,b.test";
  options.dial = [this, script = dialer_.Func()](
                     std::string_view address,
                     absl::Time deadline) -> absl::StatusOr<BlockingConn> {
    if (address != "a.test:80") return script(address, deadline);
    // Half of the five seconds, so that the other address has its chance.
    EXPECT_EQ(deadline - sim_.Now(), absl::Milliseconds(2500));
    (void)Sleep(deadline - sim_.Now());
    return ToStatus(Errc::kDialTimeout);
  };
  dialer_.Next().Data(kOk);
  HostClient client(std::move(options));
  EXPECT_TRUE(client.Get("/").ok());
}

TEST_F(ClientExchangeTest, AFailedDialTellsOfEveryAddress) {
  HostClientOptions options = Options();
  options.addr = "a.test,b.test:81";
  options.dial = [](std::string_view address, absl::Time) -> absl::StatusOr<BlockingConn> {
    if (address == "a.test:80") return ToStatus(Errc::kHostNotFound, "no such name");
    return ToStatus(Errc::kConnectionRefused);
  };
  HostClient client(std::move(options));
  const std::string text(client.Get("/").status().message());
  EXPECT_NE(text.find("a.test:80, dialling: fasthttp: "), std::string::npos) << text;
  EXPECT_NE(text.find("no such name; b.test:81, dialling: fasthttp: "), std::string::npos) << text;
}

TEST_F(ClientExchangeTest, NoAddressIsAnError) {
  HostClientOptions options = Options();
  options.addr = " , ";
  HostClient client(std::move(options));
  EXPECT_EQ(ErrcOf(client.Get("http://a.test/").status()), Errc::kBadAddress);
  EXPECT_EQ(client.ConnsCount(), 0u);
}

TEST(AddMissingPortTest, AddsIt) {
  EXPECT_EQ(AddMissingPort("a", false), "a:80");
  EXPECT_EQ(AddMissingPort("a", true), "a:443");
  EXPECT_EQ(AddMissingPort("a:1", true), "a:1");
  EXPECT_EQ(AddMissingPort("1.2.3.4", false), "1.2.3.4:80");
  EXPECT_EQ(AddMissingPort("[::1]", true), "[::1]:443");
  EXPECT_EQ(AddMissingPort("[::1]:8", true), "[::1]:8");
  EXPECT_EQ(AddMissingPort("::1", true), "::1");
  EXPECT_EQ(AddMissingPort("unix:/a/b", false), "unix:/a/b");
}

// --- The response -----------------------------------------------------------------------------

// As a handler may have set them before it passes its response to a client.
TEST_F(BareRequestTest, AStreamOfTheResponseIsDropped) {
  for (const char* connection : {"keep-alive", "close"}) {
    NextUsed().Data(absl::StrCat("HTTP/1.1 200 OK\r\nConnection: ", connection,
                                 "\r\nContent-Length: 2\r\n\r\nok"));
    HostClient client(Options());
    EXPECT_EQ(Do(client, request_), Errc::kOk);
    response_.SetBodyStreamWriter([](BodyWriter&) {});
    response_.SetImmediateHeaderFlush(true);
    EXPECT_EQ(Do(client, request_), Errc::kOk);
    EXPECT_EQ(response_.Body(), "ok");
    EXPECT_FALSE(response_.IsBodyStream());
    EXPECT_FALSE(response_.ImmediateHeaderFlush());
    EXPECT_EQ(response_.RemoteAddr().ToString(), "remote");
  }
}

TEST_F(ClientExchangeTest, ATransportGetsAnEmptyResponse) {
  HostClientOptions options = Options();
  options.transport = [](HostClient&, const Request&, Response& response, absl::Time) {
    EXPECT_TRUE(response.SkipBody());
    EXPECT_EQ(response.Body(), "");
    EXPECT_EQ(response.header().Len(), 0u);
    return absl::OkStatus();
  };
  HostClient client(std::move(options));
  response_.SetSkipBody(true);
  response_.SetBody("of an earlier call");
  response_.header().Set("X-Earlier", "1");
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.RemoteAddr(), Addr());
}

// --- RoundTripper -----------------------------------------------------------------------------

TEST_F(ClientExchangeTest, ATransportWrapsEachAttempt) {
  dialer_.Next().Eof();
  dialer_.Next().Data(kOk);
  HostClientOptions options = Options();
  int attempts = 0;
  options.transport = [&](HostClient& client, const Request& request, Response& response,
                          absl::Time deadline) {
    ++attempts;
    return client.RoundTrip(request, response, deadline);
  };
  HostClient client(std::move(options));
  EXPECT_EQ(Do(client, Request()), Errc::kOk);
  EXPECT_EQ(response_.Body(), "ok");
  EXPECT_EQ(attempts, 2);
}

}  // namespace
}  // namespace fasthttp
