// ScriptedResolver: a Resolver that answers as a test wrote down, in the loop's own time.
//
//   auto resolver = std::make_shared<fasthttptest::ScriptedResolver>();
//   resolver->Answer("example.com", {"2001:db8::1", "192.0.2.1"});
//   resolver->Fail("broken.example", Errc::kLookupFailed, absl::Seconds(5));
//   ...
//   EXPECT_EQ(resolver->lookups("example.com"), 1);
//
// A name without a script does not exist.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TESTING_SCRIPTED_RESOLVER_H_
#define FASTHTTP_TESTING_SCRIPTED_RESOLVER_H_

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/resolver.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttptest {

class ScriptedResolver final : public fasthttp::Resolver {
 public:
  // From now on; addresses without ports.
  void Answer(std::string_view host, std::vector<std::string> addresses,
              absl::Duration delay = absl::ZeroDuration());
  void Fail(std::string_view host, fasthttp::Errc errc,
            absl::Duration delay = absl::ZeroDuration());
  // It throws.
  void Throw(std::string_view host);

  int lookups(std::string_view host) const;
  int under_way() const;

  fasthttp::Errc LookupIPAddr(std::string_view host,
                              std::vector<fasthttp::Addr>& addresses) override;

 private:
  struct Script {
    std::vector<std::string> addresses;
    fasthttp::Errc errc = fasthttp::Errc::kHostNotFound;
    absl::Duration delay = absl::ZeroDuration();
    bool throws = false;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Script, std::less<>> scripts_;
  std::map<std::string, int, std::less<>> lookups_;
  int under_way_ = 0;
};

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_SCRIPTED_RESOLVER_H_
