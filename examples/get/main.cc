// Fetches a URL and prints its body, or, with --requests, asks for it many times and tells how fast
// that went.
//
//   get http://example.com/
//   get --timeout=2s --header="Accept: text/plain" --data="a=b" http://127.0.0.1:8080/echo
//   get --connections=64 --requests=100000 http://127.0.0.1:8080/
//
// Exits with 0 if there was a response, whatever its status code; under load, if there was one to
// every request.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/client.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/runtime.h"

namespace {

constexpr char kUsage[] =
    "usage: get [--timeout=5s] [--header=NAME:VALUE]... [--data=BODY]\n"
    "           [--connections=N --requests=M] URL\n"
    "\n"
    "  --timeout      for each request as a whole, retries and redirects included; 60s\n"
    "  --header       a field of the request; may be repeated\n"
    "  --data         sends a POST with this body\n"
    "  --requests     asks so many times, follows no redirects, and prints rate and percentiles\n"
    "  --connections  at once; 1 to 1024, by default 1\n";

constexpr uint32_t kMaxConnections = 1024;
constexpr uint32_t kMaxRequests = 100'000'000;

struct Options {
  std::string url;
  absl::Duration timeout = absl::Seconds(60);
  std::vector<std::pair<std::string, std::string>> header;
  std::string data;
  bool has_data = false;
  uint32_t connections = 1;
  uint32_t requests = 0;  // 0: one, and its body is printed.
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Empty, or what is wrong.
std::string SetOption(std::string_view argument, Options& options) {
  if (absl::ConsumePrefix(&argument, "--timeout=")) {
    const bool ok = absl::ParseDuration(argument, &options.timeout);
    return ok && options.timeout > absl::ZeroDuration() ? "" : "--timeout: want 500ms, 5s, 1m ...";
  }
  if (absl::ConsumePrefix(&argument, "--header=")) {
    const size_t colon = argument.find(':');
    if (colon == 0 || colon == argument.npos) return "--header: want NAME:VALUE";
    options.header.emplace_back(argument.substr(0, colon), Trimmed(argument.substr(colon + 1)));
    return "";
  }
  if (absl::ConsumePrefix(&argument, "--data=")) {
    options.data = argument;
    options.has_data = true;
    return "";
  }
  if (absl::ConsumePrefix(&argument, "--connections=")) {
    const bool ok = absl::SimpleAtoi(argument, &options.connections) && options.connections >= 1 &&
                    options.connections <= kMaxConnections;
    return ok ? "" : absl::StrCat("--connections: want 1 to ", kMaxConnections);
  }
  if (absl::ConsumePrefix(&argument, "--requests=")) {
    const bool ok = absl::SimpleAtoi(argument, &options.requests) && options.requests >= 1 &&
                    options.requests <= kMaxRequests;
    return ok ? "" : absl::StrCat("--requests: want 1 to ", kMaxRequests);
  }
  return absl::StrCat("unknown option ", argument);
}

std::string ParseOptions(const std::vector<std::string_view>& arguments, Options& options) {
  for (std::string_view argument : arguments) {
    if (argument.substr(0, 2) == "--") {
      if (std::string wrong = SetOption(argument, options); !wrong.empty()) return wrong;
    } else if (!options.url.empty()) {
      return "more than one URL";
    } else {
      options.url = argument;
    }
  }
  return options.url.empty() ? "no URL" : "";
}

void MakeRequest(const Options& options, fasthttp::Request& request) {
  request.SetRequestURI(options.url);
  request.SetTimeout(options.timeout);
  if (options.has_data) {
    request.header().SetMethod("POST");
    request.header().SetContentType("application/x-www-form-urlencoded");
    request.SetBody(options.data);
  }
  for (const auto& [name, value] : options.header) request.header().Set(name, value);
}

// --- One request ------------------------------------------------------------------------------

int Fetch(const Options& options, std::FILE* out, std::FILE* err) {
  fasthttp::Request request;
  MakeRequest(options, request);
  fasthttp::Response response;
  if (absl::Status s = fasthttp::DoRedirects(request, response); !s.ok()) {
    absl::FPrintF(err, "get: %s\n", s.message());
    return 1;
  }
  const std::string_view body = response.Body();
  if (std::fwrite(body.data(), 1, body.size(), out) == body.size() && std::fflush(out) == 0) {
    return 0;
  }
  absl::FPrintF(err, "get: the body could not be written\n");
  return 1;
}

// --- Many -------------------------------------------------------------------------------------

// What one connection saw.
struct Tally {
  std::vector<uint32_t> micros;  // Of each response.
  std::map<std::string, uint64_t> outcomes;
  uint64_t failed = 0;
  uint64_t bytes = 0;

  void Add(const Tally& other) {
    micros.insert(micros.end(), other.micros.begin(), other.micros.end());
    for (const auto& [outcome, count] : other.outcomes) outcomes[outcome] += count;
    failed += other.failed;
    bytes += other.bytes;
  }
};

// One request after the other on one connection, while there are any left to send.
void Hammer(fasthttp::Client& client, const Options& options, std::atomic<int64_t>& left,
            Tally& tally) {
  fasthttp::Request request;
  MakeRequest(options, request);
  fasthttp::Response response;
  while (left.fetch_sub(1, std::memory_order_relaxed) > 0) {
    const absl::Time start = absl::Now();
    absl::Status status = client.Do(request, response);
    if (!status.ok()) {
      ++tally.failed;
      ++tally.outcomes[std::string(fasthttp::ErrcText(fasthttp::ErrcOf(status)))];
      continue;
    }
    tally.micros.push_back(static_cast<uint32_t>(absl::ToInt64Microseconds(absl::Now() - start)));
    tally.bytes += response.Body().size();
    ++tally.outcomes[absl::StrCat(response.StatusCode())];
  }
}

void Report(const Options& options, Tally& all, absl::Duration took, size_t loops, std::FILE* out) {
  std::sort(all.micros.begin(), all.micros.end());
  const double seconds = std::max(absl::ToDoubleSeconds(took), 1e-9);
  absl::FPrintF(out, "%d responses on %d connections and %d loops in %.2f s: %.0f/s, %.2f MB/s\n",
                all.micros.size(), options.connections, loops, seconds,
                static_cast<double>(all.micros.size()) / seconds,
                static_cast<double>(all.bytes) / seconds / 1e6);
  for (const auto& [outcome, count] : all.outcomes) absl::FPrintF(out, "%s: %d\n", outcome, count);
  if (all.micros.empty()) return;
  for (double percent : {50.0, 90.0, 99.0, 99.9, 100.0}) {
    const size_t last = all.micros.size() - 1;
    const size_t at = static_cast<size_t>(percent / 100 * static_cast<double>(last) + 0.5);
    absl::FPrintF(out, "p%-5g %d us\n", percent, all.micros[at]);
  }
}

// Each connection has a fiber to itself, on the loop of its thread; the threads only wait.
int Load(const Options& options, std::FILE* out) {
  fasthttp::Runtime& runtime = fasthttp::Runtime::Default();
  fasthttp::Client client({.max_conns_per_host = options.connections});
  std::atomic<int64_t> left{options.requests};
  std::vector<Tally> tallies(options.connections);
  std::vector<std::thread> threads;
  const absl::Time start = absl::Now();
  for (Tally& tally : tallies) {
    threads.emplace_back([&] { runtime.Run([&] { Hammer(client, options, left, tally); }); });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::Duration took = absl::Now() - start;
  Tally all;
  for (const Tally& tally : tallies) all.Add(tally);
  Report(options, all, took, runtime.loops(), out);
  return all.failed == 0 ? 0 : 1;
}

int Run(const std::vector<std::string_view>& arguments, std::FILE* out, std::FILE* err) {
  Options options;
  if (std::string wrong = ParseOptions(arguments, options); !wrong.empty()) {
    absl::FPrintF(err, "get: %s\n%s", wrong, kUsage);
    return 2;
  }
  return options.requests == 0 ? Fetch(options, out, err) : Load(options, out);
}

}  // namespace

int main(int argc, char** argv) {
  return Run(std::vector<std::string_view>(argv + 1, argv + argc), stdout, stderr);
}
