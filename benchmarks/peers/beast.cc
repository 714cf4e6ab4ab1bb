// Boost.Beast as a peer: "Hello, World!" to every GET, the body of a request back to every POST.
//
//   g++ -std=c++17 -O3 -DNDEBUG benchmarks/peers/beast.cc -o beast && ./beast PORT
//
// One io_context on one thread, and each connection keeps its buffer, parser and messages, so that
// what is measured is the library and not this file. Date is made once a second, as others do.

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

const std::string& Date() {
  static std::time_t made = 0;
  static std::string date;
  if (const std::time_t now = std::time(nullptr); now != made) {
    char text[32];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&now));
    made = now;
    date = text;
  }
  return date;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void Read() {
    parser_.emplace();
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Answer();
                     });
  }

 private:
  void Answer() {
    const auto& request = parser_->get();
    response_ = {};
    response_.version(11);
    response_.result(http::status::ok);
    response_.set(http::field::server, "beast");
    response_.set(http::field::date, Date());
    const bool echo = request.method() == http::verb::post;
    response_.set(http::field::content_type, echo ? "application/octet-stream" : "text/plain");
    response_.body() = echo ? request.body() : "Hello, World!";
    response_.keep_alive(request.keep_alive());
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (error) return;
                        if (self->response_.keep_alive()) return self->Read();
                        self->socket_.shutdown(tcp::socket::shutdown_send, error);
                      });
  }

  tcp::socket socket_;
  beast::flat_static_buffer<16384> buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

void Accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->Read();
    }
    Accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  asio::io_context context(1);
  const auto port = static_cast<unsigned short>(std::atoi(argv[1]));
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  asio::signal_set signals(context, SIGTERM);
  signals.async_wait([&context](beast::error_code, int) { context.stop(); });
  Accept(acceptor);
  context.run();
}
