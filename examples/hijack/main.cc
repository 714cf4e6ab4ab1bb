// Another protocol on a connection that began with HTTP: after the upgrade every line comes back.
// Between two lines a connection holds no stack.
//
//   printf 'GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n' |
//     nc -w 1 localhost 8080
#include "fasthttp/fasthttp.h"

void Echo(fasthttp::HijackedConn& conn) {
  char block[4096];
  fasthttp::IoResult n = conn.Read(block);
  if (!n.ok() || n.bytes() == 0) return;  // The peer has ended; the connection is closed.
  if (conn.Write({block, n.bytes()}) != fasthttp::Errc::kOk) return;
  conn.Park(Echo);  // Called again when there is more to read.
}

void Upgrade(fasthttp::RequestCtx& ctx) {
  if (!ctx.request().header().ConnectionUpgrade() ||
      ctx.request().header().Peek("Upgrade") != "echo") {
    ctx.Error("this speaks echo only", fasthttp::kStatusUpgradeRequired);
    ctx.response().header().Set("Upgrade", "echo");
    return;
  }
  ctx.SetStatusCode(fasthttp::kStatusSwitchingProtocols);
  ctx.response().header().Set("Connection", "Upgrade");
  ctx.response().header().Set("Upgrade", "echo");
  ctx.Hijack(Echo);
}

int main() { return fasthttp::ListenAndServe(":8080", Upgrade).ok() ? 0 : 1; }
