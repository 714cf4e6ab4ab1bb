// Two ends of a TLS connection, made of the two ends of another one.
//
// Thread class: as PipeConns.
#ifndef TESTING_TLS_PAIR_H_
#define TESTING_TLS_PAIR_H_

#include <memory>
#include <string>
#include <utility>

#include "fasthttp/base/check.h"
#include "fasthttp/client_tls.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/tls.h"
#include "fasthttp/tls_conn.h"
#include "fasthttp/tls_server_context.h"

namespace fasthttp::testing {

// The server's side of a handshake on `conn`, whose Conn is replaced; on a fiber of its loop.
inline Errc ServerHandshake(BlockingConn& conn, const TLSConfig& config) {
  internal::TLSServerContext& context = *config.context();
  runtime::Endpoint& endpoint = *conn.endpoint();
  TLSConn* tls = TLSConn::Make(context.ssl_context(), *endpoint.conn);
  endpoint.conn = tls;
  internal::TLSHandshake handshake;
  context.Prepare(*tls, handshake);
  Errc errc;
  while ((errc = tls->Handshake(nullptr)) == Errc::kAgain) {
    errc = runtime::AwaitReady(*conn.loop(), endpoint, kReadable | kWritable, runtime::kNoDeadline);
    if (errc != Errc::kOk) break;
  }
  SSL_set_app_data(&tls->ssl(), nullptr);
  return errc;
}

// The client's side.
inline Errc ClientHandshake(BlockingConn& conn, const ClientTLSConfig& config,
                            const std::string& host, std::string& detail,
                            int64_t deadline = runtime::kNoDeadline) {
  internal::ClientTLSContext* context = config.context();
  FASTHTTP_CHECK(context != nullptr, "//fasthttp:tls is not linked");
  return context->Handshake(*conn.loop(), host, host, deadline, conn, detail);
}

}  // namespace fasthttp::testing

#endif  // TESTING_TLS_PAIR_H_
