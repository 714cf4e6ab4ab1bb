// The rows of the original's timing tests of Args, Cookie, URI, user values and status lines, doing
// the same work, and what a request costs the message types here (the rows with "Received",
// "Setters", "New" and "PlainTarget").
#include <string>

#include "benchmark/benchmark.h"
#include "fasthttp/args.h"
#include "fasthttp/base/check.h"
#include "fasthttp/cookie.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/request.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/response.h"
#include "fasthttp/uri.h"
#include "testing/bench_rows.h"

namespace fasthttp {
namespace {

using fasthttptest::FixedIterations;

void ResponseSetters(benchmark::State& state) {
  Response response;
  for (auto _ : state) {
    response.Reset();
    response.SetStatusCode(200);
    response.SetContentType("text/plain");
    response.SetBodyString("Hello, World!");
    benchmark::DoNotOptimize(response.Body().data());
  }
}
BENCHMARK(ResponseSetters)->Apply(FixedIterations);

void ResponseNew(benchmark::State& state) {
  for (auto _ : state) {
    Response response;
    benchmark::DoNotOptimize(response.StatusCode());
  }
}
BENCHMARK(ResponseNew)->Apply(FixedIterations);

void RequestHeaderPeekReceived(benchmark::State& state) {
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nAccept: */*\r\nX-Foo: bar\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  for (auto _ : state) benchmark::DoNotOptimize(header.Peek("X-Foo") == "bar");
}
BENCHMARK(RequestHeaderPeekReceived)->Apply(FixedIterations);

void ArgsParse(benchmark::State& state) {
  Args args;
  for (auto _ : state) {
    args.Parse("foo=bar&baz=qqq&aaaaa=bbbb");
    benchmark::DoNotOptimize(args.Len());
  }
}
BENCHMARK(ArgsParse)->Apply(FixedIterations);

void ArgsPeekBytes(benchmark::State& state) {
  Args args;
  args.Parse("foo=bar&baz=qqq&aaaaa=bbbb");
  for (auto _ : state) FASTHTTP_CHECK(args.Peek("baz") == "qqq", "the value is there");
}
BENCHMARK(ArgsPeekBytes)->Apply(FixedIterations);

void ParseURI(benchmark::State& state, std::string_view host, std::string_view text) {
  URI uri;
  for (auto _ : state) {
    Errc errc = uri.TryParse(host, text);
    benchmark::DoNotOptimize(errc);
  }
}
BENCHMARK_CAPTURE(ParseURI, Path, "google.com", "/foo/bar")
    ->Name("URIParsePath")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(ParseURI, PathQueryString, "google.com", "/foo/bar?query=string&other=value")
    ->Name("URIParsePathQueryString")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(ParseURI, PathQueryStringHash, "google.com",
                  "/foo/bar?query=string&other=value#hashstring")
    ->Name("URIParsePathQueryStringHash")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(ParseURI, Hostname, "google.com",
                  "http://foobar.com/foo/bar?query=string&other=value#hashstring")
    ->Name("URIParseHostname")
    ->Apply(FixedIterations);

void URIOfPlainTarget(benchmark::State& state) {
  TestHead head("GET /foo/bar?query=string HTTP/1.1\r\nHost: google.com\r\n\r\n");
  Request request;
  for (auto _ : state) {
    request.Bind(head.head(), false);
    benchmark::DoNotOptimize(request.URI().Path().data());
  }
}
BENCHMARK(URIOfPlainTarget)->Apply(FixedIterations);

void URIFullURI(benchmark::State& state) {
  URI uri;
  (void)uri.TryParse("host", "/foo/bar?query=string#hash");
  std::string text;
  for (auto _ : state) {
    text.clear();
    uri.AppendBytes(text);
    benchmark::DoNotOptimize(text.data());
  }
}
BENCHMARK(URIFullURI)->Apply(FixedIterations);

void ParseCookie(benchmark::State& state, std::string_view text) {
  Cookie cookie;
  for (auto _ : state) {
    Errc errc = cookie.TryParse(text);
    benchmark::DoNotOptimize(errc);
  }
}
BENCHMARK_CAPTURE(ParseCookie, Min, "xxx=yyy")->Name("CookieParseMin")->Apply(FixedIterations);
BENCHMARK_CAPTURE(ParseCookie, NoExpires, "xxx=yyy; domain=foobar.com; path=/a/b")
    ->Name("CookieParseNoExpires")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(ParseCookie, Full,
                  "xxx=yyy; expires=Tue, 10 Nov 2009 23:00:00 GMT; domain=foobar.com; path=/a/b")
    ->Name("CookieParseFull")
    ->Apply(FixedIterations);

void SetCookie(benchmark::State& state) {
  Cookie cookie;
  (void)cookie.TryParse("session=0123456789abcdef; path=/; HttpOnly; secure");
  Response response;
  for (auto _ : state) {
    response.Reset();
    response.header().SetCookie(cookie);
    benchmark::DoNotOptimize(response.header().Len());
  }
}
BENCHMARK(SetCookie)->Apply(FixedIterations);

void UserDataCustom(benchmark::State& state) {
  constexpr std::string_view kKeys[] = {"foobar", "baz", "aaaaa", "bbbbb"};
  RequestCtx ctx;
  int value = 0;
  for (auto _ : state) {
    for (std::string_view key : kKeys) ctx.SetUserValue(key, ++value);
    for (std::string_view key : kKeys) benchmark::DoNotOptimize(ctx.UserValue(key));
    ctx.Finish();
  }
}
BENCHMARK(UserDataCustom)->Apply(FixedIterations);

// The original builds a line for 99, too: here a status has three digits.
void StatusLine(benchmark::State& state) {
  http1::ResponseHeadView view;
  view.status = static_cast<int>(state.range(0));
  view.body = http1::BodyHeader::kNone;
  char out[512];
  for (auto _ : state) {
    benchmark::DoNotOptimize(http1::WriteResponseHead(out, view));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(StatusLine)->Arg(199)->Arg(200)->Arg(512)->Apply(FixedIterations);

}  // namespace
}  // namespace fasthttp
