// The server benchmarks of the original, under their names and doing the same work.
//
//   ./bazelw run --config=opt //benchmarks/server -- --threads=1 --benchmark_filter=ServerGet
//
// What one operation is, and what it must not skip: benchmarks/README.md. Columns and flags:
// benchmarks/rows.h.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/rows.h"
#include "benchmarks/server/fake_transport.h"
#include "fasthttp/fasthttp.h"

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kGet =
    "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\n"
    "User-Agent: aaa/bbb/ccc/ddd/eee Firefox Chrome MSIE Opera\r\n"
    "Referer: http://example.com/aaa?bbb=ccc\r\n"
    "Cookie: foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\n";
constexpr std::string_view kPost =
    "POST /foobar?baz HTTP/1.1\r\nHost: google.com\r\nContent-Type: foo/bar\r\n"
    "Content-Length: 13\r\nUser-Agent: Opera Chrome MSIE Firefox and other/1.2.34\r\n"
    "Referer: http://google.com/aaaa/bbb/ccc\r\n"
    "Cookie: foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\nHello, world!";
constexpr std::string_view kShortGet = "GET /foo HTTP/1.1\r\nHost: google.com\r\n\r\n";
constexpr std::string_view kBody = "Hello, world!";
constexpr std::string_view kShortBody = "123";

// Heads as they must go out, whatever the date.
constexpr std::string_view kTextHead =
    "HTTP/1.1 200 OK\r\nServer: fasthttp\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\n";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kShortHead =
    "HTTP/1.1 200 OK\r\nServer: fasthttp\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: foobar\r\nContent-Length: 3\r\n\r\n";

enum class Kind { kGet, kPost, kShort, kTimeoutError, kTimeoutHandler };

struct ServerRow {
  Kind kind;
  size_t clients;
  uint64_t per_conn;
  uint32_t max_conns_per_ip = 0;

  std::string_view request() const {
    if (kind == Kind::kPost) return kPost;
    return kind == Kind::kShort || kind == Kind::kTimeoutError ? kShortGet : kGet;
  }
  bool close() const { return per_conn == 1 && request() != kShortGet; }
  // Bytes of a response that is all there.
  size_t response_size() const {
    if (request() == kShortGet) return kShortHead.size() + kShortBody.size();
    return kTextHead.size() + (close() ? kClose.size() : 0) + kBody.size();
  }
};

// Each loop counts into its own line, so that counting is not what is measured.
struct alignas(64) Served {
  std::atomic<uint64_t> count{0};
};

RequestHandler HandlerOf(const ServerRow& row, std::vector<Served>& served) {
  auto count = [&served] {
    std::atomic<uint64_t>& mine = served[runtime::Loop::Current()->index()].count;
    mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  };
  const bool close = row.close();
  switch (row.kind) {
    case Kind::kShort:
      return [count](RequestCtx& ctx) {
        ctx.Success("foobar", kShortBody);
        count();
      };
    case Kind::kTimeoutError:
      // Every eighth is answered by TimeoutError, and its context used by another task afterwards.
      return [count, n = std::make_shared<std::atomic<uint64_t>>(0)](RequestCtx& ctx) {
        if (n->fetch_add(1, std::memory_order_relaxed) % 8 == 0) {
          ctx.TimeoutError("xxx");
          Spawn(Background(), [pin = ctx.Pin()] { pin->Success("foobar", kShortBody); });
        } else {
          ctx.Success("foobar", kShortBody);
        }
        count();
      };
    case Kind::kTimeoutHandler: {  // Whose time is never over.
      ServerRow unlimited = row;
      unlimited.kind = Kind::kGet;
      return TimeoutHandler(HandlerOf(unlimited, served), absl::Minutes(1), "timeout");
    }
    case Kind::kPost:
      return [close, count](RequestCtx& ctx) {
        if (!ctx.IsPost() || ctx.PostBody() != kBody) Fail("not the request that was sent");
        ctx.Success("text/plain", ctx.PostBody());
        if (close) ctx.SetConnectionClose();
        count();
      };
    case Kind::kGet:
      break;
  }
  return [close, count](RequestCtx& ctx) {
    if (!ctx.IsGet()) Fail("not the request that was sent");
    ctx.Success("text/plain", kBody);
    if (close) ctx.SetConnectionClose();
    count();
  };
}

class ServerSubject final : public Subject {
 public:
  ServerSubject(const ServerRow& row, Runtime& runtime)
      : row_(row), served_(runtime.loops()), server_(Settings(runtime)) {}

  void Run(uint64_t requests) override {
    for (Served& loop : served_) loop.count.store(0);
    FakeLoad load(row_.request(), requests, row_.per_conn, row_.clients, served_.size());
    {
      FakeListener listener(load);
      if (!server_.Serve(listener).ok()) Fail("Serve failed");
    }
    uint64_t served = 0;
    for (const Served& loop : served_) served += loop.count.load();
    if (served != requests) Fail(absl::StrCat("served ", served, " of ", requests));
    const uint64_t sent = load.bytes_sent.load();
    const uint64_t expected = requests * row_.response_size();
    // A response of TimeoutError is longer.
    if (row_.kind == Kind::kTimeoutError ? sent < expected : sent != expected) {
      Fail(absl::StrCat("sent ", sent, " bytes, not ", expected));
    }
  }

 private:
  ServerSettings Settings(Runtime& runtime) {
    ServerSettings settings;
    settings.handler = HandlerOf(row_, served_);
    settings.runtime = &runtime;
    settings.concurrency = static_cast<uint32_t>(16 * row_.clients);
    settings.max_conns_per_ip = row_.max_conns_per_ip;
    return settings;
  }

  const ServerRow row_;
  std::vector<Served> served_;
  Server server_;
};

void Add(std::vector<Row>& rows, std::string name, const ServerRow& row) {
  // Ten times what there are connections and pipelines for.
  const uint64_t warm_up = std::clamp<uint64_t>(10 * row.clients * row.per_conn, 20'000, 1'000'000);
  rows.push_back({std::move(name), warm_up, 10'000'000, [row](Runtime& runtime) {
                    return std::make_unique<ServerSubject>(row, runtime);
                  }});
}

std::vector<Row> Rows() {
  const auto cpus = static_cast<size_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<Row> rows;
  for (auto [verb, kind] : {std::pair("Get", Kind::kGet), std::pair("Post", Kind::kPost)}) {
    for (auto [label, n] : {std::pair("1", 1), {"2", 2}, {"10", 10}, {"10K", 10'000}}) {
      Add(rows, absl::StrCat("Server", verb, label, "ReqPerConn"),
          {kind, cpus, static_cast<uint64_t>(n)});
    }
  }
  for (auto [label, n] : {std::pair("1", 1), {"2", 2}, {"10", 10}, {"100", 100}}) {
    Add(rows, absl::StrCat("ServerGet", label, "ReqPerConn10KClients"),
        {Kind::kGet, 10'000, static_cast<uint64_t>(n)});
  }
  Add(rows, "ServerMaxConnsPerIP", {Kind::kShort, 1'000, 10, /*max_conns_per_ip=*/2'000});
  Add(rows, "ServerTimeoutError", {Kind::kTimeoutError, 10, 1});
  Add(rows, "ServerTimeoutHandler10KReqPerConn", {Kind::kTimeoutHandler, cpus, 10'000});
  return rows;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  return fasthttp::benchmarks::RunRows(argc, argv, fasthttp::benchmarks::Rows());
}
