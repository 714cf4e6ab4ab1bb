// Resolver: how a host name becomes addresses.
//
//   struct Pinned final : fasthttp::Resolver {
//     fasthttp::Errc LookupIPAddr(std::string_view host,
//                                 std::vector<fasthttp::Addr>& addresses) override;
//   };
//   fasthttp::TCPDialer dialer({.resolver = std::make_shared<Pinned>()});
//
// Implement one to ask a service registry, a name server of your own or a library such as c-ares,
// or to pin names in tests. When not: to change what one name means on this machine; that is what
// /etc/hosts is for, which the default resolver reads.
//
// Dialers call it for names only, never for address literals or "localhost", once at a time for a
// name, and keep its answers (fasthttp/dns_cache.h).
//
// Thread class: LookupIPAddr must be thread-safe. It is called on a fiber and may wait there with
// anything of this library; code that would block the thread belongs in Offload.
#ifndef FASTHTTP_RESOLVER_H_
#define FASTHTTP_RESOLVER_H_

#include <memory>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

class Resolver {
 public:
  virtual ~Resolver() = default;

  // Appends the addresses of `host`, in the order in which they should be tried; their ports do not
  // count, and of more than 16 the rest is left out. `host` is in lower case and holds letters,
  // digits, '-', '_' and '.' only, 253 bytes at most.
  //
  // kHostNotFound, or no address: there is no such name; this is remembered for a while.
  // Any other error is handed to those who wait and forgotten: kLookupFailed if it may work later.
  // An exception counts as kLookupFailed.
  virtual Errc LookupIPAddr(std::string_view host, std::vector<Addr>& addresses) = 0;
};

// The machine's own: getaddrinfo with /etc/hosts, the name servers of /etc/resolv.conf and the
// order of RFC 6724. It blocks threads of its own, four at most, so that a dead name server does
// not hold up Offload; beyond 256 waiting names it answers kOverloaded. A call that has begun
// cannot be ended: destroying a runtime waits for it.
const std::shared_ptr<Resolver>& SystemResolver();

}  // namespace fasthttp

#endif  // FASTHTTP_RESOLVER_H_
