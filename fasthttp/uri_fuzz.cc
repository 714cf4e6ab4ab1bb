// Any bytes as a URI: what was accepted is written as text that reads back as the same URI, a
// failed Update changes nothing, and no input is ever written to.
//
// The first byte switches normalising off (bit 0); host, URI and reference follow, one per line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fasthttp/base/check.h"
#include "fasthttp/uri.h"

namespace fasthttp {
namespace {

std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

bool IsTargetText(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return true;
}

// `uri` as text is a well-formed URI, and reading and writing it again changes nothing.
void CheckText(const URI& uri) {
  const std::string target = uri.RequestURI();
  FASTHTTP_CHECK(IsTargetText(target), "a target holds no blank or control byte");
  FASTHTTP_CHECK(target == "*" || target[0] == '/', "a target is a path");
  if (uri.Host().empty()) return;
  const std::string text = uri.FullURI();
  URI again;
  again.SetDisablePathNormalizing(uri.DisablePathNormalizing());
  FASTHTTP_CHECK(again.TryParse({}, text) == Errc::kOk, "what was written can be read");
  FASTHTTP_CHECK(again.Scheme() == uri.Scheme(), "the scheme survives");
  FASTHTTP_CHECK(again.Host() == uri.Host(), "the host survives");
  FASTHTTP_CHECK(uri.Path() == "*" || uri.DisablePathNormalizing() || again.Path() == uri.Path(),
                 "the path survives");
  const std::string second = again.FullURI();
  URI third;
  third.SetDisablePathNormalizing(uri.DisablePathNormalizing());
  FASTHTTP_CHECK(third.TryParse({}, second) == Errc::kOk, "and read again");
  FASTHTTP_CHECK(third.FullURI() == second, "the text is stable");
}

// The same bytes through every setter.
void CheckSetters(std::string_view bytes) {
  URI uri;
  uri.SetHost("host");
  uri.SetPath(bytes);
  uri.SetQueryString(bytes);
  uri.SetHash(bytes);
  CheckText(uri);
  uri.SetScheme(bytes);
  uri.SetHost(bytes);
  CheckText(uri);
  uri.SetDisablePathNormalizing(true);
  uri.SetPath(bytes);
  CheckText(uri);
}

void CheckUpdate(URI& uri, std::string_view reference) {
  const std::string before = uri.FullURI();
  const std::string user(uri.Username());
  if (!uri.Update(reference).ok()) {
    FASTHTTP_CHECK(uri.FullURI() == before && uri.Username() == user, "an error changes nothing");
    return;
  }
  CheckText(uri);
}

}  // namespace
}  // namespace fasthttp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp;  // NOLINT: the whole file is about it.
  if (size < 1) return 0;
  std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string original = input;
  std::string_view rest = input;
  const std::string_view host = NextLine(rest);
  const std::string_view text = NextLine(rest);

  URI uri;
  uri.SetDisablePathNormalizing((data[0] & 1) != 0);
  if (uri.TryParse(host, text) == Errc::kOk) {
    CheckText(uri);
    CheckUpdate(uri, rest);
    CheckUpdate(uri, uri.Path());
  }
  CheckSetters(rest);
  FASTHTTP_CHECK(input == original, "parsing does not write to its input");
  return 0;
}
