// A filter: one line in, one line out.
#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

std::string SortLetters(std::string_view text) {
  std::string sorted(text);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

const std::function<std::string(std::string_view)> filter = SortLetters;

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << filter(line) << '\n';
  return 0;
}
