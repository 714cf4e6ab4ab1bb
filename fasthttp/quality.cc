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

// The weight among the parameters of an element, 1000 without one.
int WeightOf(std::string_view parameters) {
  while (!parameters.empty()) {
    size_t end = std::min(parameters.find(';'), parameters.size());
    std::string_view parameter = TrimOws(parameters.substr(0, end));
    if (parameter.size() >= 2 && AsciiLower(parameter[0]) == 'q' && parameter[1] == '=') {
      return ParseWeight(parameter.substr(2));
    }
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
  }
  return 1000;
}

}  // namespace

int QualityOf(std::string_view list, std::string_view token) {
  int wildcard = -1;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    size_t semicolon = std::min(element.find(';'), element.size());
    std::string_view name = TrimOws(element.substr(0, semicolon));
    bool exact = EqualsIgnoreCase(name, token);
    if (!exact && name != "*") continue;
    int weight = WeightOf(element.substr(std::min(semicolon + 1, element.size())));
    if (weight < 0) continue;
    if (exact) return weight;
    wildcard = weight;
  }
  return wildcard;
}

}  // namespace fasthttp
