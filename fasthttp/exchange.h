// Exchange: one request and its response, as the protocol that carries them shows itself to a
// RequestCtx.
//
// The seam between what every version of HTTP has in common and how one of them is framed: a
// RequestCtx knows its exchange and never a connection's buffers. HTTP/1 has one exchange at a time
// per connection.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_EXCHANGE_H_
#define FASTHTTP_EXCHANGE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

class Exchange {
 public:
  virtual Addr LocalAddr() const = 0;
  virtual Addr RemoteAddr() const = 0;
  virtual uint64_t ConnID() const = 0;
  virtual uint64_t ConnRequestNum() const = 0;
  virtual absl::Time ConnTime() const = 0;
  virtual absl::Time RequestTime() const = 0;
  virtual bool IsTLS() const = 0;

 protected:
  ~Exchange() = default;
};

}  // namespace fasthttp

#endif  // FASTHTTP_EXCHANGE_H_
