// The place where //fasthttp:tls hooks itself into the client, which does not depend on it.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_TLS_HOOK_H_
#define FASTHTTP_TLS_HOOK_H_

#include <atomic>
#include <cstdint>
#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp::internal {

// Does the client's side of a handshake with `server_name` on a connected `conn`, and puts a
// connection in its place that encrypts. On a fiber of `loop`; `deadline` in loop nanoseconds.
using ClientHandshake = Errc (*)(runtime::Loop& loop, std::string_view server_name,
                                 int64_t deadline, BlockingConn& conn);

// Null unless //fasthttp:tls is linked: then https is kUnsupported.
inline constinit std::atomic<ClientHandshake> client_handshake{nullptr};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_TLS_HOOK_H_
