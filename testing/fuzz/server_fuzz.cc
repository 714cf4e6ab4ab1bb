// Any bytes as all that a client sends on one connection, in pieces that the input chooses, to a
// server whose handler answers with what it was sent. Invariants:
//   * everything the server writes is a sequence of responses that parse strictly, with nothing
//     left over; one for each call of the handler, in order, and at most one more, an error;
//   * after a response that ends the connection comes nothing, and the connection is closed; one
//     that opens a tunnel (a 2xx to CONNECT) ends it, since the handler has nothing to put there;
//   * what handlers are given does not depend on how the bytes were cut.
//
// The first byte holds switches, the second chooses the cuts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/args.h"
#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/server.h"
#include "testing/scripted_conn.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

enum Switch : uint8_t { kLenient = 1, kIdle = 2, kGetOnly = 4, kFewRequests = 8 };

// What one call of the handler was given.
struct Call {
  http1::MethodId method = http1::MethodId::kGet;  // As far as it matters to the response.
  std::string body;
  bool operator==(const Call&) const = default;
};

struct Result {
  std::vector<Call> calls;
  std::string written;
};

void Answer(RequestCtx& ctx, std::vector<Call>& calls) {
  const http1::MethodId method = ctx.IsHead()      ? http1::MethodId::kHead
                                 : ctx.IsConnect() ? http1::MethodId::kConnect
                                                   : http1::MethodId::kGet;
  calls.push_back({method, std::string(ctx.PostBody())});
  uint64_t code = 0;
  if (ParseUint(ctx.QueryArgs().Peek("code"), code) == Errc::kOk) {
    ctx.SetStatusCode(200 + static_cast<int>(code % 800));  // An interim status is no answer.
  }
  // Names and values as a careless handler would reflect them.
  ResponseHeader& header = ctx.response().header();
  header.Set("X-Path", ctx.Path());
  header.Set("X-Host", ctx.Host());
  ctx.QueryArgs().VisitAll([&](std::string_view key, std::string_view value) {
    if (!EqualsIgnoreCase(key, "Content-Length")) header.Add(key, value);
  });
  ctx.SetContentType(ctx.request().header().ContentType());
  ctx.SetBody(ctx.PostBody());
  if (ctx.QueryArgs().Has("throw")) throw 1;
}

// The server tells time by virtual clocks, so that deadlines cost nothing.
Result Serve(std::string_view bytes, uint8_t switches, size_t piece) {
  Result result;
  fasthttptest::SimRuntime sim;
  fasthttptest::ScriptedConn conn;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    conn.Data(bytes.substr(at, piece));
    if (at + piece < bytes.size()) conn.Again();
  }
  if ((switches & kIdle) == 0) conn.Eof();
  {
    Server server({.handler = [&result](RequestCtx& ctx) { Answer(ctx, result.calls); },
                   .runtime = &sim,
                   .no_default_date = true,
                   .max_request_body_size = 4096,
                   .max_requests_per_conn = (switches & kFewRequests) != 0 ? 2u : 0u,
                   .lenient = (switches & kLenient) != 0,
                   .get_only = (switches & kGetOnly) != 0,
                   .half_close = HalfClose::kServe});
    (void)server.ServeConn(conn);
  }
  FASTHTTP_CHECK(conn.closed() && conn.closes() == 1, "the connection is closed, once");
  result.written = conn.written();
  return result;
}

struct Reply {
  int status = 0;
  bool keep_alive = false;
  std::string body;
};

// Takes one response off `rest`.
Reply ReadReply(std::string_view& rest, http1::MethodId method) {
  std::string padded(rest);
  padded.append(http1::kPadding, '\0');
  http1::ParseProgress progress;
  http1::Head head;
  std::vector<http1::Field> arena(512);
  head.UseArena(arena);
  const http1::HeadLimits limits = {.max_head_bytes = 65535, .max_fields = 512};
  Errc errc = http1::ParseResponseHead({padded.data(), rest.size()}, limits,
                                       http1::Leniency::kStrict, progress, head);
  FASTHTTP_CHECK(errc == Errc::kOk, "a response parses strictly");
  http1::Framing framing;
  errc = http1::DecideResponseFraming(head, method, http1::Leniency::kStrict, framing);
  FASTHTTP_CHECK(errc == Errc::kOk, "a response is framed unambiguously");
  rest.remove_prefix(head.size);
  FASTHTTP_CHECK(framing.kind <= http1::Framing::kLength, "a buffered body has its length");
  FASTHTTP_CHECK(framing.length <= rest.size(), "a body is complete");
  const bool keep_alive = framing.keep_alive && !framing.upgrade;
  Reply reply = {head.status, keep_alive, std::string(rest.substr(0, framing.length))};
  rest.remove_prefix(framing.length);
  return reply;
}

void Check(const Result& result) {
  std::string_view rest = result.written;
  size_t answered = 0;
  bool ended = false;
  while (!rest.empty()) {
    FASTHTTP_CHECK(!ended, "nothing follows a response that ends the connection");
    const bool called = answered < result.calls.size();
    // The last head without a body: an error to HEAD.
    const bool bare = !called && rest.find("\r\n\r\n") + 4 == rest.size();
    const http1::MethodId method = called ? result.calls[answered].method
                                   : bare ? http1::MethodId::kHead
                                          : http1::MethodId::kGet;
    const Reply reply = ReadReply(rest, method);
    if (reply.status == 100) continue;
    ended = !reply.keep_alive;
    FASTHTTP_CHECK(called || (reply.status >= 400 && !reply.keep_alive), "an error ends it");
    ++answered;
  }
  FASTHTTP_CHECK(answered >= result.calls.size(), "every call is answered");
  FASTHTTP_CHECK(answered <= result.calls.size() + 1, "and at most one error");
}

}  // namespace
}  // namespace fasthttp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp;  // NOLINT: the whole file is about it.
  if (size < 3 || size > 20000) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Result whole = Serve(bytes, data[0], bytes.size());
  Check(whole);
  const size_t piece = 1 + data[1] % 64;
  const Result cut = Serve(bytes, data[0], piece);
  Check(cut);
  FASTHTTP_CHECK(cut.calls == whole.calls, "the requests do not depend on the pieces");
  return 0;
}
