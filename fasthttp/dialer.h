// TCPDialer: dialling with settings of its own: a resolver, a local address, a limit.
//
//   fasthttp::TCPDialer dialer({.concurrency = 50, .dns_cache_duration = absl::Minutes(5)});
//   absl::StatusOr<fasthttp::BlockingConn> conn = dialer.DialTimeout("example.com:80",
//                                                                    absl::Seconds(2));
//
// Addresses:
//   "example.com:80"      a name: looked up, and kept (fasthttp/dns_cache.h)
//   "127.0.0.1:80"        an IPv4 address
//   "[::1]:80"            an IPv6 address, in brackets; "[fe80::1%eth0]:80" with its zone
//   "localhost:80"        [::1] and 127.0.0.1, without asking anybody (RFC 6761, section 6.3)
//   "unix:/run/app.sock"  a UNIX socket
// There is no default port. Anything else is kBadAddress, and the status says what is wrong with
// it.
//
// A name's addresses are tried by Happy Eyeballs (RFC 8305): IPv6 and IPv4 by turns, the next one
// after 250 ms or as soon as one fails; the first that connects wins. Dials of a name begin at
// another of its addresses each, so that they share the load. The status of a failed dial names
// each address that was tried and what became of it.
//
// When to use it: to be given to a client, or to dial for protocols of your own. When not: with the
// defaults; fasthttp::Dial() is that.
//
// Thread class: thread-safe. No dial may be under way when it is destroyed; lookups may outlive it.
#ifndef FASTHTTP_DIALER_H_
#define FASTHTTP_DIALER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/dns_cache.h"
#include "fasthttp/resolver.h"
#include "fasthttp/runtime/happy_eyeballs.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

// How long a dial may take if nothing else is said.
inline constexpr absl::Duration kDefaultDialTimeout = absl::Seconds(3);

enum class IpFamily : uint8_t { kBoth, kIPv4Only, kIPv6Only };

struct TCPDialerOptions {
  // Connects under way at once; a dial beyond it waits its turn, first come first served, until its
  // deadline. 0: no limit.
  size_t concurrency = 1000;
  // The address to connect from, port 0 for any; only addresses of its family are tried.
  Addr local_addr = {};
  // Null: SystemResolver().
  std::shared_ptr<Resolver> resolver = nullptr;
  // How long an answer of the resolver is used; for as long again it is used while it is looked up
  // anew. 0: every dial looks up.
  absl::Duration dns_cache_duration = absl::Minutes(1);
  // How long it is known that a name does not exist.
  absl::Duration dns_negative_cache_duration = absl::Seconds(1);
  // Names kept at most.
  size_t dns_cache_size = 4096;
  // Names other than localhost are refused: kBadAddress.
  bool disable_dns_resolution = false;
  // The addresses of a name that are tried. Literals are not affected.
  IpFamily family = IpFamily::kBoth;
  // After how long without an answer the next address is tried as well; 10 ms at least.
  absl::Duration attempt_delay = absl::Milliseconds(250);
};

class TCPDialer {
 public:
  // `connector`: for tests, what connects in place of sockets; must outlive this.
  explicit TCPDialer(const TCPDialerOptions& options = {}, runtime::Connector* connector = nullptr);
  ~TCPDialer();
  TCPDialer(const TCPDialer&) = delete;
  TCPDialer& operator=(const TCPDialer&) = delete;

  // The one behind fasthttp::Dial(), with default options.
  static TCPDialer& Default();

  // The connection lives on the calling fiber's loop; for a plain thread on a loop of `runtime`,
  // which is the default one if null. kDialTimeout when the time is over, whatever it went to: a
  // turn, the lookup or the connect.
  absl::StatusOr<BlockingConn> Dial(std::string_view address, Runtime* runtime = nullptr) {
    return DialTimeout(address, kDefaultDialTimeout, runtime);
  }
  absl::StatusOr<BlockingConn> DialTimeout(std::string_view address, absl::Duration timeout,
                                           Runtime* runtime = nullptr);
  absl::StatusOr<BlockingConn> DialDeadline(std::string_view address, absl::Time deadline,
                                            Runtime* runtime = nullptr);

  // The same on a fiber of `loop`; `deadline` in loop nanoseconds. `detail`, if given, is set to
  // what a status says: "[::1]:80: connection refused, 127.0.0.1:80: dial timeout".
  Errc DialOn(runtime::Loop& loop, std::string_view address, int64_t deadline, BlockingConn& into,
              std::string* detail = nullptr);

  // Names are looked up anew from now on.
  void FlushDNSCache() { cache_.Flush(); }

 private:
  class Turnstile;

  absl::StatusOr<BlockingConn> DialBy(std::string_view address, Runtime* runtime,
                                      absl::FunctionRef<int64_t(runtime::Loop&)> deadline);
  Errc AddressesOf(runtime::Loop& loop, std::string_view address, int64_t deadline,
                   std::vector<Addr>& into, std::string* detail);
  Errc ConnectTo(runtime::Loop& loop, const std::vector<Addr>& addresses, int64_t deadline,
                 BlockingConn& into, std::string* detail);

  const TCPDialerOptions options_;
  runtime::ConnectOptions connect_;
  runtime::Connector& connector_;
  DnsCache cache_;
  const std::unique_ptr<Turnstile> turnstile_;  // Null without a limit.
};

}  // namespace fasthttp

#endif  // FASTHTTP_DIALER_H_
