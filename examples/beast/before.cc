// A program for Boost.Beast: answers with the text it was sent, backwards.
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <string>
#include <thread>

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

void Serve(boost::asio::ip::tcp::socket socket) {
  boost::beast::flat_buffer buffer;
  boost::beast::error_code error;
  for (;;) {
    Request request;
    if (http::read(socket, buffer, request, error); error) return;
    Response response = Handle(std::move(request));
    if (http::write(socket, response, error); error || !response.keep_alive()) return;
  }
}

int main() {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::tcp::v4(), 8080});
  for (;;) std::thread(Serve, acceptor.accept()).detach();
}
