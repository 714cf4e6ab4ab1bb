// A server that is asked 200 times over sockets, by handlers that answer at once, sleep, yield and
// offload; then everything is taken down. What server_valgrind_test runs.
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"

namespace {

void Handle(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/0") (void)fasthttp::Sleep(absl::Milliseconds(5));
  if (ctx.Path() == "/1") fasthttp::Yield();
  int offloaded = 0;
  if (ctx.Path() == "/2") fasthttp::Offload([&] { offloaded = 1; });
  ctx.SetBody(absl::StrCat("path ", ctx.Path(), " ", offloaded));
}

bool Ask(std::string_view address) {
  absl::StatusOr<fasthttp::BlockingConn> conn = fasthttp::Dial(address);
  if (!conn.ok()) return false;
  for (int i = 0; i < 5; ++i) {
    const std::string request = absl::StrCat("GET /", i % 4, " HTTP/1.1\r\nHost: a\r\n\r\n");
    char response[1024];
    if (conn->Write(request) != fasthttp::Errc::kOk) return false;
    const fasthttp::IoResult read = conn->Read(response);
    if (read.bytes() < 15 || std::string_view(response, 15) != "HTTP/1.1 200 OK") return false;
  }
  return true;
}

}  // namespace

int main() {
  fasthttp::Runtime runtime({.threads = 2});
  fasthttp::Server server({.handler = Handle, .runtime = &runtime});
  absl::StatusOr<fasthttp::Addr> address = server.Start("127.0.0.1:0");
  if (!address.ok()) return 1;
  int good = 0;
  for (int i = 0; i < 40; ++i) good += Ask(address->ToString());
  const bool down = server.Shutdown(absl::Seconds(20)).ok();
  std::printf("%d of 40 conversations\n", good);
  return good == 40 && down ? 0 : 1;
}
