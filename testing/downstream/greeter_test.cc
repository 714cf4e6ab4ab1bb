#include "greeter.h"

#include <string>
#include <thread>

#include "absl/functional/bind_front.h"
#include "fasthttp/conn.h"
#include "fasthttp/fasthttp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "util/inmemory_listener.h"

namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

std::string ReadAll(fasthttp::BlockingConn& conn) {
  std::string all;
  char block[1024];
  for (;;) {
    fasthttp::IoResult got = conn.Read(block);
    if (!got.ok() || got.bytes() == 0) return all;
    all.append(block, got.bytes());
  }
}

TEST(GreeterTest, AnswersInMemory) {
  Greeter greeter{"bar"};
  fasthttp::Server server(absl::bind_front(&Greeter::HandleFastHTTP, &greeter));
  fasthttputil::InmemoryListener listener;
  std::thread serving([&] { EXPECT_TRUE(server.Serve(listener).ok()); });

  fasthttp::BlockingConn conn = listener.Dial().value();
  EXPECT_EQ(conn.Write("GET /foo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            fasthttp::Errc::kOk);
  std::string response = ReadAll(conn);
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nHello, world! Path is /foo, foobar is bar\n"));

  EXPECT_TRUE(server.Shutdown().ok());
  serving.join();
}

}  // namespace
