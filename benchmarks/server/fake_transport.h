// FakeListener and FakeConn: the transport of the server benchmarks. No system calls, but the whole
// way through Listener and Conn, as a real transport takes it.
//
// The listeners of a benchmark, one for each loop as SO_REUSEPORT has it, share a budget of
// requests. An accept takes a free connection of its loop and at most `per_conn` requests off the
// budget. Its TryRecv fills the caller's buffer with as many copies of the request as fit and are
// still owed, the last one cut at the end of the buffer, and answers 0 (the end) when nothing is
// owed; TrySend takes everything and counts it. When the budget is used up and its connections are
// back, a listener is closed.
//
// Thread class: a listener and its connections belong to the loop that serves it; Close is
// thread-safe.
#ifndef FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_
#define FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

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
  FakeConn* next_ = nullptr;  // Of the free ones.
  uint64_t owed_ = 0;         // Requests of which at least one byte is to come.
  size_t at_ = 0;             // In the request.
};

// What the listeners of a benchmark share.
struct FakeLoad {
  // `requests` of `request` over `loops` listeners with `clients` connections in all.
  FakeLoad(std::string_view request, uint64_t requests, uint64_t per_conn, size_t clients,
           size_t loops);

  const std::string_view request;
  const uint64_t per_conn;
  const size_t conns_per_loop;
  const std::unique_ptr<FakeConn[]> conns;
  std::atomic<uint64_t> budget;
  std::atomic<size_t> listeners{0};
  std::atomic<uint64_t> bytes_sent{0};
};

class FakeListener final : public Listener {
 public:
  explicit FakeListener(FakeLoad& load);
  ~FakeListener() override;

  Errc TryAccept(Accepted& into) override;
  Errc Arm(const ReadyToken& token) override;
  void Disarm(const ReadyToken&) override { token_ = {}; }
  void Close() override { closed_.store(true); }
  Addr address() const override { return Addr::Named("fake", "benchmark"); }
  Listener* CloneForLoop() override { return new FakeListener(load_); }

 private:
  friend class FakeConn;

  uint64_t TakeRequests();
  void TakeBack(FakeConn& conn);

  FakeLoad& load_;
  FakeConn* free_ = nullptr;
  size_t open_ = 0;
  uint64_t bytes_sent_ = 0;
  bool waiting_ = false;  // The loop was told kAgain.
  ReadyToken token_;
  std::atomic<bool> closed_{false};
};

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_SERVER_FAKE_TRANSPORT_H_
