// IsPlainHost: the quick half of Host validation.
#ifndef FASTHTTP_HTTP1_HOST_H_
#define FASTHTTP_HTTP1_HOST_H_

#include <cstddef>

namespace fasthttp::http1 {

// True if host[0 .. size) is a plain "name" or "name:port" of at most 32 bytes, the port of at most
// four digits, which is what nearly all requests carry. False says nothing: ask IsValidHost. Reads
// 16 or 32 bytes whatever the size.
[[nodiscard]] bool IsPlainHost(const char* host, size_t size);

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_HOST_H_
