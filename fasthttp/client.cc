#include "fasthttp/client.h"

#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fasthttp/error.h"

namespace fasthttp {
namespace {

using runtime::Loop;

// A host without connections and calls is forgotten after this.
constexpr int64_t kForgetAfter = 10 * runtime::kSecond;

using HostMap = absl::flat_hash_map<std::string, std::shared_ptr<HostClient>>;

constexpr int kOtherScheme = -1;

// 0 for http, 1 for https. Lengths that the compiler knows spare calls of memcmp.
int SchemeOf(const URI& uri) {
  const std::string_view scheme = uri.Scheme();
  if (scheme.size() < 4 || std::memcmp(scheme.data(), "http", 4) != 0) return kOtherScheme;
  if (scheme.size() == 4) return 0;
  return scheme.size() == 5 && scheme[4] == 's' ? 1 : kOtherScheme;
}

// memcmp of a length that the compiler does not know is a call: most hosts have 8 to 32 bytes.
bool AreEqual(std::string_view a, std::string_view b) {
  const size_t n = a.size();
  auto ends_equal = [&](size_t size) {
    return std::memcmp(a.data(), b.data(), size) == 0 &&
           std::memcmp(a.data() + n - size, b.data() + n - size, size) == 0;
  };
  if (n != b.size()) return false;
  if (n - 8 <= 8) return ends_equal(8);
  if (n - 16 <= 16) return ends_equal(16);
  return a == b;
}

// One pool for "a.test" and "a.test:80".
std::string_view WithoutDefaultPort(std::string_view host, bool is_tls) {
  const std::string_view port = is_tls ? ":443" : ":80";
  if (host.size() >= port.size() && host.substr(host.size() - port.size()) == port) {
    host.remove_suffix(port.size());
  }
  return host;
}

}  // namespace

// --- What all loops share ---------------------------------------------------------------------

class Client::Hosts {
 public:
  Hosts(ClientOptions options, Runtime* runtime)
      : options_(std::make_shared<const ClientOptions>(std::move(options))), runtime_(runtime) {}

  absl::StatusOr<std::shared_ptr<HostClient>> Find(std::string_view host, bool is_tls);
  // `client` was let go of by one loop: forgotten if no other has it.
  void LetGo(std::string_view host, bool is_tls, std::shared_ptr<HostClient> client);
  std::vector<std::shared_ptr<HostClient>> All() const;

  // The part of each loop, made at its first use and deleted by it. Null before the first call.
  using OfLoops = std::vector<std::atomic<LoopHosts*>>;
  OfLoops* of_loops() { return known_of_loops_.load(std::memory_order_acquire); }
  OfLoops& MakeOfLoops(size_t loops) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (of_loops_ == nullptr) of_loops_ = std::make_unique<OfLoops>(loops);
    known_of_loops_.store(of_loops_.get(), std::memory_order_release);
    return *of_loops_;
  }

 private:
  HostClientOptions OptionsOf(std::string_view host, bool is_tls) const;

  const std::shared_ptr<const ClientOptions> options_;
  Runtime* const runtime_;
  mutable std::mutex mutex_;
  HostMap hosts_[2];  // http, https.
  std::unique_ptr<OfLoops> of_loops_;
  std::atomic<OfLoops*> known_of_loops_{nullptr};
};

// The hooks are the client's, one of each for all hosts.
HostClientOptions Client::Hosts::OptionsOf(std::string_view host, bool is_tls) const {
  const ClientOptions& from = *options_;
  HostClientOptions to;
  to.addr = std::string(host);
  to.is_tls = is_tls;
  to.runtime = runtime_;
  to.name = from.name;
  to.no_default_user_agent_header = from.no_default_user_agent_header;
  to.tls = from.tls;
  to.dial_timeout = from.dial_timeout;
  to.max_conns = from.max_conns_per_host;
  to.max_conn_wait_timeout = from.max_conn_wait_timeout;
  to.max_conn_waiters = from.max_conn_waiters;
  to.max_idle_conn_duration = from.max_idle_conn_duration;
  to.max_conn_duration = from.max_conn_duration;
  to.conn_pool_strategy = from.conn_pool_strategy;
  to.call_timeout = from.call_timeout;
  to.write_timeout = from.write_timeout;
  to.read_timeout = from.read_timeout;
  to.expect_continue_timeout = from.expect_continue_timeout;
  to.max_response_header_size = from.max_response_header_size;
  to.max_response_fields = from.max_response_fields;
  to.max_response_body_size = from.max_response_body_size;
  to.max_response_trailer_size = from.max_response_trailer_size;
  to.max_interim_responses = from.max_interim_responses;
  to.lenient = from.lenient;
  to.max_idempotent_attempts = from.max_idempotent_attempts;
  auto shared = options_;
  if (from.dial) {
    to.dial = [shared](std::string_view address, absl::Time deadline) {
      return shared->dial(address, deadline);
    };
  }
  if (from.retry_if) {
    to.retry_if = [shared](const Request& request, const FailedAttempt& failed) {
      return shared->retry_if(request, failed);
    };
  }
  if (from.transport) {
    to.transport = [shared](HostClient& client, const Request& request, Response& response,
                            absl::Time deadline) {
      return shared->transport(client, request, response, deadline);
    };
  }
  if (from.interim_response) {
    to.interim_response = [shared](int status, const ResponseHeader& header) {
      shared->interim_response(status, header);
    };
  }
  return to;
}

absl::StatusOr<std::shared_ptr<HostClient>> Client::Hosts::Find(std::string_view host,
                                                                bool is_tls) {
  HostMap& hosts = hosts_[is_tls ? 1 : 0];
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (auto known = hosts.find(host); known != hosts.end()) return known->second;
  }
  HostClientOptions options = OptionsOf(host, is_tls);
  if (options_->configure_client) {
    absl::Status status = options_->configure_client(options);
    if (!status.ok()) return status;
  }
  auto made = std::make_shared<HostClient>(std::move(options));
  std::lock_guard<std::mutex> lock(mutex_);
  return hosts.try_emplace(std::string(host), std::move(made)).first->second;
}

void Client::Hosts::LetGo(std::string_view host, bool is_tls, std::shared_ptr<HostClient> client) {
  std::lock_guard<std::mutex> lock(mutex_);
  HostMap& hosts = hosts_[is_tls ? 1 : 0];
  // Two: the map's and `client`. Only under the lock does another loop get one from the map.
  if (client.use_count() == 2) hosts.erase(host);
}

std::vector<std::shared_ptr<HostClient>> Client::Hosts::All() const {
  std::vector<std::shared_ptr<HostClient>> all;
  std::lock_guard<std::mutex> lock(mutex_);
  for (const HostMap& hosts : hosts_) {
    for (const auto& [host, client] : hosts) all.push_back(client);
  }
  return all;
}

// --- What one loop has used -------------------------------------------------------------------

class Client::LoopHosts {
 public:
  struct Host {
    std::string name;
    std::string authority;  // The same as the last URL had it, perhaps with the default port.
    std::shared_ptr<HostClient> client;
    ClientPool::Share* share = nullptr;  // The client's, of this loop.
    int64_t last_use = 0;

    Errc Exchange(CallParts& call) {
      last_use = call.loop.now();
      return client->Exchange(*share, call);
    }
  };

  LoopHosts(std::shared_ptr<Hosts> hosts, Loop& loop)
      : hosts_(std::move(hosts)), loop_(loop), client_(ClientLoop::Of(loop)) {
    loop_.AddTrimmer([](void* self) { return static_cast<LoopHosts*>(self)->Trim(); }, this);
  }
  ~LoopHosts() { loop_.RemoveTrimmer(this); }
  LoopHosts(const LoopHosts&) = delete;
  LoopHosts& operator=(const LoopHosts&) = delete;

  ClientLoop& client() { return *client_; }

  // The host of the call before with this scheme, if `uri` has its authority; else null.
  Host* Last(const URI& uri) const {
    const int scheme = SchemeOf(uri);
    if (scheme == kOtherScheme) return nullptr;
    Host* const last = last_[scheme];
    return last != nullptr && AreEqual(uri.Host(), last->authority) ? last : nullptr;
  }

  Errc Find(std::string_view authority, int scheme, Host*& host, Where& where) {
    const bool is_tls = scheme != 0;
    const std::string_view name = WithoutDefaultPort(authority, is_tls);
    auto& known = known_[scheme];
    auto found = known.find(name);
    if (found == known.end()) {
      absl::StatusOr<std::shared_ptr<HostClient>> client = hosts_->Find(name, is_tls);
      if (!client.ok()) {
        where = MakeWhere(client.status().message());
        return ErrcOf(client.status());
      }
      auto made = std::make_unique<Host>();
      made->name = std::string(name);
      made->client = *std::move(client);
      made->share = &made->client->ShareOf(loop_);
      found = known.try_emplace(made->name, std::move(made)).first;
    }
    host = last_[scheme] = found->second.get();
    host->authority.assign(authority);
    return Errc::kOk;
  }

 private:
  // True: there are hosts to look at again.
  bool Trim() {
    for (int tls = 0; tls < 2; ++tls) {
      for (auto it = known_[tls].begin(); it != known_[tls].end();) {
        Host& host = *it->second;
        if (host.share->pending() != 0) host.last_use = loop_.now();
        if (loop_.now() - host.last_use < kForgetAfter || host.client->ConnsCount() != 0) {
          ++it;
          continue;
        }
        if (last_[tls] == &host) last_[tls] = nullptr;
        hosts_->LetGo(host.name, tls != 0, std::move(host.client));
        known_[tls].erase(it++);
      }
    }
    return !known_[0].empty() || !known_[1].empty();
  }

  const std::shared_ptr<Hosts> hosts_;
  Loop& loop_;
  const std::shared_ptr<ClientLoop> client_;
  absl::flat_hash_map<std::string, std::unique_ptr<Host>> known_[2];  // http, https.
  Host* last_[2] = {};
};

// --- Client -----------------------------------------------------------------------------------

Client::Client(ClientOptions options)
    : Caller(options.runtime, options.call_timeout),
      hosts_(std::make_shared<Hosts>(std::move(options), options.runtime)) {}

Client::~Client() {
  if (hosts_->of_loops() == nullptr) return;
  for (const std::shared_ptr<HostClient>& client : hosts_->All()) {
    if (client->PendingRequests() != 0) return;  // exit() was called: what is in use stays.
  }
  for (std::atomic<LoopHosts*>& slot : *hosts_->of_loops()) {
    LoopHosts* hosts = slot.exchange(nullptr);
    if (hosts == nullptr) continue;
    hosts->client().loop().Post(
        [](Loop&, void* pointer, uint64_t, uint64_t) { delete static_cast<LoopHosts*>(pointer); },
        hosts);
  }
}

inline Client::LoopHosts* Client::KnownHostsOf(Loop& loop) const {
  Hosts::OfLoops* of_loops = hosts_->of_loops();
  return of_loops == nullptr ? nullptr : (*of_loops)[loop.index()].load(std::memory_order_relaxed);
}

Client::LoopHosts& Client::HostsOf(Loop& loop) {
  LoopHosts* hosts = KnownHostsOf(loop);
  return hosts != nullptr ? *hosts : MakeHostsOf(loop);
}

Client::LoopHosts& Client::MakeHostsOf(Loop& loop) {
  Hosts::OfLoops& of_loops = hosts_->MakeOfLoops(runtime().loops());
  auto* made = new LoopHosts(hosts_, loop);
  of_loops[loop.index()].store(made, std::memory_order_release);
  return *made;
}

ClientLoop& Client::LoopPart(Loop& loop) { return HostsOf(loop).client(); }

Errc Client::Exchange(CallParts& call) {
  if (Errc errc = call.request.TryParseURI(); errc != Errc::kOk) return errc;
  const URI& uri = call.request.URI();
  LoopHosts* const hosts = KnownHostsOf(call.loop);
  LoopHosts::Host* const host = hosts != nullptr ? hosts->Last(uri) : nullptr;
  return host != nullptr ? host->Exchange(call) : FindAndExchange(call);
}

Errc Client::FindAndExchange(CallParts& call) {
  const URI& uri = call.request.URI();
  const int scheme = SchemeOf(uri);
  if (scheme == kOtherScheme) {
    call.where = MakeWhere("the scheme is neither http nor https");
    return Errc::kUnsupported;
  }
  if (uri.Host().empty()) return Errc::kMissingHost;
  LoopHosts::Host* host = nullptr;
  Errc errc = HostsOf(call.loop).Find(uri.Host(), scheme, host, call.where);
  return errc == Errc::kOk ? host->Exchange(call) : errc;
}

void Client::CloseIdleConnections() {
  for (const std::shared_ptr<HostClient>& client : hosts_->All()) client->CloseIdleConnections();
}

size_t Client::HostsCount() const { return hosts_->All().size(); }

size_t Client::ConnsCount() const {
  size_t sum = 0;
  for (const std::shared_ptr<HostClient>& client : hosts_->All()) sum += client->ConnsCount();
  return sum;
}

size_t Client::IdleConnsCount() const {
  size_t sum = 0;
  for (const std::shared_ptr<HostClient>& client : hosts_->All()) sum += client->IdleConnsCount();
  return sum;
}

// --- The default client -----------------------------------------------------------------------

Client& DefaultClient() {
  static Client* const client = new Client();
  return *client;
}

absl::Status Do(const Request& request, Response& response) {
  return DefaultClient().Do(request, response);
}

absl::Status DoTimeout(const Request& request, Response& response, absl::Duration timeout) {
  return DefaultClient().DoTimeout(request, response, timeout);
}

absl::Status DoDeadline(const Request& request, Response& response, absl::Time deadline) {
  return DefaultClient().DoDeadline(request, response, deadline);
}

absl::Status DoRedirects(const Request& request, Response& response, int max_redirects) {
  return DefaultClient().DoRedirects(request, response, max_redirects);
}

absl::StatusOr<Response> Get(std::string_view url) { return DefaultClient().Get(url); }

absl::StatusOr<Response> GetTimeout(std::string_view url, absl::Duration timeout) {
  return DefaultClient().GetTimeout(url, timeout);
}

absl::StatusOr<Response> GetDeadline(std::string_view url, absl::Time deadline) {
  return DefaultClient().GetDeadline(url, deadline);
}

absl::StatusOr<Response> Post(std::string_view url, const Args& form) {
  return DefaultClient().Post(url, form);
}

absl::StatusOr<Response> Post(std::string_view url, std::string_view content_type,
                              std::string_view body) {
  return DefaultClient().Post(url, content_type, body);
}

absl::StatusOr<Response> PostTimeout(std::string_view url, const Args& form,
                                     absl::Duration timeout) {
  return DefaultClient().PostTimeout(url, form, timeout);
}

absl::StatusOr<Response> PostDeadline(std::string_view url, const Args& form, absl::Time deadline) {
  return DefaultClient().PostDeadline(url, form, deadline);
}

}  // namespace fasthttp
