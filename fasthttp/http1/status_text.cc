#include <iterator>

#include "fasthttp/http1/serialize.h"

namespace fasthttp::http1 {
namespace {

constexpr std::string_view kInformational[] = {"Continue", "Switching Protocols", "Processing",
                                               "Early Hints"};
constexpr std::string_view kSuccessful[] = {
    "OK",
    "Created",
    "Accepted",
    "Non-Authoritative Information",
    "No Content",
    "Reset Content",
    "Partial Content",
    "Multi-Status",
    "Already Reported",
};
constexpr std::string_view kRedirection[] = {
    "Multiple Choices",   "Moved Permanently", "Found", "See Other",
    "Not Modified",       "Use Proxy",         "",      "Temporary Redirect",
    "Permanent Redirect",
};
constexpr std::string_view kClientError[] = {
    "Bad Request",
    "Unauthorized",
    "Payment Required",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Not Acceptable",
    "Proxy Authentication Required",
    "Request Timeout",
    "Conflict",
    "Gone",
    "Length Required",
    "Precondition Failed",
    "Request Entity Too Large",
    "Request URI Too Long",
    "Unsupported Media Type",
    "Requested Range Not Satisfiable",
    "Expectation Failed",
    "I'm a teapot",
    "",
    "",
    "Misdirected Request",
    "Unprocessable Entity",
    "Locked",
    "Failed Dependency",
    "Too Early",
    "Upgrade Required",
    "",
    "Precondition Required",
    "Too Many Requests",
    "",
    "Request Header Fields Too Large",
};
constexpr std::string_view kServerError[] = {
    "Internal Server Error",
    "Not Implemented",
    "Bad Gateway",
    "Service Unavailable",
    "Gateway Timeout",
    "HTTP Version Not Supported",
    "Variant Also Negotiates",
    "Insufficient Storage",
    "Loop Detected",
    "",
    "Not Extended",
    "Network Authentication Required",
};
constexpr std::string_view kUnavailableForLegalReasons = "Unavailable For Legal Reasons";
constexpr std::string_view kUnknown = "Unknown Status Code";

template <size_t N>
std::string_view At(const std::string_view (&table)[N], int i) {
  return i < static_cast<int>(N) && !table[i].empty() ? table[i] : kUnknown;
}

}  // namespace

std::string_view StatusText(int status) {
  if (status < 100) return kUnknown;
  switch (status / 100) {
    case 1:
      return At(kInformational, status - 100);
    case 2:
      return status == 226 ? "IM Used" : At(kSuccessful, status - 200);
    case 3:
      return At(kRedirection, status - 300);
    case 4:
      return status == 451 ? kUnavailableForLegalReasons : At(kClientError, status - 400);
    case 5:
      return At(kServerError, status - 500);
    default:
      return kUnknown;
  }
}

}  // namespace fasthttp::http1
