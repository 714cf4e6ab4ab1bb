#include "fasthttp/forwarding.h"

#include <algorithm>
#include <string>

#include "fasthttp/bytes.h"
#include "fasthttp/header_names.h"
#include "fasthttp/http1/framing.h"

namespace fasthttp {
namespace {

constexpr std::string_view kHopByHop[] = {
    kHeaderKeepAlive, kHeaderProxyConnection, kHeaderProxyAuthenticate, kHeaderProxyAuthorization,
    kHeaderTE,        kHeaderTrailer,         kHeaderUpgrade,           kHeaderConnection};

// Fields without which the message is another one; what IsForbiddenTrailer protects, for the same
// reason, less those that belong to a connection.
bool IsEndToEnd(std::string_view name) {
  if (!http1::IsForbiddenTrailer(name)) return false;
  return std::none_of(std::begin(kHopByHop), std::end(kHopByHop),
                      [&](std::string_view hop) { return EqualsIgnoreCase(hop, name); });
}

template <typename Header>
void Remove(Header& header) {
  std::string options;  // A copy: the fields go away below.
  for (std::string_view value : header.PeekAll(kHeaderConnection)) {
    options.append(value).push_back(',');
  }
  std::string_view rest = options;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = TrimOws(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (!name.empty() && !IsEndToEnd(name)) header.Del(name);
  }
  for (std::string_view name : kHopByHop) header.Del(name);
  header.ResetConnectionClose();
}

}  // namespace

void RemoveHopByHopHeaders(RequestHeader& header) { Remove(header); }
void RemoveHopByHopHeaders(ResponseHeader& header) { Remove(header); }

void AddForwardedHeaders(RequestHeader& header, std::string_view client_ip, std::string_view host,
                         std::string_view proto) {
  if (!client_ip.empty()) {
    std::string chain;
    for (std::string_view value : header.PeekAll(kHeaderXForwardedFor)) {
      if (!value.empty()) chain.append(value).append(", ");
    }
    chain.append(client_ip);
    header.Set(kHeaderXForwardedFor, chain);
  }
  if (!host.empty() && !header.Has(kHeaderXForwardedHost)) header.Set(kHeaderXForwardedHost, host);
  if (!proto.empty() && !header.Has(kHeaderXForwardedProto)) {
    header.Set(kHeaderXForwardedProto, proto);
  }
}

}  // namespace fasthttp
