#include "fasthttp/request.h"

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fasthttp/error.h"
#include "fasthttp/head_for_test.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

TEST(Request, MadeByAProgram) {
  Request request;
  request.SetRequestURI("https://Example.com:8443/a?x=1#f");
  EXPECT_TRUE(request.ParseURI().ok());
  EXPECT_EQ(request.URI().Scheme(), "https");
  EXPECT_EQ(request.Host(), "example.com:8443");
  EXPECT_EQ(request.QueryArgs().Peek("x"), "1");
  EXPECT_EQ(request.RequestURI(), "https://Example.com:8443/a?x=1#f");
  request.MutableURI().SetPath("/b");
  EXPECT_EQ(request.RequestURI(), "/b?x=1");
  request.SetRequestURI("http://other/");
  EXPECT_EQ(request.Host(), "other");
  EXPECT_EQ(request.RequestURI(), "http://other/");
}

// A request with nothing but a target is written in a way of its own, until something is set.
TEST(Request, BareOnesAreWrittenAsOthersAre) {
  constexpr std::string_view kBare = "GET /p?q HTTP/1.1\r\nHost: a\r\n";
  const std::vector<std::function<void(Request&)>> changes = {
      [](Request& r) { r.header().SetMethod("POST"); },
      [](Request& r) { r.header().SetUserAgent("u"); },
      [](Request& r) { r.header().SetContentType("t"); },
      [](Request& r) { r.header().Set("X", "y"); },
      [](Request& r) { r.header().SetCookie("c", "1"); },
      [](Request& r) { (void)r.header().SetTrailer("X"); },
      [](Request& r) { r.header().SetHost("other"), r.SetUseHostHeader(true); },
      [](Request& r) { r.SetConnectionClose(); },
      [](Request& r) { r.SetBody("body"); },
      [](Request& r) { r.MutablePostArgs().Add("a", "b"); },
      [](Request& r) { r.MutableURI().SetPath("/other"); },
      [](Request& r) { r.MutableURI().SetUsername("u"); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Request request;
    request.SetRequestURI("http://a/p?q");
    EXPECT_TRUE(request.IsBare());
    EXPECT_EQ(request.String(), absl::StrCat(kBare, "\r\n")) << i;
    changes[i](request);
    const std::string changed = request.String();
    EXPECT_NE(changed, absl::StrCat(kBare, "\r\n")) << i;
    Request copy;
    request.CopyTo(copy);
    EXPECT_EQ(copy.String(), changed) << i;
    request.Reset();
    request.SetRequestURI("http://a/p?q");
    EXPECT_TRUE(request.IsBare()) << i;
    EXPECT_EQ(request.String(), absl::StrCat(kBare, "\r\n")) << i;
  }
  Request other;
  other.SetRequestURI("http://a/p?q");
  other.header().Set("X", "y");
  other.header().Del("X");
  EXPECT_FALSE(other.IsBare());
  EXPECT_EQ(other.String(), absl::StrCat(kBare, "\r\n"));
}

TEST(Request, BadURIIsReported) {
  Request request;
  request.SetRequestURI("http://a b/");
  EXPECT_EQ(ErrcOf(request.ParseURI()), Errc::kBadHost);
  EXPECT_EQ(request.Host(), "");
}

TEST(Request, Received) {
  TestHead head("GET /a/../b%20c?x=1 HTTP/1.1\r\nHost: Example.com\r\n\r\n");
  Request request;
  request.Bind(head.head(), /*tls=*/true);
  EXPECT_EQ(request.URI().Path(), "/b c");
  EXPECT_EQ(request.URI().PathOriginal(), "/a/../b%20c");
  EXPECT_EQ(request.URI().FullURI(), "https://example.com/b%20c?x=1");
  EXPECT_EQ(request.RequestURI(), "/a/../b%20c?x=1");
}

TEST(Request, PlainPathIsAView) {
  TestHead head("GET /plain/path?x=1 HTTP/1.1\r\nHost: example.com\r\n\r\n");
  Request request;
  request.Bind(head.head(), /*tls=*/false);
  EXPECT_EQ(request.URI().Path(), "/plain/path");
  EXPECT_EQ(request.URI().Path().data(), request.header().RequestURI().data());
  EXPECT_EQ(request.URI().QueryString(), "x=1");
}

TEST(Request, AbsoluteTargetWinsOverHost) {
  TestHead head("GET http://target.example/x HTTP/1.1\r\nHost: header.example\r\n\r\n");
  Request request;
  request.Bind(head.head(), false);
  EXPECT_EQ(request.Host(), "target.example");
  EXPECT_EQ(request.header().Host(), "header.example");
  EXPECT_EQ(request.URI().Path(), "/x");
}

TEST(Request, OtherTargetForms) {
  TestHead connect("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  Request request;
  request.Bind(connect.head(), false);
  EXPECT_EQ(request.Host(), "example.com:443");
  TestHead options("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  request.Bind(options.head(), false);
  EXPECT_EQ(request.URI().Path(), "*");
  EXPECT_EQ(request.URI().RequestURI(), "*");
  TestHead slashes("GET //evil.example/%2e%2e/x HTTP/1.1\r\nHost: h\r\n\r\n");
  request.Bind(slashes.head(), false);
  EXPECT_EQ(request.Host(), "h");
  EXPECT_EQ(request.URI().Path(), "/x");
}

TEST(Request, PostArgs) {
  auto peek = [](std::string_view type, std::string_view body) {
    Request request;
    request.header().SetContentType(type);
    request.SetBody(body);
    return std::string(request.PostArgs().Peek("a"));
  };
  EXPECT_EQ(peek("application/x-www-form-urlencoded", "a=1&b=2"), "1");
  EXPECT_EQ(peek("Application/X-WWW-form-urlencoded; charset=UTF-8", "a=%20"), " ");
  EXPECT_EQ(peek("text/plain", "a=1"), "");
  EXPECT_EQ(peek({}, "a=1"), "");
}

TEST(Request, PostArgsFollowTheBody) {
  Request request;
  request.header().SetContentType("application/x-www-form-urlencoded");
  request.SetBody("a=1");
  EXPECT_EQ(request.PostArgs().Peek("a"), "1");
  request.SetBody("a=2");
  EXPECT_EQ(request.PostArgs().Peek("a"), "2");
}

TEST(Request, SEC_ArgsCanBeCapped) {
  TestHead head("GET /x?a&b&c&d HTTP/1.1\r\nHost: h\r\n\r\n");
  Request request;
  request.SetMaxArgs(2);
  request.Bind(head.head(), false);
  EXPECT_EQ(request.QueryArgs().Len(), 2u);
  request.header().SetContentType("application/x-www-form-urlencoded");
  request.SetBody("a&b&c");
  EXPECT_EQ(request.PostArgs().Len(), 2u);
}

TEST(Request, ResetClearsEverything) {
  Request request;
  request.SetRequestURI("http://h/x?a=1");
  request.header().SetMethod("POST");
  request.header().Set("X-A", "1");
  request.SetBody("body");
  request.SetTimeout(absl::Seconds(1));
  request.SetUseHostHeader(true);
  request.SetConnectionClose();
  (void)request.MutableURI();
  request.MutablePostArgs().Set("p", "q");
  request.Reset();
  EXPECT_EQ(request.RequestURI(), "/");
  EXPECT_EQ(request.Host(), "");
  EXPECT_TRUE(request.header().IsGet());
  EXPECT_EQ(request.header().Len(), 0u);
  EXPECT_EQ(request.Body(), "");
  EXPECT_EQ(request.Timeout(), absl::InfiniteDuration());
  EXPECT_FALSE(request.UseHostHeader());
  EXPECT_FALSE(request.ConnectionClose());
  EXPECT_TRUE(request.PostArgs().empty());
  EXPECT_TRUE(request.QueryArgs().empty());
}

TEST(Request, CopyOutlivesTheReceivedBytes) {
  Request copy;
  {
    TestHead head("POST /a%20b?x=1 HTTP/1.1\r\nHost: H\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n");
    Request request;
    request.Bind(head.head(), true);
    request.SetBodyRaw("abc");
    EXPECT_EQ(request.URI().Path(), "/a b");
    request.CopyTo(copy);
  }
  EXPECT_EQ(copy.Body(), "abc");
  EXPECT_EQ(copy.header().Method(), "POST");
  EXPECT_EQ(copy.header().Peek("x-a"), "1");
  EXPECT_EQ(copy.URI().FullURI(), "https://h/a%20b?x=1");
  copy.CopyTo(copy);
  EXPECT_EQ(copy.Body(), "abc");
}

TEST(Request, MovesAndDiesOnAnyThread) {
  Request request;
  request.SetRequestURI("http://h/x");
  request.SetBody(std::string(100, 'x'));
  (void)request.URI();
  std::thread([r = std::move(request)] {
    EXPECT_EQ(r.URI().Path(), "/x");
    EXPECT_EQ(r.Body().size(), 100u);
  }).join();
}

TEST(Request, FormatAndSwap) {
  Request request;
  absl::Format(&request, "%s", "text");
  EXPECT_EQ(request.Body(), "text");
  EXPECT_EQ(request.SwapBody(OwnedBytes(std::string("new"))).view(), "text");
  EXPECT_EQ(request.Body(), "new");
}

// The body of a small received request is a view of the connection's block.
TEST(Request, ABodySwappedOutOutlivesWhatItViewed) {
  std::string block = "text";
  Request request;
  request.SetBodyRaw(block);
  OwnedBytes body = request.SwapBody({});
  block = "gone";
  EXPECT_EQ(body.view(), "text");
}

TEST(Request, SteadyStateAllocatesNothing) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  TestHead head(
      "POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\n");
  Request request;
  auto work = [&] {
    request.Bind(head.head(), false);
    request.SetBodyRaw("p=1&q=2");
    ASSERT_EQ(request.URI().Path(), "/a b");
    ASSERT_EQ(request.QueryArgs().Peek("x"), "1");
    ASSERT_EQ(request.PostArgs().Peek("q"), "2");
  };
  work();
  AllocCounter counter;
  for (int i = 0; i < 100; ++i) work();
  EXPECT_EQ(counter.count(), 0u);
}

}  // namespace
}  // namespace fasthttp
