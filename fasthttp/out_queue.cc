#include "fasthttp/out_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "fasthttp/base/check.h"

namespace fasthttp {
namespace {

constexpr size_t kMaxPieces = 16;  // Of one TrySend.

}  // namespace

OutQueue::~OutQueue() { std::free(buffer_); }

void OutQueue::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  char* to = Reserve(bytes.size());
  std::memcpy(to, bytes.data(), bytes.size());
  Commit(to + bytes.size());
}

void OutQueue::Append(OwnedBytes bytes, size_t sent) {
  FASTHTTP_DCHECK(sent == 0 || (pieces_.empty() && sent_ == size_),
                  "bytes were sent before those in front of them");
  if (bytes.size() == sent) return;
  if (pieces_.size() == pieces_.capacity()) DropSent();
  if (sent != 0) piece_sent_ = sent;
  pieces_pending_ += bytes.size() - sent;
  pieces_.push_back({size_, std::move(bytes)});
}

size_t OutQueue::SendWith(Conn& conn, std::string_view body) {
  if (waiting_ || !pieces_.empty()) return 0;
  const iovec out[] = {{buffer_ + sent_, size_ - sent_},
                       {const_cast<char*>(body.data()), body.size()}};
  const IoResult taken = conn.TrySend(out);
  if (!taken.ok()) return 0;
  const size_t buffered = std::min(taken.bytes(), size_ - sent_);
  sent_ += buffered;
  return taken.bytes() - buffered;
}

Errc OutQueue::FlushRest(Conn& conn, uint32_t tick, IoResult result) {
  for (;;) {
    if (result.again()) {
      if (!waiting_) {
        rate_.Start(tick);
        unsent_ = conn.Unsent();
      }
      waiting_ = true;
      return Errc::kAgain;
    }
    if (!result.ok()) return result.errc();
    if (waiting_ && result.bytes() != 0) rate_.Moved(tick, result.bytes());
    Sent(result.bytes());
    if (pending() == 0) break;
    iovec out[kMaxPieces];
    result = conn.TrySend({out, Gather(out)});
  }
  Clear();
  return Errc::kOk;
}

// What goes out next, in at most kMaxPieces pieces.
size_t OutQueue::Gather(iovec* out) const {
  if (pieces_.empty()) {
    out[0] = {buffer_ + sent_, size_ - sent_};
    return 1;
  }
  size_t count = 0;
  size_t from = sent_;
  for (size_t i = first_piece_; i < pieces_.size() && count + 2 < kMaxPieces; ++i) {
    if (pieces_[i].at > from) out[count++] = {buffer_ + from, pieces_[i].at - from};
    from = pieces_[i].at;
    size_t skip = i == first_piece_ ? piece_sent_ : 0;
    std::string_view bytes = pieces_[i].bytes.view().substr(skip);
    out[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  bool all_pieces = pieces_.size() - first_piece_ <= kMaxPieces / 2 - 1;
  if (all_pieces && size_ > from) out[count++] = {buffer_ + from, size_ - from};
  return count;
}

void OutQueue::Look(Conn& conn, uint32_t tick) {
  const size_t unsent = conn.Unsent();
  if (unsent < unsent_) rate_.Moved(tick, unsent_ - unsent);
  unsent_ = unsent;
}

void OutQueue::Sent(size_t n) {
  if (pieces_.empty()) {
    sent_ += n;
    return;
  }
  while (n != 0) {
    size_t buffered = (first_piece_ < pieces_.size() ? pieces_[first_piece_].at : size_) - sent_;
    size_t taken = std::min(n, buffered);
    sent_ += taken;
    n -= taken;
    if (n == 0) return;
    Piece& piece = pieces_[first_piece_];
    taken = std::min(n, piece.bytes.size() - piece_sent_);
    piece_sent_ += taken;
    pieces_pending_ -= taken;
    n -= taken;
    if (piece_sent_ == piece.bytes.size()) {
      piece.bytes = OwnedBytes();
      piece_sent_ = 0;
      ++first_piece_;
    }
  }
}

void OutQueue::Clear() {
  size_ = sent_ = 0;
  if (!pieces_.empty()) pieces_.clear();
  first_piece_ = piece_sent_ = pieces_pending_ = 0;
  waiting_ = false;
  if (capacity_ > kKeepCapacity) {
    std::free(std::exchange(buffer_, nullptr));
    capacity_ = 0;
  }
}

// Forgets what is sent. A peer that never lets the queue run empty would make it grow for ever.
void OutQueue::DropSent() {
  if (sent_ != 0) std::memmove(buffer_, buffer_ + sent_, size_ - sent_);
  size_ -= sent_;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_piece_));
  for (Piece& piece : pieces_) piece.at -= sent_;
  sent_ = first_piece_ = 0;
}

void OutQueue::Grow(size_t n) {
  DropSent();
  // Half of it free: moving costs no more than what has been sent.
  if (capacity_ - size_ >= n && size_ <= capacity_ / 2) return;
  constexpr size_t kFirst = 4096;
  size_t wanted = std::max({kFirst, capacity_ * 2, size_ + n});
  char* grown = static_cast<char*>(std::realloc(buffer_, wanted));
  FASTHTTP_CHECK(grown != nullptr, "out of memory for a response");
  buffer_ = grown;
  capacity_ = wanted;
}

}  // namespace fasthttp
