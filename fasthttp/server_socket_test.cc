// A server on real sockets: how it listens, what a client's kernel sees, and what the operating
// system can do to it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::WireClient;
using testing::WireResponse;

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

class ServerSocket : public ::testing::Test {
 protected:
  ServerSocket() : runtime_({.threads = 2}), clients_({.threads = 1}) {}

  ServerSettings Settings() {
    ServerSettings settings;
    settings.runtime = &runtime_;
    settings.handler = [this](RequestCtx& ctx) {
      if (ctx.Path() == "/remote") return ctx.SetBody(ctx.RemoteIP());
      if (ctx.Path() == "/large") return ctx.SetBody(std::string(8 << 20, 'x'));
      if (ctx.Path() == "/gone") {
        ++waiting_;
        ended_.store(ErrcOf(Sleep(absl::Minutes(10))));
        --waiting_;
      }
      if (ctx.Path() == "/sleep") (void)Sleep(absl::Milliseconds(20));
      ctx.SetBody(absl::StrCat(ctx.Path(), ctx.PostBody()));
    };
    return settings;
  }

  WireClient DialTo(std::string_view address) {
    absl::StatusOr<BlockingConn> conn = Dial(address, absl::Now() + absl::Seconds(60), &clients_);
    if (!conn.ok()) {
      ADD_FAILURE() << address << ": " << conn.status();
      return {};
    }
    conn->SetDeadline(absl::Now() + absl::Seconds(60));
    return WireClient(*std::move(conn));
  }

  template <typename Predicate>
  static bool Eventually(Predicate&& predicate) {
    for (int i = 0; i < 30'000 && !predicate(); ++i) absl::SleepFor(absl::Milliseconds(2));
    return predicate();
  }

  Runtime runtime_;
  Runtime clients_;
  std::atomic<int> waiting_{0};
  std::atomic<Errc> ended_{Errc::kOk};
};

std::string TempPath(std::string_view name) {
  const char* directory = std::getenv("TEST_TMPDIR");
  std::string path =
      absl::StrCat(directory != nullptr ? directory : "/tmp", "/", name, ".", ::getpid());
  // sun_path is short.
  return path.size() < 100 ? path : absl::StrCat("/tmp/", name, ".", ::getpid());
}

bool HasIPv6() {
  int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 loopback = {};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback) == 0;
  ::close(fd);
  return bound;
}

TEST_F(ServerSocket, AnEphemeralPortIsTold) {
  Server server(Settings());
  absl::StatusOr<Addr> first = server.Start("127.0.0.1:0");
  absl::StatusOr<Addr> second = server.Start("127.0.0.1:0");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->port(), 0);
  EXPECT_NE(first->port(), second->port());
  for (const Addr& address : {*first, *second}) {
    EXPECT_EQ(DialTo(address.ToString()).Ask(Get("/a")).body, "/a");
  }
}

TEST_F(ServerSocket, APortAloneMeansIPv4AndIPv6) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start(":0");
  ASSERT_TRUE(address.ok()) << address.status();
  // Shown as what it is, not as a mapped address.
  EXPECT_EQ(DialTo(absl::StrCat("127.0.0.1:", address->port())).Ask(Get("/remote")).body,
            "127.0.0.1");
  if (!HasIPv6()) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(DialTo(absl::StrCat("[::1]:", address->port())).Ask(Get("/remote")).body, "::1");
}

TEST_F(ServerSocket, AnAddressInUseIsAnError) {
  Server server(Settings());  // Its own loops share the port; nobody else may.
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  EXPECT_FALSE(server.Start(address->ToString()).ok());
  EXPECT_FALSE(server.ListenAndServe(address->ToString()).ok());
  EXPECT_FALSE(server.Start("256.0.0.1:80").ok());
  EXPECT_FALSE(server.Start("localhost").ok());
}

TEST_F(ServerSocket, AUnixSocketHasItsModeAndReplacesAnOldOne) {
  const std::string path = TempPath("server");
  for (int round = 0; round < 2; ++round) {
    Server server(Settings());
    std::thread serving([&] { EXPECT_TRUE(server.ListenAndServeUNIX(path, 0640).ok()); });
    struct stat file = {};
    ASSERT_TRUE(Eventually(
        [&] { return ::stat(path.c_str(), &file) == 0 && (file.st_mode & 0777) == 0640; }));
    WireClient client = DialTo("unix:" + path);
    EXPECT_EQ(client.Ask(Get("/a")).body, "/a");
    EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
    EXPECT_TRUE(server.Shutdown().ok());
    serving.join();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    EXPECT_NE(::stat(path.c_str(), &file), 0);
    // What a killed server leaves behind.
    sockaddr_un old = {};
    old.sun_family = AF_UNIX;
    path.copy(old.sun_path, sizeof old.sun_path - 1);
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&old), sizeof old), 0);
    ::close(fd);
  }
  ::unlink(path.c_str());
}

// Each loop has a listening socket of its own; closing the one that was given ends all of them.
TEST_F(ServerSocket, AClosedListenerEndsItsServeOnEveryLoop) {
  Server server(Settings());
  auto listener = runtime::Listen("127.0.0.1:0", {.reuse_port = true});
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::string address = (*listener)->address().ToString();
  std::thread serving([&] { EXPECT_TRUE(server.Serve(**listener).ok()); });
  WireClient client = DialTo(address);
  EXPECT_EQ(client.Ask(Get("/a")).body, "/a");
  (*listener)->Close();
  serving.join();
  EXPECT_EQ(client.Ask(Get("/b")).body, "/b");
  EXPECT_FALSE(Dial(address, absl::Now() + absl::Seconds(60), &clients_).ok());
}

// A UNIX socket has one queue. Who answers first holds a loop until somebody else has answered.
TEST_F(ServerSocket, EveryLoopAcceptsFromAListenerThatTheyShare) {
  std::atomic<int> answering{0};
  ServerSettings settings = Settings();
  settings.handler = [&](RequestCtx& ctx) {
    ++answering;
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (answering < 2 && absl::Now() < end) absl::SleepFor(absl::Milliseconds(1));
    ctx.SetBody(absl::StrCat(answering.load()));
  };
  Server server(std::move(settings));
  const std::string address = "unix:" + TempPath("shared");
  ASSERT_TRUE(server.Start(address).ok());
  WireClient first = DialTo(address);
  (void)first.Send(Get("/"));
  ASSERT_TRUE(Eventually([&] { return answering == 1; }));
  WireClient second = DialTo(address);
  EXPECT_EQ(second.Ask(Get("/")).body, "2");
  EXPECT_EQ(first.Read().body, "2");
}

TEST_F(ServerSocket, AShutdownLetsRequestsEndAndServesAgain) {
  Server server(Settings());
  for (int round = 0; round < 2; ++round) {
    absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
    ASSERT_TRUE(address.ok());
    WireClient idle = DialTo(address->ToString());
    EXPECT_EQ(idle.Ask(Get("/a")).body, "/a");
    WireClient busy = DialTo(address->ToString());
    (void)busy.Send(Get("/gone"));
    ASSERT_TRUE(Eventually([&] { return waiting_ == 1; }));
    WireClient short_one = DialTo(address->ToString());
    (void)short_one.Send(Get("/sleep"));
    EXPECT_EQ(ErrcOf(server.Shutdown(absl::Milliseconds(300))), Errc::kTimeout);
    EXPECT_EQ(idle.ReadEnd(), Errc::kOk);
    EXPECT_EQ(busy.Read().errc, Errc::kConnectionReset);
    EXPECT_EQ(ended_.load(), Errc::kDraining);
    EXPECT_EQ(server.GetOpenConnectionsCount(), 0u);
  }
}

// --- What a client's kernel sees --------------------------------------------------------------

// printf '...' | nc -N
TEST_F(ServerSocket, AllRequestsBeforeAnEndAreAnswered) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  for (int i = 0; i < 20; ++i) {
    WireClient client = DialTo(address->ToString());
    (void)client.Send(Get("/sleep") + Get("/2") + Get("/3"));
    client.Finish();
    EXPECT_EQ(client.Read().body, "/sleep");
    EXPECT_EQ(client.Read().body, "/2");
    EXPECT_EQ(client.Read().body, "/3");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  }
}

TEST_F(ServerSocket, AResetAndAnEndCancelTheHandler) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  for (bool reset : {true, false}) {
    ended_.store(Errc::kOk);
    WireClient client = DialTo(address->ToString());
    (void)client.Send(Get("/gone"));
    ASSERT_TRUE(Eventually([&] { return waiting_ == 1; }));
    if (reset) {
      client.conn().Reset();
    } else {
      client.Finish();
      EXPECT_EQ(client.Read().body, "/gone");
      EXPECT_EQ(client.ReadEnd(), Errc::kOk);
    }
    ASSERT_TRUE(Eventually([&] { return waiting_ == 0; }));
    EXPECT_EQ(ended_.load(), Errc::kClientGone);
  }
}

// The error answer is there although the client goes on sending into a connection that is over.
TEST_F(ServerSocket, ARefusedUploadSeesItsAnswerAndNoReset) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  for (int i = 0; i < 20; ++i) {
    WireClient client = DialTo(address->ToString());
    EXPECT_EQ(client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"),
              Errc::kOk);
    for (int j = 0; j < 6; ++j) (void)client.Send(std::string(10'000, 'x'));
    absl::SleepFor(absl::Milliseconds(5));
    WireResponse response = client.Read();
    EXPECT_EQ(response.status, 413) << ErrcName(response.errc);
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  }
}

TEST_F(ServerSocket, ALargeAnswerArrivesWhole) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  WireClient client = DialTo(address->ToString());
  (void)client.Send(Get("/large") + Get("/b"));
  EXPECT_EQ(client.Read().body.size(), size_t{8} << 20);
  EXPECT_EQ(client.Read().body, "/b");
}

// Writing to a peer that has gone raises SIGPIPE unless one asks not to be told.
TEST_F(ServerSocket, ASendToAPeerThatIsGoneIsSurvived) {
  struct sigaction default_action = {};
  struct sigaction before = {};
  default_action.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &default_action, &before);
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  for (int i = 0; i < 20; ++i) {
    WireClient client = DialTo(address->ToString());
    (void)client.Send(Get("/large") + Get("/sleep") + Get("/large"));
    if (i % 2 == 0) client.conn().Reset();
    client.conn().Close();
  }
  EXPECT_TRUE(Eventually([&] { return server.GetOpenConnectionsCount() == 0; }));
  EXPECT_EQ(DialTo(address->ToString()).Ask(Get("/a")).body, "/a");
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_F(ServerSocket, RunningOutOfDescriptorsIsSurvived) {
  Server server(Settings());
  absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  WireClient early = DialTo(address->ToString());
  EXPECT_EQ(early.Ask(Get("/a")).body, "/a");
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // A client's socket while there is room for one, then none for the server's.
  int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(client, 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(address->port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  // Those that are served already are served on, while the new one waits in the kernel's queue.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(early.Ask(Get("/sleep")).body, "/sleep");
  }
  EXPECT_EQ(server.Stats().connections_accepted, 1u);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  const std::string request = Get("/late");
  EXPECT_EQ(::send(client, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  char answer[15] = {};
  EXPECT_EQ(::recv(client, answer, sizeof answer, MSG_WAITALL), 15);
  EXPECT_EQ(std::string_view(answer, 15), "HTTP/1.1 200 OK");
  ::close(client);
}

// A static server is destroyed by exit() on the stack of its own handler.
TEST(ServerSocketDeathTest, AHandlerMayCallExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static Runtime* runtime = new Runtime({.threads = 1});
        static Server server({.handler = [](RequestCtx&) { std::exit(42); }, .runtime = runtime});
        absl::StatusOr<Addr> address = server.Start("127.0.0.1:0");
        absl::StatusOr<BlockingConn> conn =
            Dial(address->ToString(), absl::Now() + absl::Seconds(60), runtime);
        (void)conn->Write(Get("/"));
        for (;;) absl::SleepFor(absl::Seconds(1));
      },
      ::testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace fasthttp
