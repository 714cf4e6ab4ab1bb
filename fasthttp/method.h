// Request methods (RFC 9110, section 9).
//
// A method is bytes: any token is allowed and upper and lower case differ. These constants name the
// ones that the library itself knows.
//
// Thread class: constants and pure functions, thread-safe.
#ifndef FASTHTTP_METHOD_H_
#define FASTHTTP_METHOD_H_

#include <string_view>

namespace fasthttp {

inline constexpr std::string_view kMethodGet = "GET";
inline constexpr std::string_view kMethodHead = "HEAD";
inline constexpr std::string_view kMethodPost = "POST";
inline constexpr std::string_view kMethodPut = "PUT";
inline constexpr std::string_view kMethodPatch = "PATCH";
inline constexpr std::string_view kMethodDelete = "DELETE";
inline constexpr std::string_view kMethodConnect = "CONNECT";
inline constexpr std::string_view kMethodOptions = "OPTIONS";
inline constexpr std::string_view kMethodTrace = "TRACE";

// True for the methods that may be sent again without asking, because doing them twice has the same
// effect as doing them once (RFC 9110, section 9.2.2).
constexpr bool MethodIsIdempotent(std::string_view method) {
  return method == kMethodGet || method == kMethodHead || method == kMethodPut ||
         method == kMethodDelete || method == kMethodOptions || method == kMethodTrace;
}

// True for the methods that only read (RFC 9110, section 9.2.1).
constexpr bool MethodIsSafe(std::string_view method) {
  return method == kMethodGet || method == kMethodHead || method == kMethodOptions ||
         method == kMethodTrace;
}

}  // namespace fasthttp

#endif  // FASTHTTP_METHOD_H_
