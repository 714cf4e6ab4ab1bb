#include <string_view>

#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head_line.h"

namespace fasthttp::http1 {
namespace {

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986 section 3.1.
bool IsScheme(std::string_view s) {
  if (s.empty() || !Is(s[0], kAlpha)) return false;
  for (char c : s) {
    if (!Is(c, kAlpha | kDigit) && c != '+' && c != '-' && c != '.') return false;
  }
  return true;
}

// RFC 9112 section 3.2.2. Userinfo is refused (RFC 9110 section 4.2.4), as is an empty host.
bool IsAbsoluteForm(std::string_view target) {
  const size_t colon = target.find(':');
  if (colon == std::string_view::npos || !IsScheme(target.substr(0, colon))) return false;
  std::string_view rest = target.substr(colon + 1);
  if (rest.substr(0, 2) != "//") return false;
  rest.remove_prefix(2);
  return IsValidHost(rest.substr(0, rest.find_first_of("/?#")));
}

}  // namespace

bool ClassifyTarget(HeadData& head) {
  const std::string_view target(head.base + head.target, head.target_size);
  if (head.method_id == MethodId::kConnect) {
    head.target_form = TargetForm::kAuthority;
    return IsAuthorityForm(target);
  }
  if (target[0] == '/') {
    head.target_form = TargetForm::kOrigin;
    return true;
  }
  if (target == "*") {
    head.target_form = TargetForm::kAsterisk;
    return head.method_id == MethodId::kOptions;
  }
  head.target_form = TargetForm::kAbsolute;
  return IsAbsoluteForm(target);
}

}  // namespace fasthttp::http1
