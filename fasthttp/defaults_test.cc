// The numbers that programs come to rely on, in one place: a change of a default is a change of
// behaviour and shows here. That each limit fires is tested where it is enforced.
#include "absl/time/time.h"
#include "fasthttp/base/block_pool.h"
#include "fasthttp/client.h"
#include "fasthttp/cookie.h"
#include "fasthttp/dialer.h"
#include "fasthttp/host_client.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/server.h"
#include "gtest/gtest.h"
#include "util/inmemory_listener.h"

namespace fasthttp {
namespace {

TEST(Defaults, OfServers) {
  const ServerSettings settings;
  EXPECT_EQ(settings.name, "fasthttp");
  EXPECT_EQ(settings.max_request_head_size, 16'384u);
  EXPECT_EQ(settings.max_request_target_size, 8'192u);
  EXPECT_EQ(settings.max_request_fields, 128u);
  EXPECT_EQ(settings.max_request_body_size, 4u << 20);
  EXPECT_EQ(settings.concurrency, 262'144u);
  EXPECT_EQ(settings.max_conns_per_ip, 0u);
  EXPECT_EQ(settings.max_requests_per_conn, 0u);
  EXPECT_EQ(settings.read_head_timeout, absl::Seconds(10));
  EXPECT_EQ(settings.idle_timeout, absl::Seconds(75));
  EXPECT_EQ(settings.stall_timeout, absl::Seconds(30));
  EXPECT_EQ(settings.min_rate, 240u);
  EXPECT_EQ(settings.min_rate_window, absl::Seconds(10));
  EXPECT_EQ(settings.drain_timeout, absl::Seconds(30));
  EXPECT_FALSE(settings.lenient);
  EXPECT_FALSE(settings.keep_hijacked_conns);
  EXPECT_FALSE(settings.stream_request_body);
  EXPECT_EQ(base::BlockPool::kCapacities[0], 4096u);
}

TEST(Defaults, OfMessages) {
  const http1::HeadLimits head;
  EXPECT_EQ(head.max_head_bytes, 16'384u);
  EXPECT_EQ(head.max_target_bytes, 8'192u);
  EXPECT_EQ(head.max_fields, 128u);
  const http1::ChunkedLimits chunked;
  EXPECT_EQ(chunked.max_body_bytes, 4u << 20);
  EXPECT_EQ(chunked.max_extension_bytes, 4096u);
  EXPECT_EQ(chunked.max_trailer_bytes, 8192u);
  EXPECT_EQ(kCookieExpireDelete, absl::FromUnixSeconds(1257894000));  // 10 November 2009.
  EXPECT_EQ(RequestBodyPoolLimit(), 65'536u);
  EXPECT_EQ(ResponseBodyPoolLimit(), 65'536u);
}

TEST(Defaults, OfClients) {
  const HostClientOptions options;
  EXPECT_EQ(options.max_conns, 512u);
  EXPECT_EQ(options.max_conn_waiters, 4096u);
  EXPECT_EQ(options.max_idle_conn_duration, absl::Seconds(10));
  EXPECT_EQ(options.dial_timeout, absl::Seconds(5));
  EXPECT_EQ(options.call_timeout, absl::Seconds(60));
  EXPECT_EQ(options.expect_continue_timeout, absl::Seconds(1));
  EXPECT_EQ(options.max_response_header_size, 65'535u);
  EXPECT_EQ(options.max_response_fields, 256u);
  EXPECT_EQ(options.max_response_body_size, 64u << 20);
  EXPECT_EQ(options.max_response_trailer_size, 8192u);
  EXPECT_EQ(options.max_interim_responses, 100);
  EXPECT_FALSE(options.lenient);
  EXPECT_EQ(options.max_idempotent_attempts, 5);
  EXPECT_EQ(kDefaultMaxRedirects, 16);
}

// What a Client has of its own must not drift from what a HostClient has.
TEST(Defaults, OfClientsAndHostClientsAreTheSame) {
  const HostClientOptions host;
  const ClientOptions client;
  EXPECT_EQ(client.max_conns_per_host, host.max_conns);
  EXPECT_EQ(client.max_conn_waiters, host.max_conn_waiters);
  EXPECT_EQ(client.max_conn_wait_timeout, host.max_conn_wait_timeout);
  EXPECT_EQ(client.max_idle_conn_duration, host.max_idle_conn_duration);
  EXPECT_EQ(client.max_conn_duration, host.max_conn_duration);
  EXPECT_EQ(client.dial_timeout, host.dial_timeout);
  EXPECT_EQ(client.call_timeout, host.call_timeout);
  EXPECT_EQ(client.expect_continue_timeout, host.expect_continue_timeout);
  EXPECT_EQ(client.max_response_header_size, host.max_response_header_size);
  EXPECT_EQ(client.max_response_fields, host.max_response_fields);
  EXPECT_EQ(client.max_response_body_size, host.max_response_body_size);
  EXPECT_EQ(client.max_response_trailer_size, host.max_response_trailer_size);
  EXPECT_EQ(client.max_interim_responses, host.max_interim_responses);
  EXPECT_EQ(client.lenient, host.lenient);
  EXPECT_EQ(client.max_idempotent_attempts, host.max_idempotent_attempts);
}

TEST(Defaults, OfDialers) {
  const TCPDialerOptions options;
  EXPECT_EQ(kDefaultDialTimeout, absl::Seconds(3));
  EXPECT_EQ(options.concurrency, 1000u);
  EXPECT_EQ(options.dns_cache_duration, absl::Minutes(1));
  EXPECT_EQ(options.dns_negative_cache_duration, absl::Seconds(1));
  EXPECT_EQ(options.dns_cache_size, 4096u);
  EXPECT_EQ(options.attempt_delay, absl::Milliseconds(250));
  EXPECT_EQ(fasthttputil::InmemoryListener::kQueueLimit, 1024u);
}

}  // namespace
}  // namespace fasthttp
