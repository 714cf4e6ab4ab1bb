// A filter: one request in, one answer out.
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "adaptor/text.h"
#include "fasthttp/fasthttp.h"

std::string SortLetters(std::string_view text) {
  std::string sorted(text);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

const std::function<std::string(std::string_view)> filter = SortLetters;

int main() {
  return fasthttp::ListenAndServe(":8080", fasthttpadaptor::NewTextHandler(filter)).ok() ? 0 : 1;
}
