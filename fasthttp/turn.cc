#include "fasthttp/turn.h"

#include "fasthttp/server_conn.h"
#include "fasthttp/server_loop.h"

namespace fasthttp {
namespace {

// The wall-clock time of a loop's tick.
absl::Time TimeOf(const runtime::Loop& loop, uint32_t tick) {
  return absl::Now() - absl::Milliseconds(loop.tick() - tick);
}

}  // namespace

void Turn::BeforeSuspend() {
  if (endpoint != nullptr) ServerConn(*server, *endpoint).BeforeSuspend();
}

std::span<const http1::FieldView> Turn::ViewFields(const internal::FieldList& fields) {
  field_views.clear();
  for (size_t i = 0; i < fields.size(); ++i)
    field_views.push_back({fields.name(i), fields.value(i)});
  return field_views;
}

Addr Turn::LocalAddr() const { return endpoint != nullptr ? endpoint->conn->LocalAddr() : Addr(); }
Addr Turn::RemoteAddr() const {
  return endpoint != nullptr ? endpoint->conn->RemoteAddr() : Addr();
}

uint64_t Turn::ConnID() const {
  return uint64_t{server->loop().index()} << 56 | uint64_t{endpoint->generation} << 24 |
         endpoint->slot;
}

uint64_t Turn::ConnRequestNum() const { return ServerConn::DataOf(*endpoint).requests; }
absl::Time Turn::ConnTime() const { return TimeOf(server->loop(), endpoint->opened); }
absl::Time Turn::RequestTime() const { return TimeOf(server->loop(), request_tick); }

}  // namespace fasthttp
