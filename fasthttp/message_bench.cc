// The message types on the path of a request. Names as in the original where it has the same row.
#include <string>

#include "benchmark/benchmark.h"
#include "fasthttp/args.h"
#include "fasthttp/cookie.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/uri.h"

namespace fasthttp {
namespace {

void BM_ResponseSetters(benchmark::State& state) {
  Response response;
  for (auto _ : state) {
    response.Reset();
    response.SetStatusCode(200);
    response.SetContentType("text/plain");
    response.SetBodyString("Hello, World!");
    benchmark::DoNotOptimize(response.Body().data());
  }
}
BENCHMARK(BM_ResponseSetters);

void BM_ResponseNew(benchmark::State& state) {
  for (auto _ : state) {
    Response response;
    benchmark::DoNotOptimize(response.StatusCode());
  }
}
BENCHMARK(BM_ResponseNew);

void BM_RequestHeaderPeekReceived(benchmark::State& state) {
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nAccept: */*\r\nX-Foo: bar\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  for (auto _ : state) benchmark::DoNotOptimize(header.Peek("X-Foo") == "bar");
}
BENCHMARK(BM_RequestHeaderPeekReceived);

void BM_RequestHeaderIsGet(benchmark::State& state) {
  RequestHeader header;
  for (auto _ : state) benchmark::DoNotOptimize(header.IsGet());
}
BENCHMARK(BM_RequestHeaderIsGet);

void BM_RemoveNewLines(benchmark::State& state) {
  std::string value(40, 'x');
  if (state.range(0) != 0) value[20] = '\n';
  RequestHeader header;
  for (auto _ : state) header.Set("X-Value", value);
}
BENCHMARK(BM_RemoveNewLines)->Arg(0)->Arg(1);

void BM_ArgsParse(benchmark::State& state) {
  Args args;
  for (auto _ : state) {
    args.Parse("foo=bar&baz=qqq&aaaaa=bbbb");
    benchmark::DoNotOptimize(args.Len());
  }
}
BENCHMARK(BM_ArgsParse);

void BM_ArgsPeek(benchmark::State& state) {
  Args args;
  args.Parse("foo=bar&baz=qqq&aaaaa=bbbb");
  for (auto _ : state) benchmark::DoNotOptimize(args.Peek("baz") == "qqq");
}
BENCHMARK(BM_ArgsPeek);

void ParseURI(benchmark::State& state, std::string_view host, std::string_view text) {
  URI uri;
  for (auto _ : state) {
    Errc errc = uri.TryParse(host, text);
    benchmark::DoNotOptimize(errc);
  }
}
BENCHMARK_CAPTURE(ParseURI, Path, "google.com", "/foo/bar");
BENCHMARK_CAPTURE(ParseURI, PathQueryString, "google.com", "/foo/bar?query=string&other=value");
BENCHMARK_CAPTURE(ParseURI, PathQueryStringHash, "google.com", "/foo/bar?query=string#hash");
BENCHMARK_CAPTURE(ParseURI, AbsoluteURI, "xxx.com", "http://aaa.com/foo/bar?query=string#hash");

void BM_URIOfPlainTarget(benchmark::State& state) {
  TestHead head("GET /foo/bar?query=string HTTP/1.1\r\nHost: google.com\r\n\r\n");
  Request request;
  for (auto _ : state) {
    request.Bind(head.head(), false);
    benchmark::DoNotOptimize(request.URI().Path().data());
  }
}
BENCHMARK(BM_URIOfPlainTarget);

void BM_URIFullURI(benchmark::State& state) {
  URI uri;
  (void)uri.TryParse("host", "/foo/bar?query=string#hash");
  std::string text;
  for (auto _ : state) {
    text.clear();
    uri.AppendBytes(text);
    benchmark::DoNotOptimize(text.data());
  }
}
BENCHMARK(BM_URIFullURI);

void ParseCookie(benchmark::State& state, std::string_view text) {
  Cookie cookie;
  for (auto _ : state) {
    Errc errc = cookie.TryParse(text);
    benchmark::DoNotOptimize(errc);
  }
}
BENCHMARK_CAPTURE(ParseCookie, Min, "xxx=yyy");
BENCHMARK_CAPTURE(ParseCookie, NoExpires, "xxx=yyy; domain=foobar.com; path=/a/b");
BENCHMARK_CAPTURE(ParseCookie, Full,
                  "xxx=yyy; expires=Tue, 10 Nov 2009 23:00:00 GMT; domain=foobar.com; path=/a/b");

}  // namespace
}  // namespace fasthttp
