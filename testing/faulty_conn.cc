#include "testing/faulty_conn.h"

#include <utility>

namespace fasthttptest {

using fasthttp::Errc;
using fasthttp::IoResult;

bool FaultyConn::Strikes(uint8_t ready) {
  ++operations_;
  if (fault_.nth == 0 || operations_ < fault_.nth) return false;
  if (fault_.errc != Errc::kAgain) return true;
  if (operations_ > fault_.nth || ready == 0) return false;
  if (token_.loop != nullptr) {
    token_.Notify(ready);
  } else {
    owed_ |= ready;
  }
  return true;
}

IoResult FaultyConn::TryRecv(std::span<char> into) {
  return Strikes(fasthttp::kReadable) ? IoResult::Error(fault_.errc) : inner_.TryRecv(into);
}

IoResult FaultyConn::TrySend(std::span<const iovec> from) {
  return Strikes(fasthttp::kWritable) ? IoResult::Error(fault_.errc) : inner_.TrySend(from);
}

Errc FaultyConn::Arm(const fasthttp::ReadyToken& token) {
  if (Strikes(0)) return fault_.errc;
  token_ = token;
  if (owed_ != 0) token_.Notify(std::exchange(owed_, 0));
  return inner_.Arm(token);
}

void FaultyConn::Close(bool reset) {
  closed_ = true;
  token_ = {};
  inner_.Close(reset);
}

}  // namespace fasthttptest
