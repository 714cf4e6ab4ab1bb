// Two to five fields that frame a message, of any values: the verdict is the same in any order
// that keeps equal names in theirs, and what was accepted obeys RFC 9112 section 6.3 as it is read
// here once more, slowly.
//
// The input is lines "selector value"; the selector's low bits choose a name.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::http1 {
namespace {

constexpr std::string_view kNames[] = {"Host",    "Content-Length", "Transfer-Encoding",
                                       "Expect",  "Connection",     "Upgrade",
                                       "Trailer", "X-Other"};

struct Line {
  std::string_view name;
  std::string_view value;
};

struct Verdict {
  Errc errc = Errc::kOk;
  Framing framing;
};

bool Same(const Verdict& a, const Verdict& b) {
  if (a.errc != b.errc) return false;
  if (a.errc != Errc::kOk) return true;
  return a.framing.kind == b.framing.kind && a.framing.length == b.framing.length &&
         a.framing.keep_alive == b.framing.keep_alive && a.framing.upgrade == b.framing.upgrade &&
         a.framing.expect_continue == b.framing.expect_continue;
}

std::string Write(std::string_view start, const std::vector<Line>& lines) {
  std::string bytes(start);
  for (const Line& line : lines) bytes.append(line.name).append(": ").append(line.value) += "\r\n";
  return bytes += "\r\n";
}

size_t Count(const std::vector<Line>& lines, std::string_view name) {
  return static_cast<size_t>(std::count_if(lines.begin(), lines.end(),
                                           [&](const Line& line) { return line.name == name; }));
}

Verdict Decide(std::string bytes, bool response, MethodId method) {
  const size_t size = bytes.size();
  bytes.append(kPadding, '\0');
  ParseProgress progress;
  Head head;
  Verdict verdict;
  auto parse = response ? &ParseResponseHead : &ParseRequestHead;
  verdict.errc = parse({bytes.data(), size}, HeadLimits(), Leniency::kStrict, progress, head);
  if (verdict.errc != Errc::kOk) {
    verdict.errc = Errc::kBadFieldValue;  // Which line is met first depends on the order.
    return verdict;
  }
  verdict.errc = response ? DecideResponseFraming(head, method, Leniency::kStrict, verdict.framing)
                          : DecideFraming(head, Leniency::kStrict, verdict.framing);
  return verdict;
}

void CheckRequest(const std::vector<Line>& lines, bool http10, const Verdict& verdict) {
  if (verdict.errc != Errc::kOk) return;
  const bool coded = Count(lines, "Transfer-Encoding") != 0;
  const size_t lengths = Count(lines, "Content-Length");
  const Framing& framing = verdict.framing;
  FASTHTTP_CHECK(Count(lines, "Host") == 1 || (http10 && Count(lines, "Host") == 0), "one Host");
  FASTHTTP_CHECK(!coded || (!http10 && lengths == 0), "chunked alone, and on HTTP/1.1");
  FASTHTTP_CHECK(lengths <= 1, "one length");
  FASTHTTP_CHECK(framing.kind == (coded          ? Framing::kChunked
                                  : lengths != 0 ? Framing::kLength
                                                 : Framing::kNone),
                 "the kind follows from the fields");
  FASTHTTP_CHECK(framing.length <= INT64_MAX, "a length is below 2^63");
  FASTHTTP_CHECK(framing.kind == Framing::kLength || framing.length == 0, "no length without one");
}

void CheckResponse(const std::vector<Line>& lines, int status, MethodId method,
                   const Verdict& verdict) {
  if (verdict.errc != Errc::kOk) return;
  const Framing& framing = verdict.framing;
  const bool bare = status < 200 || status == 204 || status == 304 || method == MethodId::kHead;
  FASTHTTP_CHECK(!bare || framing.kind == Framing::kNone, "no body where none is allowed");
  FASTHTTP_CHECK(framing.kind != Framing::kUntilClose || !framing.keep_alive, "close ends it");
  FASTHTTP_CHECK(framing.kind != Framing::kChunked || Count(lines, "Content-Length") == 0,
                 "never both");
}

}  // namespace
}  // namespace fasthttp::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp::http1;  // NOLINT: the whole file is about it.
  if (size < 1 || size > 4000) return 0;
  constexpr int kStatuses[] = {200, 100, 101, 204, 304, 404, 500, 299};
  const bool http10 = (data[0] & 1) != 0;
  const int status = kStatuses[data[0] >> 1 & 7];
  const MethodId method = (data[0] & 16) != 0   ? MethodId::kHead
                          : (data[0] & 32) != 0 ? MethodId::kConnect
                                                : MethodId::kGet;
  std::vector<Line> lines;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty() && lines.size() < 5) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back({kNames[rest[0] & 7], end > 0 ? rest.substr(1, end - 1) : rest.substr(0, 0)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::vector<Line> sorted = lines;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Line& a, const Line& b) { return a.name > b.name; });

  const std::string request = http10 ? "GET / HTTP/1.0\r\n" : "GET / HTTP/1.1\r\n";
  const Verdict as_request = Decide(Write(request, lines), false, method);
  FASTHTTP_CHECK(Same(as_request, Decide(Write(request, sorted), false, method)), "any order");
  CheckRequest(lines, http10, as_request);

  const std::string response =
      std::string(http10 ? "HTTP/1.0 " : "HTTP/1.1 ") + std::to_string(status) + " x\r\n";
  const Verdict as_response = Decide(Write(response, lines), true, method);
  FASTHTTP_CHECK(Same(as_response, Decide(Write(response, sorted), true, method)), "any order");
  CheckResponse(lines, status, method, as_response);
  return 0;
}
