// TLSConn: a Conn that encrypts what goes through another Conn.
//
// Non-blocking like the one inside: BoringSSL reads and writes through a BIO that calls its TryRecv
// and TrySend directly. Events of the inner transport are the events of this one.
//
//  * TryRecv gives as many records as fit and are there. Record headers are read together with what
//    follows them, on the caller's stack: one receive for a small request, and no buffer while
//    nothing is under way. What was received and did not fit is kept until the next call.
//  * TrySend makes records of up to 16 KiB. When the transport takes only a part of one, the rest
//    of the record is kept here and its last byte is reported as not taken: so that the caller
//    comes back, as for any short send. That byte is taken for sent when it is offered again.
//  * The end of the stream is the peer's close_notify; the transport's end without it is
//    kUnexpectedEof (RFC 8446, section 6.1). Close and ShutdownWrite send ours.
//
// An idle connection holds what BoringSSL keeps of it, and no buffers.
//
// Thread class: loop-confined, as the Conn inside.
#ifndef FASTHTTP_TLS_CONN_H_
#define FASTHTTP_TLS_CONN_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/tls_state.h"

namespace fasthttp {

class TLSConn final : public Conn {
 public:
  // Takes over `inner`. Null if memory is out; then it is closed. The handshake's side is set in
  // ssl().
  static TLSConn* Make(SSL_CTX& context, Conn& inner);
  // The same with a connected non-blocking socket.
  static TLSConn* Make(SSL_CTX& context, int fd, const Addr& remote);

  // Goes on with the handshake: kOk when it is done and all of it is sent; kAgain when it waits for
  // the transport; kNeedMore when a callback of ours asked to be called again. `detail`, on a
  // failure, is set to what it was.
  Errc Handshake(std::string* detail);
  // Its endpoint changes: nobody is to be told of anything until the next Arm.
  void LeaveEndpoint() { token_ = {}; }

  SSL& ssl() { return *ssl_; }
  Conn& inner() { return *inner_; }

  // Conn.
  IoResult TryRecv(std::span<char> into) override;
  IoResult TrySend(std::span<const iovec> from) override;
  Errc Arm(const ReadyToken& token) override;
  void ShutdownWrite() override;
  bool HasUnread() override;
  bool HasOutput() const override { return !out_.empty(); }
  size_t Unsent() override { return out_.size() - out_begin_ + inner_->Unsent(); }
  void Close(bool reset) override;
  Addr LocalAddr() const override { return inner_->LocalAddr(); }
  Addr RemoteAddr() const override { return inner_->RemoteAddr(); }
  bool is_socket() const override { return inner_->is_socket(); }
  bool is_tls() const override { return true; }
  const TLSConnectionState* TLSState() override;

 private:
  class Input;

  TLSConn() = default;
  ~TLSConn() override = default;

  static TLSConn* Begin(TLSConn* made, SSL_CTX& context);
  static BIO_METHOD* Method();
  static int ReadBio(BIO* bio, char* into, int size);
  static int WriteBio(BIO* bio, const char* from, int size);
  static long ControlBio(BIO* bio, int command, long number, void* pointer);

  IoResult Receive(char* into, size_t size);
  IoResult ReceiveMore(std::span<char> into);
  Errc FlushOutput();
  Errc WhyStopped(int result, std::string* detail);
  void TellOfEnd();
  void SendCloseNotify();

  bssl::UniquePtr<SSL> ssl_;
  Conn* inner_ = nullptr;
  ReadyToken token_;
  Input* input_ = nullptr;  // While BoringSSL may read.

  std::string in_;   // Received and not yet decrypted, from in_begin_ on.
  std::string out_;  // Encrypted and not yet sent, from out_begin_ on.
  size_t in_begin_ = 0;
  size_t out_begin_ = 0;

  Errc receive_error_ = Errc::kOk;  // Of the transport; it stays.
  Errc send_error_ = Errc::kOk;
  bool withheld_ = false;  // The last byte of a record that is in out_ was reported as not taken.
  char withheld_byte_ = 0;
  bool owes_notice_ = false;  // There is an end to be read, and nobody to be told yet.
  bool handshake_done_ = false;
  bool sent_close_notify_ = false;
  bool shut_down_ = false;

  std::unique_ptr<TLSConnectionState> state_;  // Once it was asked for.
  alignas(runtime::SocketConn) unsigned char socket_[sizeof(runtime::SocketConn)];
};

// The reason that stands first in BoringSSL's queue of errors of this thread, which is empty
// afterwards: {} if there was none. `from_peer` is set if it is an alert that the peer sent.
std::string TakeSSLError(bool* from_peer = nullptr);

}  // namespace fasthttp

#endif  // FASTHTTP_TLS_CONN_H_
