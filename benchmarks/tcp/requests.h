// The requests that servers are measured with over TCP.
#ifndef FASTHTTP_BENCHMARKS_TCP_REQUESTS_H_
#define FASTHTTP_BENCHMARKS_TCP_REQUESTS_H_

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "testing/browser_request.h"

namespace fasthttp::benchmarks {

// "hello", "browser" (697 bytes) or "echo" (a POST of 1 KiB); empty for any other name. `close`:
// with Connection: close, of "hello" only.
inline std::string RequestNamed(std::string_view name, bool close = false) {
  if (name == "hello") {
    return absl::StrCat("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n",
                        close ? "Connection: close\r\n" : "", "\r\n");
  }
  if (name == "browser") return std::string(fasthttptest::kBrowserRequest);
  if (name != "echo") return "";
  std::string body(1024, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 26);
  return absl::StrCat("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: ",
                      "application/octet-stream\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      body);
}

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_TCP_REQUESTS_H_
