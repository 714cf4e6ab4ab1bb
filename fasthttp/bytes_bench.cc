// The rows of the original's bytesconv_timing_test.go, doing the same work.
#include <string>
#include <string_view>

#include "benchmark/benchmark.h"
#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/date.h"
#include "testing/bench_rows.h"

namespace fasthttp {
namespace {

using fasthttptest::FixedIterations;

void AppendHTMLEscapeRow(benchmark::State& state) {
  std::string text, out;
  for (int i = 0; i < 10; ++i) text += "<b>foobarbazxxxyyyzzz</b>";
  for (auto _ : state) {
    out.clear();
    AppendHTMLEscape(out, text);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(AppendHTMLEscapeRow)->Name("AppendHTMLEscape")->Apply(FixedIterations);

void ParseIPv4Row(benchmark::State& state) {
  IPv4Bytes ip;
  for (auto _ : state) {
    FASTHTTP_CHECK(ParseIPv4("123.145.167.189", ip) == Errc::kOk, "an address");
    benchmark::DoNotOptimize(ip);
  }
}
BENCHMARK(ParseIPv4Row)->Name("ParseIPv4")->Apply(FixedIterations);

void AppendIPv4Row(benchmark::State& state) {
  const IPv4Bytes ip = {123, 145, 167, 189};
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendIPv4(out, ip);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(AppendIPv4Row)->Name("AppendIPv4")->Apply(FixedIterations);

void WriteHexInt(benchmark::State& state) {
  std::string out;
  uint64_t i = 0;
  for (auto _ : state) {
    out.clear();
    AppendHexUint(out, i++ & 0x7fffffff);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(WriteHexInt)->Apply(FixedIterations);

void ParseUintRow(benchmark::State& state) {
  uint64_t value = 0;
  for (auto _ : state) {
    FASTHTTP_CHECK(ParseUint("1234567", value) == Errc::kOk && value == 1234567, "a number");
  }
}
BENCHMARK(ParseUintRow)->Name("ParseUint")->Apply(FixedIterations);

void AppendUintRow(benchmark::State& state) {
  std::string out;
  uint64_t i = 0;
  for (auto _ : state) {
    out.clear();
    AppendUint(out, i++ & 0x7fffffff);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(AppendUintRow)->Name("AppendUint")->Apply(FixedIterations);

void LowercaseBytes(benchmark::State& state, std::string_view text) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendLower(out, text);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(LowercaseBytes, Noop, "foobarbaz_lowercased_all")->Apply(FixedIterations);
BENCHMARK_CAPTURE(LowercaseBytes, All, "FOOBARBAZ_UPPERCASED_ALL")->Apply(FixedIterations);
BENCHMARK_CAPTURE(LowercaseBytes, Mixed, "Foobarbaz_Uppercased_all")->Apply(FixedIterations);

void AppendUnquotedArgRow(benchmark::State& state, std::string_view piece) {
  std::string text, out;
  for (int i = 0; i < 10; ++i) text += piece;
  for (auto _ : state) {
    out.clear();
    AppendUnquotedArg(out, text);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(AppendUnquotedArgRow, FastPath, "foobarbaz_x")
    ->Name("AppendUnquotedArgFastPath")
    ->Apply(FixedIterations);
BENCHMARK_CAPTURE(AppendUnquotedArgRow, SlowPath, "D0%B4%20%D0%")
    ->Name("AppendUnquotedArgSlowPath")
    ->Apply(FixedIterations);

void ParseUfloatRow(benchmark::State& state) {
  constexpr std::string_view kNumbers[] = {"0",      "1.",      "1.1",       "123.456",     "123",
                                           "1234e2", "1234E-5", "1.234e+32", "1234567.8901"};
  double value = 0;
  for (auto _ : state) {
    for (std::string_view text : kNumbers) {
      FASTHTTP_CHECK(ParseUfloat(text, value) == Errc::kOk, "a number");
      benchmark::DoNotOptimize(value);
    }
  }
}
BENCHMARK(ParseUfloatRow)->Name("ParseUFloat")->Apply(FixedIterations);

void ParseHTTPDateRow(benchmark::State& state) {
  int64_t seconds = 0;
  for (auto _ : state) {
    FASTHTTP_CHECK(ParseHTTPDate("Tue, 10 Nov 2009 23:00:00 GMT", seconds) == Errc::kOk, "a date");
    benchmark::DoNotOptimize(seconds);
  }
}
BENCHMARK(ParseHTTPDateRow)->Name("ParseHTTPDate")->Apply(FixedIterations);

}  // namespace
}  // namespace fasthttp
