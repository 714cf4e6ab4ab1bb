// The generator of benchmarks/tcp over TLS 1.3: the same flags and figures. It trusts any
// certificate, since it is no client that is measured here. With --resume every connection but the
// first takes up a session, and the program ends with a sentence if one does not.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/flags/flag.h"
#include "benchmarks/tcp/load_program.h"
#include "fasthttp/base/check.h"

ABSL_FLAG(bool, resume, false, "every connection but the first takes up a session");

namespace fasthttp::benchmarks {
namespace {

constexpr std::string_view kCipher = "TLS_AES_128_GCM_SHA256";

// All connections of this program.
class Sessions {
 public:
  Sessions() : context_(SSL_CTX_new(TLS_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
    SSL_CTX_set_custom_verify(context_.get(), SSL_VERIFY_PEER,
                              [](SSL*, uint8_t*) { return ssl_verify_ok; });
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto* self = static_cast<Sessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      self->newest_.reset(session);
      return 1;
    });
  }

  bssl::UniquePtr<SSL> Begin(int fd) {
    bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
    FASTHTTP_CHECK(ssl != nullptr && SSL_set_fd(ssl.get(), fd) == 1, "no memory for a connection");
    if (newest_ != nullptr && absl::GetFlag(FLAGS_resume)) {
      SSL_set_session(ssl.get(), newest_.get());
    }
    SSL_set_connect_state(ssl.get());
    return ssl;
  }

  void Agreed(const SSL* ssl) {
    FASTHTTP_CHECK(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)) == kCipher,
                   "the server under test chose another cipher");
    const bool resumed = SSL_session_reused(ssl) == 1;
    FASTHTTP_CHECK(resumed == (absl::GetFlag(FLAGS_resume) && !std::exchange(first_, false)),
                   "the server under test did not take up a session, or one too many");
  }

 private:
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL_SESSION> newest_;
  bool first_ = true;
};

class TLSLayer final : public Layer {
 public:
  TLSLayer(Sessions& sessions, int fd) : sessions_(sessions), ssl_(sessions.Begin(fd)) {}

  ssize_t Send(std::string_view bytes) override {
    if (!agreed_) {
      waiting_ = std::string(bytes);
      Shake();
      return static_cast<ssize_t>(bytes.size());
    }
    return Outcome(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
  }

  ssize_t Receive(std::span<char> into) override {
    if (!agreed_ && !Shake()) return Outcome(-1);
    return Outcome(SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size())));
  }

 private:
  bool Shake() {
    if (SSL_do_handshake(ssl_.get()) != 1) return false;
    agreed_ = true;
    sessions_.Agreed(ssl_.get());
    const int size = static_cast<int>(waiting_.size());
    FASTHTTP_CHECK(SSL_write(ssl_.get(), waiting_.data(), size) == size,
                   "the server under test takes no request");
    return true;
  }

  // As of send and recv.
  ssize_t Outcome(int result) {
    if (result > 0) return result;
    const int why = SSL_get_error(ssl_.get(), result);
    ERR_clear_error();
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
  }

  Sessions& sessions_;
  const bssl::UniquePtr<SSL> ssl_;
  bool agreed_ = false;
  std::string waiting_;
};

}  // namespace
}  // namespace fasthttp::benchmarks

int main(int argc, char** argv) {
  using namespace fasthttp::benchmarks;
  std::signal(SIGPIPE, SIG_IGN);
  Sessions sessions;
  return RunLoadProgram(argc, argv,
                        [&](int fd) { return std::make_unique<TLSLayer>(sessions, fd); });
}
