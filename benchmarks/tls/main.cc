// TLS over in-memory connections, under the original's names and doing the same work, and
// handshakes one by one.
//
//   ./bazelw run --config=opt //benchmarks/tls -- --threads=1
//
// Streaming: one keep-alive HostClient for each loop and one call after the other. Handshake: a
// connection for each call. Client and server share the loops, so a row holds both sides of the
// cryptography. Columns and flags: benchmarks/rows.h.

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmarks/rows.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/server.h"
#include "fasthttp/tls.h"
#include "testing/test_certificate.h"
#include "util/inmemory_listener.h"

ABSL_FLAG(std::string, cert, "", "file of a certificate with an RSA key; empty: a new one");
ABSL_FLAG(std::string, key, "", "file of its key");

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kBody = "foobar";

using fasthttptest::TestKey;

struct TLSRow {
  bool tls = true;
  bool close = false;  // After each call.
  TestKey key = TestKey::kRsa2048;
  bool sessions = true;
  bool offload = false;
};

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (content.empty()) Fail(path + " cannot be read");
  return content;
}

const fasthttptest::TestCertificate& CertificateOf(TestKey key) {
  // How long it takes to make an RSA key is chance, which would be counted.
  static const auto* const rsa = new fasthttptest::TestCertificate(
      absl::GetFlag(FLAGS_cert).empty()
          ? fasthttptest::GenerateTestCertificate("localhost")
          : fasthttptest::TestCertificate{ContentOf(absl::GetFlag(FLAGS_cert)),
                                          ContentOf(absl::GetFlag(FLAGS_key))});
  static const auto* const ecdsa = new fasthttptest::TestCertificate(
      fasthttptest::GenerateTestCertificate({.hosts = {"localhost"}, .is_ca = true}));
  return key == TestKey::kRsa2048 ? *rsa : *ecdsa;
}

void CheckOk(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

class TLSSubject final : public Subject {
 public:
  TLSSubject(const TLSRow& row, Runtime& runtime)
      : row_(row),
        runtime_(runtime),
        config_({.session_tickets = row.sessions, .offload_private_key = row.offload}),
        listener_(&runtime),
        server_({.handler =
                     [close = row.close](RequestCtx& ctx) {
                       ctx.SetBodyString(kBody);
                       if (close) ctx.SetConnectionClose();
                     },
                 .runtime = &runtime}) {
    const fasthttptest::TestCertificate& cert = CertificateOf(row.key);
    CheckOk(config_.AppendCertPEM(cert.cert_pem, cert.key_pem));
    const ClientTLSConfig trust({.dangerously_accept_any_certificate = true,
                                 .session_cache_hosts = row.sessions ? size_t{256} : 0});
    for (size_t i = 0; i < runtime.loops(); ++i) {
      clients_.push_back(
          std::make_unique<HostClient>(HostClientOptions{.addr = "localhost",
                                                         .is_tls = row.tls,
                                                         .tls = trust,
                                                         .runtime = &runtime,
                                                         .dial = listener_.Dialer()}));
    }
    serving_ = std::make_unique<FunctionTask>([this] {
      CheckOk(row_.tls ? ServeTLS(server_, listener_, config_) : server_.Serve(listener_));
      served_.CountDown();
    });
    runtime_.loop(0).Spawn(*serving_);
  }
  ~TLSSubject() override {
    clients_.clear();
    listener_.Close();
    CheckOk(server_.Shutdown());
    runtime_.Run([this] { (void)served_.Wait(*runtime::Loop::Current(), runtime::kNoDeadline); });
  }

  // One caller on each loop.
  void Run(uint64_t operations) override {
    left_.store(static_cast<int64_t>(operations));
    runtime::Latch done(runtime_.loops());
    std::vector<std::unique_ptr<FunctionTask>> tasks;
    for (size_t i = 0; i < runtime_.loops(); ++i) {
      tasks.push_back(std::make_unique<FunctionTask>([this, i, &done] {
        while (left_.fetch_sub(1, std::memory_order_relaxed) > 0) Call(*clients_[i]);
        done.CountDown();
      }));
      runtime_.loop(i).Spawn(*tasks.back());
    }
    runtime_.Run([&] { (void)done.Wait(*runtime::Loop::Current(), runtime::kNoDeadline); });
    if (!row_.tls || !row_.close || !row_.sessions) return;
    const TLSStats stats = config_.Stats();
    if (stats.resumed + runtime_.loops() < stats.handshakes) Fail("a session was not taken up");
  }

 private:
  class FunctionTask final : public runtime::Task {
   public:
    explicit FunctionTask(std::function<void()> f) : f_(std::move(f)) {}
    void Run(runtime::Loop&) override { f_(); }

   private:
    std::function<void()> f_;
  };

  void Call(HostClient& client) {
    absl::StatusOr<Response> r = client.Get("/foo");
    CheckOk(r.status());
    if (r->StatusCode() != kStatusOK || r->Body() != kBody) Fail("not the response that was sent");
  }

  const TLSRow row_;
  Runtime& runtime_;
  TLSConfig config_;
  fasthttputil::InmemoryListener listener_;
  Server server_;
  std::vector<std::unique_ptr<HostClient>> clients_;
  std::unique_ptr<FunctionTask> serving_;
  runtime::Latch served_{1};
  std::atomic<int64_t> left_{0};
};

std::vector<Row> Rows() {
  std::vector<Row> rows;
  auto add = [&](std::string name, uint64_t operations, const TLSRow& row) {
    rows.push_back(
        {std::move(name), std::max<uint64_t>(operations / 100, 20), operations,
         [row](Runtime& runtime) { return std::make_unique<TLSSubject>(row, runtime); }});
  };
  add("PlainStreaming", 500'000, {.tls = false});
  add("TLSStreaming", 200'000, {});
  add("PlainHandshake", 200'000, {.tls = false, .close = true});
  for (TestKey key : {TestKey::kRsa2048, TestKey::kEcdsaP256}) {
    const std::string name =
        absl::StrCat("TLSHandshake", key == TestKey::kRsa2048 ? "RSA" : "ECDSA");
    add(name, 1'000, {.close = true, .key = key, .sessions = false});
    add(name + "Offloaded", 1'000, {.close = true, .key = key, .sessions = false, .offload = true});
    add(name + "Resumed", 3'000, {.close = true, .key = key});
  }
  return rows;
}

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  return fasthttp::benchmarks::RunRows(argc, argv, fasthttp::benchmarks::Rows());
}
