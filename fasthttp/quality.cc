#include "fasthttp/quality.h"

#include <algorithm>

#include "fasthttp/bytes.h"

namespace fasthttp {
namespace {

// weight = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3"0" ] ); -1 if malformed.
int ParseWeight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
  if (text.size() > 1 && text[1] != '.') return -1;
  int weight = (text[0] - '0') * 1000;
  int unit = 100;
  for (char c : text.substr(std::min<size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return -1;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? weight : -1;
}

// Cuts what stands before the next `mark` outside of quotes off `text`, and trims it.
std::string_view NextPart(std::string_view& text, char mark) {
  bool quoted = false;
  size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != mark); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (quoted && text[end] == '\\') ++end;
  }
  end = std::min(end, text.size());
  std::string_view part = TrimOws(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool IsWeight(std::string_view parameter) {
  return parameter.size() >= 2 && AsciiLower(parameter[0]) == 'q' && parameter[1] == '=';
}

// The weight among the parameters of a member, 1000 without one.
int WeightOf(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = NextPart(parameters, ';');
    if (IsWeight(parameter)) return ParseWeight(parameter.substr(2));
  }
  return 1000;
}

bool HasParameter(std::string_view parameters, std::string_view wanted) {
  while (!parameters.empty()) {
    if (EqualsIgnoreCase(NextPart(parameters, ';'), wanted)) return true;
  }
  return false;
}

// How specific it is that the range matches the offer; -1 if it does not. Parameters behind the
// weight are extensions of the list, not of the range.
int MatchType(std::string_view range, std::string_view parameters, std::string_view offer) {
  std::string_view type = NextPart(offer, ';');
  if (range == "*/*") return 0;
  if (!EqualsIgnoreCase(range, type)) {
    size_t slash = range.find('/');
    bool any = slash != std::string_view::npos && range.substr(slash) == "/*";
    return any && EqualsIgnoreCase(range.substr(0, slash + 1), type.substr(0, slash + 1)) ? 1 : -1;
  }
  int specific = 2;
  while (!parameters.empty()) {
    std::string_view parameter = NextPart(parameters, ';');
    if (IsWeight(parameter)) break;
    if (!HasParameter(offer, parameter)) return -1;
    ++specific;
  }
  return specific;
}

int MatchLanguage(std::string_view range, std::string_view, std::string_view offer) {
  if (range == "*") return 0;
  bool prefix = EqualsIgnoreCase(range, offer.substr(0, range.size())) && !range.empty();
  bool whole = offer.size() == range.size() || (prefix && offer[range.size()] == '-');
  return prefix && whole ? static_cast<int>(range.size()) : -1;
}

// The weight of the member of `list` that matches `offer` most specifically, -1 if none does.
template <typename Match>
int WeightIn(std::string_view list, std::string_view offer, Match match) {
  int best = -1;
  int weight = -1;
  while (!list.empty()) {
    std::string_view parameters = NextPart(list, ',');
    std::string_view range = NextPart(parameters, ';');
    int specific = match(range, parameters, offer);
    if (specific <= best) continue;
    int found = WeightOf(parameters);
    if (found < 0) continue;
    best = specific;
    weight = found;
  }
  return weight;
}

template <typename Match>
std::string_view Negotiate(std::string_view list, std::span<const std::string_view> offers,
                           Match match) {
  std::string_view chosen;
  int best = 0;
  for (std::string_view offer : offers) {
    int weight = TrimOws(list).empty() ? 1000 : WeightIn(list, offer, match);
    if (weight <= best) continue;
    best = weight;
    chosen = offer;
  }
  return chosen;
}

}  // namespace

int QualityOf(std::string_view list, std::string_view token) {
  return WeightIn(list, token,
                  [](std::string_view name, std::string_view, std::string_view wanted) {
                    if (EqualsIgnoreCase(name, wanted)) return 1;
                    return name == "*" ? 0 : -1;
                  });
}

std::string_view NegotiateType(std::string_view list, std::span<const std::string_view> offers) {
  return Negotiate(list, offers, MatchType);
}

std::string_view NegotiateLanguage(std::string_view list,
                                   std::span<const std::string_view> offers) {
  return Negotiate(list, offers, MatchLanguage);
}

std::string_view NegotiateEncoding(std::string_view list,
                                   std::span<const std::string_view> offers) {
  constexpr std::string_view kIdentity = "identity";
  std::string_view chosen;
  int best = 0;
  for (std::string_view offer : offers) {
    int weight = QualityOf(list, offer);
    if (weight <= best) continue;
    best = weight;
    chosen = offer;
  }
  int identity = QualityOf(list, kIdentity);
  if (identity > best || (chosen.empty() && identity != 0)) return kIdentity;
  return chosen;
}

}  // namespace fasthttp
