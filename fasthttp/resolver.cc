#include "fasthttp/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/offload.h"
#include "fasthttp/runtime/socket.h"

namespace fasthttp {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kQueueLimit = 256;

Errc ErrcOfGetAddrInfo(int error, int error_number) {
  switch (error) {
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
#endif
      return Errc::kHostNotFound;
    case EAI_MEMORY:
      return Errc::kTooManyFiles;
    case EAI_SYSTEM: {
      Errc errc = runtime::ErrcOfErrno(error_number);
      return errc == Errc::kTooManyFiles ? errc : Errc::kLookupFailed;
    }
    default:
      return Errc::kLookupFailed;
  }
}

Errc GetAddrInfo(const std::string& host, std::vector<Addr>& addresses) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) return ErrcOfGetAddrInfo(error, errno);
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    if (info->ai_family == AF_INET) {
      const auto& in = *reinterpret_cast<const sockaddr_in*>(info->ai_addr);
      addresses.push_back(Addr::IPv4(&in.sin_addr, 0));
    } else if (info->ai_family == AF_INET6) {
      const auto& in = *reinterpret_cast<const sockaddr_in6*>(info->ai_addr);
      addresses.push_back(Addr::IPv6(&in.sin6_addr, 0, in.sin6_scope_id));
    }
  }
  ::freeaddrinfo(list);
  return Errc::kOk;
}

class GetAddrInfoResolver final : public Resolver {
 public:
  Errc LookupIPAddr(std::string_view host, std::vector<Addr>& addresses) override {
    Errc found = Errc::kOk;
    Errc ran = pool_.TryRun(*runtime::Loop::Current(), [&, name = std::string(host)] {
      found = GetAddrInfo(name, addresses);
    });
    return ran != Errc::kOk ? ran : found;
  }

 private:
  runtime::OffloadPool pool_{kThreads, kQueueLimit};
};

}  // namespace

const std::shared_ptr<Resolver>& SystemResolver() {
  // Never destroyed: exit() must not wait for a name server.
  static const auto* const resolver =
      new std::shared_ptr<Resolver>(std::make_shared<GetAddrInfoResolver>());
  return *resolver;
}

}  // namespace fasthttp
