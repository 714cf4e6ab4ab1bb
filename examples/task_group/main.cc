// A page made of three answers that are asked for side by side, in 300 ms at most.
//
//   curl localhost:8080/page          all three, in the time of the slowest
//   curl localhost:8080/page?slow=1   one takes too long: 504 after 300 ms, and the others end too
//   curl localhost:8080/page?bad=1    one fails: 502 at once
//
// Here a part waits and reads a file; in a service it would ask another one.
#include <cstdio>
#include <string>

#include "fasthttp/fasthttp.h"

absl::Status Wait(absl::Duration duration, std::string& into) {
  if (absl::Status s = fasthttp::Sleep(duration); !s.ok()) return s;
  into = "waited";
  return absl::OkStatus();
}

absl::Status ReadVersion(std::string& into) {
  char text[64];
  size_t n = 0;
  fasthttp::Offload([&] {
    std::FILE* file = std::fopen("/proc/version", "r");
    if (file == nullptr) return;
    n = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
  });
  if (n == 0) return absl::NotFoundError("no /proc/version");
  into.assign(text, n);
  into.resize(into.find(' '));
  return absl::OkStatus();
}

void Page(fasthttp::RequestCtx& ctx) {
  const bool slow = ctx.QueryArgs().Has("slow");
  const bool bad = ctx.QueryArgs().Has("bad");
  fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Milliseconds(300));
  std::string first, second, version;  // Outlive the group, which joins when it ends.
  fasthttp::TaskGroup group;
  group.Go([&] { return Wait(absl::Milliseconds(200), first); });
  group.Go([&] { return Wait(slow ? absl::Seconds(9) : absl::Milliseconds(100), second); });
  group.Go([&] { return bad ? absl::InternalError("no part") : ReadVersion(version); });
  if (absl::Status s = group.Wait(); !s.ok()) {
    return ctx.Error("no page", fasthttp::GatewayStatus(s));
  }
  absl::Format(&ctx, "%s %s %s\n", first, second, version);
}

// Goes on after the answer: under a Context that does not end with the request.
void Later(fasthttp::RequestCtx& ctx) {
  fasthttp::Spawn(fasthttp::WithoutCancel(), [path = std::string(ctx.Path())] {
    (void)fasthttp::Sleep(absl::Seconds(1));
    std::fprintf(stderr, "served %s a second ago\n", path.c_str());
  });
  ctx.SetBodyString("ok\n");
}

void Handle(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/page") return Page(ctx);
  if (ctx.Path() == "/later") return Later(ctx);
  ctx.NotFound();
}

int main() { return fasthttp::ListenAndServe(":8080", Handle).ok() ? 0 : 1; }
