// A program for Boost.Beast: answers with the text it was sent, backwards.
#include <boost/beast.hpp>
#include <string>

#include "adaptor/beast.h"
#include "fasthttp/fasthttp.h"

namespace http = boost::beast::http;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response Handle(Request&& request) {
  Response response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain");
  if (request.target() != "/reverse") {
    response.result(http::status::not_found);
  } else if (request.method() != http::verb::post) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "POST");
  } else {
    response.body().assign(request.body().rbegin(), request.body().rend());
  }
  response.prepare_payload();
  return response;
}

int main() {
  return fasthttp::ListenAndServe(":8080", fasthttpadaptor::NewBeastHandler(Handle)).ok() ? 0 : 1;
}
