#include "absl/functional/bind_front.h"
#include "absl/status/status.h"
#include "fasthttp/fasthttp.h"
#include "greeter.h"

int main() {
  Greeter greeter{"foobar"};
  absl::Status status =
      fasthttp::ListenAndServe(":8080", absl::bind_front(&Greeter::HandleFastHTTP, &greeter));
  return status.ok() ? 0 : 1;
}
