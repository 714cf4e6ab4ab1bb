// An object as a handler, on port 8080.
#include "fasthttp/fasthttp.h"

struct Greeter {
  std::string foobar;
  void HandleFastHTTP(fasthttp::RequestCtx& ctx) const {
    absl::Format(&ctx, "Hello, world! Path is %s, foobar is %s\n", ctx.Path(), foobar);
  }
};

int main() {
  Greeter greeter{"foobar"};
  absl::Status s =
      fasthttp::ListenAndServe(":8080", absl::bind_front(&Greeter::HandleFastHTTP, &greeter));
  return s.ok() ? 0 : 1;
}
