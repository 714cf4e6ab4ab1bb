// The program before it was moved, over a socket: its main gets another name.
#define main BeforeMain
#include "examples/httplib/before.cc"
#undef main

#include <thread>

#include "absl/strings/str_cat.h"
#include "examples/httplib/cases.h"

TEST(Httplib, Before) {
  httplib::Server server;
  AddRoutes(server);
  const int port = server.bind_to_any_port("127.0.0.1");
  ASSERT_GT(port, 0);
  std::thread serving([&] { server.listen_after_bind(); });
  {
    fasthttp::HostClient client({.addr = absl::StrCat("127.0.0.1:", port)});
    ExpectAnswers(client);
  }
  server.stop();
  serving.join();
}
