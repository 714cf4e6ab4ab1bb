// TLSConn as a transport: what every Conn must do, over sockets and pipes; and what only TLS has:
// the two ways to end, records and short sends.
#include "fasthttp/tls_conn.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/conn.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_certificate.h"
#include "testing/tls_pair.h"
#include "testing/transport_suite.h"
#include "util/inmemory_listener.h"
#include "util/pipe_conns.h"

namespace fasthttp {
namespace {

using fasthttptest::ConnectedPair;
using fasthttptest::SimRuntime;
using fasthttptest::Transport;
using fasthttptest::TransportSuite;
using runtime::Loop;

TLSConfig ServerConfig(TLSSettings settings = {}) {
  static const auto* const cert = new fasthttptest::TestCertificate(
      fasthttptest::GenerateTestCertificate({.hosts = {"pair.test"}}));
  TLSConfig config(std::move(settings));
  EXPECT_TRUE(config.AppendCertPEM(cert->cert_pem, cert->key_pem).ok());
  return config;
}

ClientTLSConfig AnyServer(TLSVersion max = TLSVersion::kTLS13) {
  return ClientTLSConfig({.max_version = max, .dangerously_accept_any_certificate = true});
}

// --- The suite of all transports --------------------------------------------------------------

// `near` is a server's end and comes from a TLSListener: with an endpoint that the handshake has
// not seen. `far` is a client's, whose endpoint stayed the same.
void Connect(Runtime& runtime, Listener& inner, TLSVersion version,
             std::function<absl::StatusOr<BlockingConn>()> dial, ConnectedPair& into) {
  TLSListener listener(inner, ServerConfig());
  runtime::TaskList tasks;
  Loop& second = runtime.loop(1);
  runtime.RunOn(second, [&] {
    tasks.Spawn(second, [&](Loop&) {
      absl::StatusOr<BlockingConn> conn = dial();
      ASSERT_TRUE(conn.ok()) << conn.status();
      std::string detail;
      EXPECT_EQ(testing::ClientHandshake(*conn, AnyServer(version), "pair.test", detail), Errc::kOk)
          << detail;
      into.far = *std::move(conn);
    });
  });
  runtime.RunOn(runtime.loop(0), [&] {
    absl::StatusOr<BlockingConn> conn = Accept(listener);
    ASSERT_TRUE(conn.ok()) << conn.status();
    into.near = *std::move(conn);
  });
  runtime.RunOn(second, [&] {
    while (!tasks.AllDone()) second.Yield();
  });
}

template <TLSVersion version>
void OverTcp(Runtime& runtime, ConnectedPair& into) {
  auto listener = runtime::Listen("127.0.0.1:0");
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::string to = (*listener)->address().ToString();
  Connect(runtime, **listener, version, [&] { return Dial(to); }, into);
}

template <TLSVersion version>
void OverPipe(Runtime& runtime, ConnectedPair& into) {
  fasthttputil::InmemoryListener listener(&runtime);
  Connect(runtime, listener, version, [&] { return listener.Dial(); }, into);
}

const Transport kTransports[] = {
    {"Tls13OverTcp", &OverTcp<TLSVersion::kTLS13>},
    {"Tls12OverTcp", &OverTcp<TLSVersion::kTLS12>},
    {"Tls13OverPipe", &OverPipe<TLSVersion::kTLS13>},
    {"Tls12OverPipe", &OverPipe<TLSVersion::kTLS12>},
};

INSTANTIATE_TEST_SUITE_P(Tls, TransportSuite, ::testing::ValuesIn(kTransports),
                         [](const auto& info) { return info.param.name; });

// --- What only TLS has ------------------------------------------------------------------------

// A connection in virtual time: `client` speaks TLS over a pipe whose other end is `server`.
class TLSPair : public ::testing::Test {
 protected:
  void Connect(TLSVersion version = TLSVersion::kTLS13) {
    sim_.Run([&] {
      fasthttputil::PipeConns pipe(&sim_);
      client_ = std::move(pipe.conn1());
      server_ = std::move(pipe.conn2());
      Loop& loop = *Loop::Current();
      auto& task = tasks_.Spawn(loop, [&](Loop&) {
        EXPECT_EQ(testing::ServerHandshake(server_, ServerConfig()), Errc::kOk);
      });
      std::string detail;
      EXPECT_EQ(testing::ClientHandshake(client_, AnyServer(version), "pair.test", detail),
                Errc::kOk)
          << detail;
      while (!task.done) loop.Yield();
    });
  }
  void TearDown() override {
    sim_.Run([&] {
      client_.Close();
      server_.Close();
    });
  }
  // What lies below.
  static Conn& Inner(BlockingConn& conn) {
    return static_cast<TLSConn*>(conn.endpoint()->conn)->inner();
  }
  static Conn& Outer(BlockingConn& conn) { return *conn.endpoint()->conn; }

  SimRuntime sim_;
  runtime::TaskList tasks_;
  BlockingConn client_, server_;
};

TEST_F(TLSPair, CloseNotifyIsTheEndOfTheStream) {
  Connect();
  sim_.Run([&] {
    EXPECT_EQ(client_.Write("last"), Errc::kOk);
    client_.Close();
    char buffer[10];
    EXPECT_EQ(server_.Read(buffer).bytes(), 4u);
    IoResult end = server_.Read(buffer);
    EXPECT_TRUE(end.ok());
    EXPECT_EQ(end.bytes(), 0u);
  });
}

TEST_F(TLSPair, AnEndWithoutCloseNotifyIsATruncation) {
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    Connect(version);
    sim_.Run([&] {
      EXPECT_EQ(client_.Write("last"), Errc::kOk);
      Inner(client_).ShutdownWrite();
      char buffer[10];
      EXPECT_EQ(server_.Read(buffer).bytes(), 4u);
      EXPECT_EQ(server_.Read(buffer).errc(), Errc::kUnexpectedEof);
      EXPECT_EQ(server_.Read(buffer).errc(), Errc::kUnexpectedEof);
      client_.Close();
      server_.Close();
    });
  }
}

TEST_F(TLSPair, AResetIsOne) {
  Connect();
  sim_.Run([&] {
    client_.Reset();
    char buffer[10];
    EXPECT_EQ(server_.Read(buffer).errc(), Errc::kConnectionReset);
  });
}

TEST_F(TLSPair, AChangedByteEndsTheConnection) {
  Connect();
  sim_.Run([&] {
    std::string record = "\x17\x03\x03\x00\x20";
    record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    iovec piece = {record.data(), record.size()};
    ASSERT_EQ(Inner(client_).TrySend({&piece, 1}).bytes(), record.size());
    char buffer[10];
    EXPECT_EQ(server_.Read(buffer).errc(), Errc::kTlsProtocol);
    EXPECT_EQ(server_.Read(buffer).errc(), Errc::kTlsProtocol);
    // The other side is told.
    EXPECT_EQ(client_.Read(buffer).errc(), Errc::kTlsAlert);
  });
}

TEST_F(TLSPair, ACloseNotifyIsNothingToBeRead) {
  Connect();
  sim_.Run([&] {
    EXPECT_FALSE(Outer(server_).HasUnread());
    EXPECT_EQ(client_.Write("x"), Errc::kOk);
    EXPECT_TRUE(Outer(server_).HasUnread());
    char byte;
    EXPECT_EQ(server_.Read({&byte, 1}).bytes(), 1u);
    client_.CloseWrite();
    EXPECT_TRUE(Inner(server_).HasUnread());
    EXPECT_FALSE(Outer(server_).HasUnread());
    EXPECT_EQ(server_.Read({&byte, 1}).bytes(), 0u);
    // Half-closed: the other direction goes on.
    EXPECT_EQ(server_.Write("y"), Errc::kOk);
    EXPECT_EQ(client_.Read({&byte, 1}).bytes(), 1u);
  });
}

// A read that fills its room leaves the rest for the next one, wherever that is kept.
TEST_F(TLSPair, ReadsOfAnySizeLoseNothing) {
  if (base::chaos_enabled) GTEST_SKIP() << "writes in pieces fill the pipe, and nobody reads yet";
  Connect();
  std::string sent;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&sent, i, ",");
  for (size_t size : {1u, 2u, 3u, 5u, 7u, 100u, 1000u, 4091u, 4096u, 9000u}) {
    sim_.Run([&] {
      // Several records in the pipe at once.
      for (size_t at = 0; at < sent.size(); at += 3000) {
        ASSERT_EQ(client_.Write(std::string_view(sent).substr(at, 3000)), Errc::kOk);
      }
      std::string got;
      std::vector<char> room(size);
      while (got.size() < sent.size()) {
        IoResult n = Outer(server_).TryRecv(room);
        ASSERT_TRUE(n.ok()) << got.size();
        ASSERT_NE(n.bytes(), 0u);
        got.append(room.data(), n.bytes());
      }
      EXPECT_EQ(got, sent);
      EXPECT_TRUE(Outer(server_).TryRecv(room).again());
    });
  }
}

TEST_F(TLSPair, SmallPiecesShareARecord) {
  if (base::chaos_enabled) GTEST_SKIP() << "chaos cuts reads";
  Connect();
  sim_.Run([&] {
    std::string head(300, 'h'), body(400, 'b'), tail(500, 't');
    iovec pieces[] = {{head.data(), head.size()},
                      {nullptr, 0},
                      {body.data(), body.size()},
                      {tail.data(), tail.size()}};
    EXPECT_EQ(Outer(client_).TrySend(pieces).bytes(), 1200u);
    // One header and one tag, and the content type.
    char raw[2000];
    EXPECT_EQ(Inner(server_).TryRecv(raw).bytes(), 1200u + 5 + 16 + 1);
  });
}

// --- Sends that the transport takes in part ---------------------------------------------------

// A TLSConn as a client whose handshake is not needed: what is sent is looked at below it.
class TLSShortSends : public TLSPair {};

TEST_F(TLSShortSends, TheRestOfARecordGoesOutFirst) {
  Connect();
  sim_.Run([&] {
    Conn& out = Outer(client_);
    std::string sent;
    // The pipe takes 64 KiB.
    const std::string block(10'000, 'a');
    IoResult result = IoResult::Bytes(0);
    for (int i = 0; i < 100; ++i) {
      iovec piece = {const_cast<char*>(block.data()), block.size()};
      result = out.TrySend({&piece, 1});
      if (!result.ok()) break;
      sent.append(block, 0, result.bytes());
      if (result.bytes() < block.size()) break;
    }
    ASSERT_TRUE(result.ok());
    EXPECT_LT(result.bytes(), block.size());
    EXPECT_TRUE(static_cast<TLSConn&>(out).HasOutput());
    EXPECT_GT(out.Unsent(), 0u);
    iovec more = {const_cast<char*>("aZ"), 2};
    EXPECT_TRUE(out.TrySend({&more, 1}).again());

    // The reader makes room: what was not taken begins with the byte that was held back.
    std::string got;
    std::vector<char> room(20'000);
    auto drain = [&] {
      for (IoResult n = IoResult::Bytes(0); (n = Outer(server_).TryRecv(room)).ok();) {
        got.append(room.data(), n.bytes());
      }
    };
    drain();
    EXPECT_EQ(out.TrySend({&more, 1}).bytes(), 2u);
    sent += "aZ";
    drain();
    EXPECT_EQ(got, sent);
    EXPECT_FALSE(static_cast<TLSConn&>(out).HasOutput());
  });
}

TEST_F(TLSShortSends, OtherBytesThanThoseHeldBackAreRefused) {
  Connect();
  sim_.Run([&] {
    Conn& out = Outer(client_);
    const std::string block(200'000, 'a');
    iovec piece = {const_cast<char*>(block.data()), block.size()};
    ASSERT_LT(out.TrySend({&piece, 1}).bytes(), block.size());
    std::vector<char> room(20'000);
    while (Outer(server_).TryRecv(room).ok()) continue;
    iovec other = {const_cast<char*>("b"), 1};
    EXPECT_EQ(out.TrySend({&other, 1}).errc(), Errc::kIo);
    EXPECT_EQ(out.TrySend({&piece, 1}).errc(), Errc::kIo);
  });
}

}  // namespace
}  // namespace fasthttp
