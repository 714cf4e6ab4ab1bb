// ScriptedConn and ScriptedListener: a transport that does what a test wrote down.
//
//   fasthttptest::ScriptedConn conn;
//   conn.Data("GET / HT").Again().Data("TP/1.1\r\nHost: a\r\n\r\n").Eof();
//   fasthttptest::ScriptedListener listener;
//   listener.Add(conn);
//   ... serve the listener until conn.closed() ...
//   EXPECT_EQ(conn.written(), "HTTP/1.1 200 OK...");
//
// Reads give the pieces as they stand, one at most a call; writes are captured. After each piece
// and each Again() that is not the last step the loop is notified, so whoever waits goes on. At the
// end of the script reads answer kAgain, as an idle peer's do.
//
// Thread class: the script is written before the conn is handed over, and results are read after
// it was closed, or on the loop that has it; closed() may be asked anywhere.
#ifndef FASTHTTP_TESTING_SCRIPTED_CONN_H_
#define FASTHTTP_TESTING_SCRIPTED_CONN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttptest {

class ScriptedConn final : public fasthttp::Conn {
 public:
  ScriptedConn() = default;

  // --- The script of reads, in order ----------------------------------------------------------

  ScriptedConn& Data(std::string_view bytes) { return Repeat(bytes, 1); }
  // The same piece `times` times; takes no memory for the copies.
  ScriptedConn& Repeat(std::string_view bytes, uint64_t times);
  // Each byte of `bytes` as a piece of its own, with an Again() before it.
  ScriptedConn& Dribble(std::string_view bytes);
  // A read that finds nothing yet.
  ScriptedConn& Again();
  // Reads find nothing until `bytes` have been written in all, as of a peer that answers.
  ScriptedConn& AwaitWritten(uint64_t bytes);
  // The end of the stream; it stays.
  ScriptedConn& Eof();
  // A failure; it stays.
  ScriptedConn& Fail(fasthttp::Errc errc);

  // --- The script of writes, in order ---------------------------------------------------------

  // A write that takes `bytes` at most; 0: the next one finds no room. After the script of writes
  // everything is taken.
  ScriptedConn& Take(size_t bytes);
  ScriptedConn& FailWrites(fasthttp::Errc errc);

  // Counts what is written instead of keeping it: for a million requests without an allocation.
  void KeepNothing() { keep_ = false; }
  void SetAddresses(const fasthttp::Addr& local, const fasthttp::Addr& remote);

  // --- What happened --------------------------------------------------------------------------

  const std::string& written() const { return written_; }
  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t reads() const { return reads_; }
  uint64_t writes() const { return writes_; }
  bool shut_down() const { return shut_down_; }
  bool closed() const { return closes_.load() != 0; }
  // More than one is an error of the owner.
  int closes() const { return closes_.load(); }
  bool reset() const { return reset_; }

  // --- Conn -----------------------------------------------------------------------------------

  fasthttp::IoResult TryRecv(std::span<char> into) override;
  fasthttp::IoResult TrySend(std::span<const iovec> from) override;
  fasthttp::Errc Arm(const fasthttp::ReadyToken& token) override;
  void ShutdownWrite() override { shut_down_ = true; }
  bool HasUnread() override;
  void Close(bool reset) override;
  fasthttp::Addr LocalAddr() const override { return local_; }
  fasthttp::Addr RemoteAddr() const override { return remote_; }

 private:
  enum class Kind { kData, kAgain, kAwaitWritten, kEof, kFail, kTake };
  struct Step {
    explicit Step(Kind k) : kind(k) {}
    Kind kind;
    std::string bytes;
    uint64_t left = 1;  // Repetitions, or the bytes that are awaited.
    size_t size = 0;
    fasthttp::Errc errc = fasthttp::Errc::kOk;
  };

  bool IsAwaiting();
  void TellIfMore();

  std::deque<Step> reads_to_come_;
  std::deque<Step> writes_to_come_;
  size_t offset_ = 0;  // In the piece that is being read.
  fasthttp::ReadyToken token_;
  bool keep_ = true;
  std::string written_;
  uint64_t bytes_written_ = 0;
  uint64_t reads_ = 0;
  uint64_t writes_ = 0;
  bool shut_down_ = false;
  bool reset_ = false;
  std::atomic<int> closes_{0};
  fasthttp::Addr local_ = fasthttp::Addr::Named("script", "local");
  fasthttp::Addr remote_ = fasthttp::Addr::Named("script", "remote");
};

// Hands out what is added, in order, to whichever loop asks first.
//
// Thread class: thread-safe.
class ScriptedListener final : public fasthttp::Listener {
 public:
  // `conn` is not owned, and must live until it was closed.
  void Add(fasthttp::Conn& conn);
  // An accept that fails; the listener goes on.
  void AddError(fasthttp::Errc errc);
  void SetOneLoop() { one_loop_ = true; }

  size_t waiting() const;
  bool closed() const;

  fasthttp::Errc TryAccept(fasthttp::Accepted& into) override;
  fasthttp::Errc Arm(const fasthttp::ReadyToken& token) override;
  void Disarm(const fasthttp::ReadyToken& token) override;
  void Close() override;
  fasthttp::Addr address() const override { return fasthttp::Addr::Named("script", "listener"); }
  bool one_loop() const override { return one_loop_; }

 private:
  struct Next {
    fasthttp::Conn* conn;
    fasthttp::Errc errc;
  };
  void Push(const Next& next);

  mutable std::mutex mutex_;
  std::deque<Next> next_;
  std::vector<fasthttp::ReadyToken> tokens_;
  bool closed_ = false;
  bool one_loop_ = false;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_SCRIPTED_CONN_H_
