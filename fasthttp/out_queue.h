// OutQueue: what a connection still has to send, in order.
//
// Heads and small bodies are copied into one buffer. Large bodies are sent from where they lie;
// what the connection does not take at once is moved in and freed once it is sent. One TrySend
// takes as many pieces as there are. The queue belongs to the connection and is not the turn's, so
// a suspended handler never holds back the answers before it. A small answer with none before it
// needs no queue (ServerConn::SerializePlain).
//
// Thread class: loop-confined.
#ifndef FASTHTTP_OUT_QUEUE_H_
#define FASTHTTP_OUT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/body.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/transfer_rate.h"

namespace fasthttp {

class OutQueue {
 public:
  // A body below this is cheaper to copy than to send as a piece of its own.
  static constexpr size_t kCopyLimit = 16 * 1024;
  // Beyond this nothing is added before some of it was sent.
  static constexpr size_t kHighWater = 64 * 1024;
  // A buffer beyond this is freed when the queue is empty.
  static constexpr size_t kKeepCapacity = 64 * 1024;

  OutQueue() = default;
  ~OutQueue();
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;

  // Room for `n` bytes behind what is queued; Commit says where the written ones end.
  char* Reserve(size_t n) {
    if (capacity_ - size_ < n) Grow(n);
    return buffer_ + size_;
  }
  void Commit(char* end) { size_ = static_cast<size_t>(end - buffer_); }

  void Append(std::string_view bytes);
  // `sent`: how many of them SendWith has sent.
  void Append(OwnedBytes bytes, size_t sent = 0);

  // Sends what is queued and `body` behind it, unless something waits for the peer already. Gives
  // how many bytes of the body the connection took; the rest of it is to be appended. Errors are
  // found again by Flush.
  size_t SendWith(Conn& conn, std::string_view body);

  // Bytes held, for tests.
  size_t capacity() const { return capacity_; }
  size_t pending() const { return size_ - sent_ + pieces_pending_; }
  bool empty() const { return pending() == 0; }

  // Sends what the connection takes now. kOk: all is sent. kAgain: the rest waits for writability.
  // Anything else: the connection is broken.
  Errc Flush(Conn& conn, uint32_t tick) {
    IoResult first = IoResult::Bytes(0);
    return FlushAtOnce(conn, &first) != 0 ? Errc::kOk : FlushRest(conn, tick, first);
  }
  // Flush in two halves. The first is for a buffer that goes out whole, as nearly all do: how many
  // bytes that were. 0: it is not so, and FlushRest has to go on with `*first`, which was Bytes(0).
  size_t FlushAtOnce(Conn& conn, IoResult* first) {
    if (waiting_ || !pieces_.empty() || size_ == sent_) [[unlikely]]
      return 0;
    const iovec out = {buffer_ + sent_, size_ - sent_};
    *first = conn.TrySend({&out, 1});
    if (!first->ok() || first->bytes() != out.iov_len || capacity_ > kKeepCapacity) [[unlikely]]
      return 0;
    size_ = sent_ = 0;
    return out.iov_len;
  }
  Errc FlushRest(Conn& conn, uint32_t tick, IoResult first);

  // Watches the peer while something is pending. What it has taken out of the transport's own
  // buffer counts once Look has been called.
  TransferRate& rate() { return rate_; }
  void Look(Conn& conn, uint32_t tick);

  OutQueue* next = nullptr;  // In the pool.

 private:
  struct Piece {
    size_t at;  // It goes out behind this many bytes of the buffer.
    OwnedBytes bytes;
  };

  void Grow(size_t n);
  size_t Gather(iovec* out) const;
  void Sent(size_t n);
  void DropSent();
  void Clear();

  char* buffer_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t sent_ = 0;  // Of the buffer.
  std::vector<Piece> pieces_;
  size_t first_piece_ = 0;
  size_t piece_sent_ = 0;  // Of the first piece.
  size_t pieces_pending_ = 0;
  bool waiting_ = false;  // rate_ runs.
  size_t unsent_ = 0;     // In the transport's buffer at the last look.
  TransferRate rate_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_OUT_QUEUE_H_
