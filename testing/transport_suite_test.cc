#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "fasthttp/error.h"
#include "fasthttp/runtime/socket.h"
#include "testing/transport_suite.h"
#include "util/inmemory_listener.h"
#include "util/pipe_conns.h"

namespace fasthttptest {
namespace {

using fasthttp::Accept;
using fasthttp::BlockingConn;
using fasthttp::Dial;
using fasthttp::Errc;
using fasthttp::Listener;
using fasthttp::Runtime;

void Take(absl::StatusOr<BlockingConn> conn, BlockingConn& into) {
  ASSERT_TRUE(conn.ok()) << conn.status();
  into = *std::move(conn);
}

void ConnectThrough(const std::string& address, Runtime& runtime, ConnectedPair& into) {
  auto listener = fasthttp::runtime::Listen(address);
  ASSERT_TRUE(listener.ok()) << listener.status();
  const fasthttp::Addr bound = (*listener)->address();
  const std::string to = (bound.network() == "unix" ? "unix:" : "") + bound.ToString();
  runtime.RunOn(runtime.loop(0),
                [&] { Take(Dial(to, absl::InfiniteFuture(), &runtime), into.near); });
  runtime.RunOn(runtime.loop(1), [&] { Take(Accept(**listener), into.far); });
}

void ConnectTcp(Runtime& runtime, ConnectedPair& into) {
  ConnectThrough("127.0.0.1:0", runtime, into);
}

void ConnectTcp6(Runtime& runtime, ConnectedPair& into) {
  ConnectThrough("[::1]:0", runtime, into);
}

void ConnectUnix(Runtime& runtime, ConnectedPair& into) {
  // Not below TempDir(): a socket's path has 107 bytes at most.
  char directory[] = "/tmp/fasthttpXXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  ConnectThrough(std::string("unix:") + directory + "/s", runtime, into);
  ::rmdir(directory);
}

void ConnectPipe(Runtime& runtime, size_t far_loop, ConnectedPair& into) {
  fasthttputil::PipeConns pipe(runtime.loop(0), runtime.loop(far_loop));
  into.near = std::move(pipe.conn1());
  into.far = std::move(pipe.conn2());
}

void ConnectInmemory(Runtime& runtime, ConnectedPair& into) {
  fasthttputil::InmemoryListener listener(&runtime);
  fasthttp::runtime::TaskList tasks;
  fasthttp::runtime::Loop& second = runtime.loop(1);
  runtime.RunOn(second, [&] {
    tasks.Spawn(second, [&](fasthttp::runtime::Loop&) { Take(Accept(listener), into.far); });
  });
  runtime.RunOn(runtime.loop(0), [&] { Take(listener.Dial(), into.near); });
  runtime.RunOn(second, [&] {
    while (!tasks.AllDone()) second.Yield();
  });
}

const Transport kTransports[] = {
    {"Tcp", &ConnectTcp},
    {"Tcp6", &ConnectTcp6},
    {"Unix", &ConnectUnix, 64 << 20, /*tells_resets=*/false},
    {"PipeOnOneLoop", [](Runtime& runtime, ConnectedPair& into) { ConnectPipe(runtime, 0, into); }},
    {"PipeAcrossLoops",
     [](Runtime& runtime, ConnectedPair& into) { ConnectPipe(runtime, 1, into); }},
    {"InmemoryListener", &ConnectInmemory},
};

INSTANTIATE_TEST_SUITE_P(All, TransportSuite, testing::ValuesIn(kTransports),
                         [](const auto& info) { return info.param.name; });

// --- What only dialling sockets has -------------------------------------------------------------

TEST(DialTest, NobodyListens) {
  Runtime runtime({.threads = 1});
  auto listener = fasthttp::runtime::Listen("127.0.0.1:0");
  ASSERT_TRUE(listener.ok());
  const std::string address = (*listener)->address().ToString();
  listener->reset();
  absl::StatusOr<BlockingConn> conn = Dial(address, absl::InfiniteFuture(), &runtime);
  EXPECT_EQ(fasthttp::ErrcOf(conn.status()), Errc::kConnectionRefused);
  conn = Dial("unix:/nonexistent/socket", absl::InfiniteFuture(), &runtime);
  EXPECT_EQ(fasthttp::ErrcOf(conn.status()), Errc::kBadAddress);
}

TEST(DialTest, AddressesThatDoNotParse) {
  for (const char* bad : {"", "localhost", "127.0.0.1:99999", "unix:", "[::1]"}) {
    EXPECT_EQ(fasthttp::ErrcOf(Dial(bad).status()), Errc::kBadAddress) << bad;
  }
}

TEST(DialTest, ADeadlineThatHasPassed) {
  Runtime runtime({.threads = 1});
  // Nothing answers there (RFC 5737), or the machine says so at once.
  absl::StatusOr<BlockingConn> conn =
      Dial("192.0.2.1:9", absl::Now() + absl::Milliseconds(20), &runtime);
  EXPECT_FALSE(conn.ok());
}

TEST(AcceptTest, CloseEndsIt) {
  Runtime runtime({.threads = 1});
  auto listener = fasthttp::runtime::Listen("127.0.0.1:0");
  ASSERT_TRUE(listener.ok());
  fasthttp::runtime::TaskList tasks;
  fasthttp::runtime::Loop& loop = runtime.loop(0);
  Errc errc = Errc::kOk;
  runtime.Run([&] {
    auto& task = tasks.Spawn(loop, [&](fasthttp::runtime::Loop&) {
      errc = fasthttp::ErrcOf(Accept(**listener).status());
    });
    while (task.wait == nullptr) loop.Yield();
    (*listener)->Close();
    while (!task.done) loop.Yield();
  });
  EXPECT_EQ(errc, Errc::kListenerClosed);
}

// Else a second small write would wait for the peer's acknowledgement of the first (RFC 896).
TEST(AcceptTest, AcceptedSocketsDoNotDelay) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    Runtime runtime({.threads = 1});
    auto listener = fasthttp::runtime::Listen(address);
    if (!listener.ok() && address[0] == '[') continue;  // A machine without IPv6.
    ASSERT_TRUE(listener.ok()) << listener.status();
    BlockingConn dialled;
    Take(Dial((*listener)->address().ToString(), absl::InfiniteFuture(), &runtime), dialled);
    fasthttp::Accepted accepted;
    ASSERT_EQ((*listener)->TryAccept(accepted), Errc::kOk);
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    EXPECT_EQ(::getsockopt(accepted.fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    EXPECT_NE(no_delay, 0) << address;
    ::close(accepted.fd);
  }
}

TEST(BlockingConnTest, AClosedOneAnswersSo) {
  BlockingConn conn;
  char byte;
  EXPECT_EQ(conn.Read({&byte, 1}).errc(), Errc::kConnectionClosed);
  EXPECT_EQ(conn.ReadFull({&byte, 1}), Errc::kConnectionClosed);
  EXPECT_EQ(conn.Write("x"), Errc::kConnectionClosed);
  conn.SetDeadline(absl::Now());
  conn.CloseWrite();
  conn.Close();
  EXPECT_EQ(conn.LocalAddr().ToString(), "");
  EXPECT_FALSE(conn.is_open());
}

TEST(BlockingConnTest, MovesItsConnection) {
  Runtime runtime({.threads = 1});
  fasthttputil::PipeConns pipe(&runtime);
  BlockingConn moved = std::move(pipe.conn1());
  EXPECT_FALSE(pipe.conn1().is_open());
  EXPECT_EQ(moved.Write("x"), Errc::kOk);
  EXPECT_EQ(moved.Write({}), Errc::kOk);
  EXPECT_TRUE(pipe.conn2().Read({}).ok());
  char byte = ' ';
  EXPECT_EQ(pipe.conn2().ReadFull({&byte, 1}), Errc::kOk);
  moved = BlockingConn();
  EXPECT_EQ(pipe.conn2().Read({&byte, 1}).bytes(), 0u);
}

}  // namespace
}  // namespace fasthttptest
