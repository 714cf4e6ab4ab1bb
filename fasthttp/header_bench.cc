// The rows of the original's header_timing_test.go, doing the same work.
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/benchmark.h"
#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/date.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/serialize.h"
#include "testing/bench_rows.h"

namespace fasthttp {
namespace {

using fasthttptest::FixedIterations;

constexpr std::string_view kRequest =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: aaa.bbb\r\nReferer: http://ref.er/\r\n"
    "Content-Type: text/html\r\nServer: nginx\r\nTest: 123\r\nFoo: bar\r\n"
    "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx\r\nTest: 123\r\nFoo: bar\r\n"
    "Content-Length: 1256\r\nContent-Encoding: gzip\r\nCache-Control: no-cache\r\n\r\n";

std::string Padded(std::string_view text) {
  return std::string(text).append(http1::kPadding, '\0');
}

// Parsing, framing and binding: what the original's Read does.
void RequestHeaderRead(benchmark::State& state) {
  const std::string bytes = Padded(kRequest);
  http1::Head head;
  RequestHeader header;
  for (auto _ : state) {
    http1::ParseProgress progress;
    http1::Framing framing;
    Errc errc = http1::ParseRequestHead({bytes.data(), kRequest.size()}, {},
                                        http1::Leniency::kStrict, progress, head);
    if (errc == Errc::kOk) errc = DecideFraming(head, http1::Leniency::kStrict, framing);
    FASTHTTP_CHECK(errc == Errc::kOk, "the request is well-formed");
    header.Bind(&head);
    benchmark::DoNotOptimize(header.IsGet());
  }
}
BENCHMARK(RequestHeaderRead)->Apply(FixedIterations);

void ResponseHeaderRead(benchmark::State& state) {
  const std::string bytes = Padded(kResponse);
  http1::Head head;
  ResponseHeader header;
  for (auto _ : state) {
    http1::ParseProgress progress;
    http1::Framing framing;
    Errc errc = http1::ParseResponseHead({bytes.data(), kResponse.size()}, {},
                                         http1::Leniency::kStrict, progress, head);
    if (errc == Errc::kOk) {
      errc = DecideResponseFraming(head, http1::MethodId::kGet, http1::Leniency::kStrict, framing);
    }
    FASTHTTP_CHECK(errc == Errc::kOk, "the response is well-formed");
    header.CopyFrom(head);
    benchmark::DoNotOptimize(header.StatusCode());
  }
}
BENCHMARK(ResponseHeaderRead)->Apply(FixedIterations);

void RequestHeaderWrite(benchmark::State& state) {
  RequestHeader header;
  header.SetRequestURI("/foo/bar");
  header.SetHost("foobar.com");
  header.SetUserAgent("AAA.BBB");
  header.SetReferer("http://google.com/aaa/bbb");
  std::string out;
  for (auto _ : state) {
    const http1::FieldView referer = {"Referer", header.Referer()};
    http1::RequestHeadView view;
    view.method = header.Method();
    view.target = header.RequestURI();
    view.host = header.Host();
    view.user_agent = header.UserAgent();
    view.fields = {&referer, 1};
    out.resize(http1::RequestHeadBound(view));
    benchmark::DoNotOptimize(http1::WriteRequestHead(out.data(), view));
  }
}
BENCHMARK(RequestHeaderWrite)->Apply(FixedIterations);

void ResponseHeaderWrite(benchmark::State& state) {
  ResponseHeader header;
  header.SetContentType("text/html");
  header.SetContentLength(1256);
  header.SetServer("aaa 1/2.3");
  header.Set("Test", "1.2.3");
  http1::StatusBlockCache cache;
  std::string out;
  char date[kHTTPDateSize];
  WriteHTTPDate(date, 784111777);
  cache.Refresh(header.Server(), {date, kHTTPDateSize});
  for (auto _ : state) {
    const http1::FieldView test = {header.OtherFields().name(0), header.OtherFields().value(0)};
    http1::ResponseHeadView view;
    view.status_block = cache.Get(header.StatusCode());
    view.content_type = header.ContentType();
    view.content_length = static_cast<uint64_t>(header.ContentLength());
    view.fields = {&test, 1};
    out.resize(http1::ResponseHeadBound(view));
    benchmark::DoNotOptimize(http1::WriteResponseHead(out.data(), view));
  }
}
BENCHMARK(ResponseHeaderWrite)->Apply(FixedIterations);

template <typename Header>
void PeekBytes(benchmark::State& state, std::string_view name) {
  Header header;
  header.Set(name, "foobar");
  for (auto _ : state) {
    FASTHTTP_CHECK(header.Peek(name) == "foobar", "the value is there");
  }
}
void RequestHeaderPeekBytes(benchmark::State& state, std::string_view name) {
  PeekBytes<RequestHeader>(state, name);
}
BENCHMARK_CAPTURE(RequestHeaderPeekBytes, SpecialHeader, "Content-Type")->Apply(FixedIterations);
BENCHMARK_CAPTURE(RequestHeaderPeekBytes, NonSpecialHeader, "Dontent-Type")->Apply(FixedIterations);

void ResponseHeaderPeekBytes(benchmark::State& state, std::string_view name) {
  PeekBytes<ResponseHeader>(state, name);
}
BENCHMARK_CAPTURE(ResponseHeaderPeekBytes, SpecialHeader, "Content-Type")->Apply(FixedIterations);
BENCHMARK_CAPTURE(ResponseHeaderPeekBytes, NonSpecialHeader, "Dontent-Type")
    ->Apply(FixedIterations);

void NormalizeHeaderKey(benchmark::State& state, std::string_view name) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendNormalizedHeaderKey(out, name);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(NormalizeHeaderKey, CommonCase,
                  "Access-Control-Allow-Credentials-And-Some-More-Xx")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(NormalizeHeaderKey, Lowercase,
                  "access-control-allow-credentials-and-some-more-xx")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(NormalizeHeaderKey, Uppercase,
                  "ACCESS-CONTROL-ALLOW-CREDENTIALS-AND-SOME-MORE-XX")
    ->Apply(FixedIterations);

void VisitHeaderParamsRow(benchmark::State& state) {
  constexpr std::string_view kValue =
      "text/plain ; foo=bar ; param2=\"dquote is: [\\\"], ok?\" ; version=1; q=0.324 ";
  for (auto _ : state) {
    VisitHeaderParams(kValue, [](std::string_view name, std::string_view) {
      benchmark::DoNotOptimize(name.data());
      return true;
    });
  }
}
BENCHMARK(VisitHeaderParamsRow)->Name("VisitHeaderParams")->Apply(FixedIterations);

void RemoveNewLines(benchmark::State& state, std::string_view value) {
  RequestHeader header;
  for (auto _ : state) header.Set("Some-Value", value);
}
BENCHMARK_CAPTURE(RemoveNewLines, NoNewlines, "foobar baz")->Apply(FixedIterations);
BENCHMARK_CAPTURE(RemoveNewLines, CR, "foobar\rbaz")->Apply(FixedIterations);
BENCHMARK_CAPTURE(RemoveNewLines, LF, "foobar\nbaz")->Apply(FixedIterations);
BENCHMARK_CAPTURE(RemoveNewLines, CRLF, "foobar\r\nbaz")->Apply(FixedIterations);

void RequestHeaderIsGet(benchmark::State& state) {
  RequestHeader header;
  for (auto _ : state) FASTHTTP_CHECK(header.IsGet(), "the method is GET");
}
BENCHMARK(RequestHeaderIsGet)->Apply(FixedIterations);

}  // namespace
}  // namespace fasthttp
