#include "fasthttp/host_client.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/bytes.h"
#include "fasthttp/client_exchange.h"
#include "fasthttp/client_pool.h"
#include "fasthttp/error.h"
#include "fasthttp/redirect.h"

namespace fasthttp {
namespace {

using runtime::kNoDeadline;
using runtime::Loop;
using Share = ClientPool::Share;

int64_t Nanoseconds(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return kNoDeadline;
  return std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration));
}

int64_t After(int64_t now, int64_t nanoseconds) {
  return nanoseconds < kNoDeadline - now ? now + nanoseconds : kNoDeadline;
}

std::vector<std::string> AddressesOf(const HostClientOptions& options) {
  std::vector<std::string> addresses;
  for (std::string_view rest = options.addr; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view one = TrimOws(rest.substr(0, comma));
    if (!one.empty()) addresses.push_back(AddMissingPort(one, options.is_tls));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return addresses;
}

// The Host of requests whose URL has none: the first address as it was given.
std::string DefaultHost(const HostClientOptions& options) {
  const std::string_view first =
      TrimOws(std::string_view(options.addr).substr(0, options.addr.find(',')));
  return std::string(first.substr(0, 5) == "unix:" ? "localhost" : first);
}

ClientPoolLimits PoolLimitsOf(const HostClientOptions& options) {
  return {.max_conns = options.max_conns,
          .max_waiters = options.max_conn_waiters,
          .max_idle = Nanoseconds(options.max_idle_conn_duration),
          .max_age = Nanoseconds(options.max_conn_duration),
          .oldest_first = options.conn_pool_strategy == ConnPoolStrategy::kFifo};
}

ExchangeLimits ExchangeLimitsOf(const HostClientOptions& options) {
  ExchangeLimits limits;
  limits.head.max_head_bytes = options.max_response_header_size;
  limits.head.max_target_bytes = options.max_response_header_size;
  limits.head.max_fields = options.max_response_fields;
  limits.chunked.max_body_bytes = options.max_response_body_size;
  limits.chunked.max_trailer_bytes = options.max_response_trailer_size;
  limits.max_interim_responses = options.max_interim_responses;
  limits.leniency = options.lenient ? http1::Leniency::kAll : http1::Leniency::kStrict;
  limits.expect_continue = Nanoseconds(options.expect_continue_timeout);
  limits.write = Nanoseconds(options.write_timeout);
  limits.read = Nanoseconds(options.read_timeout);
  if (options.interim_response) limits.interim_response = &options.interim_response;
  return limits;
}

// What follows the host in a request that sets nothing, and how long such a one's target and host
// may be to be written in one go; with a transport of the program's own no request is.
// A value of one line, as the setters have it.
std::string UserAgentOf(const HostClientOptions& options) {
  std::string value = options.no_default_user_agent_header ? "" : options.name;
  internal::ReplaceControls(value.data(), value.size());
  return value;
}

// What follows the host in the head of a bare request.
std::string BareRestOf(std::string_view user_agent) {
  return user_agent.empty() ? "\r\n\r\n" : absl::StrCat("\r\nUser-Agent: ", user_agent, "\r\n\r\n");
}

// For target and host.
size_t BareRoomOf(const HostClientOptions& options, std::string_view rest) {
  const size_t taken = http1::kBareHeadBound + rest.size();
  const size_t room = base::BlockPool::kCapacities[0];
  return options.transport || room < taken ? 0 : room - taken;
}

// A time of the public API for a time of the loop.
absl::Time TimeOf(Loop& loop, int64_t deadline) {
  if (deadline == kNoDeadline) return absl::InfiniteFuture();
  if (loop.simulated()) return absl::FromUnixNanos(deadline);
  return absl::Now() + absl::Nanoseconds(deadline - loop.FreshNow());
}

bool HasTls() { return internal::make_client_tls_context.load() != nullptr; }

// "[::1]:443" is the host "::1".
std::string_view HostOf(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

}  // namespace

std::string AddMissingPort(std::string_view addr, bool is_tls) {
  std::string full(addr);
  const size_t bracket = addr.rfind(']');
  const size_t colon = addr.rfind(':');
  const bool has_port = bracket != std::string_view::npos
                            ? colon != std::string_view::npos && colon > bracket
                            : colon != std::string_view::npos;
  if (!has_port) full.append(is_tls ? ":443" : ":80");
  return full;
}

// --- One attempt ------------------------------------------------------------------------------

// How far an attempt came, for retries and for the text of an error.
struct Attempt {
  enum Stage : uint8_t { kDescribing, kAcquiring, kDialling, kExchanging };

  int number = 0;
  bool fresh = false;  // Not on an idle connection.
  Stage stage = kDescribing;
  bool reused = false;
  bool response_started = false;
  uint64_t exchanges = 0;  // Of the connection, before this one.
  int64_t idle = 0;        // Nanoseconds that it had been idle.
  std::string_view address;
  // Made on failure only.
  std::unique_ptr<const std::string> peer;
  std::unique_ptr<const std::string> dialled;  // Each address that was tried, and what came of it.
};

std::unique_ptr<const std::string> PeerOf(ClientConn& conn) {
  return std::make_unique<const std::string>(conn.conn.RemoteAddr().ToString());
}

// Counts a call while it lasts.
class PendingCall {
 public:
  explicit PendingCall(Share& share) : share_(share) { ClientPool::Count(share_.counters.calls); }
  ~PendingCall() { ClientPool::Count(share_.counters.ended); }
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

 private:
  Share& share_;
};

// A connection that an attempt was made on, and how that ended.
struct Used {
  ClientConn* conn = nullptr;
  ExchangeResult result;
};

class HostClient::Impl {
 public:
  Impl(HostClient& client, HostClientOptions options)
      : client_(client),
        options_(std::move(options)),
        addresses_(AddressesOf(options_)),
        default_host_(DefaultHost(options_)),
        user_agent_(UserAgentOf(options_)),
        bare_rest_(BareRestOf(user_agent_)),
        bare_room_(BareRoomOf(options_, bare_rest_)),
        limits_(ExchangeLimitsOf(options_)) {}
  ~Impl() {
    if (pool_ != nullptr) pool_->Disband();
  }

  Errc Call(Share& share, CallParts& call);
  Errc CallOnce(Share& share, CallParts& call);

  const HostClientOptions& options() const { return options_; }
  // Made at first use, and with it the default runtime: a client of static storage starts neither.
  ClientPool& Pool(Runtime& runtime) {
    if (ClientPool* pool = known_pool()) return *pool;
    std::lock_guard<std::mutex> lock(mutex_);
    if (pool_ == nullptr) {
      pool_ = std::make_shared<ClientPool>(runtime.loops(), PoolLimitsOf(options_));
      known_pool_.store(pool_.get(), std::memory_order_release);
    }
    return *pool_;
  }
  // Null before the first use.
  ClientPool* known_pool() const { return known_pool_.load(std::memory_order_acquire); }
  const std::string& default_host() const { return default_host_; }

 private:
  const URI* BareURIOf(const Request& request) const;
  [[gnu::noinline]] Errc CallDescribed(Share& share, CallParts& call, Used used);
  Errc Describe(const Request& request, WireRequest& wire);
  [[gnu::noinline]] bool Use(Share& share, const WireRequest& wire, CallParts& call, Used& used);
  [[gnu::noinline]] Errc Repeat(Share& share, const WireRequest& wire, CallParts& call, Used used);
  Errc Try(Share& share, const WireRequest& wire, CallParts& call, Attempt& attempt);
  Errc EndConn(Share& share, Used used, Attempt& attempt);
  Errc CallTransport(CallParts& call);
  Errc Acquire(Share& share, int64_t deadline, Attempt& attempt, ClientConn*& conn);
  Errc Dial(Share& share, int64_t deadline, Attempt& attempt, ClientConn*& conn);
  Errc DialAddress(Loop& loop, std::string_view address, int64_t deadline, BlockingConn& into,
                   std::string& detail);
  bool ShouldRetry(const CallParts& call, const WireRequest& wire, Errc errc,
                   const Attempt& attempt);
  std::string Explain(const Attempt& attempt) const;

  HostClient& client_;
  const HostClientOptions options_;
  const std::vector<std::string> addresses_;
  const std::string default_host_;
  const std::string user_agent_;
  const std::string bare_rest_;
  const size_t bare_room_;
  const ExchangeLimits limits_;
  std::atomic<uint32_t> next_address_{0};
  std::mutex mutex_;
  std::shared_ptr<ClientPool> pool_;  // Written once, under the lock.
  std::atomic<ClientPool*> known_pool_{nullptr};
};

// Null: to be described. What is meant to be encrypted must not go out in clear text.
inline const URI* HostClient::Impl::BareURIOf(const Request& request) const {
  const URI* uri = BareURI(request);
  if (uri == nullptr || uri->PlainTarget().size() + uri->Host().size() > bare_room_) return nullptr;
  return options_.is_tls || uri->Scheme().size() == 4 ? uri : nullptr;
}

// Nearly all calls find an idle connection and succeed on it, and most set nothing but a URL. That
// way is compiled into one function.
[[gnu::flatten]] Errc HostClient::Impl::Call(Share& share, CallParts& call) {
  const PendingCall pending(share);
  const URI* const uri = BareURIOf(call.request);
  ClientConn* const conn = uri != nullptr ? pool_->TakeIdle(share) : nullptr;
  if (conn == nullptr) [[unlikely]]
    return CallDescribed(share, call, {});
  ClientLoop& client = share.client();
  base::Block& in = *client.blocks().Take();
  const char* const end =
      http1::WriteBareRequestHead(in.data(), uri->PlainTarget(), uri->Host(), bare_rest_);
  const std::string_view head(in.data(), static_cast<size_t>(end - in.data()));
  ExchangeResult result;
  if (!RunExchange(client, *conn, limits_, {.head = head}, in, call, result)) [[unlikely]]
    return CallDescribed(share, call, {conn, result});
  pool_->Release(share, conn);
  return Errc::kOk;
}

// The same for a request that was described. False: the connection is to be ended.
bool HostClient::Impl::Use(Share& share, const WireRequest& wire, CallParts& call, Used& used) {
  base::Block& in = *share.client().blocks().Take();
  const size_t bound = wire.Bound();
  std::unique_ptr<char[]> large(bound > in.capacity ? new char[bound] : nullptr);
  const RequestBytes request = wire.Write(large != nullptr ? large.get() : in.data());
  if (!RunExchange(share.client(), *used.conn, limits_, request, in, call, used.result))
    return false;
  pool_->Release(share, used.conn);
  return true;
}

inline Errc HostClient::Impl::Describe(const Request& request, WireRequest& wire) {
  if (options_.is_tls && !HasTls()) return Errc::kUnsupported;
  Errc errc = wire.Describe(request, user_agent_, default_host_);
  if (errc != Errc::kOk || options_.is_tls || wire.method() == http1::MethodId::kConnect) {
    return errc;
  }
  // What is meant to be encrypted must not go out in clear text.
  return request.URI().Scheme() == "https" ? Errc::kRedirectToDifferentScheme : Errc::kOk;
}

// What is not bare, finds no idle connection at once, or failed on one or ended it: `used`.
Errc HostClient::Impl::CallDescribed(Share& share, CallParts& call, Used used) {
  if (used.conn != nullptr && used.result.errc == Errc::kOk) {
    pool_->Close(share, used.conn);
    return Errc::kOk;
  }
  CallLease lease(share.client());
  WireRequest& wire = lease.wire();
  const Errc errc = Describe(call.request, wire);
  if (errc != Errc::kOk) {
    if (used.conn != nullptr) pool_->Close(share, used.conn);
    call.where = MakeWhere(Explain(Attempt()));
    return errc;
  }
  if (used.conn == nullptr && !options_.transport) {
    used.conn = pool_->TakeIdle(share);
    if (used.conn != nullptr && Use(share, wire, call, used)) return Errc::kOk;
  }
  return Repeat(share, wire, call, used);
}

// Goes on behind a first attempt with `used`; without a connection there was none.
Errc HostClient::Impl::Repeat(Share& share, const WireRequest& wire, CallParts& call, Used used) {
  Attempt attempt;
  Errc errc = Errc::kOk;
  if (used.conn != nullptr) {
    attempt.number = 1;
    errc = EndConn(share, used, attempt);
    if (errc == Errc::kOk) return errc;
  }
  for (;;) {
    if (errc != Errc::kOk) {
      if (!ShouldRetry(call, wire, errc, attempt)) break;
      ClientPool::Count(share.counters.retries);
      attempt.fresh = attempt.reused;
    }
    ++attempt.number;
    errc = options_.transport ? CallTransport(call) : Try(share, wire, call, attempt);
    if (errc == Errc::kOk) return errc;
  }
  if (call.where == nullptr) call.where = MakeWhere(Explain(attempt));
  return errc;
}

Errc HostClient::Impl::CallOnce(Share& share, CallParts& call) {
  const PendingCall pending(share);
  CallLease lease(share.client());
  Attempt attempt;
  attempt.number = 1;
  Errc errc = Describe(call.request, lease.wire());
  if (errc == Errc::kOk) errc = Try(share, lease.wire(), call, attempt);
  if (errc != Errc::kOk) call.where = MakeWhere(Explain(attempt));
  return errc;
}

Errc HostClient::Impl::Try(Share& share, const WireRequest& wire, CallParts& call,
                           Attempt& attempt) {
  Used used;
  if (!attempt.fresh) used.conn = pool_->TakeIdle(share);
  if (used.conn == nullptr) {
    if (Errc errc = Acquire(share, call.deadline, attempt, used.conn); errc != Errc::kOk) {
      return errc;
    }
  }
  return Use(share, wire, call, used) ? Errc::kOk : EndConn(share, used, attempt);
}

Errc HostClient::Impl::EndConn(Share& share, Used used, Attempt& attempt) {
  ClientConn& conn = *used.conn;
  attempt.stage = Attempt::kExchanging;
  attempt.address = conn.address;
  attempt.exchanges = conn.exchanges - 1;
  attempt.reused = attempt.exchanges != 0;
  attempt.idle = conn.used_since - conn.idle_since;
  attempt.response_started = used.result.response_started;
  if (used.result.errc != Errc::kOk && conn.conn.is_open()) attempt.peer = PeerOf(conn);
  pool_->Close(share, used.conn);
  return used.result.errc;
}

Errc HostClient::Impl::CallTransport(CallParts& call) {
  call.response.ResetToReceive();
  absl::Status status =
      options_.transport(client_, call.request, call.response, TimeOf(call.loop, call.deadline));
  call.where = status.ok() || status.message().empty() ? nullptr : MakeWhere(status.message());
  return ErrcOf(status);
}

// With no idle connection at hand.
Errc HostClient::Impl::Acquire(Share& share, int64_t deadline, Attempt& attempt,
                               ClientConn*& conn) {
  attempt.stage = Attempt::kAcquiring;
  attempt.reused = false;
  attempt.response_started = false;
  const int64_t wait = Nanoseconds(options_.max_conn_wait_timeout);
  const int64_t until =
      wait == kNoDeadline ? deadline : std::min(deadline, After(share.loop().now(), wait));
  Errc errc = pool_->Acquire(share, attempt.fresh, until, conn);
  if (errc == Errc::kTimeout && until < deadline && until <= share.loop().now()) {
    errc = Errc::kNoFreeConns;
  }
  if (errc != Errc::kOk || conn != nullptr) return errc;
  attempt.stage = Attempt::kDialling;
  errc = Dial(share, deadline, attempt, conn);
  if (errc != Errc::kOk) pool_->ReturnPermit();
  return errc;
}

// --- Dialling ---------------------------------------------------------------------------------

// Each address in turn, beginning with another one each time. What time there is is shared evenly
// among those that are left, so that one that does not answer leaves some for the next.
Errc HostClient::Impl::Dial(Share& share, int64_t deadline, Attempt& attempt, ClientConn*& conn) {
  Loop& loop = share.loop();
  ClientPool::Count(share.counters.dials);
  int64_t now = loop.FreshNow();
  const int64_t limit = std::min(deadline, After(now, Nanoseconds(options_.dial_timeout)));
  const size_t count = addresses_.size();
  const size_t first = next_address_.fetch_add(1, std::memory_order_relaxed);
  std::string failures;
  Errc errc = Errc::kBadAddress;
  for (size_t i = 0; i < count; ++i) {
    attempt.address = addresses_[(first + i) % count];
    const int64_t left = static_cast<int64_t>(count - i);
    const int64_t until = limit == kNoDeadline ? limit : now + (limit - now) / left;
    BlockingConn opened;
    std::string detail;
    errc = DialAddress(loop, attempt.address, until, opened, detail);
    if (errc == Errc::kOk && options_.is_tls) {
      errc = options_.tls.context()->Handshake(loop, HostOf(attempt.address), attempt.address,
                                               limit, opened, detail);
      if (!detail.empty()) detail.insert(0, "TLS with ");
    }
    now = loop.FreshNow();
    if (errc == Errc::kOk && now >= deadline) errc = Errc::kTimeout;
    if (errc == Errc::kOk) {
      conn = pool_->Adopt(share, std::move(opened), attempt.address);
      return errc;
    }
    if (detail.empty()) detail = std::string(ErrcText(errc));
    absl::StrAppend(&failures, failures.empty() ? "" : "; ", attempt.address,
                    ", dialling: ", detail);
    if (loop.CancelCause() != Errc::kOk || now >= limit) break;
  }
  attempt.dialled = std::make_unique<const std::string>(std::move(failures));
  ClientPool::Count(share.counters.dial_errors);
  const bool dial_limit = errc == Errc::kDialTimeout || errc == Errc::kTlsHandshakeTimeout;
  return dial_limit && now >= deadline ? Errc::kTimeout : errc;
}

Errc HostClient::Impl::DialAddress(Loop& loop, std::string_view address, int64_t deadline,
                                   BlockingConn& into, std::string& detail) {
  if (!options_.dial) return DialOn(loop, address, deadline, into, &detail);
  absl::StatusOr<BlockingConn> conn = options_.dial(address, TimeOf(loop, deadline));
  if (!conn.ok()) {
    detail = std::string(conn.status().message());
    return ErrcOf(conn.status());
  }
  if (conn->loop() != &loop || !conn->is_open()) return Errc::kProgramming;
  into = *std::move(conn);
  return Errc::kOk;
}

// --- Failures ---------------------------------------------------------------------------------

bool HostClient::Impl::ShouldRetry(const CallParts& call, const WireRequest& wire, Errc errc,
                                   const Attempt& attempt) {
  if (errc == Errc::kBodyTooLarge || call.deadline <= call.loop.FreshNow()) return false;
  if (call.loop.CancelCause() != Errc::kOk) return false;
  const bool attempts_left = attempt.number < options_.max_idempotent_attempts;
  if (options_.retry_if) {
    if (!attempts_left || attempt.stage == Attempt::kAcquiring) return false;
    return options_.retry_if(call.request, {.attempts = attempt.number,
                                            .errc = errc,
                                            .reused_connection = attempt.reused,
                                            .response_started = attempt.response_started,
                                            .address = attempt.address});
  }
  if (!IsConnectionLoss(errc) || attempt.response_started) return false;
  if (options_.transport) return attempts_left && wire.idempotent();
  if (attempt.stage != Attempt::kExchanging) return false;
  return (attempt.reused && attempt.number == 1) || (attempts_left && wire.idempotent());
}

// For instance "10.0.0.1:80, reused connection (3 exchanges, idle for 2ms), attempt 2; 5
// connections, 2 idle, 0 calls waiting".
std::string HostClient::Impl::Explain(const Attempt& attempt) const {
  if (options_.is_tls && !HasTls()) {
    return "https needs the target //fasthttp:tls to be linked";
  }
  if (attempt.stage == Attempt::kDescribing) return "request";
  std::string text(attempt.address.empty() ? std::string_view(options_.addr) : attempt.address);
  switch (attempt.stage) {
    case Attempt::kAcquiring:
      text.append(", waiting for a connection");
      break;
    case Attempt::kDialling:
      // Without addresses nothing was tried.
      text = attempt.dialled->empty() ? "no address" : *attempt.dialled;
      break;
    default:
      if (attempt.peer != nullptr && !absl::EndsWith(text, *attempt.peer)) {
        absl::StrAppend(&text, " (", *attempt.peer, ")");
      }
      if (attempt.reused) {
        absl::StrAppend(&text, ", reused connection (", attempt.exchanges, " exchanges, idle for ",
                        absl::FormatDuration(absl::Nanoseconds(attempt.idle)), ")");
      } else {
        text.append(", fresh connection");
      }
  }
  if (attempt.number > 1) absl::StrAppend(&text, ", attempt ", attempt.number);
  absl::StrAppend(&text, "; ", pool_->conns(), " connections, ", pool_->Sum(&Share::Counters::idle),
                  " idle, ", pool_->waiting(), " calls waiting");
  return text;
}

// --- HostClient -------------------------------------------------------------------------------

HostClient::HostClient(HostClientOptions options)
    : Caller(options.runtime, options.call_timeout),
      impl_(std::make_unique<Impl>(*this, std::move(options))) {}

HostClient::HostClient(std::string_view addr)
    : HostClient(HostClientOptions{.addr = std::string(addr)}) {}

// exit() does not wait for the calls of other threads, or of the handler that called it.
HostClient::~HostClient() {
  if (Stats().pending != 0) (void)impl_.release();
}

const HostClientOptions& HostClient::options() const { return impl_->options(); }

ClientLoop& HostClient::LoopPart(Loop& loop) { return ShareOf(loop).client(); }

ClientPool::Share& HostClient::ShareOf(Loop& loop) { return impl_->Pool(runtime()).ShareOf(loop); }

Errc HostClient::Exchange(CallParts& call) { return Exchange(ShareOf(call.loop), call); }

Errc HostClient::Exchange(ClientPool::Share& share, CallParts& call) {
  return impl_->Call(share, call);
}

void HostClient::CompleteURI(Request& request) {
  if (!request.URI().Host().empty()) return;
  request.MutableURI().SetHost(impl_->default_host());
  if (options().is_tls) request.MutableURI().SetScheme("https");
}

Errc HostClient::MayRedirect(const URI& from, const URI& to) {
  if (SameOrigin(from, to)) return Errc::kOk;
  return from.Scheme() != to.Scheme() ? Errc::kRedirectToDifferentScheme
                                      : Errc::kRedirectToDifferentHost;
}

absl::Status HostClient::RoundTrip(const Request& request, Response& response,
                                   absl::Time deadline) {
  Errc errc = Errc::kOk;
  Where where;
  OnLoop([&](Loop& loop) {
    CallParts call{loop, request, response, runtime::DeadlineOf(loop, deadline)};
    errc = impl_->CallOnce(ShareOf(loop), call);
    where = std::move(call.where);
  });
  if (errc == Errc::kOk) return absl::OkStatus();
  return ToStatus(errc, where != nullptr ? std::string_view(*where) : std::string_view());
}

void HostClient::CloseIdleConnections() {
  ClientPool* pool = impl_->known_pool();
  if (pool == nullptr) return;
  for (size_t i = 0; i < runtime().loops(); ++i) {
    Loop& loop = runtime().loop(i);
    runtime().RunOn(loop, [&] { pool->CloseIdle(pool->ShareOf(loop)); });
  }
}

void HostClient::SetMaxConns(uint32_t max_conns) { impl_->Pool(runtime()).SetMaxConns(max_conns); }

HostClientStats HostClient::Stats() const {
  using Counters = Share::Counters;
  const ClientPool* pool = impl_->known_pool();
  if (pool == nullptr) return {};
  return {.calls = pool->Sum(&Counters::calls),
          .pending = pool->pending(),
          .conns = pool->conns(),
          .idle_conns = pool->Sum(&Counters::idle),
          .waiting = pool->waiting(),
          .dials = pool->Sum(&Counters::dials),
          .dial_errors = pool->Sum(&Counters::dial_errors),
          .reused = pool->Sum(&Counters::reused),
          .retries = pool->Sum(&Counters::retries)};
}

}  // namespace fasthttp
