// FakeListener and FakeConn: the transport of the server benchmarks. No system calls, but the whole
// way through Listener and Conn, as a real transport takes it.
//
// The listener holds a number of connections and a budget of requests. An accept takes the next
// free connection and at most `per_conn` requests off the budget. Its TryRecv fills the caller's
// buffer with as many copies of the request as fit and are still owed, the last one cut at the end
// of the buffer, and answers 0 (the end) when nothing is owed; TrySend takes everything and counts
// it. When the budget is used up and all connections are back, the listener is closed.
//
// Thread class: the listener is thread-safe, as a Listener has to be; a connection belongs to the
// loop that accepted it.
#ifndef FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_
#define FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "fasthttp/runtime/transport.h"

namespace fasthttp::benchmarks {

class FakeListener;

class FakeConn final : public Conn {
 public:
  IoResult TryRecv(std::span<char> into) override;
  IoResult TrySend(std::span<const iovec> from) override;
  Errc Arm(const ReadyToken& token) override;
  void ShutdownWrite() override {}
  bool HasUnread() override { return owed_ != 0; }
  void Close(bool reset) override;
  Addr LocalAddr() const override;
  Addr RemoteAddr() const override;

 private:
  friend class FakeListener;

  FakeListener* listener_ = nullptr;
  std::string_view request_;
  uint64_t owed_ = 0;  // Requests of which at least one byte is to come.
  size_t at_ = 0;      // In the request.
};

class FakeListener final : public Listener {
 public:
  FakeListener(std::string_view request, size_t conns, uint64_t requests, uint64_t per_conn);

  Errc TryAccept(Accepted& into) override;
  Errc Arm(const ReadyToken& token) override;
  void Disarm(const ReadyToken& token) override;
  void Close() override;
  Addr address() const override;

  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  friend class FakeConn;

  void TakeBack(FakeConn& conn);

  const uint64_t per_conn_;
  mutable std::mutex mutex_;
  uint64_t budget_;
  uint64_t bytes_sent_ = 0;
  bool closed_ = false;
  std::unique_ptr<FakeConn[]> conns_;
  size_t count_;
  std::vector<FakeConn*> free_;
  std::vector<ReadyToken> tokens_;
  std::vector<bool> starved_;  // Parallel: that loop was told kAgain.
};

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_
