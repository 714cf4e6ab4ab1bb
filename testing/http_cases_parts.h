// What the files that fill the table of cases share.
#ifndef TESTING_HTTP_CASES_PARTS_H_
#define TESTING_HTTP_CASES_PARTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "testing/http_cases.h"

namespace fasthttp::testing {

void AddHostileRequests(std::vector<RequestCase>* out);
void AddHostileResponses(std::vector<ResponseCase>* out);
void AddHostileChunks(std::vector<ChunkedCase>* out);

// Names become usable as test names and unique.
template <typename Case>
void FixNames(std::vector<Case>* cases) {
  for (size_t i = 0; i < cases->size(); ++i) {
    std::string& name = (*cases)[i].name;
    for (char& c : name) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      if (!plain) c = '_';
    }
    name = std::to_string(i) + "_" + name.substr(0, 48);
  }
}

}  // namespace fasthttp::testing

#endif  // TESTING_HTTP_CASES_PARTS_H_
