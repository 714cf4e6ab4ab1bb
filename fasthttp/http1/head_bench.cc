// Parsing and framing of the requests that protocols and servers are usually measured with.
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/benchmark.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/serialize.h"
#include "testing/bench_rows.h"
#include "testing/browser_request.h"

namespace fasthttp::http1 {
namespace {

using fasthttptest::FixedIterations;
using fasthttptest::kBrowserRequest;

constexpr std::string_view kGet =
    "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\nUser-Agent: aaa/bbb/ccc/ddd/eee Firefox "
    "Chrome "
    "MSIE Opera\r\nReferer: http://example.com/aaa?bbb=ccc\r\nCookie: foo=bar; baz=baraz; "
    "aa=aakslsdweriwereowriewroire\r\n\r\n";
constexpr std::string_view kPost =
    "POST /foobar?baz HTTP/1.1\r\nHost: google.com\r\nContent-Type: foo/bar\r\nContent-Length: "
    "24\r\nUser-Agent: aaa/bbb/ccc/ddd/eee Firefox Chrome MSIE Opera\r\nReferer: "
    "http://example.com/aaa?bbb=ccc\r\nCookie: foo=bar; baz=baraz; "
    "aa=aakslsdweriwereowriewroire\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n";
constexpr std::string_view kSmall = "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n";

struct Input {
  explicit Input(std::string_view bytes) : data(bytes.size() + kPadding) {
    memcpy(data.data(), bytes.data(), bytes.size());
    view = {data.data(), bytes.size()};
  }
  std::vector<char> data;
  PaddedView view;
};

void ParseOnce(const Input& input, Head& head) {
  ParseProgress progress;
  Errc errc = ParseRequestHead(input.view, HeadLimits(), Leniency::kStrict, progress, head);
  if (errc != Errc::kOk) std::abort();
  benchmark::DoNotOptimize(head.field_count);
  benchmark::ClobberMemory();
}

void BM_ParseRequestHead(benchmark::State& state, std::string_view bytes, ParserVariant variant) {
  const ParserVariant before = CurrentParserVariant();
  if (!SelectParserVariant(variant)) {
    state.SkipWithError("this CPU or build lacks the variant");
    return;
  }
  const Input input(bytes);
  Head head;
  for (auto _ : state) ParseOnce(input, head);
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
  SelectParserVariant(before);
}

void BM_DecideFraming(benchmark::State& state, std::string_view bytes) {
  const Input input(bytes);
  Head head;
  ParseOnce(input, head);
  for (auto _ : state) {
    Framing framing;
    benchmark::DoNotOptimize(DecideFraming(head, Leniency::kStrict, framing));
    benchmark::DoNotOptimize(framing);
  }
}

void ParseResponseOnce(const Input& input, Head& head) {
  ParseProgress progress;
  Errc errc = ParseResponseHead(input.view, HeadLimits(), Leniency::kStrict, progress, head);
  if (errc != Errc::kOk) std::abort();
  benchmark::DoNotOptimize(head.field_count);
  benchmark::ClobberMemory();
}

void BM_ParseResponseHead(benchmark::State& state) {
  const Input input(kResponse);
  Head head;
  for (auto _ : state) ParseResponseOnce(input, head);
}
BENCHMARK(BM_ParseResponseHead)->Apply(FixedIterations);

void BM_DecideResponseFraming(benchmark::State& state) {
  const Input input(kResponse);
  Head head;
  ParseResponseOnce(input, head);
  for (auto _ : state) {
    Framing framing;
    benchmark::DoNotOptimize(
        DecideResponseFraming(head, MethodId::kGet, Leniency::kStrict, framing));
    benchmark::DoNotOptimize(framing);
  }
}
BENCHMARK(BM_DecideResponseFraming)->Apply(FixedIterations);

void BM_WriteResponseHead(benchmark::State& state) {
  StatusBlockCache cache;
  cache.Refresh("fasthttp", "Sun, 06 Nov 1994 08:49:37 GMT");
  char out[512];
  for (auto _ : state) {
    ResponseHeadView view;
    view.status_block = cache.Get(200);
    view.content_type = "text/plain; charset=utf-8";
    view.content_length = 13;
    benchmark::DoNotOptimize(ResponseHeadBound(view));
    benchmark::DoNotOptimize(WriteResponseHead(out, view));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_WriteResponseHead)->Apply(FixedIterations);

constexpr struct {
  const char* name;
  std::string_view bytes;
} kRequests[] = {
    {"Get205", kGet}, {"Post259", kPost}, {"Browser697", kBrowserRequest}, {"Get40", kSmall}};
constexpr struct {
  const char* name;
  ParserVariant variant;
} kVariantNames[] = {{"Avx2", ParserVariant::kAvx2},
                     {"Sse42", ParserVariant::kSse42},
                     {"Neon", ParserVariant::kNeon},
                     {"Scalar", ParserVariant::kScalar}};

bool RegisterAll() {
  for (const auto& request : kRequests) {
    for (const auto& variant : kVariantNames) {
      const std::string name = std::string("BM_ParseRequestHead/") + request.name + variant.name;
      benchmark::RegisterBenchmark(name.c_str(), BM_ParseRequestHead, request.bytes,
                                   variant.variant)
          ->Apply(FixedIterations);
    }
    const std::string name = std::string("BM_DecideFraming/") + request.name;
    benchmark::RegisterBenchmark(name.c_str(), BM_DecideFraming, request.bytes)
        ->Apply(FixedIterations);
  }
  return true;
}
[[maybe_unused]] const bool registered = RegisterAll();

}  // namespace
}  // namespace fasthttp::http1
