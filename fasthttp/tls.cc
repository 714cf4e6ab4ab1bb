#include "fasthttp/tls.h"

#include <deque>
#include <mutex>
#include <utility>

#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/tls_certificate.h"
#include "fasthttp/tls_handshakes.h"
#include "fasthttp/tls_server_context.h"

namespace fasthttp {

using internal::TLSHandshakes;
using runtime::Loop;

// --- TLSConfig --------------------------------------------------------------------------------

TLSConfig::TLSConfig(TLSSettings settings)
    : context_(std::make_shared<internal::TLSServerContext>(std::move(settings))) {}

absl::Status TLSConfig::AppendCert(const std::string& cert_file, const std::string& key_file) {
  auto certificate = TLSCertificate::FromFiles(cert_file, key_file);
  if (!certificate.ok()) return certificate.status();
  AppendCertificate(*std::move(certificate));
  return absl::OkStatus();
}

absl::Status TLSConfig::AppendCertPEM(std::string_view cert_pem, std::string_view key_pem) {
  auto certificate = TLSCertificate::FromPEM(cert_pem, key_pem);
  if (!certificate.ok()) return certificate.status();
  AppendCertificate(*std::move(certificate));
  return absl::OkStatus();
}

void TLSConfig::AppendCertificate(std::shared_ptr<const TLSCertificate> certificate) {
  FASTHTTP_CHECK(certificate != nullptr, "a certificate that is null");
  context_->Append(std::move(certificate));
}

absl::Status TLSConfig::Reload() {
  std::vector<std::shared_ptr<const TLSCertificate>> fresh;
  for (const auto& old : context_->Certificates()->certificates) {
    const internal::TLSKeyPair& pair = old->key_pair();
    if (pair.cert_file.empty()) {
      fresh.push_back(old);
      continue;
    }
    auto certificate = TLSCertificate::FromFiles(pair.cert_file, pair.key_file);
    if (!certificate.ok()) return certificate.status();
    fresh.push_back(*std::move(certificate));
  }
  context_->Replace(std::move(fresh));
  return absl::OkStatus();
}

void TLSConfig::ReplaceCertificates(
    std::vector<std::shared_ptr<const TLSCertificate>> certificates) {
  for (const auto& one : certificates) FASTHTTP_CHECK(one != nullptr, "a certificate that is null");
  context_->Replace(std::move(certificates));
}

void TLSConfig::NextProto(std::string_view protocol, NextProtoFunc f) {
  context_->AddProtocol(protocol, std::move(f));
}

void TLSConfig::SetSessionTicketKeys(std::span<const TLSTicketKey> keys) {
  context_->ticket_keys().Set(keys);
}

TLSStats TLSConfig::Stats() const {
  auto value = [](const std::atomic<uint64_t>& c) { return c.load(std::memory_order_relaxed); };
  const internal::TLSServerContext::Counters& counters = context_->counters;
  return {.handshakes = value(counters.handshakes),
          .resumed = value(counters.resumed),
          .failed = value(counters.failed),
          .timed_out = value(counters.timed_out),
          .pushed_out = value(counters.pushed_out),
          .refused = value(counters.refused)};
}

absl::Status TLSConfig::Check() const { return context_->Check(); }

// --- TLSListener ------------------------------------------------------------------------------

class TLSListener::Impl {
 public:
  Impl(Listener* inner, std::unique_ptr<Listener> owned, TLSConfig config)
      : inner_(*inner), owned_(std::move(owned)), config_(std::move(config)) {}

  // Each loop drops its own handshakes.
  ~Impl() {
    inner_.Close();
    for (std::unique_ptr<TLSHandshakes>& handshakes : of_loops_) {
      Loop& loop = handshakes->loop();
      if (Loop::Current() == &loop) continue;
      loop.Post([](Loop&, void* pointer, uint64_t,
                   uint64_t) { delete static_cast<TLSHandshakes*>(pointer); },
                handshakes.release());
    }
  }

  Errc TryAccept(Accepted& into) {
    Loop* loop = Loop::Current();
    FASTHTTP_CHECK(loop != nullptr, "TryAccept on a thread without a loop");
    TLSHandshakes& handshakes = Of(*loop);
    for (int i = 0; i < kBatch; ++i) {
      if (handshakes.TakeDone(into)) return Errc::kOk;
      Accepted accepted;
      Errc errc = inner_.TryAccept(accepted);
      if (errc == Errc::kListenerClosed) handshakes.DropAll();
      if (errc != Errc::kOk) return errc;
      handshakes.Begin(accepted);
    }
    // There may be more, and nobody is told of it again.
    handshakes.Notify();
    return Errc::kAgain;
  }

  Errc Arm(const ReadyToken& token) {
    Of(*token.loop).SetToken(token);
    return inner_.Arm(token);
  }
  void Disarm(const ReadyToken& token) {
    Of(*token.loop).SetToken({});
    Of(*token.loop).SetPeerLimit(nullptr);
    inner_.Disarm(token);
  }
  void SetPeerLimit(Loop& loop, PeerLimit& limit) { Of(loop).SetPeerLimit(&limit); }

  Listener& inner() { return inner_; }

  // Another one of the same kind, or null.
  std::unique_ptr<Impl> Clone() {
    std::unique_ptr<Listener> clone(inner_.CloneForLoop());
    if (clone == nullptr) return nullptr;
    Listener* pointer = clone.get();
    return std::make_unique<Impl>(pointer, std::move(clone), config_);
  }

 private:
  // Accepted at once; more wait for the loop's next step.
  static constexpr int kBatch = 16;

  TLSHandshakes& Of(Loop& loop) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& handshakes : of_loops_) {
      if (&handshakes->loop() == &loop) return *handshakes;
    }
    of_loops_.push_back(std::make_unique<TLSHandshakes>(config_.context(), loop));
    return *of_loops_.back();
  }

  Listener& inner_;
  const std::unique_ptr<Listener> owned_;
  const TLSConfig config_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<TLSHandshakes>> of_loops_;
};

TLSListener::TLSListener(Listener& inner, TLSConfig config)
    : impl_(std::make_unique<Impl>(&inner, nullptr, std::move(config))) {}

TLSListener::TLSListener(std::unique_ptr<Listener> inner, TLSConfig config) {
  Listener* pointer = inner.get();
  impl_ = std::make_unique<Impl>(pointer, std::move(inner), std::move(config));
}

TLSListener::TLSListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TLSListener::~TLSListener() = default;

Errc TLSListener::TryAccept(Accepted& into) { return impl_->TryAccept(into); }
Errc TLSListener::Arm(const ReadyToken& token) { return impl_->Arm(token); }
void TLSListener::Disarm(const ReadyToken& token) { impl_->Disarm(token); }
void TLSListener::SetPeerLimit(Loop& loop, PeerLimit& limit) { impl_->SetPeerLimit(loop, limit); }
void TLSListener::Close() { impl_->inner().Close(); }
Addr TLSListener::address() const { return impl_->inner().address(); }
bool TLSListener::one_loop() const { return impl_->inner().one_loop(); }

Listener* TLSListener::CloneForLoop() {
  std::unique_ptr<Impl> clone = impl_->Clone();
  return clone == nullptr ? nullptr : new TLSListener(std::move(clone));
}

// --- Servers ----------------------------------------------------------------------------------

namespace {

absl::StatusOr<std::unique_ptr<Listener>> ListenFor(Server& server, std::string_view address) {
  Runtime* runtime = server.settings().runtime;
  const size_t loops = (runtime != nullptr ? *runtime : Runtime::Default()).loops();
  return runtime::Listen(address, {.reuse_port = loops > 1});
}

}  // namespace

absl::Status ServeTLS(Server& server, Listener& listener, TLSConfig config) {
  if (absl::Status status = config.Check(); !status.ok()) {
    listener.Close();
    return status;
  }
  TLSListener tls(listener, std::move(config));
  return server.Serve(tls);
}

absl::Status ListenAndServeTLS(Server& server, std::string_view address, TLSConfig config) {
  if (absl::Status status = config.Check(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Listener>> listener = ListenFor(server, address);
  if (!listener.ok()) return listener.status();
  return ServeTLS(server, **listener, std::move(config));
}

absl::StatusOr<Addr> StartTLS(Server& server, std::string_view address, TLSConfig config) {
  if (absl::Status status = config.Check(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Listener>> listener = ListenFor(server, address);
  if (!listener.ok()) return listener.status();
  return server.Start(std::make_unique<TLSListener>(*std::move(listener), std::move(config)));
}

absl::Status ListenAndServeTLS(std::string_view address, const std::string& cert_file,
                               const std::string& key_file, RequestHandler handler) {
  TLSConfig config;
  if (absl::Status status = config.AppendCert(cert_file, key_file); !status.ok()) return status;
  Server server(std::move(handler));
  return ListenAndServeTLS(server, address, std::move(config));
}

}  // namespace fasthttp
