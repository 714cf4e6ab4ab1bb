#include "fasthttp/tls_conn.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"

namespace fasthttp {
namespace {

// What is received at once where a record's header is looked for.
constexpr size_t kStageBytes = 4096;
// Short pieces of a send are put together to records of up to this.
constexpr size_t kGatherBytes = 4096;
constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

// The pieces of a send as the contents of records.
class Gather {
 public:
  explicit Gather(std::span<const iovec> from) : from_(from) { SkipEmpty(); }

  bool empty() const { return from_.empty(); }
  char first() const { return Rest().front(); }
  void Skip(size_t bytes) {
    offset_ += bytes;
    SkipEmpty();
  }

  // The next record's bytes: `room` is used where they have to be copied.
  std::string_view Next(std::span<char> room) {
    std::string_view piece = Rest();
    if (piece.size() >= room.size() || from_.size() == 1) {
      piece = piece.substr(0, kRecordBytes);
      Skip(piece.size());
      return piece;
    }
    size_t size = 0;
    while (!empty() && size < room.size()) {
      piece = Rest().substr(0, room.size() - size);
      std::memcpy(room.data() + size, piece.data(), piece.size());
      size += piece.size();
      Skip(piece.size());
    }
    return {room.data(), size};
  }

 private:
  std::string_view Rest() const {
    return std::string_view(static_cast<const char*>(from_[0].iov_base), from_[0].iov_len)
        .substr(offset_);
  }
  void SkipEmpty() {
    while (!from_.empty() && offset_ == from_[0].iov_len) {
      from_ = from_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const iovec> from_;
  size_t offset_ = 0;
};

}  // namespace

std::string TakeSSLError(bool* from_peer) {
  const uint32_t error = ERR_peek_error();
  ERR_clear_error();
  if (from_peer != nullptr) {
    *from_peer = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET;
  }
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? std::string() : std::string(reason);
}

// --- What BoringSSL reads ---------------------------------------------------------------------

// Lives on the caller's stack while BoringSSL may read.
class TLSConn::Input {
 public:
  explicit Input(TLSConn& conn) : conn_(conn) {
    FASTHTTP_DCHECK(conn.input_ == nullptr, "a TLS connection is read within its own read");
    conn.input_ = this;
  }
  ~Input() {
    conn_.input_ = nullptr;
    // The caller has no more room: the rest waits for its next call.
    if (begin_ == end_) return;
    conn_.in_.assign(stage_ + begin_, end_ - begin_);
    conn_.in_begin_ = 0;
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  size_t Take(char* into, size_t size) {
    const size_t n = std::min(size, end_ - begin_);
    std::memcpy(into, stage_ + begin_, n);
    begin_ += n;
    return n;
  }
  std::span<char> room() { return stage_; }
  bool empty() const { return begin_ == end_; }
  void Received(size_t n) {
    begin_ = 0;
    end_ = n;
  }

  bool drained = false;       // The last receive found less than it had room for.
  bool has_produced = false;  // Something was decrypted for the caller.

 private:
  TLSConn& conn_;
  size_t begin_ = 0;
  size_t end_ = 0;
  char stage_[kStageBytes];
};

IoResult TLSConn::Receive(char* into, size_t size) {
  Input& input = *input_;
  if (!in_.empty()) {
    const size_t n = in_.copy(into, size, in_begin_);
    in_begin_ += n;
    if (in_begin_ == in_.size()) std::string().swap(in_);
    return IoResult::Bytes(n);
  }
  if (const size_t n = input.Take(into, size); n != 0) return IoResult::Bytes(n);
  if (size >= kStageBytes) return ReceiveMore({into, size});
  IoResult result = ReceiveMore(input.room());
  if (!result.ok() || result.bytes() == 0) return result;
  input.Received(result.bytes());
  return IoResult::Bytes(input.Take(into, size));
}

IoResult TLSConn::ReceiveMore(std::span<char> into) {
  if (receive_error_ == Errc::kUnexpectedEof) return IoResult::Bytes(0);
  if (receive_error_ != Errc::kOk) return IoResult::Error(receive_error_);
  // A short read means drained. But only a caller that gets something may be told so: to others
  // kAgain says that nothing is left, the end of the stream included.
  if (input_->drained && input_->has_produced) return IoResult::Error(Errc::kAgain);
  IoResult result = inner_->TryRecv(into);
  if (result.again()) return result;
  if (!result.ok()) {
    receive_error_ = result.errc();
  } else if (result.bytes() == 0) {
    receive_error_ = Errc::kUnexpectedEof;
  } else {
    input_->drained = result.bytes() < into.size() && !base::chaos_enabled;
  }
  return result;
}

int TLSConn::ReadBio(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  TLSConn& conn = *static_cast<TLSConn*>(BIO_get_data(bio));
  IoResult result = conn.Receive(into, static_cast<size_t>(size));
  if (result.ok()) return static_cast<int>(result.bytes());
  if (result.again()) BIO_set_retry_read(bio);
  return -1;
}

// --- What BoringSSL writes --------------------------------------------------------------------

// Takes everything: BoringSSL never waits for the transport, and its buffers are free again.
int TLSConn::WriteBio(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  TLSConn& conn = *static_cast<TLSConn*>(BIO_get_data(bio));
  if (conn.send_error_ != Errc::kOk) return -1;
  std::string_view rest(from, static_cast<size_t>(size));
  while (conn.out_.empty() && !rest.empty()) {
    iovec piece = {const_cast<char*>(rest.data()), rest.size()};
    IoResult result = conn.inner_->TrySend({&piece, 1});
    if (result.again()) break;
    if (!result.ok()) {
      conn.send_error_ = result.errc();
      return -1;
    }
    rest.remove_prefix(result.bytes());
  }
  conn.out_.append(rest);
  return size;
}

Errc TLSConn::FlushOutput() {
  if (send_error_ != Errc::kOk) return send_error_;
  while (!out_.empty()) {
    iovec piece = {out_.data() + out_begin_, out_.size() - out_begin_};
    IoResult result = inner_->TrySend({&piece, 1});
    if (result.again()) return Errc::kAgain;
    if (!result.ok()) return send_error_ = result.errc();
    out_begin_ += result.bytes();
    if (out_begin_ != out_.size()) continue;
    std::string().swap(out_);
    out_begin_ = 0;
  }
  return Errc::kOk;
}

long TLSConn::ControlBio(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* TLSConn::Method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "fasthttp");
    FASTHTTP_CHECK(made != nullptr, "out of memory");
    BIO_meth_set_read(made, &ReadBio);
    BIO_meth_set_write(made, &WriteBio);
    BIO_meth_set_ctrl(made, &ControlBio);
    return made;
  }();
  return method;
}

// --- Life -------------------------------------------------------------------------------------

TLSConn* TLSConn::Make(SSL_CTX& context, Conn& inner) {
  auto* made = new TLSConn();
  made->inner_ = &inner;
  return Begin(made, context);
}

TLSConn* TLSConn::Make(SSL_CTX& context, int fd, const Addr& remote) {
  auto* made = new TLSConn();
  made->inner_ = new (made->socket_) runtime::SocketConn(fd, remote);
  return Begin(made, context);
}

TLSConn* TLSConn::Begin(TLSConn* made, SSL_CTX& context) {
  made->ssl_.reset(SSL_new(&context));
  bssl::UniquePtr<BIO> bio(made->ssl_ != nullptr ? BIO_new(Method()) : nullptr);
  if (bio == nullptr) {
    ERR_clear_error();
    made->Close(/*reset=*/true);
    return nullptr;
  }
  BIO_set_data(bio.get(), made);
  BIO_set_init(bio.get(), 1);
  // One reference for both directions.
  BIO* const both = bio.release();
  SSL_set_bio(made->ssl_.get(), both, both);
  return made;
}

void TLSConn::Close(bool reset) {
  if (!reset) {
    SendCloseNotify();
    (void)FlushOutput();
  }
  Conn& inner = *inner_;
  ssl_.reset();
  inner.Close(reset);
  delete this;
}

void TLSConn::ShutdownWrite() {
  SendCloseNotify();
  if (FlushOutput() == Errc::kAgain) return;
  if (!std::exchange(shut_down_, true)) inner_->ShutdownWrite();
}

// Behind whatever waits to be sent.
void TLSConn::SendCloseNotify() {
  if (!handshake_done_ || std::exchange(sent_close_notify_, true)) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

Errc TLSConn::Arm(const ReadyToken& token) {
  token_ = token;
  Errc errc = inner_->Arm(token);
  if (errc != Errc::kOk) return errc;
  if (std::exchange(owes_notice_, false)) {
    TellOfEnd();
  } else if (!in_.empty() || SSL_pending(ssl_.get()) > 0) {
    token.Notify(kReadable);
  }
  return Errc::kOk;
}

void TLSConn::TellOfEnd() {
  if (token_.loop == nullptr) {
    owes_notice_ = true;
  } else {
    token_.Notify(kReadable | kHangup);
  }
}

// --- Handshake --------------------------------------------------------------------------------

Errc TLSConn::Handshake(std::string* detail) {
  if (Errc errc = FlushOutput(); errc != Errc::kOk) return errc;
  if (!handshake_done_) {
    Input input(*this);
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1) {
      const Errc why = WhyStopped(result, detail);
      if (why == Errc::kOk) return Errc::kUnexpectedEof;
      return why == Errc::kTlsProtocol ? Errc::kTlsHandshakeFailed : why;
    }
    handshake_done_ = true;
    // A server's tickets would go out with its first answer. Until then nothing acknowledges the
    // end of the handshake, and a client that obeys Nagle's algorithm holds its request back: 40
    // ms.
    if (SSL_is_server(ssl_.get()) == 1) SSL_write(ssl_.get(), "", 0);
    ERR_clear_error();
  }
  return FlushOutput();
}

// Why a call of BoringSSL gave `result`: kOk is the peer's close_notify.
Errc TLSConn::WhyStopped(int result, std::string* detail) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Errc::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return Errc::kOk;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (send_error_ != Errc::kOk && receive_error_ == Errc::kOk) return send_error_;
      return receive_error_ != Errc::kOk ? receive_error_ : Errc::kIo;
    case SSL_ERROR_SSL: {
      bool from_peer = false;
      std::string reason = TakeSSLError(&from_peer);
      if (detail != nullptr) *detail = std::move(reason);
      return from_peer ? Errc::kTlsAlert : Errc::kTlsProtocol;
    }
    default:
      return Errc::kNeedMore;
  }
}

// --- Data -------------------------------------------------------------------------------------

IoResult TLSConn::TryRecv(std::span<char> into) {
  Input input(*this);
  size_t got = 0;
  while (got < into.size()) {
    const int want = static_cast<int>(std::min<size_t>(into.size() - got, 1 << 30));
    const int n = SSL_read(ssl_.get(), into.data() + got, want);
    if (n > 0) {
      got += static_cast<size_t>(n);
      input.has_produced = true;
      // BoringSSL, asked again, would find nothing.
      if (input.drained && input.empty() && SSL_pending(ssl_.get()) == 0) break;
      continue;
    }
    const Errc why = WhyStopped(n, nullptr);
    if (got == 0) return why == Errc::kOk ? IoResult::Bytes(0) : IoResult::Error(why);
    // A short read looks drained, and no event will come for what is known already.
    if (why != Errc::kAgain) TellOfEnd();
    break;
  }
  return IoResult::Bytes(got);
}

IoResult TLSConn::TrySend(std::span<const iovec> from) {
  if (Errc errc = FlushOutput(); errc != Errc::kOk) return IoResult::Error(errc);
  Gather gather(from);
  if (gather.empty()) return IoResult::Bytes(0);
  size_t taken = 0;
  if (withheld_) {
    // Who offers something else has given the last send up, half of which the peer has.
    if (gather.first() != withheld_byte_) return IoResult::Error(send_error_ = Errc::kIo);
    withheld_ = false;
    gather.Skip(1);
    taken = 1;
  }
  char room[kGatherBytes];
  while (!gather.empty()) {
    const std::string_view record = gather.Next(room);
    const int n = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (n <= 0) {
      const Errc why = WhyStopped(n, nullptr);
      if (taken != 0) break;
      return IoResult::Error(why == Errc::kOk || why == Errc::kAgain ? Errc::kIo : why);
    }
    taken += static_cast<size_t>(n);
    if (out_.empty()) continue;
    withheld_ = true;
    withheld_byte_ = record.back();
    --taken;
    break;
  }
  return taken == 0 ? IoResult::Error(Errc::kAgain) : IoResult::Bytes(taken);
}

// A record that holds no data, such as a close_notify, is nothing to be read.
bool TLSConn::HasUnread() {
  if (SSL_pending(ssl_.get()) > 0) return true;
  Input input(*this);
  char byte;
  const bool unread = SSL_peek(ssl_.get(), &byte, 1) > 0;
  ERR_clear_error();
  return unread;
}

const TLSConnectionState* TLSConn::TLSState() {
  if (state_ != nullptr || !handshake_done_) return state_.get();
  const SSL* ssl = ssl_.get();
  state_ = std::make_unique<TLSConnectionState>();
  TLSConnectionState& state = *state_;
  state.version = static_cast<TLSVersion>(SSL_version(ssl));
  state.cipher_suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  const uint8_t* bytes = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &bytes, &size);
  state.negotiated_protocol.assign(reinterpret_cast<const char*>(bytes), size);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) state.server_name = name;
  state.did_resume = SSL_session_reused(ssl) == 1;
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl);
  for (size_t i = 0; chain != nullptr && i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    const CRYPTO_BUFFER* one = sk_CRYPTO_BUFFER_value(chain, i);
    state.peer_certificates.emplace_back(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(one)),
                                         CRYPTO_BUFFER_len(one));
  }
  size_t staple = 0;
  SSL_get0_ocsp_response(ssl, &bytes, &staple);
  state.ocsp_response.assign(reinterpret_cast<const char*>(bytes), staple);
  return state_.get();
}

}  // namespace fasthttp
