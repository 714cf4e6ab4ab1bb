// The client's side of TLS: handshakes and the sessions that are kept for later ones. Linking it
// gives clients https.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/base/check.h"
#include "fasthttp/client_tls.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/task.h"
#include "fasthttp/tls_algorithms.h"
#include "fasthttp/tls_certificate.h"
#include "fasthttp/tls_conn.h"
#include "fasthttp/tls_verify.h"

namespace fasthttp::internal {
namespace {

using runtime::Loop;

// Sessions by host and address. Each is used once, as TLS 1.3 asks for (RFC 8446, appendix C.4),
// and none outlives the certificates that vouched for it: the server may have newer ones.
//
// Thread class: thread-safe.
class SessionCache {
 public:
  explicit SessionCache(size_t max_hosts) : max_hosts_(max_hosts) {}

  void Put(const std::string& key, bssl::UniquePtr<SSL_SESSION> session, absl::Time good_until) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (max_hosts_ == 0) return;
    if (sessions_.size() >= max_hosts_ && !sessions_.contains(key)) {
      sessions_.erase(sessions_.begin());  // Any: the order of a hash table is as good as none.
    }
    std::deque<Kept>& known = sessions_[key];
    known.push_back({std::move(session), good_until});
    if (known.size() > kPerHost) known.pop_front();
  }

  bssl::UniquePtr<SSL_SESSION> Take(const std::string& key) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = sessions_.find(key);
    if (found == sessions_.end()) return nullptr;
    Kept kept = std::move(found->second.back());
    found->second.pop_back();
    if (kept.good_until <= absl::Now()) {
      kept.session.reset();  // Those before it are older, and seldom last longer.
      found->second.clear();
    } else if (SSL_SESSION_should_be_single_use(kept.session.get()) == 0) {
      // Sessions of TLS 1.2 serve any number of connections.
      found->second.push_back({bssl::UpRef(kept.session), kept.good_until});
    }
    if (found->second.empty()) sessions_.erase(found);
    return std::move(kept.session);
  }

 private:
  static constexpr size_t kPerHost = 4;

  struct Kept {
    bssl::UniquePtr<SSL_SESSION> session;
    absl::Time good_until;
  };

  const size_t max_hosts_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, std::deque<Kept>> sessions_;
};

// What a connection knows while BoringSSL calls back; freed with its SSL, since tickets come late.
struct Peer {
  std::string host;
  std::string cache_key;
  std::shared_ptr<SessionCache> cache;
  X509_STORE* roots = nullptr;  // Null: any certificate will do.
  absl::Time good_until = absl::InfiniteFuture();
  std::string problem;
};

void FreePeer(void*, void* peer, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Peer*>(peer);
}

int PeerIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &FreePeer);
  return index;
}

Peer& PeerOf(const SSL* ssl) { return *static_cast<Peer*>(SSL_get_ex_data(ssl, PeerIndex())); }

ssl_verify_result_t Verify(SSL* ssl, uint8_t* alert) {
  Peer& peer = PeerOf(ssl);
  if (peer.roots == nullptr) return ssl_verify_ok;
  const uint8_t* staple = nullptr;
  size_t size = 0;
  SSL_get0_ocsp_response(ssl, &staple, &size);
  const bool good = VerifyChain(
      SSL_get0_peer_certificates(ssl), *peer.roots, CertificateUse::kServer, peer.host,
      {reinterpret_cast<const char*>(staple), size}, &peer.good_until, alert, &peer.problem);
  return good ? ssl_verify_ok : ssl_verify_invalid;
}

int KeepSession(SSL* ssl, SSL_SESSION* session) {
  Peer& peer = PeerOf(ssl);
  peer.cache->Put(peer.cache_key, bssl::UniquePtr<SSL_SESSION>(session), peer.good_until);
  return 1;
}

class Context final : public ClientTLSContext {
 public:
  explicit Context(const ClientTLSSettings& settings)
      : settings_(settings), cache_(std::make_shared<SessionCache>(settings.session_cache_hosts)) {}

  Errc Handshake(Loop& loop, std::string_view host, std::string_view address, int64_t deadline,
                 BlockingConn& conn, std::string& detail) override {
    // Files are read where that stalls nothing.
    if (!set_up_.load(std::memory_order_acquire)) Offload([this] { SetUpOnce(); });
    Errc errc = ErrcOf(status_);
    if (errc != Errc::kOk) {
      detail = std::string(status_.message());
    } else {
      if (!settings_.server_name.empty()) host = settings_.server_name;
      errc = Shake(loop, host, address, deadline, conn, detail);
    }
    if (errc != Errc::kOk) conn.Reset();
    return errc;
  }

 private:
  void SetUpOnce() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (set_up_.load(std::memory_order_relaxed)) return;
    status_ = SetUp();
    set_up_.store(true, std::memory_order_release);
  }

  absl::Status SetUp();
  absl::Status SetUpRoots();
  absl::Status SetUpKeyPair();
  TLSConn* Wrap(std::string_view host, std::string_view address, BlockingConn& conn);
  Errc Shake(Loop& loop, std::string_view host, std::string_view address, int64_t deadline,
             BlockingConn& conn, std::string& detail);
  Errc Drive(Loop& loop, TLSConn& tls, BlockingConn& conn, int64_t deadline, std::string& detail);

  const ClientTLSSettings& settings_;
  const std::shared_ptr<SessionCache> cache_;
  std::mutex mutex_;                 // Of setting up.
  std::atomic<bool> set_up_{false};  // What stands below is constant from then on.
  absl::Status status_;
  bssl::UniquePtr<SSL_CTX> ssl_context_;
  bssl::UniquePtr<X509_STORE> own_roots_;
  X509_STORE* roots_ = nullptr;
};

// --- Setting up -------------------------------------------------------------------------------

absl::Status Context::SetUp() {
  ssl_context_ = MakeSSLContext(settings_.min_version, settings_.max_version);
  if (ssl_context_ == nullptr) {
    return ToStatus(Errc::kProgramming, "ClientTLSSettings: no such versions");
  }
  SSL_CTX* const context = ssl_context_.get();
  // Without a callback BoringSSL refuses every certificate.
  SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, &Verify);
  SSL_CTX_set_reverify_on_resume(context, 1);
  SSL_CTX_enable_ocsp_stapling(context);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &KeepSession);
  static constexpr uint8_t kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kProtocols, sizeof kProtocols - 1);
  if (absl::Status status = SetUpRoots(); !status.ok()) return status;
  return SetUpKeyPair();
}

absl::Status Context::SetUpRoots() {
  if (settings_.dangerously_accept_any_certificate) return absl::OkStatus();
  std::string pem = settings_.root_ca_pem;
  if (!settings_.root_ca_file.empty()) {
    absl::StatusOr<std::string> file = ReadFile(settings_.root_ca_file);
    if (!file.ok()) return file.status();
    absl::StrAppend(&pem, "\n", *file);
  }
  if (pem.empty()) {
    roots_ = &SystemRoots();
    return absl::OkStatus();
  }
  const std::string where = settings_.root_ca_file.empty() ? "root_ca_pem" : settings_.root_ca_file;
  absl::StatusOr<bssl::UniquePtr<X509_STORE>> roots = RootsOfPEM(pem, where);
  if (!roots.ok()) return roots.status();
  own_roots_ = *std::move(roots);
  roots_ = own_roots_.get();
  return absl::OkStatus();
}

absl::Status Context::SetUpKeyPair() {
  std::string cert = settings_.cert_pem, key = settings_.key_pem;
  std::string cert_where = "cert_pem", key_where = "key_pem";
  if (!settings_.cert_file.empty() || !settings_.key_file.empty()) {
    absl::StatusOr<std::string> cert_file = ReadFile(cert_where = settings_.cert_file);
    if (!cert_file.ok()) return cert_file.status();
    absl::StatusOr<std::string> key_file = ReadFile(key_where = settings_.key_file);
    if (!key_file.ok()) return key_file.status();
    cert = *std::move(cert_file);
    key = *std::move(key_file);
  }
  if (cert.empty() && key.empty()) return absl::OkStatus();
  TLSKeyPair pair;
  if (absl::Status status = ReadKeyPair(cert, key, cert_where, key_where, pair); !status.ok()) {
    return status;
  }
  const int set = SSL_CTX_set_chain_and_key(ssl_context_.get(), pair.chain_pointers.data(),
                                            pair.chain_pointers.size(), pair.key.get(), nullptr);
  return set == 1 ? absl::OkStatus() : ToStatus(Errc::kBadCertificate, TakeSSLError());
}

// --- A handshake ------------------------------------------------------------------------------

// The endpoint stays; only the Conn in it is another one.
TLSConn* Context::Wrap(std::string_view host, std::string_view address, BlockingConn& conn) {
  runtime::Endpoint& endpoint = *conn.endpoint();
  TLSConn* tls = TLSConn::Make(*ssl_context_, *endpoint.conn);
  FASTHTTP_CHECK(tls != nullptr, "out of memory for a TLS connection");
  endpoint.conn = tls;
  SSL* const ssl = &tls->ssl();
  auto peer = std::make_unique<Peer>();
  peer->host = std::string(host);
  peer->cache_key = absl::StrCat(peer->host, " ", std::string(address));
  peer->cache = cache_;
  peer->roots = roots_;
  if (bssl::UniquePtr<SSL_SESSION> session = cache_->Take(peer->cache_key)) {
    SSL_set_session(ssl, session.get());
  }
  SSL_set_ex_data(ssl, PeerIndex(), peer.release());
  // RFC 6066, section 3: no addresses, and no dot at the end.
  std::string name(host);
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (!IsIpAddress(name)) SSL_set_tlsext_host_name(ssl, name.c_str());
  SSL_set_shed_handshake_config(ssl, 1);
  SSL_set_connect_state(ssl);
  return tls;
}

Errc Context::Shake(Loop& loop, std::string_view host, std::string_view address, int64_t deadline,
                    BlockingConn& conn, std::string& detail) {
  TLSConn& tls = *Wrap(host, address, conn);
  Errc errc = Drive(loop, tls, conn, deadline, detail);
  const std::string& problem = PeerOf(&tls.ssl()).problem;
  if (errc == Errc::kTlsHandshakeFailed && !problem.empty()) {
    errc = Errc::kBadCertificate;
    detail = problem;
  }
  if (errc == Errc::kOk && settings_.verify_connection) {
    absl::Status status = settings_.verify_connection(*tls.TLSState());
    if (!status.ok()) {
      errc = Errc::kBadCertificate;
      detail = std::string(status.message());
    }
  }
  // A peer that ends the connection does not speak TLS, or not with us.
  if (errc == Errc::kUnexpectedEof || errc == Errc::kConnectionClosed) {
    errc = Errc::kTlsHandshakeFailed;
    detail = "the server ended the connection";
  }
  if (errc != Errc::kOk) {
    detail = absl::StrCat(std::string(host), detail.empty() ? "" : ": ", detail);
  }
  return errc;
}

Errc Context::Drive(Loop& loop, TLSConn& tls, BlockingConn& conn, int64_t deadline,
                    std::string& detail) {
  for (Errc cause = loop.CancelCause();;) {
    Errc errc = tls.Handshake(&detail);
    if (errc != Errc::kAgain) return errc;
    if (cause != Errc::kOk) return cause == Errc::kTimeout ? Errc::kTlsHandshakeTimeout : cause;
    const uint8_t ready = tls.HasOutput() ? kReadable | kWritable : kReadable;
    cause = runtime::AwaitReady(loop, *conn.endpoint(), ready, deadline);
  }
}

std::shared_ptr<ClientTLSContext> MakeContext(const ClientTLSSettings& settings) {
  return std::make_shared<Context>(settings);
}

[[maybe_unused]] const bool linked = [] {
  make_client_tls_context.store(&MakeContext);
  return true;
}();

}  // namespace
}  // namespace fasthttp::internal
