// DnsCache: what a Resolver answered, kept for a while.
//
// One lookup is under way for a name at any time, as a task of its own: whoever asks meanwhile
// waits for it, up to his own deadline, and one who gives up does not end it for the others. An
// answer is used for `duration`. For as long again it is still given out at once, while the first
// one who gets it so has it looked up anew: nobody waits for a name that is in use. After that, or
// if there is none, the caller waits. That a name does not exist is kept for `negative_duration`;
// failures are not kept, and leave an older answer in place.
//
// Thread class: thread-safe; its lookups may outlive it.
#ifndef FASTHTTP_DNS_CACHE_H_
#define FASTHTTP_DNS_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/resolver.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp {

struct DnsCacheOptions {
  // Null: SystemResolver().
  std::shared_ptr<Resolver> resolver = nullptr;
  // In nanoseconds. 0: lookups are shared, and nothing is kept.
  int64_t duration = 60 * runtime::kSecond;
  int64_t negative_duration = 1 * runtime::kSecond;
  // Names kept; the one not asked for longest goes first.
  size_t max_names = 4096;
  // Lookups under way at once; more fail with kOverloaded.
  size_t max_lookups = 256;
  // How long a lookup may take, whoever waits for it: kLookupFailed. 30 s, in nanoseconds.
  int64_t lookup_timeout = 30 * runtime::kSecond;
};

class DnsCache {
 public:
  struct Answer {
    Errc errc = Errc::kOk;
    std::vector<Addr> addresses;  // One at least with kOk.
    // How often it was used: addresses take turns by it.
    mutable std::atomic<uint32_t> turn{0};
  };

  explicit DnsCache(const DnsCacheOptions& options);

  // On a fiber of `loop`. The error is that of the answer, kDialTimeout when `deadline` (loop
  // nanoseconds) passes first, or the cause of the task's cancellation; kBadAddress if `host`
  // cannot be a name: a byte that names do not have, over 253 bytes, or a last label that is a
  // number (which some resolvers take for an IPv4 address: "127.1", "0x7f000001").
  Errc Lookup(runtime::Loop& loop, std::string_view host, int64_t deadline,
              std::shared_ptr<const Answer>& into);

  // Forgets everything. Lookups under way answer those who wait for them and are not kept.
  void Flush();

  size_t names() const;

 private:
  struct State;
  class LookupTask;

  std::shared_ptr<State> state_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_DNS_CACHE_H_
