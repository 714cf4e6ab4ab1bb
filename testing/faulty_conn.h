// FaultyConn: a Conn whose N-th operation fails.
//
//   for (uint64_t n = 1;; ++n) {
//     fasthttptest::FaultyConn conn(inner, {.nth = n, .errc = Errc::kConnectionReset});
//     ... a whole conversation over conn ...
//     if (conn.operations() < n) break;  // It ended before: every N was tried.
//   }
//
// Operations are TryRecv, TrySend and Arm. A connection that failed stays so: later operations fail
// with the same error. kAgain is different: it is answered once, and the loop is notified, so
// that whoever waits goes on.
//
// Thread class: as the Conn inside.
#ifndef FASTHTTP_TESTING_FAULTY_CONN_H_
#define FASTHTTP_TESTING_FAULTY_CONN_H_

#include <cstdint>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttptest {

struct Fault {
  uint64_t nth = 0;  // 0: never.
  fasthttp::Errc errc = fasthttp::Errc::kConnectionReset;
};

class FaultyConn final : public fasthttp::Conn {
 public:
  // `inner` is closed with this one; this object belongs to the test.
  FaultyConn(fasthttp::Conn& inner, const Fault& fault) : inner_(inner), fault_(fault) {}

  uint64_t operations() const { return operations_; }
  bool closed() const { return closed_; }

  fasthttp::IoResult TryRecv(std::span<char> into) override;
  fasthttp::IoResult TrySend(std::span<const iovec> from) override;
  fasthttp::Errc Arm(const fasthttp::ReadyToken& token) override;
  void ShutdownWrite() override { inner_.ShutdownWrite(); }
  bool HasUnread() override { return inner_.HasUnread(); }
  void Close(bool reset) override;
  fasthttp::Addr LocalAddr() const override { return inner_.LocalAddr(); }
  fasthttp::Addr RemoteAddr() const override { return inner_.RemoteAddr(); }

 private:
  // True if this operation is to fail.
  bool Strikes(uint8_t ready);

  fasthttp::Conn& inner_;
  const Fault fault_;
  fasthttp::ReadyToken token_;
  uint64_t operations_ = 0;
  uint8_t owed_ = 0;  // Notices for who was told kAgain before it armed.
  bool closed_ = false;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_FAULTY_CONN_H_
