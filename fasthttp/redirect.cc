#include "fasthttp/redirect.h"

#include <string>

#include "fasthttp/error.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp {
namespace {

std::string_view PortOf(const URI& uri) {
  if (!uri.Port().empty()) return uri.Port();
  return uri.Scheme() == "https" ? "443" : "80";
}

void DropContent(Request& request) {
  RequestHeader& header = request.header();
  header.SetMethod("GET");
  request.ResetBody();
  if (!request.PostArgs().empty()) request.MutablePostArgs().Reset();
  for (const char* name : {"Content-Type", "Content-Length", "Content-Encoding", "Content-Language",
                           "Content-Location", "Content-Range", "Expect", "Trailer"}) {
    header.Del(name);
  }
}

void DropCredentials(Request& request) {
  for (const char* name : {"Authorization", "Cookie", "Cookie2", "Proxy-Authorization",
                           "Proxy-Authenticate", "WWW-Authenticate"}) {
    request.header().Del(name);
  }
  request.SetUseHostHeader(false);
}

// A reference with a scheme is absolute even without "//" (RFC 3986, section 4.2).
Errc CheckScheme(std::string_view reference) {
  const size_t end = reference.find_first_of(":/?#");
  if (end == std::string_view::npos || reference[end] != ':') return Errc::kOk;
  const std::string_view scheme = reference.substr(0, end);
  if (!IsScheme(scheme)) return Errc::kBadUri;
  if (!http1::EqualFold(scheme, "http") && !http1::EqualFold(scheme, "https")) {
    return Errc::kRedirectToDifferentScheme;
  }
  return reference.substr(end, 3) == "://" ? Errc::kOk : Errc::kBadUri;
}

}  // namespace

bool IsRedirect(int status_code) {
  switch (status_code) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return true;
    default:
      return false;
  }
}

bool SameOrigin(const URI& a, const URI& b) {
  return a.Scheme() == b.Scheme() && a.HostName() == b.HostName() && PortOf(a) == PortOf(b);
}

Errc Redirect(const Response& response, Request& request) {
  const std::string_view location = response.header().Peek(http1::KnownField::kLocation);
  if (location.empty()) return Errc::kMissingLocation;
  if (Errc errc = CheckScheme(location); errc != Errc::kOk) return errc;
  const URI& from = request.URI();
  URI to;
  from.CopyTo(to);
  to.SetDisablePathNormalizing(request.DisableRedirectPathNormalizing());
  if (absl::Status status = to.Update(location); !status.ok()) return ErrcOf(status);
  if (to.Host().empty()) return Errc::kBadHost;

  const int code = response.StatusCode();
  const bool to_get = code == 303 ? !request.header().IsHead() && !request.header().IsGet()
                                  : (code == 301 || code == 302) && request.header().IsPost();
  const bool same = SameOrigin(from, to);
  // What the server writes before "@" is no credential of ours.
  to.SetUsername(same ? from.Username() : std::string_view());
  to.SetPassword(same ? from.Password() : std::string_view());
  if (to_get) DropContent(request);
  if (!same) DropCredentials(request);
  request.SetURI(to);
  return Errc::kOk;
}

}  // namespace fasthttp
