// Client: an HTTP/1.1 client for URLs of any host, and the functions that need no client at all.
//
//   absl::StatusOr<fasthttp::Response> r = fasthttp::GetTimeout(url, absl::Seconds(2));
//
//   fasthttp::Client client({.max_conns_per_host = 20, .read_timeout = absl::Seconds(5)});
//   absl::StatusOr<fasthttp::Response> r = client.Get("http://example.com/");
//
// It keeps a HostClient for each scheme, host and port that it was asked for, and forgets it when
// that has had no connection and no call for a while. What fasthttp/host_client.h says about the
// pool, retries and limits holds for each of them; the calls are described in fasthttp/caller.h.
//
// When to use it: for URLs that come from elsewhere. When not: for the known backends of a service,
// where a HostClient each says what is meant, and limits them apart.
//
// URLs are absolute, with http or https (for which //fasthttp:tls must be linked; kUnsupported
// otherwise, and for any other scheme). A URL from an untrusted source can name any host that this
// machine can reach: check it before, or dial through `dial`.
//
// Thread class: thread-safe. No call may be under way when it is destroyed, but by exit(), as with
// a HostClient. Its runtime must outlive it.
#ifndef FASTHTTP_CLIENT_H_
#define FASTHTTP_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/args.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/caller.h"
#include "fasthttp/host_client.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp {

// Each as in HostClientOptions, where defaults and limits are explained; those of connections hold
// for each host.
struct ClientOptions {
  Runtime* runtime = nullptr;

  std::string name = "fasthttp";
  bool no_default_user_agent_header = false;

  ClientTLSConfig tls = {};
  DialFunc dial = nullptr;
  absl::Duration dial_timeout = absl::Seconds(5);
  uint32_t max_conns_per_host = 512;
  absl::Duration max_conn_wait_timeout = absl::InfiniteDuration();
  uint32_t max_conn_waiters = 4096;
  absl::Duration max_idle_conn_duration = absl::Seconds(10);
  absl::Duration max_conn_duration = absl::InfiniteDuration();
  ConnPoolStrategy conn_pool_strategy = ConnPoolStrategy::kLifo;

  absl::Duration call_timeout = absl::Seconds(60);
  absl::Duration write_timeout = absl::InfiniteDuration();
  absl::Duration read_timeout = absl::InfiniteDuration();
  absl::Duration expect_continue_timeout = absl::Seconds(1);

  uint32_t max_response_header_size = 64 * 1024 - 1;
  uint16_t max_response_fields = 256;
  uint64_t max_response_body_size = 64 * 1024 * 1024;
  uint32_t max_response_trailer_size = 8 * 1024;
  int max_interim_responses = 100;

  bool lenient = false;
  int max_idempotent_attempts = 5;
  RetryIf retry_if = nullptr;
  RoundTripper transport = nullptr;
  InterimResponse interim_response = nullptr;

  // Changes the options of one host before its first call, `addr` and `is_tls` included. An error
  // fails that call and is asked about again at the next. May be called from several threads at
  // once, also for the same host; must not block.
  absl::AnyInvocable<absl::Status(HostClientOptions& host) const> configure_client = nullptr;
};

class Client final : public Caller {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();

  // Ends the connections to all hosts that are idle now, and returns when that is done.
  void CloseIdleConnections();

  // Hosts that are remembered, and their connections.
  size_t HostsCount() const;
  size_t ConnsCount() const;
  size_t IdleConnsCount() const;

 private:
  class Hosts;
  class LoopHosts;

  ClientLoop& LoopPart(runtime::Loop& loop) override;
  Errc Exchange(CallParts& call) override;
  Errc FindAndExchange(CallParts& call);
  void CompleteURI(Request&) override {}
  Errc MayRedirect(const URI&, const URI&) override { return Errc::kOk; }

  LoopHosts* KnownHostsOf(runtime::Loop& loop) const;
  LoopHosts& HostsOf(runtime::Loop& loop);
  LoopHosts& MakeHostsOf(runtime::Loop& loop);

  const std::shared_ptr<Hosts> hosts_;
};

// --- With the default client, which is made at first use and never destroyed ---

Client& DefaultClient();

absl::Status Do(const Request& request, Response& response);
absl::Status DoTimeout(const Request& request, Response& response, absl::Duration timeout);
absl::Status DoDeadline(const Request& request, Response& response, absl::Time deadline);
absl::Status DoRedirects(const Request& request, Response& response,
                         int max_redirects = kDefaultMaxRedirects);

absl::StatusOr<Response> Get(std::string_view url);
absl::StatusOr<Response> GetTimeout(std::string_view url, absl::Duration timeout);
absl::StatusOr<Response> GetDeadline(std::string_view url, absl::Time deadline);
absl::StatusOr<Response> Post(std::string_view url, const Args& form);
absl::StatusOr<Response> Post(std::string_view url, std::string_view content_type,
                              std::string_view body);
absl::StatusOr<Response> PostTimeout(std::string_view url, const Args& form,
                                     absl::Duration timeout);
absl::StatusOr<Response> PostDeadline(std::string_view url, const Args& form, absl::Time deadline);

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_H_
