#ifndef GREETER_H_
#define GREETER_H_

#include <string>

#include "absl/strings/str_format.h"
#include "fasthttp/fasthttp.h"

struct Greeter {
  std::string foobar;

  void HandleFastHTTP(fasthttp::RequestCtx& ctx) const {
    absl::Format(&ctx, "Hello, world! Path is %s, foobar is %s\n", ctx.Path(), foobar);
  }
};

#endif  // GREETER_H_
