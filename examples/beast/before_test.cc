// The program before it was moved, over a socket: its main gets another name.
#define main BeforeMain
#include "examples/beast/before.cc"
#undef main

#include "absl/strings/str_cat.h"
#include "examples/beast/cases.h"

TEST(Beast, Before) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
  std::string address = absl::StrCat("127.0.0.1:", acceptor.local_endpoint().port());
  std::thread server([&] { Serve(acceptor.accept()); });
  {
    fasthttp::HostClient client({.addr = address});
    ExpectAnswers(client);
  }
  server.join();
}
