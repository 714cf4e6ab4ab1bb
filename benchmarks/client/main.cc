// The client benchmarks of the original, under their names and doing the same work.
//
//   ./bazelw run --config=opt //benchmarks/client -- --threads=1 --benchmark_filter=EndToEnd
//
// One operation is one call, its response checked. The columns are those of the server benchmarks;
// what a row does, and what it must not skip: benchmarks/README.md.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "benchmarks/instructions.h"
#include "fasthttp/conn.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "testing/alloc_counter.h"
#include "util/inmemory_listener.h"

ABSL_FLAG(int, threads, 1, "event loops, as GOMAXPROCS");
ABSL_FLAG(std::string, benchmark_filter, ".", "regular expression of the names to run");
ABSL_FLAG(std::string, server, "",
          "\"host:port\" of a server in another process, for the rows that measure a client alone");
ABSL_FLAG(uint64_t, requests, 0, "calls of each benchmark; 0: about a second's worth");

namespace fasthttp::benchmarks {
namespace {

using testing_internal::Allocations;
using testing_internal::ProcessAllocations;

constexpr std::string_view kCanned =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n123456789099";
constexpr std::string_view kCannedBody = "123456789099";
constexpr std::string_view kPath = "/foo/bar?baz=123";
constexpr size_t kBigBody = 1 << 20;

enum class Kind { kDo, kGetTimeout, kGet, kBig };
enum class Transport { kFake, kTcp, kInmemory, kServer };

struct Row {
  std::string name;
  Kind kind;
  Transport transport;
  size_t parallelism;  // Tasks for each loop.
};

std::vector<Row> Rows() {
  if (!absl::GetFlag(FLAGS_server).empty()) {
    return {{"ClientDo1Server", Kind::kDo, Transport::kServer, 1},
            {"ClientDo64Server", Kind::kDo, Transport::kServer, 64}};
  }
  std::vector<Row> rows = {{"ClientDoFastServer", Kind::kDo, Transport::kFake, 1},
                           {"ClientGetTimeoutFastServer", Kind::kGetTimeout, Transport::kFake, 1}};
  for (auto [label, n] : {std::pair("1", 1), {"10", 10}, {"100", 100}}) {
    rows.push_back({absl::StrCat("ClientGetEndToEnd", label, "TCP"), Kind::kGet, Transport::kTcp,
                    static_cast<size_t>(n)});
  }
  for (auto [label, n] :
       {std::pair("1", 1), {"10", 10}, {"100", 100}, {"1000", 1000}, {"10K", 10'000}}) {
    rows.push_back({absl::StrCat("ClientGetEndToEnd", label, "Inmemory"), Kind::kGet,
                    Transport::kInmemory, static_cast<size_t>(n)});
  }
  for (auto [label, n] : {std::pair("1", 1), {"10", 10}}) {
    rows.push_back({absl::StrCat("ClientEndToEndBigResponse", label, "Inmemory"), Kind::kBig,
                    Transport::kInmemory, static_cast<size_t>(n)});
  }
  return rows;
}

// A server without one: whatever is written is a request, and the first read behind it finds the
// canned response.
class FakeConn final : public Conn {
 public:
  IoResult TryRecv(std::span<char> into) override {
    if (!owed_) return IoResult::Error(Errc::kAgain);
    owed_ = false;
    std::memcpy(into.data(), kCanned.data(), kCanned.size());
    return IoResult::Bytes(kCanned.size());
  }
  IoResult TrySend(std::span<const iovec> from) override {
    size_t n = 0;
    for (const iovec& piece : from) n += piece.iov_len;
    owed_ = true;
    return IoResult::Bytes(n);
  }
  Errc Arm(const ReadyToken&) override { return Errc::kOk; }
  void ShutdownWrite() override {}
  bool HasUnread() override { return owed_; }
  void Close(bool) override { delete this; }
  Addr LocalAddr() const override { return Addr::Named("fake", "client"); }
  Addr RemoteAddr() const override { return Addr::Named("fake", "server"); }

 private:
  bool owed_ = false;
};

[[noreturn]] void Fail(const absl::Status& status) {
  absl::FPrintF(stderr, "%s\n", status.ToString());
  std::abort();
}

void Check(const Response& response, std::string_view body) {
  if (response.StatusCode() != kStatusOK || response.Body() != body) std::abort();
}

// What a row needs: a client, and a server if it has one.
class Bench {
 public:
  Bench(const Row& row, Runtime& runtime)
      : row_(row), runtime_(runtime), listener_(&runtime), big_(kBigBody, 'x') {
    StartServer();
    ClientOptions options;
    options.runtime = &runtime_;
    options.max_conns_per_host = std::max<uint32_t>(512, static_cast<uint32_t>(tasks()));
    if (row_.transport == Transport::kFake || row_.transport == Transport::kInmemory) {
      options.dial = [this](std::string_view, absl::Time deadline) { return Dial(deadline); };
    }
    client_ = std::make_unique<Client>(std::move(options));
  }
  ~Bench() {
    client_.reset();
    listener_.Close();
    if (server_ != nullptr && !server_->Shutdown().ok()) std::abort();
    if (serving_ != nullptr)
      runtime_.Run([this] { (void)served_.Wait(*runtime::Loop::Current(), runtime::kNoDeadline); });
  }

  size_t tasks() const { return row_.parallelism * runtime_.loops(); }

  // `requests` calls, by all tasks together.
  void Run(uint64_t requests) {
    left_.store(static_cast<int64_t>(requests));
    runtime::Latch done(tasks());
    std::vector<std::unique_ptr<Worker>> workers;
    for (size_t i = 0; i < tasks(); ++i) {
      workers.push_back(std::make_unique<Worker>(*this, i, done));
      runtime_.loop(i % runtime_.loops())
          .Post([](runtime::Loop& loop, void* worker, uint64_t,
                   uint64_t) { loop.Spawn(*static_cast<Worker*>(worker)); },
                workers.back().get());
    }
    runtime_.Run([&] { (void)done.Wait(*runtime::Loop::Current(), runtime::kNoDeadline); });
  }

 private:
  class Worker final : public runtime::Task {
   public:
    Worker(Bench& bench, size_t number, runtime::Latch& done)
        : bench_(bench), number_(number), done_(done) {}
    void Run(runtime::Loop&) override {
      bench_.Work(number_);
      done_.CountDown();
    }

   private:
    Bench& bench_;
    const size_t number_;
    runtime::Latch& done_;
  };
  class ServeTask final : public runtime::Task {
   public:
    explicit ServeTask(Bench& bench) : bench_(bench) {}
    void Run(runtime::Loop&) override {
      (void)bench_.server_->Serve(bench_.listener_);
      bench_.served_.CountDown();
    }

   private:
    Bench& bench_;
  };

  void StartServer() {
    if (row_.transport == Transport::kServer) host_ = absl::GetFlag(FLAGS_server);
    if (row_.transport == Transport::kServer || row_.transport == Transport::kFake) return;
    ServerSettings settings;
    settings.runtime = &runtime_;
    if (row_.kind == Kind::kBig) {
      settings.handler = [this](RequestCtx& ctx) {
        ctx.SetContentType("text/plain");
        ctx.SetBody(big_);
      };
    } else {
      settings.handler = [](RequestCtx& ctx) { ctx.Success("text/plain", ctx.RequestURI()); };
    }
    server_ = std::make_unique<Server>(std::move(settings));
    if (row_.transport == Transport::kTcp) {
      absl::StatusOr<Addr> addr = server_->Start("127.0.0.1:0");
      if (!addr.ok()) Fail(addr.status());
      host_ = addr->ToString();
      return;
    }
    serving_ = std::make_unique<ServeTask>(*this);
    runtime_.RunOn(runtime_.loop(0), [this] { runtime_.loop(0).Spawn(*serving_); });
  }

  // The listener's queue is shorter than some rows are wide.
  absl::StatusOr<BlockingConn> Dial(absl::Time deadline) {
    if (row_.transport == Transport::kFake) {
      BlockingConn conn;
      if (conn.Adopt(*runtime::Loop::Current(), new FakeConn) != Errc::kOk) std::abort();
      return conn;
    }
    for (;;) {
      absl::StatusOr<BlockingConn> conn = listener_.Dial(deadline);
      if (ErrcOf(conn.status()) != Errc::kOverloaded) return conn;
      Yield();
    }
  }

  bool TakeOne() { return left_.fetch_sub(1, std::memory_order_relaxed) > 0; }

  void Work(size_t number) {
    const std::string url =
        row_.transport == Transport::kFake ? absl::StrCat("http://foobar", number, ".com/aaa/bbb")
        : row_.transport == Transport::kServer ? absl::StrCat("http://", host_, "/")
                                               : absl::StrCat("http://", host_, std::string(kPath));
    Request request;
    request.SetRequestURI(url);
    Response response;
    while (TakeOne()) {
      switch (row_.kind) {
        case Kind::kDo: {
          absl::Status status = client_->Do(request, response);
          if (!status.ok()) Fail(status);
          if (row_.transport != Transport::kServer) {
            Check(response, kCannedBody);
          } else if (response.StatusCode() != kStatusOK || response.Body().empty()) {
            std::abort();
          }
          break;
        }
        case Kind::kBig: {
          absl::Status status = client_->DoTimeout(request, response, absl::Seconds(5));
          if (!status.ok()) Fail(status);
          Check(response, big_);
          break;
        }
        case Kind::kGetTimeout: {
          absl::StatusOr<Response> r = client_->GetTimeout(url, absl::Seconds(1));
          if (!r.ok()) Fail(r.status());
          Check(*r, kCannedBody);
          break;
        }
        case Kind::kGet: {
          absl::StatusOr<Response> r = client_->Get(url);
          if (!r.ok()) Fail(r.status());
          Check(*r, kPath);
          break;
        }
      }
    }
  }

  const Row& row_;
  Runtime& runtime_;
  fasthttputil::InmemoryListener listener_;
  const std::string big_;
  std::string host_ = "unused.host";
  std::unique_ptr<Server> server_;
  std::unique_ptr<ServeTask> serving_;
  runtime::Latch served_{1};
  std::unique_ptr<Client> client_;
  std::atomic<int64_t> left_{0};
};

void Run(const Row& row, Runtime& runtime, const InstructionCounter& counter) {
  Bench bench(row, runtime);
  const bool big = row.kind == Kind::kBig;
  uint64_t requests = absl::GetFlag(FLAGS_requests);
  if (requests == 0)
    requests = big ? 5'000
               : row.transport == Transport::kTcp || row.transport == Transport::kServer
                   ? 100'000
                   : 1'000'000;
  bench.Run(std::max<uint64_t>(bench.tasks() * 3, std::min<uint64_t>(requests, 1000)));
  const Allocations before = ProcessAllocations();
  const uint64_t instructions_before = counter.Read();
  const auto start = std::chrono::steady_clock::now();
  bench.Run(requests);
  const double ns =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  const uint64_t instructions = counter.Read() - instructions_before;
  const Allocations after = ProcessAllocations();
  const double n = static_cast<double>(requests);
  std::string column = counter.available() ? absl::StrFormat("%10.0f instr/op",
                                                             static_cast<double>(instructions) / n)
                                           : "         - instr/op";
  absl::PrintF("Benchmark%-40s %10d %10.1f ns/op %6d B/op %6d allocs/op %s\n",
               absl::StrCat(row.name, "-", runtime.loops()), requests, ns / n,
               (after.bytes - before.bytes) / requests, (after.count - before.count) / requests,
               column);
  std::fflush(stdout);
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  using namespace fasthttp::benchmarks;
  absl::ParseCommandLine(argc, argv);
  InstructionCounter counter;
  fasthttp::Runtime runtime({.threads = absl::GetFlag(FLAGS_threads)});
  std::regex filter(absl::GetFlag(FLAGS_benchmark_filter));
  int run = 0;
  for (const Row& row : Rows()) {
    if (!std::regex_search(row.name, filter)) continue;
    Run(row, runtime, counter);
    ++run;
  }
  if (run == 0) absl::FPrintF(stderr, "no benchmark matches\n");
  return run == 0;
}
