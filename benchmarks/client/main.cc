// The client benchmarks of the original, under their names and doing the same work.
//
//   ./bazelw run --config=opt //benchmarks/client -- --threads=1 --benchmark_filter=EndToEnd
//
// One operation is one call, its response checked. What a row does, and what it must not skip:
// benchmarks/README.md. Columns and flags: benchmarks/rows.h. With --server=host:port the rows are
// others: calls over TCP to a server in another process, whose instructions are not counted.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmarks/rows.h"
#include "fasthttp/conn.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "util/inmemory_listener.h"

ABSL_FLAG(std::string, server, "", "host:port of a server in another process");

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kCanned =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n123456789099";
constexpr std::string_view kCannedBody = "123456789099";
constexpr std::string_view kPath = "/foo/bar?baz=123";
constexpr size_t kBigBody = 1 << 20;

#if defined(__SANITIZE_THREAD__)
constexpr int kMostTasks = 1'000;  // ThreadSanitizer knows 8,128 fibers.
#else
constexpr int kMostTasks = 10'000;
#endif

enum class Kind { kDo, kDoServer, kGetTimeout, kGet, kBig };
enum class Transport { kFake, kTcp, kInmemory, kServer };

struct ClientRow {
  Kind kind;
  Transport transport;
  size_t parallelism;  // Tasks for each loop.
};

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

[[gnu::noinline]] void FailCall(const absl::Status& status) { Fail(status.ToString()); }

void CheckOk(const absl::Status& status) {
  if (!status.ok()) FailCall(status);
}

[[gnu::noinline]] void FailResponse(const Response& response) {
  Fail(absl::StrCat("not the response that was sent: ", response.StatusCode(), ", ",
                    response.Body().size(), " bytes"));
}

void CheckOk(const Response& response) {
  if (response.StatusCode() != kStatusOK) FailResponse(response);
}

void Check(const Response& response, std::string_view body) {
  CheckOk(response);
  if (response.Body() != body) FailResponse(response);
}

// What a row needs: a client, and a server if it has one.
class ClientSubject final : public Subject {
 public:
  ClientSubject(const ClientRow& row, Runtime& runtime)
      : row_(row), runtime_(runtime), big_(kBigBody, 'x') {
    StartServer();
    ClientOptions options;
    options.runtime = &runtime_;
    options.max_conns_per_host = std::max<uint32_t>(512, static_cast<uint32_t>(tasks()));
    if (row_.transport == Transport::kFake || row_.transport == Transport::kInmemory) {
      options.dial = [this](std::string_view, absl::Time deadline) { return Dial(deadline); };
    }
    client_ = std::make_unique<Client>(std::move(options));
  }
  ~ClientSubject() override {
    client_.reset();
    if (server_ != nullptr) CheckOk(server_->Shutdown());
  }

  size_t tasks() const { return row_.parallelism * runtime_.loops(); }

  // By all tasks together.
  void Run(uint64_t requests) override {
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
    Worker(ClientSubject& subject, size_t number, runtime::Latch& done)
        : subject_(subject), number_(number), done_(done) {}
    void Run(runtime::Loop&) override {
      subject_.Work(number_);
      done_.CountDown();
    }

   private:
    ClientSubject& subject_;
    const size_t number_;
    runtime::Latch& done_;
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
      CheckOk(addr.status());
      host_ = addr->ToString();
      return;
    }
    auto listener = std::make_unique<fasthttputil::InmemoryListener>(&runtime_);
    listener_ = listener.get();
    CheckOk(server_->Start(std::move(listener)).status());
  }

  // The listener's queue is shorter than some rows are wide.
  absl::StatusOr<BlockingConn> Dial(absl::Time deadline) {
    if (row_.transport == Transport::kFake) {
      BlockingConn conn;
      if (conn.Adopt(*runtime::Loop::Current(), new FakeConn) != Errc::kOk)
        Fail("the benchmark's own server or connection failed");
      return conn;
    }
    for (;;) {
      absl::StatusOr<BlockingConn> conn = listener_->Dial(deadline);
      if (ErrcOf(conn.status()) != Errc::kOverloaded) return conn;
      Yield();
    }
  }

  // How many calls are the caller's next. As Go's RunParallel does it, since loops that count each
  // call together wait for each other.
  int64_t TakeBatch() {
    constexpr int64_t kBatch = 10;
    return std::min(left_.fetch_sub(kBatch, std::memory_order_relaxed), kBatch);
  }

  void Work(size_t number) {
    const std::string url = row_.transport == Transport::kFake
                                ? absl::StrCat("http://foobar", number, ".com/aaa/bbb")
                                : absl::StrCat("http://", host_, std::string(kPath));
    Request request;
    request.SetRequestURI(url);
    Response response;
    for (int64_t mine = 0; mine > 0 || (mine = TakeBatch()) > 0; --mine) {
      switch (row_.kind) {
        case Kind::kDo: {
          CheckOk(client_->Do(request, response));
          Check(response, kCannedBody);
          break;
        }
        case Kind::kDoServer: {
          CheckOk(client_->Do(request, response));
          CheckOk(response);  // The body is the other process's own affair.
          break;
        }
        case Kind::kBig: {
          CheckOk(client_->DoTimeout(request, response, absl::Seconds(5)));
          Check(response, big_);
          break;
        }
        case Kind::kGetTimeout: {
          absl::StatusOr<Response> r = client_->GetTimeout(url, absl::Seconds(1));
          CheckOk(r.status());
          Check(*r, kCannedBody);
          break;
        }
        case Kind::kGet: {
          absl::StatusOr<Response> r = client_->Get(url);
          CheckOk(r.status());
          Check(*r, kPath);
          break;
        }
      }
    }
  }

  const ClientRow row_;
  Runtime& runtime_;
  fasthttputil::InmemoryListener* listener_ = nullptr;  // The server's.
  const std::string big_;
  std::string host_ = "unused.host";
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  alignas(64) std::atomic<int64_t> left_{0};
};

void Add(std::vector<Row>& rows, std::string name, const ClientRow& row) {
  uint64_t operations = 2'000'000;
  if (row.transport == Transport::kTcp || row.transport == Transport::kServer) operations = 100'000;
  if (row.kind == Kind::kBig) operations = 5'000;
  // Enough that every loop has its share of it.
  const uint64_t warm_up = row.kind == Kind::kBig ? 100 : operations / 10;
  rows.push_back({std::move(name), warm_up, operations, [row](Runtime& runtime) {
                    return std::make_unique<ClientSubject>(row, runtime);
                  }});
}

// `alone`: the rows that measure a client without a server in its process.
std::vector<Row> Rows(bool alone) {
  std::vector<Row> rows;
  if (alone) {
    for (size_t n : {1, 64}) {
      Add(rows, absl::StrCat("ClientDo", n, "Server"), {Kind::kDoServer, Transport::kServer, n});
    }
    return rows;
  }
  Add(rows, "ClientDoFastServer", {Kind::kDo, Transport::kFake, 1});
  Add(rows, "ClientGetTimeoutFastServer", {Kind::kGetTimeout, Transport::kFake, 1});
  for (size_t n : {1, 10, 100}) {
    Add(rows, absl::StrCat("ClientGetEndToEnd", n, "TCP"), {Kind::kGet, Transport::kTcp, n});
  }
  for (auto [label, n] :
       {std::pair("1", 1), {"10", 10}, {"100", 100}, {"1000", 1000}, {"10K", 10'000}}) {
    if (n > kMostTasks) continue;
    Add(rows, absl::StrCat("ClientGetEndToEnd", label, "Inmemory"),
        {Kind::kGet, Transport::kInmemory, static_cast<size_t>(n)});
  }
  for (size_t n : {1, 10}) {
    Add(rows, absl::StrCat("ClientEndToEndBigResponse", n, "Inmemory"),
        {Kind::kBig, Transport::kInmemory, n});
  }
  return rows;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  bool alone = false;
  for (int i = 1; i < argc; ++i) {
    alone |= std::string_view(argv[i]).substr(0, 9) == "--server=";
  }
  return fasthttp::benchmarks::RunRows(argc, argv, fasthttp::benchmarks::Rows(alone));
}
