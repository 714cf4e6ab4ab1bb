// A handler that knows the standard library only.
#include "adaptor/adaptor.h"
#include "fasthttp/fasthttp.h"

void Legacy(fasthttpadaptor::ResponseWriter& w, const fasthttpadaptor::Request& r) {
  w.Header().Set("X-Served-By", "legacy");
  w.WriteHeader(fasthttp::kStatusCreated);
  if (!w.Write("you asked for " + r.url.path).ok()) return;
}

int main() {
  return fasthttp::ListenAndServe(":8080", fasthttpadaptor::NewFastHTTPHandler(Legacy)).ok() ? 0
                                                                                             : 1;
}
