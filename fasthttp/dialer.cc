#include "fasthttp/dialer.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/socket.h"

namespace fasthttp {
namespace {

using runtime::Loop;

constexpr std::string_view kUnixPrefix = "unix:";

Errc LateOr(Errc cause, const Loop& loop, int64_t deadline) {
  return cause == Errc::kTimeout && deadline <= loop.now() ? Errc::kDialTimeout : cause;
}

bool IsLocalhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return absl::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost");
}

DnsCacheOptions CacheOptions(const TCPDialerOptions& options) {
  DnsCacheOptions cache;
  cache.resolver = options.resolver;
  cache.duration = absl::ToInt64Nanoseconds(options.dns_cache_duration);
  cache.negative_duration = absl::ToInt64Nanoseconds(options.dns_negative_cache_duration);
  cache.max_names = options.dns_cache_size;
  return cache;
}

void Describe(const std::vector<runtime::Attempt>& attempts, std::string& into) {
  for (const runtime::Attempt& attempt : attempts) {
    const std::string_view what =
        attempt.errc == Errc::kAgain ? "no answer yet" : ErrcText(attempt.errc);
    absl::StrAppend(&into, into.empty() ? "" : ", ", attempt.to.ToString(), ": ", what);
  }
}

}  // namespace

// Lets so many in at a time, in the order in which they came.
class TCPDialer::Turnstile {
 public:
  explicit Turnstile(size_t places) : free_(places) {}

  Errc Enter(Loop& loop, int64_t deadline) {
    Waiter self;
    runtime::Wait wait;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (free_ > 0) {
        --free_;
        return Errc::kOk;
      }
      loop.Prepare(wait);
      self.token = loop.TokenOf(wait);
      waiters_.push_back(&self);
    }
    const Errc cause = loop.Block(wait, deadline);
    std::lock_guard<std::mutex> lock(mutex_);
    if (self.entered) return Errc::kOk;
    std::erase(waiters_, &self);
    return LateOr(cause, loop, deadline);
  }

  void Leave() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiters_.empty()) {
      ++free_;
      return;
    }
    Waiter& next = *waiters_.front();
    waiters_.erase(waiters_.begin());
    next.entered = true;
    // Under the lock: afterwards the waiter may be gone.
    Loop::PostWake(next.token, Errc::kOk);
  }

 private:
  struct Waiter {
    runtime::WakeToken token;
    bool entered = false;
  };

  std::mutex mutex_;
  size_t free_;
  std::vector<Waiter*> waiters_;  // Oldest first.
};

TCPDialer::TCPDialer(const TCPDialerOptions& options, runtime::Connector* connector)
    : options_(options),
      connector_(connector != nullptr ? *connector : runtime::SocketConnector()),
      cache_(CacheOptions(options)),
      turnstile_(options.concurrency > 0 ? std::make_unique<Turnstile>(options.concurrency)
                                         : nullptr) {
  connect_.attempt_delay =
      absl::ToInt64Nanoseconds(std::max(options.attempt_delay, absl::Milliseconds(10)));
  connect_.from = options.local_addr;
}

TCPDialer::~TCPDialer() = default;

TCPDialer& TCPDialer::Default() {
  static TCPDialer* const dialer = new TCPDialer();
  return *dialer;
}

absl::StatusOr<BlockingConn> TCPDialer::DialTimeout(std::string_view address,
                                                    absl::Duration timeout, Runtime* runtime) {
  return DialBy(address, runtime, [timeout](Loop& loop) {
    const int64_t now = loop.FreshNow();
    const int64_t left = std::max<int64_t>(absl::ToInt64Nanoseconds(timeout), 0);
    return left >= runtime::kNoDeadline - now ? runtime::kNoDeadline : now + left;
  });
}

absl::StatusOr<BlockingConn> TCPDialer::DialDeadline(std::string_view address, absl::Time deadline,
                                                     Runtime* runtime) {
  return DialBy(address, runtime,
                [deadline](Loop& loop) { return runtime::DeadlineOf(loop, deadline); });
}

absl::StatusOr<BlockingConn> TCPDialer::DialBy(std::string_view address, Runtime* runtime,
                                               absl::FunctionRef<int64_t(Loop&)> deadline) {
  BlockingConn conn;
  Errc errc = Errc::kOk;
  std::string detail;
  runtime::OnSomeLoop(
      runtime, [&](Loop& loop) { errc = DialOn(loop, address, deadline(loop), conn, &detail); });
  if (errc == Errc::kOk) return conn;
  return ToStatus(errc, absl::StrCat("dial ", address, detail.empty() ? "" : ": ", detail));
}

Errc TCPDialer::DialOn(Loop& loop, std::string_view address, int64_t deadline, BlockingConn& into,
                       std::string* detail) {
  std::string unused;
  if (detail == nullptr) detail = &unused;
  detail->clear();
  std::vector<Addr> addresses;
  Errc errc = AddressesOf(loop, address, deadline, addresses, detail);
  return errc == Errc::kOk ? ConnectTo(loop, addresses, deadline, into, detail) : errc;
}

Errc TCPDialer::AddressesOf(Loop& loop, std::string_view address, int64_t deadline,
                            std::vector<Addr>& into, std::string* detail) {
  if (address.starts_with(kUnixPrefix)) {
    into.push_back(Addr::Named("unix", address.substr(kUnixPrefix.size())));
    return Errc::kOk;
  }
  runtime::HostPort parts;
  if (const char* problem = runtime::SplitHostPort(address, parts)) {
    *detail = problem;
    return Errc::kBadAddress;
  }
  if (Addr literal; runtime::ParseIp(parts, literal)) {
    into.push_back(literal);
    return Errc::kOk;
  }
  if (parts.bracketed) {
    *detail = "bad IPv6 address";
    return Errc::kBadAddress;
  }
  static constexpr uint8_t kLoopback6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  static constexpr uint8_t kLoopback4[4] = {127, 0, 0, 1};
  std::vector<Addr> found;
  size_t turn = 0;
  if (IsLocalhost(parts.host)) {
    found = {Addr::IPv6(kLoopback6, 0), Addr::IPv4(kLoopback4, 0)};
  } else {
    if (options_.disable_dns_resolution) {
      *detail = "names are not looked up by this dialer";
      return Errc::kBadAddress;
    }
    std::shared_ptr<const DnsCache::Answer> answer;
    if (Errc errc = cache_.Lookup(loop, parts.host, deadline, answer); errc != Errc::kOk) {
      *detail = errc == Errc::kBadAddress ? "bad host name" : "looking up the host name";
      return errc;
    }
    found = answer->addresses;
    turn = answer->turn.fetch_add(1, std::memory_order_relaxed);
  }
  std::erase_if(found, [&](const Addr& a) {
    return (options_.family == IpFamily::kIPv4Only && !a.is_ipv4()) ||
           (options_.family == IpFamily::kIPv6Only && !a.is_ipv6());
  });
  if (found.empty()) *detail = "the host has no address of the family asked for";
  for (const Addr& addr : runtime::Interleave(found, turn)) {
    into.push_back(addr.is_ipv4() ? Addr::IPv4(addr.ip().data(), parts.port)
                                  : Addr::IPv6(addr.ip().data(), parts.port, addr.scope()));
  }
  return into.empty() ? Errc::kHostNotFound : Errc::kOk;
}

Errc TCPDialer::ConnectTo(Loop& loop, const std::vector<Addr>& addresses, int64_t deadline,
                          BlockingConn& into, std::string* detail) {
  if (turnstile_ != nullptr) {
    if (Errc errc = turnstile_->Enter(loop, deadline); errc != Errc::kOk) {
      *detail = "waiting for a turn to connect";
      return errc;
    }
  }
  runtime::Endpoint* winner = nullptr;
  std::vector<runtime::Attempt> attempts;
  Errc errc =
      runtime::ConnectFirst(loop, addresses, connect_, deadline, connector_, winner, attempts);
  if (turnstile_ != nullptr) turnstile_->Leave();
  if (errc == Errc::kOk) {
    into.Adopt(loop, *winner);
  } else {
    Describe(attempts, *detail);
  }
  return errc;
}

// --- The functions of conn.h ------------------------------------------------------------------

Errc DialOn(Loop& loop, std::string_view address, int64_t deadline, BlockingConn& into,
            std::string* detail) {
  return TCPDialer::Default().DialOn(loop, address, deadline, into, detail);
}

absl::StatusOr<BlockingConn> Dial(std::string_view address) {
  return TCPDialer::Default().Dial(address);
}

absl::StatusOr<BlockingConn> DialTimeout(std::string_view address, absl::Duration timeout,
                                         Runtime* runtime) {
  return TCPDialer::Default().DialTimeout(address, timeout, runtime);
}

absl::StatusOr<BlockingConn> Dial(std::string_view address, absl::Time deadline, Runtime* runtime) {
  return TCPDialer::Default().DialDeadline(address, deadline, runtime);
}

}  // namespace fasthttp
