#include "util/pipe_conns.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttputil {
namespace {

using fasthttp::Addr;
using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::ReadyToken;
using fasthttp::runtime::Loop;
namespace base = fasthttp::base;

constexpr uint32_t kMaxBlocks = 4;
constexpr uint32_t kBlockBytes = 16 * 1024;

struct Block {
  Block* next = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  char bytes[kBlockBytes];
};

// What one end has written and the other one not yet read.
struct Direction {
  Block* head = nullptr;
  Block* last = nullptr;
  uint32_t blocks = 0;
  bool ended = false;        // No more to come.
  bool reset = false;        // Ended by a reset: pending bytes are dropped.
  bool reader_gone = false;  // Nobody will read.
  bool told = false;         // The reader has a notice that it has not acted on.
  bool refused = false;      // The writer waits for room.
};

class Pipe {
 public:
  Pipe(Loop& first, Loop& second, const Addr& first_address, const Addr& second_address)
      : local_(&first == &second),
        ends_{End(*this, 0), End(*this, 1)},
        addresses_{first_address, second_address} {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  PipeEnds ends() { return {&ends_[0], &ends_[1]}; }

 private:
  class End final : public fasthttp::Conn {
   public:
    End(Pipe& pipe, int side) : pipe_(pipe), side_(side) {}
    IoResult TryRecv(std::span<char> into) override { return pipe_.Receive(side_, into); }
    IoResult TrySend(std::span<const iovec> from) override { return pipe_.Send(side_, from); }
    Errc Arm(const ReadyToken& token) override { return pipe_.Arm(side_, token); }
    void ShutdownWrite() override { pipe_.EndDirection(side_); }
    bool answers_later() const override { return true; }
    bool HasUnread() override { return pipe_.HasUnread(side_); }
    void Close(bool reset) override { pipe_.Close(side_, reset); }
    Addr LocalAddr() const override { return pipe_.addresses_[side_]; }
    Addr RemoteAddr() const override { return pipe_.addresses_[1 - side_]; }

   private:
    Pipe& pipe_;
    const int side_;
  };

  // Nothing for two ends on one loop. What lies beyond the lock is the same for both.
  class Guard {
   public:
    explicit Guard(Pipe& pipe) : mutex_(pipe.local_ ? nullptr : &pipe.mutex_) {
      if (mutex_ != nullptr) mutex_->lock();
    }
    ~Guard() {
      if (mutex_ != nullptr) mutex_->unlock();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    std::mutex* const mutex_;
  };

  ~Pipe() {
    for (Direction& direction : from_) Drop(direction);
    while (spare_ != nullptr) delete std::exchange(spare_, spare_->next);
  }

  IoResult Receive(int side, std::span<char> into);
  [[gnu::noinline]] IoResult ReceivePieces(int side, std::span<char> into);
  IoResult Send(int side, std::span<const iovec> from);
  [[gnu::noinline]] IoResult SendPieces(int side, std::span<const iovec> from);
  Errc Arm(int side, const ReadyToken& token);
  void EndDirection(int side);
  bool HasUnread(int side);
  void Close(int side, bool reset);

  void Tell(int side, uint8_t ready) {
    if (tokens_[side].loop != nullptr) tokens_[side].Notify(ready);
  }
  // The other side, of what this one has written.
  void TellOfBytes(int side) {
    if (!std::exchange(from_[side].told, true)) Tell(1 - side, fasthttp::kReadable);
  }
  Block* TakeBlock(Direction& into);
  void FreeFirst(Direction& of);
  void Drop(Direction& direction) {
    while (direction.head != nullptr) FreeFirst(direction);
  }

  const bool local_;
  std::mutex mutex_;  // Guards what follows, unless the pair is local.
  Direction from_[2];
  ReadyToken tokens_[2];  // Whom to tell; no loop before Arm and after Close.
  bool closed_[2] = {};
  Block* spare_ = nullptr;
  End ends_[2];
  const Addr addresses_[2];
};

Block* Pipe::TakeBlock(Direction& into) {
  Block* block = spare_;
  if (block != nullptr) {
    spare_ = block->next;
    block->next = nullptr;
    block->begin = block->end = 0;
  } else {
    block = new (std::nothrow) Block;
    if (block == nullptr) return nullptr;
  }
  (into.head == nullptr ? into.head : into.last->next) = block;
  into.last = block;
  ++into.blocks;
  return block;
}

void Pipe::FreeFirst(Direction& of) {
  Block* block = of.head;
  of.head = block->next;
  --of.blocks;
  block->next = spare_;
  spare_ = block;
}

IoResult Pipe::Receive(int side, std::span<char> into) {
  Guard guard(*this);
  Direction& in = from_[1 - side];
  // Nearly every read: one write, of which nothing is left.
  Block* const first = in.head;
  if (first != nullptr && first == in.last && !in.refused && !base::chaos_enabled) {
    const size_t size = first->end - first->begin;
    if (size < into.size()) {
      std::memcpy(into.data(), first->bytes + first->begin, size);
      in.told = false;
      FreeFirst(in);
      return IoResult::Bytes(size);
    }
  }
  return ReceivePieces(side, into);
}

IoResult Pipe::ReceivePieces(int side, std::span<char> into) {
  if (into.empty()) return IoResult::Bytes(0);
  Direction& in = from_[1 - side];
  in.told = false;
  const size_t room = base::ChaosSize(into.size());
  size_t n = 0;
  while (in.head != nullptr) {
    Block& block = *in.head;
    const size_t size = block.end - block.begin;
    if (size > room - n) {
      std::memcpy(into.data() + n, block.bytes + block.begin, room - n);
      block.begin += static_cast<uint32_t>(room - n);
      n = room;
      break;
    }
    std::memcpy(into.data() + n, block.bytes + block.begin, size);
    n += size;
    FreeFirst(in);
  }
  if (n == 0) {
    if (in.reset) return IoResult::Error(Errc::kConnectionReset);
    return in.ended ? IoResult::Bytes(0) : IoResult::Error(Errc::kAgain);
  }
  // A writer that has yet to arm finds the room then.
  if (in.refused && in.blocks < kMaxBlocks && tokens_[1 - side].loop != nullptr) {
    in.refused = false;
    Tell(1 - side, fasthttp::kWritable);
  }
  // Fewer than asked would mean drained.
  if (n < into.size() && in.head != nullptr) Tell(side, fasthttp::kReadable);
  return IoResult::Bytes(n);
}

IoResult Pipe::Send(int side, std::span<const iovec> from) {
  Guard guard(*this);
  Direction& out = from_[side];
  if (out.reader_gone || out.ended) {
    return IoResult::Error(from_[1 - side].reset ? Errc::kConnectionReset
                                                 : Errc::kConnectionClosed);
  }
  // Nearly every write: one piece, which fits a block.
  if (from.size() == 1 && from[0].iov_len - 1 < kBlockBytes && out.blocks < kMaxBlocks &&
      !base::chaos_enabled) {
    if (Block* const block = TakeBlock(out)) {
      std::memcpy(block->bytes, from[0].iov_base, from[0].iov_len);
      block->end = static_cast<uint32_t>(from[0].iov_len);
      TellOfBytes(side);
      return IoResult::Bytes(from[0].iov_len);
    }
  }
  return SendPieces(side, from);
}

IoResult Pipe::SendPieces(int side, std::span<const iovec> from) {
  Direction& out = from_[side];
  size_t offered = 0;
  for (const iovec& piece : from) offered += piece.iov_len;
  const size_t limit = base::ChaosSize(offered);
  size_t n = 0;
  Block* block = nullptr;
  for (const iovec& piece : from) {
    const char* bytes = static_cast<const char*>(piece.iov_base);
    size_t left = std::min(piece.iov_len, limit - n);
    while (left != 0) {
      if (block == nullptr || block->end == kBlockBytes) {
        block = out.blocks < kMaxBlocks ? TakeBlock(out) : nullptr;
        if (block == nullptr) break;
      }
      const size_t size = std::min<size_t>(left, kBlockBytes - block->end);
      std::memcpy(block->bytes + block->end, bytes, size);
      block->end += static_cast<uint32_t>(size);
      bytes += size;
      left -= size;
      n += size;
    }
    if (left != 0) break;
  }
  if (n < offered) {
    if (n == 0 && out.blocks == 0) return IoResult::Error(Errc::kTooManyFiles);  // No memory.
    // With room left the write was cut short on purpose, and may go on at once.
    out.refused = out.blocks == kMaxBlocks;
    if (!out.refused) Tell(side, fasthttp::kWritable);
    if (n == 0) return IoResult::Error(Errc::kAgain);
  }
  if (n != 0) TellOfBytes(side);
  return IoResult::Bytes(n);
}

Errc Pipe::Arm(int side, const ReadyToken& token) {
  Guard guard(*this);
  // The last notice of room may have gone to the token before.
  const bool moved = tokens_[side].loop != nullptr;
  tokens_[side] = token;
  Direction& in = from_[1 - side];
  Direction& out = from_[side];
  uint8_t ready = 0;
  if (in.head != nullptr) ready |= fasthttp::kReadable;
  if (in.ended) ready |= fasthttp::kReadable | fasthttp::kHangup;
  if ((out.refused || moved) && out.blocks < kMaxBlocks) {
    out.refused = false;
    ready |= fasthttp::kWritable;
  }
  if (out.reader_gone) {
    ready |= fasthttp::kReadable | fasthttp::kWritable | fasthttp::kHangup | fasthttp::kBroken;
  }
  if (ready != 0) token.Notify(ready);
  return Errc::kOk;
}

void Pipe::EndDirection(int side) {
  Guard guard(*this);
  from_[side].ended = true;
  Tell(1 - side, fasthttp::kReadable | fasthttp::kHangup);
}

bool Pipe::HasUnread(int side) {
  Guard guard(*this);
  return from_[1 - side].head != nullptr;
}

void Pipe::Close(int side, bool reset) {
  bool last;
  {
    Guard guard(*this);
    closed_[side] = true;
    tokens_[side] = {};
    Direction& out = from_[side];
    out.ended = true;
    out.reset |= reset;
    if (out.reset) Drop(out);
    from_[1 - side].reader_gone = true;
    Drop(from_[1 - side]);
    last = closed_[1 - side];
    Tell(1 - side,
         fasthttp::kReadable | fasthttp::kWritable | fasthttp::kHangup | fasthttp::kBroken);
  }
  if (last) delete this;
}

}  // namespace

PipeEnds NewPipe(Loop& first_loop, Loop& second_loop, const Addr& first_address,
                 const Addr& second_address) {
  return (new Pipe(first_loop, second_loop, first_address, second_address))->ends();
}

PipeConns::PipeConns(fasthttp::Runtime* runtime) {
  if (Loop* here = Loop::Current(); here != nullptr && here->in_user_code()) {
    Open(*here, *here);
    return;
  }
  if (runtime == nullptr) runtime = &fasthttp::Runtime::Default();
  runtime->Run([this] { Open(*Loop::Current(), *Loop::Current()); });
}

PipeConns::PipeConns(Loop& first_loop, Loop& second_loop) { Open(first_loop, second_loop); }

void PipeConns::Open(Loop& first_loop, Loop& second_loop) {
  PipeEnds ends = NewPipe(first_loop, second_loop);
  const Errc first = conn1_.Adopt(first_loop, ends.first);
  const Errc second = conn2_.Adopt(second_loop, ends.second);
  if (first != Errc::kOk || second != Errc::kOk) Close();
}

}  // namespace fasthttputil
