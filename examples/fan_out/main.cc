// A page made of what three services answer, asked side by side, in 300 ms at most.
//
//   curl localhost:8080/
//
// The services are expected at ports 8081 to 8083. One that fails makes it 502, one that is late
// 504; either way the calls to the others end at once.
#include <string>

#include "fasthttp/fasthttp.h"

fasthttp::HostClient users({.addr = "127.0.0.1:8081"});
fasthttp::HostClient orders({.addr = "127.0.0.1:8082"});
fasthttp::HostClient prices({.addr = "127.0.0.1:8083"});

absl::Status Fetch(fasthttp::HostClient& from, std::string_view path, std::string& into) {
  absl::StatusOr<fasthttp::Response> r = from.Get(path);  // inherits the 300 ms
  if (r.ok()) into = r->Body();
  return r.status();
}

void Page(fasthttp::RequestCtx& ctx) {
  fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Milliseconds(300));
  std::string user, order, price;  // outlive the group, which joins when it ends
  fasthttp::TaskGroup group;
  group.Go([&] { return Fetch(users, "/u/1", user); });
  group.Go([&] { return Fetch(orders, "/o/1", order); });
  group.Go([&] { return Fetch(prices, "/p/1", price); });  // the first error cancels the others
  if (absl::Status s = group.Wait(); !s.ok()) {
    return ctx.Error("backend", fasthttp::GatewayStatus(s));
  }
  absl::Format(&ctx, "%s %s %s\n", user, order, price);
}

int main() { return fasthttp::ListenAndServe(":8080", Page).ok() ? 0 : 1; }
